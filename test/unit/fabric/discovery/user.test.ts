/**
 * Goal: a person's own files are read on request, under a namespace of their own, and nothing else in the home folder.
 * Method: a home folder with files of every tool, scanned alone and through the command line.
 */
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCli } from "../../../../host/node/cli.ts";
import { USER_PLACES } from "../../../../host/shared/fabric/discovery/places.ts";
import { temporaryFolder } from "../../../support/ports.ts";
import { linkIn, scanFolder, type Tree, toolFolder } from "../../../support/tool-folders.ts";

const agent = (name: string): string => `---\nname: ${name}\ndescription: d\n---\nI am ${name}.\n`;
const servers = (name: string): string =>
  JSON.stringify({ mcpServers: { [name]: { command: name } } });

const HOME: Tree = {
  ".claude.json": JSON.stringify({
    ...(JSON.parse(servers("claude")) as object),
    history: "x".repeat(600_000),
  }),
  ".claude/agents/deep/mine.md": agent("mine"),
  ".claude/skills/pdf/SKILL.md": agent("pdf"),
  ".claude/rules/tidy.md": "Be tidy.\n",
  ".claude/CLAUDE.md": "Be kind.\n",
  ".claude/settings.json": "{ not even JSON",
  ".codex/config.toml": '[mcp_servers.codex]\ncommand = "codex"\n',
  ".codex/AGENTS.md": "Be brief.\n",
  ".cursor/mcp.json": servers("cursor"),
  ".copilot/mcp-config.json": servers("copilot"),
  ".config/Code/User/mcp.json": JSON.stringify({ servers: { code: { command: "code" } } }),
  ".gemini/settings.json": servers("gemini"),
  ".gemini/GEMINI.md": "Be a twin.\n",
  ".config/opencode/opencode.json": '{"mcp": {"open": {"type": "local", "command": ["open"]}}}',
  ".config/opencode/agents/plan.md": "---\ndescription: d\n---\nPlan.\n",
  // What lies elsewhere is nobody's business, even where it looks like a tool's.
  "work/.claude/agents/other.md": agent("other"),
  "AGENTS.md": "Not a tool's.\n",
  ".claude/projects/x/CLAUDE.md": "Not mine.\n",
};

test("every tool's own files of a person are found, and nothing beside them is looked at", async () => {
  const folder = toolFolder(HOME);
  const scan = await scanFolder(folder, { places: USER_PLACES });
  expect(scan.faults).toEqual([]);
  expect(scan.addresses.map((address) => address.slice("rtt://user/".length))).toEqual([
    "agent/mine@1.0.0",
    "agent/plan@1.0.0",
    "mcp-server/claude@1.0.0",
    "mcp-server/code@1.0.0",
    "mcp-server/codex@1.0.0",
    "mcp-server/copilot@1.0.0",
    "mcp-server/cursor@1.0.0",
    "mcp-server/gemini@1.0.0",
    "mcp-server/open@1.0.0",
    "rule/agents@1.0.0",
    "rule/claude@1.0.0",
    "rule/gemini@1.0.0",
    "rule/tidy@1.0.0",
    "skill/pdf@1.0.0",
  ]);
  expect([...scan.folders].filter((path) => path.includes("/work"))).toEqual([]);
  expect([...scan.folders].filter((path) => path.includes("/projects"))).toEqual([]);
});

test("a tool's folder that is a link within the home folder is followed", async () => {
  const folder = toolFolder({ "dotfiles/claude/agents/a.md": agent("a") });
  linkIn(folder, ".claude", "dotfiles/claude");
  const scan = await scanFolder(folder, { places: USER_PLACES });
  expect(scan.addresses).toEqual(["rtt://user/agent/a@1.0.0"]);
});

interface Answer {
  readonly symbols: readonly { readonly address: string }[];
  readonly registered: {
    readonly added: readonly string[];
    readonly vanished: readonly {
      readonly address: string;
      readonly sources: readonly { readonly path: string }[];
    }[];
  };
}

/** Names, sizes and times of everything below a folder. */
function stateOf(folder: string): readonly string[] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return files.sort().map((name) => `${name} ${statSync(join(folder, name)).mtimeMs}`);
}

test("rtt scan --user adds them, writes nothing there, and forgets none where it is not asked for", async () => {
  const [home, project] = [
    toolFolder(HOME),
    toolFolder({ ".claude/agents/mine.md": agent("mine") }),
  ];
  const state = join(temporaryFolder(), "state");
  const before = stateOf(home);
  const run = async (...words: readonly string[]): Promise<Answer> => {
    let out = "";
    const code = await runCli([...words, "--json"], {
      environment: { RTT_HOME: state, RTT_PROJECT: project, HOME: home },
      writeOut: (text) => (out += text),
      writeError: (text) => (out += text),
    });
    if (code !== 0) throw new Error(out);
    return JSON.parse(out) as Answer;
  };
  await run("init", project);
  expect((await run("scan")).symbols).toHaveLength(1);
  const both = await run("scan", "--user");
  expect(both.symbols).toHaveLength(15);
  expect(both.registered.added).toContain("rtt://user/agent/mine@1.0.0");
  expect(stateOf(home)).toEqual(before);
  expect(readFileSync(join(home, ".claude/agents/deep/mine.md"), "utf8")).toBe(agent("mine"));
  rmSync(join(home, ".claude/agents/deep/mine.md"));
  expect((await run("scan", "--prune")).registered.vanished).toEqual([]);
  expect((await run("scan", "--user")).registered.vanished).toMatchObject([
    {
      address: "rtt://user/agent/mine@1.0.0",
      sources: [{ path: "~/.claude/agents/deep/mine.md" }],
    },
  ]);
});
