/**
 * The four commands on a folder with real layouts of tools: `rtt init`, `scan`, `plan`, `apply`, and the way back. Judged
 * by the transcript in docs/examples/registry.md, by every byte that was there before, and by inodes.
 */
import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Bench } from "../support/rtt.ts";
import { SECRET, TOOL_FILES, writeTree } from "../support/tool-folders.ts";

const bench = new Bench();
const HOME = "node";
const TRANSCRIPT = join(import.meta.dirname, "../../docs/examples/registry.md");
const RUN_MS = 300_000;

interface FoundFile {
  readonly path: string;
  readonly digest: string;
  readonly mode: number;
  readonly inode: number;
}

/** Every file below a folder, sorted, without those of `skipped`. */
function filesBelow(folder: string, skipped: readonly string[] = []): readonly FoundFile[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !skipped.some((name) => relative(folder, path).startsWith(`${name}/`)))
    .map((path) => {
      const { mode, ino } = lstatSync(path);
      const digest = createHash("sha256").update(readFileSync(path)).digest("hex");
      return { path: relative(folder, path), digest, mode: mode & 0o777, inode: ino };
    })
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** The files of the user and of the views. */
function shown(): readonly FoundFile[] {
  return filesBelow(bench.root, [".rtt", HOME]);
}

const contents = (files: readonly FoundFile[]): readonly string[] =>
  files.map(({ path, digest, mode }) => `${path} ${digest} ${mode.toString(8)}`);

/** What differs from run to run, as names that do not: keys, digests, folders. */
function settled(text: string): string {
  const names = new Map<string, string>();
  const name = (kind: string) => (found: string) => {
    const known =
      names.get(found) ??
      `<${kind} ${[...names.values()].filter((one) => one.startsWith(`<${kind}`)).length + 1}>`;
    names.set(found, known);
    return known;
  };
  return text
    .replaceAll(bench.root, "~/project")
    .replaceAll(/z6Mk[1-9A-HJ-NP-Za-km-z]+/g, name("key"))
    .replaceAll(/sha256-[0-9a-f]{64}/g, name("plan"))
    .replaceAll(/\b[0-9a-f]{64}\b/g, name("root"))
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "<time>");
}

let before: readonly FoundFile[] = [];
const lines: string[] = [];

async function say(...words: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await bench.run(HOME, ...words);
  expect({ words, code, stderr }).toEqual({ words, code: 0, stderr: "" });
  lines.push(`$ rtt ${words.join(" ")}`, ...stdout.trimEnd().split("\n"), "");
}

beforeAll(async () => {
  writeTree(bench.root, TOOL_FILES);
  before = shown();
  await say("init");
  await say("scan");
  await say("plan");
  await say("apply");
}, RUN_MS);
afterAll(() => bench.close(), RUN_MS);

it("prints what the documents say", () => {
  const document = readFileSync(TRANSCRIPT, "utf8");
  const transcript = settled(lines.join("\n")).trimEnd();
  const [head = "", , tail = ""] = document.split("```");
  const printed = `${head}\`\`\`text\n${transcript}\n\`\`\`${tail}`;
  if (process.env["MXP_WRITE_TRANSCRIPT"] === "yes") writeFileSync(TRANSCRIPT, printed);
  expect(document).toBe(printed);
});

it("takes nothing away from what was there", () => {
  const after = new Map(shown().map((file) => [file.path, file]));
  const changed = before.filter(({ path, digest }) => after.get(path)?.digest !== digest);
  // Only files that hold settings of several servers have got more of them.
  expect(changed.map(({ path }) => path)).toEqual([
    ".codex/config.toml",
    ".cursor/mcp.json",
    ".gemini/settings.json",
    ".mcp.json",
    ".vscode/mcp.json",
    "opencode.jsonc",
  ]);
  expect(readFileSync(bench.path(".gemini/settings.json"), "utf8")).toContain("// not ours");
});

it("shows every agent, skill and rule of one tool in the others, each byte once", async () => {
  const objects = new Set(
    filesBelow(bench.path(".rtt/registry/cas/sha256")).map(({ inode }) => inode),
  );
  const own = new Set(before.map(({ path }) => path));
  const more = shown().filter(({ path }) => !own.has(path));
  expect(more.length).toBeGreaterThan(20);
  expect(more.filter(({ inode, mode }) => !objects.has(inode) || mode !== 0o444)).toEqual([]);
  const status = await bench.ask<object>(HOME, "view", "status");
  expect(status).toMatchObject({ duplicateBytes: 0 });
});

it("keeps secrets where they were", () => {
  const holding = filesBelow(bench.path(".rtt")).filter(({ path }) =>
    readFileSync(bench.path(".rtt", path)).includes(SECRET),
  );
  // What the user's own files held before is kept for the way back, for the user alone.
  const isPrivate = ({ path, mode }: FoundFile): boolean =>
    path.startsWith("private/") && mode === 0o600;
  expect(holding.filter((file) => !isPrivate(file))).toEqual([]);
});

it("has nothing more to do, and a log that holds", async () => {
  expect(await bench.ask(HOME, "scan")).toMatchObject({ problems: [] });
  expect(await bench.ask(HOME, "plan")).toMatchObject({ isEmpty: true });
  expect(await bench.ask(HOME, "log", "verify")).toMatchObject({ ok: true, changes: 1 });
  expect(await bench.ask(HOME, "fsck")).toMatchObject({ ok: true });
});

it("goes back to the byte, and forward again", async () => {
  const applied = shown();
  await bench.ask(HOME, "rollback", "0");
  expect(contents(shown())).toEqual(contents(before));
  expect(await bench.ask(HOME, "rollback", "1")).toMatchObject({ generation: 3 });
  expect(contents(shown())).toEqual(contents(applied));
  expect(await bench.ask(HOME, "log", "verify")).toMatchObject({ ok: true, changes: 3 });
});
