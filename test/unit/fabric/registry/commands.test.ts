/**
 * Goal: `rtt init`, `registry`, `fsck` and `export` do what a person needs, with exit codes and one line of JSON.
 * Method: the whole command line on real folders, each answer and exit code judged.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCli } from "../../../../host/node/cli.ts";
import { nodeFiles } from "../../../../host/node/files.ts";
import { findProject } from "../../../../host/node/project.ts";
import { MemoryFiles } from "../../../support/memory-files.ts";
import { failureCode, temporaryFolder } from "../../../support/ports.ts";
import { writePublished } from "../../../support/published-registry.ts";

interface Answer {
  readonly code: number;
  readonly value: Record<string, unknown>;
  readonly text: string;
  /** The code of the failure, or null. */
  readonly failure: string | null;
}

/** A person with a state folder and a project. */
class Person {
  readonly root = temporaryFolder();
  readonly project = join(this.root, "project");
  readonly registry = join(this.project, ".rtt/registry");
  home = join(this.root, "home");

  async run(...words: string[]): Promise<Answer> {
    const { code, out, err } = await this.raw(...words, "--json");
    const failure = err === "" ? null : (JSON.parse(err) as { error: { code: string } }).error.code;
    const value = out === "" ? {} : (JSON.parse(out) as Record<string, unknown>);
    return { code, value, text: out, failure };
  }

  async raw(...words: string[]) {
    let [out, err] = ["", ""];
    const code = await runCli(words, {
      environment: { RTT_HOME: this.home, RTT_PROJECT: this.project },
      writeOut: (text) => (out += text),
      writeError: (text) => (err += text),
    });
    return { code, out, err };
  }

  /** The published registry on disk. */
  async published(): Promise<string> {
    const folder = join(this.root, "published");
    const memory = new MemoryFiles();
    writePublished(memory, folder);
    for (const [path, bytes] of memory.all) {
      mkdirSync(join(path, ".."), { recursive: true });
      await nodeFiles.write(path, bytes, 0o644);
    }
    return folder;
  }
}

async function personWithAgents(): Promise<Person> {
  const person = new Person();
  await person.run("init", person.project);
  const { code } = await person.run("registry", "import", await person.published(), "--vouch");
  expect(code).toBe(0);
  return person;
}

test("init makes a project once, with an identity where there was none", async () => {
  const person = new Person();
  const first = await person.run("init", person.project);
  expect(first).toMatchObject({ code: 0, value: { project: person.project, isNew: true } });
  expect(first.value["signer"]).toMatch(/^z6Mk/);
  const panel = join(person.project, ".rtt/panel.yaml");
  writeFileSync(panel, "security: { allow_unsigned: [] }\n");
  const second = await person.run("init", person.project);
  expect(second).toMatchObject({ code: 0, value: { ...first.value, isNew: false } });
  expect((await person.run("fsck")).value).toMatchObject({ ok: true, objects: 0 });
  expect((await person.run("registry", "signers")).value).toMatchObject({
    version: 1,
    trusted: [first.value["signer"]],
  });
  expect((await person.raw("init", person.project)).out).toMatch(/was there already/);
});

test("a project is found from any folder in it, and a state folder is none", async () => {
  const person = new Person();
  await person.run("init", person.project);
  const deep = join(person.project, "a/b/c");
  mkdirSync(deep, { recursive: true });
  expect(findProject(deep).root).toBe(person.project);
  expect(await failureCode(() => findProject(person.root))).toBe("file-missing");
  rmSync(join(person.project, ".rtt/panel.yaml"));
  expect(await person.run("fsck")).toMatchObject({ code: 12, failure: "file-missing" });
});

test("wrong settings are named before anything starts", async () => {
  const person = new Person();
  await person.run("init", person.project);
  writeFileSync(join(person.project, ".rtt/panel.yaml"), "scan: 1\n");
  expect(await person.run("fsck")).toMatchObject({ code: 2, failure: "config-invalid" });
});

test("the published registry is imported, packed and exported", async () => {
  const person = await personWithAgents();
  const again = new Person();
  await again.run("init", again.project);
  const folder = await again.published();
  expect(await again.run("registry", "import", folder)).toMatchObject({
    code: 7,
    failure: "signature-missing",
  });
  expect((await person.run("registry", "pack")).value).toMatchObject({ agents: 3 });
  const oci = join(person.root, "oci");
  const exported = await person.run("export", "--oci", oci);
  expect(exported).toMatchObject({ code: 0, value: { folder: oci, objects: 5 } });
  expect(readdirSync(oci)).toEqual(["blobs", "index.json", "oci-layout"]);
  expect(await again.run("registry", "import", oci)).toMatchObject({
    code: 7,
    failure: "signer-untrusted",
  });
  const { key } = (await person.run("id")).value as { key: string };
  expect((await again.run("registry", "trust", key)).code).toBe(0);
  const taken = await again.run("registry", "import", oci);
  expect(taken.value["imported"]).toHaveLength(5);
  expect((await again.run("registry", "revoke", key, "--reason", "left")).code).toBe(0);
  expect(await again.run("fsck")).toMatchObject({ code: 7, value: { ok: false } });
  const signers = await again.raw("registry", "signers");
  expect(signers.out).toMatch(new RegExp(`revoked  ${key}  left`));
});

test("fsck ends with 7 for rot, and with 0 once it is mended", async () => {
  const person = await personWithAgents();
  await person.run("registry", "pack");
  const cas = join(person.registry, "cas/sha256");
  const [name = ""] = readdirSync(cas).filter((file) => file.startsWith("997752be"));
  chmodSync(join(cas, name.replace(/\..*/, ".json")), 0o644);
  writeFileSync(join(cas, name.replace(/\..*/, ".json")), "rot");
  expect(await person.run("fsck", "--dry-run")).toMatchObject({ code: 7, value: { ok: false } });
  const { out, code } = await person.raw("fsck");
  expect(code).toBe(7);
  expect(out).toMatch(/object-corrupt {2}cas\/sha256\/997752be\w+\.json: .* \(restored\)/);
  expect(readdirSync(join(person.registry, "quarantine"))).toHaveLength(1);
  expect(await person.run("fsck")).toMatchObject({ code: 0, value: { ok: true, symbols: 5 } });
});

test("garbage is told and removed, young one kept", async () => {
  const person = await personWithAgents();
  const stray = join(person.registry, "cas/sha256", `${"0".repeat(64)}.dsse`);
  writeFileSync(stray, "");
  expect((await person.raw("fsck")).out).toMatch(/1 leftovers/);
  expect((await person.run("registry", "gc")).value).toEqual({ removed: [], isDry: false });
  const dry = await person.run("registry", "gc", "--grace", "0", "--dry-run");
  expect(dry.value["removed"]).toHaveLength(1);
  expect(existsSync(stray)).toBe(true);
  expect((await person.raw("registry", "gc", "--grace", "0")).out).toMatch(/1 objects removed/);
  expect(existsSync(stray)).toBe(false);
  expect(await person.run("registry", "gc", "--grace", "soon")).toMatchObject({ code: 2 });
});

test("a new identity takes over what the old one has signed", async () => {
  const person = await personWithAgents();
  const old = join(person.home, "identity.json");
  person.home = join(person.root, "new-home");
  await person.run("id", "new");
  expect(await person.run("fsck")).toMatchObject({ code: 7, value: { ok: false } });
  const rotated = await person.run("registry", "rotate", old);
  expect(rotated).toMatchObject({ code: 0, value: { signatures: 5 } });
  expect(await person.run("fsck")).toMatchObject({ code: 0, value: { ok: true, symbols: 5 } });
});

test("what is missing or wrong on the command line is usage", async () => {
  const person = await personWithAgents();
  expect(await person.run("export")).toMatchObject({ code: 2, failure: "argument-invalid" });
  expect(await person.run("registry", "trust", "nobody")).toMatchObject({ code: 2 });
  expect((await person.raw("registry", "revoke", "x")).code).toBe(2);
  expect(await person.run("registry", "import", join(person.root, "nowhere"))).toMatchObject({
    code: 12,
    failure: "file-missing",
  });
  for (const words of [["init"], ["fsck"], ["export"], ["registry"], ["registry", "import"]]) {
    expect((await person.raw(...words, "--help")).code).toBe(0);
  }
});
