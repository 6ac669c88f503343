import { expect, test } from "vitest";
import { ScanCache } from "../../../../host/shared/fabric/discovery/scan-cache.ts";
import { scanTree } from "../../../../host/shared/fabric/discovery/scan.ts";
import { testPorts } from "../../../support/ports.ts";
import {
  scanFolder,
  SECRET,
  TOOL_FILES,
  toolFolder,
  writeTree,
} from "../../../support/tool-folders.ts";

test("each symbol of real layouts is found once, whichever tools have it", async () => {
  const scan = await scanFolder(toolFolder());
  expect(scan.faults).toEqual([]);
  expect(scan.addresses).toEqual([
    "rtt://agents/agent/search@1.0.0",
    "rtt://local/agent/planner@1.0.0",
    "rtt://local/agent/reviewer@1.0.0",
    "rtt://local/mcp-server/browser@1.0.0",
    "rtt://local/mcp-server/docs@1.0.0",
    "rtt://local/mcp-server/files@1.0.0",
    "rtt://local/mcp-server/github@1.0.0",
    "rtt://local/mcp-server/search@1.0.0",
    "rtt://local/mcp-server/weather@1.0.0",
    "rtt://local/rule/agents@1.0.0",
    "rtt://local/rule/style@1.0.0",
    "rtt://local/skill/pdf@1.2.0",
    "rtt://obs/extension/logger@1.3.0#ndjson",
  ]);
  expect(scan.stats.files).toBe(Object.keys(TOOL_FILES).length);
});

test("an agent of four tools is one, and what only one tool understands stays with its name", async () => {
  const { body, source, others, lossy } = (await scanFolder(toolFolder())).at(
    "rtt://local/agent/reviewer@1.0.0",
  );
  expect(body).toEqual({
    type: "agent",
    agent: {
      name: "reviewer",
      version: "1.0.0",
      description: "Reviews code",
      instructions: "You review code.",
      native: {
        "claude-code": { tools: "Read, Grep", model: "sonnet" },
        codex: { model_reasoning_effort: "high" },
        cursor: { readonly: true },
        opencode: { mode: "subagent", permission: { edit: "deny" } },
      },
    },
  });
  expect([source, ...others].map(({ tool, line }) => [tool, line])).toEqual([
    ["claude-code", 2],
    ["codex", 1],
    ["cursor", 2],
    ["opencode", 1],
  ]);
  expect(lossy).toContainEqual({ field: "model", reason: "only-this-tool" });
});

test("a server is the same whether its secret stands in the file or is a reference", async () => {
  const { body, source, others, lossy } = (await scanFolder(toolFolder())).at(
    "rtt://local/mcp-server/github@1.0.0",
  );
  expect(body).toEqual({
    type: "mcp-server",
    server: {
      name: "github",
      version: "1.0.0",
      transport: "stdio",
      command: "npx",
      args: ["-y", "@modelcontextprotocol/server-github"],
      env: { GITHUB_TOKEN: { ref: "env:GITHUB_TOKEN" }, LOG_LEVEL: "debug" },
    },
  });
  expect([source, ...others].map(({ tool, line }) => [tool, line])).toEqual([
    ["cursor", 4],
    ["claude-code", 3],
  ]);
  expect(lossy).toEqual([{ field: "env.GITHUB_TOKEN", reason: "secret-by-reference" }]);
});

test.for([
  ["search", { url: "https://search.example/mcp", transport: "streamable-http" }, "vscode", 5],
  ["files", { command: "files-mcp", args: ["--root", "."] }, "codex", 3],
  ["weather", { url: "https://weather.example/mcp", transport: "streamable-http" }, "gemini", 3],
  ["browser", { command: "npx", env: { TOKEN: { ref: "env:BROWSER_TOKEN" } } }, "opencode", 3],
] as const)(
  "the server %s is read with the line that it stands on",
  async ([name, part, path, line]) => {
    const { body, source } = (await scanFolder(toolFolder())).at(
      `rtt://local/mcp-server/${name}@1.0.0`,
    );
    expect(body).toMatchObject({ server: part });
    expect(source.path).toContain(path);
    expect(source.line).toBe(line);
  },
);

test("no secret of any file is in what a scan answers", async () => {
  const scan = await scanFolder(toolFolder());
  const answer = JSON.stringify([scan.found, scan.problems]);
  expect(JSON.stringify(TOOL_FILES).split(SECRET)).toHaveLength(4);
  expect(answer).not.toContain(SECRET);
  expect(answer).toContain("BROWSER_API_KEY");
});

test("a skill is its whole folder by digest, and the same in two tools is one", async () => {
  const skill = (await scanFolder(toolFolder())).at("rtt://local/skill/pdf@1.2.0");
  expect(skill.others).toHaveLength(1);
  expect(skill.body).toMatchObject({
    skill: {
      id: "pdf",
      license: "MIT",
      files: [{ path: "SKILL.md" }, { path: "scripts/read.py" }],
    },
  });
  expect(new Set(skill.contents.map(({ id }) => id)).size).toBe(2);
  expect(skill.contents).toHaveLength(4);
});

test("the address begins with the folder, so that two packages may have an agent of one name", async () => {
  const agent = (text: string): string => `---\nname: a\ndescription: d\n---\n${text}\n`;
  const folder = toolFolder({
    ".claude/agents/a.md": agent("one"),
    "services/Search_API/.claude/agents/a.md": agent("two"),
    "x/y/z/deep/.claude/agents/a.md": agent("three"),
  });
  expect((await scanFolder(folder)).addresses).toEqual([
    "rtt://local/agent/a@1.0.0",
    "rtt://local/services/search-api/agent/a@1.0.0",
    "rtt://local/x/y/z-deep/agent/a@1.0.0",
  ]);
});

test("where tools differ each has a variant, and both files are told", async () => {
  const scan = await scanFolder(
    toolFolder({
      ".claude/agents/a.md": "---\nname: a\ndescription: one\n---\n",
      ".cursor/agents/a.md": "---\nname: a\ndescription: two\n---\n",
    }),
  );
  expect(scan.addresses).toEqual([
    "rtt://local/agent/a@1.0.0#claude-code",
    "rtt://local/agent/a@1.0.0#cursor",
  ]);
  expect(scan.faults).toEqual([
    ".claude/agents/a.md:2 name-collision",
    ".cursor/agents/a.md:2 name-collision",
  ]);
});

test("of two files of one tool with one name neither is found", async () => {
  const scan = await scanFolder(
    toolFolder({
      ".claude/agents/a.md": "---\nname: Code_Fix\ndescription: one\n---\n",
      ".claude/agents/b.md": "---\nname: code-fix\ndescription: two\n---\n",
    }),
  );
  expect(scan.addresses).toEqual([]);
  expect(scan.faults).toEqual([
    ".claude/agents/a.md:2 name-collision",
    ".claude/agents/b.md:2 name-collision",
  ]);
});

test("front matter that is no YAML is taken line by line, as the tools do", async () => {
  const scan = await scanFolder(
    toolFolder({
      ".claude/agents/a.md": "---\nname: a\ndescription: Use for: reviews\n---\nGo.\n",
    }),
  );
  const [agent] = scan.found;
  expect(agent?.body).toMatchObject({ agent: { description: "Use for: reviews" } });
  expect(agent?.lossy).toContainEqual({ field: "description", reason: "line-as-text" });
});

test("what is found does not depend on the order of roots, which may lie in each other", async () => {
  const folder = toolFolder();
  writeTree(folder, { "services/a/.claude/agents/a.md": "---\nname: a\ndescription: d\n---\n" });
  const ports = testPorts();
  const answers = await Promise.all(
    [["", "/services", "/none"], ["/services", ""], [""]].map(async (names) => {
      const roots = names.map((name) => `${folder}${name}`);
      const cache = await ScanCache.open(ports, null, folder);
      return scanTree(ports, roots, cache, { base: folder, ignore: [] });
    }),
  );
  expect(answers[0]?.found).toHaveLength(14);
  expect(answers.map(({ found }) => found)).toEqual(Array(3).fill(answers[0]?.found));
});

test("what is to be ignored is not even looked at", async () => {
  const folder = toolFolder();
  const scan = await scanFolder(folder, { ignore: [".claude", ".cursor/rules", "AGENTS.md"] });
  expect(scan.found.flatMap(({ source, others }) => [source, ...others])).not.toContainEqual(
    expect.objectContaining({ tool: "claude-code", format: "markdown-agent" }),
  );
  expect(scan.addresses.filter((address) => address.includes("/rule/"))).toEqual([]);
});
