/**
 * Goal: `rtt scan` and `rtt ls` do what a person needs, with exit codes and one line of JSON.
 * Method: the whole command line on a folder of real tools' files, each answer, exit code and registry judged.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCli } from "../../../../host/node/cli.ts";
import { temporaryFolder } from "../../../support/ports.ts";
import { SECRET, TOOL_FILES, toolFolder, writeTree } from "../../../support/tool-folders.ts";

interface ScanAnswer {
  readonly symbols: readonly { readonly address: string; readonly id: string }[];
  readonly problems: readonly { readonly rule: string; readonly path: string }[];
  readonly registered: {
    readonly added: readonly string[];
    readonly changed: readonly string[];
    readonly unchanged: number;
  } | null;
  readonly stats: { readonly read: number };
}

/** A person in a project with files of every tool. */
class Person {
  readonly project = toolFolder();
  readonly home = join(temporaryFolder(), "home");

  async run(...words: string[]) {
    let [out, err] = ["", ""];
    const code = await runCli(words, {
      environment: { RTT_HOME: this.home, RTT_PROJECT: this.project },
      writeOut: (text) => (out += text),
      writeError: (text) => (err += text),
    });
    return { code, out, err };
  }

  async json<T>(...words: string[]): Promise<T> {
    const { code, out, err } = await this.run(...words, "--json");
    if (code !== 0) throw new Error(`${words.join(" ")} ended with ${code}: ${err}`);
    expect(out.trimEnd()).not.toContain("\n");
    return JSON.parse(out) as T;
  }
}

test("a scan registers each symbol once, signed, and a second one changes nothing", async () => {
  const person = new Person();
  expect((await person.run("init", person.project)).code).toBe(0);
  const first = await person.json<ScanAnswer>("scan");
  expect(first.problems).toEqual([]);
  expect(first.registered?.added).toEqual(first.symbols.map(({ address }) => address));
  const listed = await person.json<{ symbols: { address: string; id: string }[] }>("ls");
  expect(listed.symbols.map(({ address, id }) => [address, id])).toEqual(
    first.symbols.map(({ address, id }) => [address, id]),
  );
  expect((await person.run("fsck")).code).toBe(0);
  const second = await person.json<ScanAnswer>("scan");
  expect(second.stats.read).toBe(0);
  const unchanged = first.symbols.length;
  expect(second.registered).toMatchObject({ added: [], changed: [], unchanged, vanished: [] });
});

test("the bytes of skills and rules are in the registry, and no secret is anywhere below .rtt", async () => {
  const person = new Person();
  await person.run("init", person.project);
  await person.run("scan");
  const objects = join(person.project, ".rtt/registry/cas/sha256");
  const blobs = readdirSync(objects).filter((name) => name.endsWith(".blob"));
  const texts = blobs.map((name) => readFileSync(join(objects, name), "utf8")).sort();
  // What the scan remembers of files is bytes too.
  expect(texts.filter((text) => !text.includes("symbol-sources"))).toEqual(
    [
      TOOL_FILES["AGENTS.md"],
      TOOL_FILES[".cursor/rules/style.mdc"],
      TOOL_FILES[".claude/skills/pdf/SKILL.md"],
      TOOL_FILES[".claude/skills/pdf/scripts/read.py"],
    ].sort(),
  );
  const files = readdirSync(join(person.project, ".rtt"), { recursive: true, withFileTypes: true });
  const read = files.filter((file) => file.isFile());
  expect(read.length).toBeGreaterThan(20);
  for (const file of read) {
    expect(readFileSync(join(file.parentPath, file.name), "utf8")).not.toContain(SECRET);
  }
});

test("a changed file is another object at the same address", async () => {
  const person = new Person();
  await person.run("init", person.project);
  const before = await person.json<ScanAnswer>("scan");
  writeTree(person.project, { "AGENTS.md": "# Rules\n\nBe kind.\n" }, 1_700_000_100_000);
  const after = await person.json<ScanAnswer>("scan");
  expect(after.registered?.changed).toEqual(["rtt://local/rule/agents@1.0.0"]);
  const idOf = ({ symbols }: ScanAnswer) =>
    symbols.find(({ address }) => address.includes("/rule/agents@"))?.id;
  expect(idOf(after)).not.toBe(idOf(before));
});

test("bad files are told, hinder no other, and are an exit code only when that is asked for", async () => {
  const person = new Person();
  await person.run("init", person.project);
  writeFileSync(join(person.project, ".mcp.json"), '{"mcpServers": {\n"a": {}}}');
  const { symbols, problems } = await person.json<ScanAnswer>("scan");
  expect(symbols.length).toBeGreaterThan(10);
  expect(problems).toMatchObject([{ rule: "field-missing", line: 2 }]);
  const shown = await person.run("ls", "problems");
  expect(shown.code).toBe(0);
  expect(shown.out).toContain(".mcp.json:2: field-missing: ");
  expect((await person.run("scan", "--strict")).code).toBe(2);
  expect(await person.json("ls", "problems")).toEqual({ problems });
});

test("nothing is registered when that is asked for, and the cache makes no difference", async () => {
  const person = new Person();
  await person.run("init", person.project);
  const { registered, symbols } = await person.json<ScanAnswer>("scan", "--no-register");
  expect(registered).toBeNull();
  expect(await person.json("ls", "symbols")).toEqual({ symbols: [] });
  expect((await person.json<ScanAnswer>("scan", "--full")).symbols).toEqual(symbols);
});

test("what was applied is found again by nobody, not even when power is lost before the flip", async () => {
  const person = new Person();
  await person.run("init", person.project);
  const first = await person.json<ScanAnswer>("scan");
  await person.json("plan");
  await person.json("apply");
  const unchanged = first.symbols.length;
  const nothing = { added: [], changed: [], unchanged, vanished: [] };
  const after = await person.json<ScanAnswer>("scan");
  expect([after.registered, after.problems]).toMatchObject([nothing, []]);
  expect(after.symbols.map(({ address, id }) => [address, id])).toEqual(
    first.symbols.map(({ address, id }) => [address, id]),
  );
  // As the disk is when the files of a first change are shown and nothing says yet that they are.
  rmSync(join(person.project, ".rtt/generation.dsse.json"));
  rmSync(join(person.project, ".rtt/wal"), { recursive: true });
  const between = await person.json<ScanAnswer>("scan");
  expect([between.registered, between.problems]).toMatchObject([nothing, []]);
  expect(between.symbols).toEqual(after.symbols);
});

test("wrong words, a project that is not there, and help", async () => {
  const person = new Person();
  expect((await person.run("ls", "everything")).code).toBe(2);
  const { code, err } = await person.run("scan");
  expect([code, err]).toEqual([12, expect.stringContaining("rtt init") as string]);
  for (const verb of ["scan", "ls"]) {
    const help = await person.run(verb, "--help");
    expect(help.code).toBe(0);
    expect(help.out).toContain("--json");
  }
});
