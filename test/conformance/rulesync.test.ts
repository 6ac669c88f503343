/**
 * Goal: our dialects are those of the tools, not only of our own readers.
 * Method: rulesync (an independent reader and writer of the same files) imports what we wrote for a tool, and writes it
 * again; our reader must find the same symbols in both. Then it converts the files of one tool into those of the
 * others, and so do we; again our readers must find the same. Where rulesync and we differ, the difference is written
 * down here with its reason, and the test fails when it is gone. Where rulesync is not installed the tests say so; in
 * CI it has to be there.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { bodyMember } from "../../host/shared/fabric/discovery/found.ts";
import type { FoundSymbol } from "../../host/shared/fabric/discovery/found.ts";
import { parseFrontMatter } from "../../host/shared/fabric/discovery/text/front-matter.ts";
import { rulePartsOf } from "../../host/shared/fabric/view/dialects/rule.ts";
import { TOOL_LAYOUTS } from "../../host/shared/fabric/view/layouts.ts";
import {
  isJsonObject,
  type Json,
  type JsonObject,
} from "../../host/shared/trust/canonical-json.ts";
import { temporaryFolder } from "../support/ports.ts";
import { ProjectedFolder } from "../support/projection.ts";
import { scanFolder, type Tree } from "../support/tool-folders.ts";

const PACKAGE = join(import.meta.dirname, "rulesync/node_modules/rulesync");
const PROGRAM = join(PACKAGE, "dist/cli/index.js");
const isThere = existsSync(PROGRAM);
const isCi = process.env["CI"] === "true";
const HOW = "rulesync is not installed: (cd test/conformance/rulesync && npm ci --ignore-scripts)";

/** Its names of tools, by our views. It has none for Gemini CLI. */
const TARGETS: Readonly<Record<string, string>> = {
  "claude-code": "claudecode",
  codex: "codexcli",
  cursor: "cursor",
  copilot: "copilot",
  "copilot-cli": "copilotcli",
  opencode: "opencode",
  cline: "cline",
  devin: "devin",
  factory: "factorydroid",
  goose: "goose",
  junie: "junie",
  "kimi-code": "kimi-code",
  kiro: "kiro-ide",
  qwen: "qwencode",
};
const VIEWS = Object.keys(TARGETS);
const FEATURES = "rules,mcp,subagents,skills";

test("rulesync is installed where it has to be, in the version that the lock says", ({ skip }) => {
  if (!isThere && !isCi) skip(HOW);
  const lock = readFileSync(join(import.meta.dirname, "rulesync/package.json"), "utf8");
  const installed = readFileSync(join(PACKAGE, "package.json"), "utf8");
  const { dependencies } = JSON.parse(lock) as { dependencies: { rulesync: string } };
  expect((JSON.parse(installed) as { version: string }).version).toBe(dependencies.rulesync);
});

function rulesync(folder: string, ...args: readonly string[]): void {
  const run = spawnSync(process.execPath, [PROGRAM, ...args, "-f", FEATURES], {
    cwd: folder,
    encoding: "utf8",
    // Its home is the folder too, so that nothing of the person's is read or written.
    env: { PATH: process.env["PATH"], HOME: folder, USERPROFILE: folder },
  });
  if (run.status !== 0) throw new Error(`rulesync ${args.join(" ")}: ${run.stdout}${run.stderr}`);
}

const AGENT = (name: string, description: string, text: string, more = ""): string =>
  `---\nname: ${name}\ndescription: ${JSON.stringify(description)}\n${more}---\n\n${text}\n`;

/** What people have, and what parsers trip over. */
const CORPUS: Tree = {
  "CLAUDE.md": "# Rules\n\nBe brief.\n",
  ".claude/agents/reviewer.md": AGENT(
    "reviewer",
    "Reviews code",
    "You review code.",
    "model: opus\n",
  ),
  ".claude/agents/quotes.md": AGENT(
    "quotes",
    `Use for: "quotes", 'single', # no comment, back\\slash`,
    `Say "yes".\n\n'''three'''\n\n"""three"""\n\nback\\slash \\n`,
  ),
  ".claude/agents/words.md": AGENT("words", "true", "null\n\n---\n\nnot: fields\n\n- 1\n- 2"),
  ".claude/agents/unicode.md": AGENT("unicode", "日本語 é 👩‍👩‍👧 العربية", "Größe: 3 µm\n\n\tindented"),
  ".claude/agents/long.md": AGENT("long", "word ".repeat(60).trim(), "Line\n".repeat(50).trim()),
  ".claude/agents/number.md": AGENT("number", "12345", "67890"),
  ".claude/skills/pdf/SKILL.md":
    "---\nname: pdf\ndescription: Reads PDF files\n---\n\nUse scripts/read.py.\n",
  ".claude/skills/pdf/scripts/read.py": "print('pdf')\n",
  ".claude/rules/tests.md": '---\npaths: ["**/*.test.ts", "test/**"]\n---\n\nTest everything.\n',
  ".claude/rules/always.md": "Never push.\n",
  ".mcp.json": JSON.stringify({
    mcpServers: {
      files: {
        command: "npx",
        args: ["-y", "files-mcp", "--root", "a b"],
        env: { LOG: "debug", TOKEN: "${TOKEN}", EMPTY: "" },
      },
      plain: { command: "plain-mcp" },
      docs: {
        type: "http",
        url: "https://docs.example/mcp",
        headers: { Authorization: "Bearer ${DOCS_TOKEN}", "X-Team": "a" },
      },
      events: { type: "sse", url: "https://events.example/stream" },
    },
  }),
};

/** What a symbol says to every tool: rules by their text and scope, since their bytes differ between writers. */
function meaning(symbol: FoundSymbol): Json {
  const { kind, body, source } = symbol;
  const inner = isJsonObject(body) ? body[bodyMember(kind)] : undefined;
  if (!isJsonObject(inner)) return body;
  const { native, ...common } = inner;
  if (kind === "rule")
    return { description: common["description"] ?? null, ...ruleMeaning(symbol) };
  const own = { common, native: ownFields(native ?? {}, source.tool) };
  return kind === "skill" ? { ...own, common: skillMeaning(symbol, common) } : own;
}

/** rulesync writes SKILL.md anew, so it counts by what it says; the other files count by their bytes. */
function skillMeaning({ source }: FoundSymbol, { files, ...common }: JsonObject): JsonObject {
  const matter = parseFrontMatter(readFileSync(source.path, "utf8"));
  if ("fault" in matter) throw new Error(matter.fault.message);
  const others = (files as readonly JsonObject[]).filter(({ path }) => path !== "SKILL.md");
  return { ...common, text: matter.text, others };
}

function ownFields(native: Json, tool: string): Json {
  const own = isJsonObject(native) ? native[tool] : undefined;
  return own ?? {};
}

function ruleMeaning({ source }: FoundSymbol): JsonObject {
  const text = readFileSync(source.path, "utf8");
  const matter = parseFrontMatter(text);
  if ("fault" in matter) return { fault: matter.fault.message };
  const place = TOOL_LAYOUTS.find(
    ({ rules, tool }) => rules !== null && tool === source.tool,
  )?.rules;
  const isFile = place !== undefined && place !== null && source.path.includes(`/${place.folder}/`);
  if (!isFile) return { text: matter.text };
  const { scope, text: said } = rulePartsOf(matter, place.dialect);
  return { text: said, scope: { ...scope } };
}

/** "kind name" → what it says; rulesync's own folder is nobody's. */
async function meanings(folder: string): Promise<ReadonlyMap<string, Json>> {
  const { found, problems } = await scanFolder(folder, { ignore: [".rulesync"] });
  expect(problems).toEqual([]);
  return new Map(
    found.map((symbol) => [`${symbol.kind} ${symbol.address.name}`, meaning(symbol)] as const),
  );
}

interface Difference {
  /** The symbols that it is about: a pattern over "kind name". */
  readonly what: RegExp;
  readonly why: string;
  /** What we would read if rulesync did as we do: applied to what it wrote. */
  readonly undo: (value: Json | undefined) => Json | undefined;
}

const withoutNative =
  (...names: readonly string[]) =>
  (value: Json | undefined): Json | undefined => {
    if (!isJsonObject(value) || !isJsonObject(value["native"])) return value;
    const kept = Object.entries(value["native"]).filter(([name]) => !names.includes(name));
    return { ...value, native: Object.fromEntries(kept) };
  };

/** Compares; every difference must be one of those that are known, and every known one must be there. */
function compare(
  ours: ReadonlyMap<string, Json>,
  theirs: ReadonlyMap<string, Json>,
  known: readonly Difference[],
): void {
  const seen = new Set<Difference>();
  const undone = new Map<string, Json>();
  for (const name of new Set([...ours.keys(), ...theirs.keys()])) {
    let value = theirs.get(name);
    for (const difference of known.filter(({ what }) => what.test(name))) {
      const before = JSON.stringify(value);
      value = difference.undo(value) ?? ours.get(name);
      if (JSON.stringify(value) !== before) seen.add(difference);
    }
    if (value !== undefined) undone.set(name, value);
  }
  expect(Object.fromEntries(undone)).toEqual(Object.fromEntries(ours));
  const gone = known.filter((difference) => !seen.has(difference)).map(({ why }) => why);
  expect(gone, "differences that are no longer there").toEqual([]);
}

const EXTRA_FIELDS: readonly Difference[] = [
  {
    what: /^agent /,
    why: "rulesync writes the mode out; without one OpenCode takes an agent for both",
    undo: withoutNative("mode"),
  },
  {
    what: /^mcp-server /,
    why: "rulesync writes out that a server is on, which it is anyway",
    undo: withoutNative("enabled"),
  },
];

const NO_AGENTS_MD: Difference = {
  what: /^rule agents$/,
  why: "The tool reads AGENTS.md too; rulesync reads and writes the file of the tool's own name only",
  undo: () => undefined,
};

/** Of what rulesync writes after it has read what we wrote. */
const KNOWN: Readonly<Record<string, readonly Difference[]>> = {
  cursor: [
    {
      what: /^rule agents$/,
      why: "Cursor reads AGENTS.md itself; rulesync looks for Cursor's rules in .cursor/rules only",
      undo: () => undefined,
    },
  ],
  opencode: EXTRA_FIELDS,
  cline: [NO_AGENTS_MD],
  goose: [
    NO_AGENTS_MD,
    {
      what: /^skill /,
      why: "rulesync has skills of Goose in .goose/skills only, and Goose reads .agents/skills too",
      undo: () => undefined,
    },
  ],
  junie: [NO_AGENTS_MD],
  "kimi-code": [NO_AGENTS_MD],
  kiro: [NO_AGENTS_MD],
  qwen: [NO_AGENTS_MD],
};

const ALWAYS: Difference = {
  what: /^rule always$/,
  why: "A rule of Claude Code without paths always applies; rulesync writes no scope, which means when asked",
  undo: (value) => (isJsonObject(value) ? { ...value, scope: { when: "always" } } : value),
};

/** Of what rulesync makes of one tool's files for another, by "from to". */
const CONVERTED: Readonly<Record<string, readonly Difference[]>> = {
  "claude-code codex": [
    {
      what: /^mcp-server events$/,
      why: "Codex speaks no server-sent events; rulesync writes the address as if it did",
      undo: () => undefined,
    },
    {
      what: /^rule agents$/,
      why: "rulesync puts rules for some files into AGENTS.md, where they apply to all",
      undo: () => undefined,
    },
  ],
  "claude-code cursor": [
    ALWAYS,
    {
      what: /^rule (?:agents|claude)$/,
      why: "Cursor reads AGENTS.md itself; rulesync makes a rule of it",
      undo: () => undefined,
    },
  ],
  "claude-code copilot": [ALWAYS],
  "claude-code copilot-cli": [
    ALWAYS,
    {
      what: /^mcp-server /,
      why: "We write out that all tools of a server are offered, as Copilot CLI does",
      undo: (value) => (isJsonObject(value) ? { ...value, native: { tools: ["*"] } } : value),
    },
  ],
  "claude-code opencode": [
    ...EXTRA_FIELDS,
    {
      what: /^rule agents$/,
      why: "rulesync lists the rules for some files in AGENTS.md, for the model to read them itself",
      undo: () => undefined,
    },
  ],
  "cursor claude-code": [
    {
      what: /^rule claude$/,
      why: "Cursor reads AGENTS.md itself; rulesync does not",
      undo: () => undefined,
    },
  ],
  "opencode claude-code": [
    {
      what: /^mcp-server (?:docs|events)$/,
      why: "OpenCode tries streamable HTTP first; rulesync takes every address for server-sent events",
      undo: (value) =>
        isJsonObject(value) && isJsonObject(value["common"])
          ? { ...value, common: { ...value["common"], transport: "streamable-http" } }
          : value,
    },
  ],
};

/** Everything of a folder in the layout of one tool, which need not be used there. */
async function inLayout(folder: ProjectedFolder, view: string): Promise<string> {
  const views = [{ view, provider: view, folder: null, entries: null }];
  await folder.scan();
  // Without sources nothing counts as the user's own, so everything is written.
  const shown = await folder.project(new Map(), { views });
  const layout = realpathSync(temporaryFolder());
  await shown.writeTo(layout);
  return layout;
}

/** What rulesync writes for a tool out of what it has imported in `from`. */
function generated(from: string, view: string): string {
  const folder = realpathSync(temporaryFolder());
  cpSync(join(from, ".rulesync"), join(folder, ".rulesync"), { recursive: true });
  rulesync(folder, "generate", "--targets", TARGETS[view] as string);
  return folder;
}

test.skipIf(!isThere).each(VIEWS)(
  "what is written for %s says the same to rulesync",
  async (view) => {
    const ours = await inLayout(await ProjectedFolder.of(CORPUS), view);
    const before = await meanings(ours);
    rulesync(ours, "import", "--targets", TARGETS[view] as string);
    compare(before, await meanings(generated(ours, view)), KNOWN[view] ?? []);
  },
);

/** Not out of Codex: rulesync keeps its agents to it, and passes its names of variables on to tools without them. */
test.skipIf(!isThere).each(Object.keys(CONVERTED))(
  "%s: the files become what rulesync makes of them",
  async (pair) => {
    const [from = "", to = ""] = pair.split(" ");
    // The files of the one tool, as a project that uses only it.
    const source = await inLayout(await ProjectedFolder.of(CORPUS), from);
    const ours = await meanings(await inLayout(await ProjectedFolder.over(source), to));
    rulesync(source, "import", "--targets", TARGETS[from] as string);
    compare(ours, await meanings(generated(source, to)), CONVERTED[pair] ?? []);
  },
);
