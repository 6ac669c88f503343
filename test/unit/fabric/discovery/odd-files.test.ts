/**
 * Goal: files that are odd in ways of their own format or of the disk are told about as exactly as broken ones, and
 * two files count as one symbol only where nobody could mean them otherwise.
 * Method: files of the rarer formats with one fault each; pairs of files about one symbol; a disk that changes between
 * a look and the reading that follows it.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, renameSync, symlinkSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { nodeFiles } from "../../../../host/node/files.ts";
import { nodeFolders } from "../../../../host/node/folders.ts";
import { ScanCache } from "../../../../host/shared/fabric/discovery/scan-cache.ts";
import { scanTree } from "../../../../host/shared/fabric/discovery/scan.ts";
import { parseTomlText } from "../../../../host/shared/fabric/discovery/text/toml-text.ts";
import { parseYamlText } from "../../../../host/shared/fabric/discovery/text/yaml-text.ts";
import { Failure } from "../../../../host/shared/ports/failure.ts";
import type { Files } from "../../../../host/shared/ports/files.ts";
import { testPorts } from "../../../support/ports.ts";
import { scanFolder, type Tree, toolFolder } from "../../../support/tool-folders.ts";

const GOOD: Tree = { ".claude/agents/good.md": "---\nname: good\ndescription: d\n---\nGo.\n" };
const GOOD_ADDRESS = "rtt://local/agent/good@1.0.0";

const ODD: readonly (readonly [string, string, string, readonly string[]])[] = [
  ["an agent of Codex that is no TOML", ".codex/agents/x.toml", "a = \n", ["1 not-toml"]],
  [
    "an agent of Codex with a wrong field",
    ".codex/agents/x.toml",
    'description = "d"\ndeveloper_instructions = [1]\n',
    ["2 field-type"],
  ],
  ["a configuration of OpenCode that is no JSON", "opencode.json", "{\n", ["2 not-json"]],
  [
    "a server of OpenCode without a command",
    "opencode.json",
    '{"mcp": {\n"a": {\n"type": "local"}}}',
    ["2 field-missing"],
  ],
  [
    "a server of OpenCode whose environment is a text",
    "opencode.json",
    '{"mcp": {\n"a": {"command": ["x"],\n"environment": "A=1"}}}',
    ["3 field-type"],
  ],
  ["a rule whose fields do not end", ".cursor/rules/x.mdc", "---\n", ["1 front-matter-missing"]],
  [
    "a rule with a list for a description",
    ".cursor/rules/x.mdc",
    "---\ndescription: [a]\n---\n",
    ["2 field-type"],
  ],
  [
    "an environment that is a list",
    ".mcp.json",
    '{"mcpServers": {"a": {"command": "x",\n"env": ["A=1"]}}}',
    ["2 field-type"],
  ],
  [
    "an environment with a list in it",
    ".mcp.json",
    '{"mcpServers": {"a": {"command": "x",\n"env": {"A": []}}}}',
    ["2 field-type"],
  ],
  [
    "two bad servers, in the order of their lines",
    ".mcp.json",
    '{"mcpServers": {\n"b": 1,\n"a": 2}}',
    ["2 field-type", "3 field-type"],
  ],
  [
    "an agent whose version makes no address",
    "agents/common/x.agent.json",
    '{"$schema": "https://rtt/agent-manifest/v1",\n"id": "x", "version": "one"}',
    ["2 address-invalid"],
  ],
];

test.for(ODD)("%s: named with line and rule", async ([, path, content, faults]) => {
  const scan = await scanFolder(toolFolder({ ...GOOD, [path]: content }));
  expect(scan.addresses).toEqual([GOOD_ADDRESS]);
  expect(scan.faults).toEqual(faults.map((fault) => `${path}:${fault}`));
});

test("an agent of Codex without a name is called after its file, and a date in it is a text", async () => {
  const text = 'description = "d"\ndeveloper_instructions = "Go."\nsince = 2026-01-02\n';
  const scan = await scanFolder(toolFolder({ ".codex/agents/mender.toml": text }));
  const { body, lossy } = scan.at("rtt://local/agent/mender@1.0.0");
  expect(body).toMatchObject({ agent: { native: { codex: { since: "2026-01-02" } } } });
  expect(lossy).toContainEqual({ field: "since", reason: "as-text" });
});

test("what JSON has not is a text in TOML and refused in YAML", () => {
  expect(parseTomlText("a = inf\nb = 2026-01-02\n")).toMatchObject({
    value: { a: "Infinity", b: "2026-01-02" },
    asText: ["a", "b"],
  });
  expect(parseYamlText("ok: 1\na:\n  b: .nan\n")).toMatchObject({
    fault: { line: 3, rule: "field-type" },
  });
  expect(parseYamlText("- a\n")).toMatchObject({ fault: { line: 1, rule: "not-yaml" } });
  expect(parseYamlText("a: 1\na: 2\n")).toMatchObject({ fault: { rule: "duplicate-key" } });
});

describe("two files about one agent", () => {
  const agent = (...lines: readonly string[]): string =>
    `---\nname: a\ndescription: d\n${lines.map((line) => `${line}\n`).join("")}---\nGo.\n`;
  const collided = [
    ".claude/agents/one.md:2 name-collision",
    ".claude/agents/two.md:2 name-collision",
  ];

  test.each([
    ["each with a model of its own", agent("model: opus"), agent("model: sonnet")],
    ["of which one has a model", agent(), agent("model: sonnet")],
  ])("of one tool, %s, are none", async (_, one, two) => {
    const tree = { ".claude/agents/one.md": one, ".claude/agents/two.md": two };
    const scan = await scanFolder(toolFolder(tree));
    expect([scan.addresses, scan.faults]).toEqual([[], collided]);
  });

  test("of one tool that say the same are one", async () => {
    const one = agent("model: opus");
    const tree = { ".claude/agents/one.md": one, ".claude/agents/two.md": one };
    const scan = await scanFolder(toolFolder(tree));
    expect([scan.addresses, scan.faults]).toEqual([["rtt://local/agent/a@1.0.0"], []]);
  });

  test("a manifest and a tool's file are none: nobody could tell which is meant", async () => {
    const manifest = {
      $schema: "https://rtt/agent-manifest/v1",
      id: "a",
      name: "a",
      rtt_saddr: "rtt://local/agent/a@1.0.0",
    };
    const tree = {
      ".claude/agents/one.md": agent(),
      "agents/common/a.agent.json": JSON.stringify(manifest),
    };
    const scan = await scanFolder(toolFolder(tree));
    expect(scan.addresses).toEqual([]);
    expect(scan.problems.map(({ rule }) => rule)).toEqual(["name-collision", "name-collision"]);
  });

  test("one file with two names that make one address is told about itself", async () => {
    const servers = '{"mcpServers": {"Docs": {"command": "x"},\n"docs": {"command": "y"}}}';
    const scan = await scanFolder(toolFolder({ ".mcp.json": servers }));
    expect(scan.addresses).toEqual([]);
    expect(scan.problems.map(({ message }) => message)).toEqual(
      Array.from({ length: 2 }, () => {
        return "rtt://local/mcp-server/docs@1.0.0 is also in the same file";
      }),
    );
  });
});

describe("a disk", () => {
  /** A scan of a folder by these ports of files. */
  async function scanWith(folder: string, files: Partial<Files>) {
    const ports = testPorts({ files: { ...nodeFiles, ...files } });
    const cache = await ScanCache.open(ports, null, folder);
    return scanTree(ports, [folder], cache, { base: folder, ignore: [] });
  }

  test.skipIf(process.platform === "win32")("a pipe is neither file nor folder", async () => {
    const folder = toolFolder(GOOD);
    expect(spawnSync("mkfifo", [join(folder, ".claude/agents/pipe.md")]).status).toBe(0);
    const scan = await scanFolder(folder);
    expect(scan.addresses).toEqual([GOOD_ADDRESS]);
    expect(scan.faults).toEqual([".claude/agents/pipe.md:0 not-a-file"]);
  });

  test("on which a folder becomes a link after the walk is not followed out of it", async () => {
    const outside = toolFolder({ "good.md": "---\nname: stolen\ndescription: d\n---\n" });
    const folder = toolFolder(GOOD);
    const agents = join(folder, ".claude/agents");
    let isSwapped = false;
    const realPath = (path: string): Promise<string | null> => {
      if (path.endsWith("good.md") && !isSwapped) {
        isSwapped = true;
        renameSync(agents, join(folder, "away"));
        symlinkSync(outside, agents);
      }
      return nodeFiles.realPath(path);
    };
    const scan = await scanWith(folder, { realPath });
    expect(isSwapped).toBe(true);
    expect(scan.found).toEqual([]);
    expect(scan.problems).toMatchObject([{ rule: "link-outside" }]);
  });

  test("from which a file goes away after the walk has one problem", async () => {
    const folder = toolFolder(GOOD);
    const realPath = (path: string): Promise<string | null> => {
      if (path.endsWith("good.md")) unlinkSync(path);
      return nodeFiles.realPath(path);
    };
    const scan = await scanWith(folder, { realPath });
    expect(scan.problems).toMatchObject([{ rule: "unreadable", message: "It is gone" }]);
  });

  test("on which a file or a link may not be looked at has one problem each", async () => {
    const folder = toolFolder({ ...GOOD, "other.md": "x" });
    mkdirSync(join(folder, ".claude/skills"), { recursive: true });
    symlinkSync("../../other.md", join(folder, ".claude/agents/linked.md"));
    const denied = (path: string): Promise<never> =>
      Promise.reject(new Failure("permission-denied", path, { origin: "host", remedy: "" }));
    const scan = await scanWith(folder, {
      realPath: (path) => (path.endsWith(".md") ? denied(path) : nodeFiles.realPath(path)),
    });
    expect(scan.found).toEqual([]);
    expect(scan.problems.map(({ path, rule }) => [path.slice(folder.length + 1), rule])).toEqual([
      [".claude/agents/good.md", "unreadable"],
      [".claude/agents/linked.md", "unreadable"],
    ]);
  });

  test("that does not tell of many files at once is asked for one after the other", async () => {
    const folder = toolFolder(GOOD);
    const ports = testPorts();
    const cache = await ScanCache.open(ports, null, folder);
    const infos = (): Promise<never> => Promise.reject(new Error("one of them went away"));
    const one = { ...ports, folders: { ...nodeFolders, infos } };
    const scan = await scanTree(one, [folder], cache, { base: folder, ignore: [] });
    expect(scan.found).toHaveLength(1);
    expect(scan.problems).toEqual([]);
  });
});
