/**
 * Goal: `rtt apply`, `rollback`, `log` and `audit` do what a person needs, with exit codes and one line of JSON, on
 * real folders and as processes beside each other.
 * Method: the whole command line on a project with files of every tool, each answer and every file judged.
 */
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import { expect, test } from "vitest";
import { type AppliedAnswer, Person, type VerifyAnswer } from "./project-world.ts";

/** Every file of the project outside `.rtt`, or in a folder of it, by its bytes. */
function filesIn(person: Person, folder = ""): Record<string, string> {
  const root = person.path(folder);
  const paths = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => folder !== "" || !path.startsWith(person.path(".rtt")));
  return Object.fromEntries(
    paths.map((path) => [relative(root, path), readFileSync(path, "base64")]).sort(),
  );
}

test("a plan is applied, again without effect, rolled back to the byte, and all of it is in the log", async () => {
  const person = await Person.create();
  const untouched = filesIn(person);
  await person.json("plan");
  const before = filesIn(person, ".rtt");
  const dry = await person.json<{ generation: number; files: object[]; stale: string[] }>(
    "apply",
    "--dry-run",
  );
  expect(dry).toMatchObject({ generation: 1, stale: [] });
  expect(filesIn(person, ".rtt")).toEqual(before);
  expect(filesIn(person)).toEqual(untouched);

  const first = await person.json<AppliedAnswer>("apply");
  expect(first).toMatchObject({ generation: 1, isNew: true });
  expect(first.root).toMatch(/^[0-9a-f]{64}$/);
  expect(first.files).toEqual(dry.files);
  expect(first.participants).toContain("registry");
  expect(first.participants).toContain("view:cursor");
  const shown = filesIn(person);
  expect(await person.json<AppliedAnswer>("apply")).toMatchObject({ generation: 1, isNew: false });
  // It has not looked at the files, so it promises nothing of them.
  expect((await person.run("apply")).out).toBe(
    "Nothing to do: generation 1 is in force already; `rtt view status` tells whether it is still shown\n",
  );
  expect((await person.run("view", "status")).code).toBe(0);

  person.addAgent("tester");
  const second = await person.change();
  expect(second.generation).toBe(2);
  expect(second.files.map(({ path }) => path)).toContain(".cursor/agents/tester.md");
  expect(await person.json("rollback", "--dry-run")).toMatchObject({ generation: 3, restores: 1 });
  expect(await person.json("rollback")).toMatchObject({ generation: 3, restores: 1 });
  rmSync(person.path(".claude/agents/tester.md"));
  expect(filesIn(person)).toEqual(shown);
  expect(await person.json("rollback")).toMatchObject({ generation: 4, restores: 0 });
  expect(filesIn(person)).toEqual(untouched);
  expect(await person.failure("rollback")).toMatchObject({ exit: 12, code: "generation-missing" });
  expect(await person.failure("rollback", "4")).toMatchObject({ code: "generation-missing" });
  expect(await person.failure("rollback", "x")).toMatchObject({ exit: 2 });
  expect(await person.json("rollback", "2")).toMatchObject({ generation: 5, restores: 2 });
  expect((await person.run("view", "status")).code).toBe(0);

  const log = await person.json<VerifyAnswer>("log", "verify");
  expect(log).toMatchObject({ ok: true, entries: 15, isOpen: false });
  const { changes } = await person.json<{ changes: { purpose: string }[] }>("log");
  expect(changes.map(({ purpose }) => purpose)).toEqual([
    "plan",
    "plan",
    "rollback",
    "rollback",
    "rollback",
  ]);
  expect((await person.run("log", "verify")).out).toContain("everything holds");
  expect((await person.run("log")).out.trim().split("\n")).toHaveLength(5);
});

test("the audit tells who changed what, and finds it by symbol, route, file, time and outcome", async () => {
  const person = await Person.create();
  expect((await person.run("audit")).out).toContain("Nothing has been applied yet");
  expect((await person.run("log")).out).toContain("Nothing has been applied yet");
  await person.change();
  person.addAgent("tester");
  await person.change();
  const ask = async (...words: string[]): Promise<number[]> => {
    type Audit = { changes: { generation: number }[] };
    const { changes } = await person.json<Audit>("audit", ...words);
    return changes.map(({ generation }) => generation);
  };
  expect(await ask()).toEqual([1, 2]);
  expect(await ask("--symbol", "agent/tester")).toEqual([2]);
  expect(await ask("--route", "mcp-server/docs")).toEqual([1]);
  expect(await ask("--file", "./.cursor/agents/tester.md")).toEqual([2]);
  expect(await ask("--file", ".cursor/")).toEqual([1, 2]);
  expect(await ask("--generation", "1")).toEqual([1]);
  expect(await ask("--outcome", "aborted")).toEqual([]);
  expect(await ask("--since", "2020-01-01", "--until", "2020-01-02")).toEqual([]);
  const { signer } = await person.json<{ signer: string }>("init", person.project);
  expect(await ask("--by", signer)).toEqual([1, 2]);
  const { out } = await person.run("audit", "--generation", "2");
  expect(out).toContain("symbol added: rtt://local/agent/tester@1.0.0");
  expect(out).toContain(`by ${signer}`);
  expect(await person.failure("audit", "--since", "yesterday")).toMatchObject({ exit: 2 });
  expect(await person.failure("audit", "--outcome", "good")).toMatchObject({ exit: 2 });
  expect((await person.run("audit", "--symbol", "nothing")).out).toContain(
    "No change is like that",
  );
});

test("plans that are stale, forged, unsigned or not there are refused by name, and nothing changes", async () => {
  const person = await Person.create();
  expect(await person.failure("apply")).toMatchObject({ exit: 12, code: "file-missing" });
  const { planId, path } = await person.json<{ planId: string; path: string }>("plan");
  const plan = readFileSync(path, "utf8");
  const untouched = filesIn(person);
  const { sign, ...rest } = JSON.parse(plan) as { sign: { sig: string } };
  writeFileSync(path, `${JSON.stringify(rest)}\n`);
  expect(await person.failure("apply")).toMatchObject({ exit: 7, code: "signature-missing" });
  const forged = { ...rest, sign: { ...sign, sig: Buffer.alloc(64, 1).toString("base64") } };
  writeFileSync(path, `${JSON.stringify(forged)}\n`);
  expect(await person.failure("apply")).toMatchObject({ exit: 7, code: "signature-invalid" });
  writeFileSync(path, plan.replace("mcp-server/docs", "mcp-server/dogs"));
  expect(await person.failure("apply", planId)).toMatchObject({ exit: 7, code: "plan-invalid" });
  writeFileSync(path, plan);
  expect(filesIn(person)).toEqual(untouched);

  const config = person.path(".cursor/mcp.json");
  const text = readFileSync(config, "utf8");
  writeFileSync(config, `${text}\n// mine\n`);
  const dry = await person.run("apply", "--dry-run");
  expect(dry.code).toBe(13);
  expect(dry.out).toContain("stale");
  expect(await person.failure("apply")).toMatchObject({ exit: 13, code: "plan-stale" });
  writeFileSync(config, text);
  expect(filesIn(person)).toEqual(untouched);

  await person.json("apply", planId.slice(7, 20));
  person.addAgent("tester");
  await person.json("scan");
  const { planId: next } = await person.json<{ planId: string }>("plan");
  await person.json("rollback", "0");
  expect(await person.failure("apply", next)).toMatchObject({ exit: 13, code: "plan-stale" });
  expect((await person.run("apply", "--dry-run")).out).toContain("is in force");
  expect(filesIn(person)).toMatchObject(untouched);
});

test("a folder that cannot be written refuses the whole change", async () => {
  const person = await Person.create();
  await person.json("plan");
  const untouched = filesIn(person);
  const isRoot = process.getuid?.() === 0;
  // Nobody keeps root out by a mode; a file in place of a folder does.
  if (isRoot) writeFileSync(person.path(".rtt/generations"), "in the way");
  else chmodSync(person.path(".cursor"), 0o500);
  const { code } = await person.failure("apply");
  expect(["folder-unwritable", "permission-denied", "apply-refused"]).toContain(code);
  if (isRoot) rmSync(person.path(".rtt/generations"));
  else chmodSync(person.path(".cursor"), 0o700);
  expect(filesIn(person)).toEqual(untouched);
  expect(await person.json<AppliedAnswer>("apply")).toMatchObject({ generation: 1 });
});

test("two programs that apply at once come one after the other, or one is told to wait", async () => {
  const person = await Person.create();
  await person.json("plan");
  const runs = await Promise.all([
    person.process("apply", "--wait", "60"),
    person.process("apply", "--wait", "60"),
    person.process("apply", "--wait", "0"),
  ]);
  const answers = runs.map(({ code, out, err }) => {
    if (code === 0) return (JSON.parse(out) as AppliedAnswer).isNew ? "new" : "same";
    return (JSON.parse(err) as { error: { code: string } }).error.code;
  });
  expect(answers.filter((answer) => answer === "new")).toHaveLength(1);
  expect(answers.every((answer) => ["new", "same", "would-block"].includes(answer))).toBe(true);
  expect(await person.json<VerifyAnswer>("log", "verify")).toMatchObject({ ok: true, entries: 3 });
  expect(existsSync(person.path(".rtt/apply.lock"))).toBe(false);
});

test("any changed byte of the log, of a generation or of a plan is found", async () => {
  const person = await Person.create();
  await person.change();
  const spoil = async (path: string): Promise<{ ok: boolean; code: number }> => {
    const bytes = readFileSync(path);
    const { mode } = statSync(path);
    const changed = Buffer.from(bytes);
    changed[bytes.length >> 1]! ^= 1;
    writeFileSync(path, changed);
    const { code, out } = await person.run("log", "verify", "--json");
    writeFileSync(path, bytes, { mode });
    return { ok: (JSON.parse(out) as VerifyAnswer).ok, code };
  };
  const wal = person.path(".rtt/wal");
  const logFiles = readdirSync(wal, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const [plan = ""] = readdirSync(person.path(".rtt/plans")).filter((name) => name !== "LATEST");
  const paths = [
    ...logFiles,
    person.path(".rtt/generations/1.dsse.json"),
    person.path(".rtt/generation.dsse.json"),
    person.path(".rtt/plans", plan),
  ];
  expect(paths).toHaveLength(6);
  for (const path of paths) {
    const { ok, code } = await spoil(path);
    expect(ok, path).toBe(false);
    expect(code, path).not.toBe(0);
  }
  expect(await person.json<VerifyAnswer>("log", "verify")).toMatchObject({ ok: true });
  const other = await Person.create();
  other.environment["RTT_PROJECT"] = person.project;
  expect(await other.failure("log", "verify")).toMatchObject({ code: "signer-untrusted" });
});

test("a published log is verified by its folder", async () => {
  const person = await Person.create();
  const folder = person.path("wal");
  expect(await person.failure("log", "verify", "--published", folder)).toMatchObject({
    exit: 12,
    code: "file-missing",
  });
  person.addAgent("tester");
  const { ok } = await person.json<VerifyAnswer>("log", "verify", "--published", person.project);
  expect(ok).toBe(true);
});

test("numbers and plans that make no sense are refused, and a canary needs somebody to watch it", async () => {
  const person = await Person.create();
  await person.json("plan");
  expect(await person.failure("apply", "--canary", "0")).toMatchObject({ exit: 2 });
  expect(await person.failure("apply", "--canary", "100")).toMatchObject({ exit: 2 });
  expect(await person.failure("apply", "--watch-ms", "-1")).toMatchObject({ exit: 2 });
  expect(await person.failure("apply", "--slo", "fast")).toMatchObject({ code: "config-invalid" });
  expect(await person.failure("apply", "zz")).toMatchObject({ exit: 2, code: "argument-invalid" });
  const canary = await person.failure("apply", "--canary", "10");
  expect(canary).toMatchObject({ exit: 13, code: "not-running" });
  expect(existsSync(person.path(".rtt/generation.dsse.json"))).toBe(false);
});
