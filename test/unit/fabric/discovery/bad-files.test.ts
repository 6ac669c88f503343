import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { nodeFiles } from "../../../../host/node/files.ts";
import { PROJECT_PLACES } from "../../../../host/shared/fabric/discovery/places.ts";
import { READERS } from "../../../../host/shared/fabric/discovery/readers.ts";
import { ScanCache } from "../../../../host/shared/fabric/discovery/scan-cache.ts";
import { scanTree } from "../../../../host/shared/fabric/discovery/scan.ts";
import { Failure } from "../../../../host/shared/ports/failure.ts";
import { testPorts } from "../../../support/ports.ts";
import { formatSymbolAddress } from "../../../../host/shared/fabric/symbol.ts";
import { linkIn, scanFolder, type Tree, toolFolder } from "../../../support/tool-folders.ts";

const GOOD: Tree = { ".claude/agents/good.md": "---\nname: good\ndescription: d\n---\nGo.\n" };
const GOOD_ADDRESS = "rtt://local/agent/good@1.0.0";
const agent = (...lines: string[]): string => ["---", ...lines, "---", "Go.", ""].join("\n");
const manifest = (symbol: object): string =>
  JSON.stringify({ $schema: "https://rtt/spec/v1", symbol });
const deep = (count: number): string => `${"[".repeat(count)}${"]".repeat(count)}`;
const NEEDED = { type: "api", direction: "both", capabilities: [], qos: {} };

const BAD: readonly (readonly [string, string, string | Uint8Array, string])[] = [
  ["bytes that are no text", ".claude/agents/x.md", new Uint8Array([0xff, 0xfe, 0]), "0 not-utf8"],
  [
    "a text with a zero byte",
    ".claude/agents/x.md",
    agent("description: d").replace("Go", "\0"),
    "4 not-utf8",
  ],
  ["an agent without fields", ".claude/agents/x.md", "Go.\n", "1 front-matter-missing"],
  ["fields without an end", ".claude/agents/x.md", "---\nname: x\n", "1 front-matter-missing"],
  ["fields that are no YAML", ".claude/agents/x.md", agent("name: x", "a: [1", "b"), "4 not-yaml"],
  [
    "a field twice",
    ".claude/agents/x.md",
    agent("description: d", "name: x", "name: y"),
    "4 duplicate-key",
  ],
  ["a field twice, no YAML", ".claude/agents/x.md", agent("name: a: b", "name: y"), "2 not-yaml"],
  ["an alias", ".claude/agents/x.md", agent("name: &a x", "description: *a"), "2 not-yaml"],
  [
    "a prototype",
    ".claude/agents/x.md",
    agent("name: x", "description: d", "__proto__: {a: 1}"),
    "2 prototype-name",
  ],
  ["deep YAML", ".claude/agents/x.md", agent(`a: ${deep(40)}`), "2 too-deep"],
  ["very deep YAML", ".claude/agents/x.md", agent(`a: ${deep(30_000)}`), "2 too-deep"],
  [
    "lists in lists",
    ".claude/agents/x.md",
    agent("name: x", `a:\n  ${"- ".repeat(20_000)}`),
    "4 too-deep",
  ],
  [
    "long fields",
    ".claude/agents/x.md",
    agent(`description: ${"d".repeat(70_000)}`),
    "1 too-large",
  ],
  ["no description", ".claude/agents/x.md", agent("name: x"), "1 field-missing"],
  [
    "a name that is a list",
    ".claude/agents/x.md",
    agent("description: d", "name: [x]"),
    "3 field-type",
  ],
  [
    "a name with another alphabet",
    ".claude/agents/x.md",
    agent("name: revi\u0435wer", "description: d"),
    "2 name-invalid",
  ],
  [
    "a name that is a path",
    ".claude/agents/x.md",
    agent("name: ../../etc/x", "description: d"),
    "2 name-invalid",
  ],
  [
    "a huge file",
    ".claude/agents/x.md",
    agent(`description: ${"d".repeat(600_000)}`),
    "0 too-large",
  ],
  [
    "a skill of another name",
    ".claude/skills/x/SKILL.md",
    agent("name: y", "description: d"),
    "2 name-mismatch",
  ],
  [
    "a skill with capitals",
    ".claude/skills/X/SKILL.md",
    agent("name: X", "description: d"),
    "2 name-invalid",
  ],
  [
    "a long description",
    ".claude/skills/x/SKILL.md",
    agent("name: x", `description: ${"d".repeat(1025)}`),
    "3 too-large",
  ],
  ["JSON with a comment", ".mcp.json", '{\n// no\n"mcpServers": {}}', "2 not-json"],
  ["JSON with a comma too many", ".mcp.json", '{"mcpServers": {},\n}', "2 not-json"],
  ["JSON cut off", ".cursor/mcp.json", '{\n"mcpServers": {\n"a": {"command": "x', "3 not-json"],
  ["an endless comment", ".cursor/mcp.json", "{ /* ", "1 not-json"],
  ["half of a pair", ".mcp.json", '{"mcpServers": {"a": {"command": "\\ud800"}}}', "1 not-json"],
  [
    "a server twice",
    ".mcp.json",
    '{"mcpServers": {\n"a": {"command": "x"},\n"a": {"command": "y"}}}',
    "3 duplicate-key",
  ],
  [
    "a JSON prototype",
    ".mcp.json",
    '{"mcpServers": {\n"__proto__": {"command": "x"}}}',
    "2 prototype-name",
  ],
  ["deep JSON", ".mcp.json", `{"a":\n${deep(60_000)}}`, "2 too-deep"],
  ["servers that are a list", ".vscode/mcp.json", '{\n"servers": []}', "2 field-type"],
  ["a server that is a text", ".vscode/mcp.json", '{\n"servers": {\n"a": "x"}}', "3 field-type"],
  ["a server with nothing", ".vscode/mcp.json", '{\n"servers": {\n"a": {}}}', "3 field-missing"],
  [
    "a server with both",
    ".vscode/mcp.json",
    '{"servers": {\n"a": {"command": "x", "url": "y"}}}',
    "2 field-missing",
  ],
  [
    "arguments that are a text",
    ".mcp.json",
    '{"mcpServers": {"a": {\n"command": "x",\n"args": "y"}}}',
    "3 field-type",
  ],
  ["TOML that is none", ".codex/config.toml", "a = 1\nb = \n", "2 not-toml"],
  ["a TOML key twice", ".codex/config.toml", "a = 1\na = 2\n", "2 duplicate-key"],
  ["a TOML prototype", ".codex/config.toml", "[__proto__]\nx = 1\n", "1 prototype-name"],
  ["deep TOML", ".codex/config.toml", `a = ${deep(100)}\n`, "1 too-deep"],
  ["very deep TOML", ".codex/config.toml", `a = ${deep(50_000)}\n`, "1 too-deep"],
  ["a manifest without schema", ".rtt/manifests/a.api.b.json", '{"symbol": {}}', "1 field-missing"],
  [
    "a manifest of no address",
    ".rtt/manifests/a.api.b.json",
    manifest({ saddr: "rtt://a/api/B@1.0.0", ...NEEDED }),
    "1 address-invalid",
  ],
  [
    "a manifest without a version",
    ".rtt/manifests/a.api.b.json",
    manifest({ saddr: "rtt://a/api/b", ...NEEDED }),
    "1 address-invalid",
  ],
  [
    "a manifest in another's file",
    ".rtt/manifests/a.api.c.json",
    manifest({ saddr: "rtt://a/api/b@1.0.0", ...NEEDED }),
    "1 name-mismatch",
  ],
  [
    "a manifest of two types",
    ".rtt/manifests/a.hook.b.json",
    manifest({ saddr: "rtt://a/hook/b@1.0.0", ...NEEDED }),
    "1 name-mismatch",
  ],
  [
    "an agent in another's file",
    "agents/common/x.agent.json",
    '{"$schema": "https://rtt/agent-manifest/v1",\n"id": "../y"}',
    "2 name-mismatch",
  ],
];

test.for(BAD)(
  "%s: named with file, line and rule, and the rest is found",
  async ([, path, content, fault]) => {
    const scan = await scanFolder(toolFolder({ ...GOOD, [path]: content }));
    expect(scan.addresses).toEqual([GOOD_ADDRESS]);
    expect(scan.faults).toEqual([`${path}:${fault}`]);
  },
);

test.for<readonly [string, string]>([
  ['{\n// no\n"mcpServers": {}}', "It has a comment, which it may not"],
  ['{"mcpServers": {}} // no', "It has a comment, which it may not"],
  ['{"mcpServers": {"a": {"args": ["x",]}}}', "A comma stands before the end"],
  ['{"mcpServers": {},\n}', "A comma stands before the end"],
  ['{"mcpServers": }', "A value is missing"],
  ["", "A value is missing"],
])("of JSON that another tool would read, %j: %s", async ([text, message]) => {
  const { problems } = await scanFolder(toolFolder({ ...GOOD, ".mcp.json": text }));
  expect(problems.map((problem) => problem.message)).toEqual([message]);
});

test("the mark of Windows editors before JSON, TOML and front matter is skipped", async () => {
  const scan = await scanFolder(
    toolFolder({
      ".mcp.json": '\ufeff{"mcpServers": {"a": {"command": "x"}}}',
      ".codex/config.toml": '\ufeff[mcp_servers.b]\r\ncommand = "x"\r\n',
      ".claude/agents/c.md": `\ufeff${agent("name: c", "description: d").replaceAll("\n", "\r\n")}`,
    }),
  );
  expect(scan.faults).toEqual([]);
  expect(scan.addresses).toEqual([
    "rtt://local/agent/c@1.0.0",
    "rtt://local/mcp-server/a@1.0.0",
    "rtt://local/mcp-server/b@1.0.0",
  ]);
});

test("a file with one bad server gives the others", async () => {
  const servers = '{"mcpServers": {"a": {"command": "x"},\n"b\u00e9": {"command": "x"}}}';
  const scan = await scanFolder(toolFolder({ ".mcp.json": servers }));
  expect(scan.addresses).toEqual(["rtt://local/mcp-server/a@1.0.0"]);
  expect(scan.faults).toEqual([".mcp.json:2 name-invalid"]);
});

test("links are followed inside the roots, and nothing outside is read", async () => {
  const outside = toolFolder({
    "secret.md": agent("name: secret", "description: d"),
    "s/SKILL.md": "",
  });
  const folder = toolFolder({
    ...GOOD,
    "shared/linked/SKILL.md": agent("name: linked", "description: d"),
    "shared/one.md": agent("name: one", "description: d"),
  });
  linkIn(folder, ".claude/skills/linked", "../../shared/linked");
  linkIn(folder, ".claude/agents/one.md", "../../shared/one.md");
  linkIn(folder, ".claude/agents/out.md", join(outside, "secret.md"));
  linkIn(folder, ".claude/skills/out", join(outside, "s"));
  linkIn(folder, ".claude/agents/loop", "..");
  linkIn(folder, ".claude/agents/self.md", "self.md");
  linkIn(folder, ".claude/agents/gone.md", "nowhere.md");
  linkIn(folder, "elsewhere", outside);
  const scan = await scanFolder(folder);
  expect(scan.addresses).toEqual([
    GOOD_ADDRESS,
    "rtt://local/agent/one@1.0.0",
    "rtt://local/skill/linked@1.0.0",
  ]);
  expect(scan.faults).toEqual([
    ".claude/agents/gone.md:0 link-broken",
    ".claude/agents/loop:0 link-loop",
    ".claude/agents/out.md:0 link-outside",
    ".claude/agents/self.md:0 link-loop",
    ".claude/skills/out:0 link-outside",
  ]);
});

test("two folders that lead to each other end", async () => {
  const folder = toolFolder({ ...GOOD, ".claude/skills/a/x": "", ".claude/skills/b/x": "" });
  linkIn(folder, ".claude/skills/a/b", "../b");
  linkIn(folder, ".claude/skills/b/a", "../a");
  const scan = await scanFolder(folder);
  expect(scan.addresses).toEqual([GOOD_ADDRESS]);
  expect(scan.problems.map(({ rule }) => rule)).toEqual(["link-loop", "link-loop"]);
});

test("a skill with a file that cannot be had is not found at all", async () => {
  const skill = agent("name: x", "description: d");
  const folder = toolFolder({ ...GOOD, ".claude/skills/x/SKILL.md": skill });
  linkIn(folder, ".claude/skills/x/data", "/etc");
  const scan = await scanFolder(folder);
  expect(scan.addresses).toEqual([GOOD_ADDRESS]);
  expect(scan.faults).toEqual([".claude/skills/x/data:0 link-outside"]);
});

test("folders without end, and a skill of countless files, are cut off and told", async () => {
  const folder = toolFolder({
    ...GOOD,
    [`${"d/".repeat(60)}.claude/agents/deep.md`]: agent("name: deep", "description: d"),
    ".claude/skills/many/SKILL.md": agent("name: many", "description: d"),
    ...Object.fromEntries(
      Array.from({ length: 512 }, (_, at) => [`.claude/skills/many/${at}.txt`, `${at}`]),
    ),
  });
  const scan = await scanFolder(folder);
  expect(scan.addresses).toEqual([GOOD_ADDRESS]);
  expect(scan.problems.map(({ rule }) => rule).sort()).toEqual(["too-deep", "too-many"]);
});

test("a folder that may not be read is a problem, and the rest is found", async () => {
  const folder = toolFolder({ ...GOOD, ".claude/agents/closed/x.md": "" });
  const closed = join(folder, ".claude/agents/closed");
  const ports = testPorts({
    files: {
      ...nodeFiles,
      // The user of the tests may be one who may read everything.
      list: (path) =>
        path === closed
          ? Promise.reject(new Failure("permission-denied", path, { origin: "host", remedy: "" }))
          : nodeFiles.list(path),
    },
  });
  const cache = await ScanCache.open(ports, null, folder);
  const scan = await scanTree(ports, [folder], cache, { base: folder, ignore: [] });
  expect(scan.found).toHaveLength(1);
  expect(scan.problems).toMatchObject([{ path: closed, rule: "unreadable" }]);
});

test("every reader answers whatever a file holds", () => {
  const paths = BAD.map(([, path]) => path);
  const pieces = BAD.map(([, , content]) => (typeof content === "string" ? content : "\u0000"))
    .filter((content) => content.length < 2000)
    .flatMap((content) => content.split(/(?<=[\n{}[\]":=])/));
  const text = fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string()), { maxLength: 30 });
  fc.assert(
    fc.property(fc.constantFrom(...paths), text, (path, parts) => {
      const place = PROJECT_PLACES.placeOf(path.split("/"));
      const reader = place === null ? null : READERS[place.format];
      if (place === null || reader === null) throw new Error(`${path} has no reader`);
      const reading = reader({
        path: `/p/${path}`,
        place,
        text: parts.join(""),
        id: "0".repeat(64),
      });
      for (const { address } of reading.found) formatSymbolAddress(address);
      for (const { line } of reading.problems) expect(line).toBeGreaterThan(0);
    }),
    { numRuns: 2000 },
  );
});
