import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseSymbolAddress } from "../../../../../host/shared/fabric/symbol.ts";
import { TOOL_LAYOUTS } from "../../../../../host/shared/fabric/view/layouts.ts";
import type { Json } from "../../../../../host/shared/trust/canonical-json.ts";
import { utf8 } from "../../../../../host/shared/trust/bytes.ts";
import { failureCode } from "../../../../support/ports.ts";
import { ProjectedFolder } from "../../../../support/projection.ts";
import { SECRET, TOOL_FILES, type Tree } from "../../../../support/tool-folders.ts";

const REVIEWER = "---\nname: reviewer\ndescription: Reviews code\n---\nYou review code.\n";

test("real layouts are shown in each other, and the user's own files are kept", async () => {
  const folder = await ProjectedFolder.of(TOOL_FILES);
  const shown = await folder.project(await folder.scan());
  const { kept, files } = shown.projection;
  expect(shown.paths.filter((path) => path.includes("/agents/"))).toEqual([
    ".agents/agents/planner.md",
    ".agents/agents/reviewer.md",
    ".agents/agents/search.md",
    ".claude/agents/planner.md",
    ".claude/agents/search.md",
    ".codex/agents/planner.toml",
    ".cursor/agents/planner.md",
    ".cursor/agents/search.md",
    ".github/agents/reviewer.agent.md",
    ".github/agents/search.agent.md",
    ".opencode/agents/planner.md",
    ".opencode/agents/search.md",
  ]);
  expect(kept.filter(({ symbol }) => symbol.includes("reviewer")).map(({ path }) => path)).toEqual([
    ".claude/agents/reviewer.md",
    ".codex/agents/reviewer.toml",
    ".cursor/agents/reviewer.md",
    ".opencode/agents/reviewer.md",
  ]);
  // Skills and instructions are the same bytes everywhere, in the files that they came from too.
  const skill = shown.at(".cursor/skills/pdf/scripts/read.py");
  expect(shown.at(".claude/skills/pdf/scripts/read.py")).toEqual({
    ...skill,
    path: ".claude/skills/pdf/scripts/read.py",
    view: "claude-code",
    isSource: true,
  });
  expect(await shown.text("CLAUDE.md")).toBe("# Rules\n\nBe brief.\n");
  expect(await shown.text(".claude/rules/style.md")).toContain('paths: ["*.ts"]');
  expect(await shown.text(".github/agents/reviewer.agent.md")).toBe(
    REVIEWER.replace("---\nYou", "---\n\nYou"),
  );
  // No server is written where it was read from.
  expect((await shown.fields(".cursor/mcp.json")).map(({ path }) => path.join("."))).toEqual([
    "mcpServers.browser",
    "mcpServers.docs",
    "mcpServers.files",
    "mcpServers.search",
    "mcpServers.weather",
  ]);
  expect(files.map(({ path }) => path)).toEqual(files.map(({ path }) => path).sort());
});

test("no secret is in anything that is derived", async () => {
  const folder = await ProjectedFolder.of(TOOL_FILES);
  const shown = await folder.project(await folder.scan());
  for (const { path, how } of shown.projection.files) {
    const text = how === "link" ? await shown.text(path) : JSON.stringify(await shown.fields(path));
    expect(text).not.toContain(SECRET);
  }
  expect(JSON.stringify(shown.projection)).not.toContain(SECRET);
  expect(shown.lost("codex")).toContain(
    "local/mcp-server/search@1.0.0 headers.Authorization no-reference",
  );
  expect(shown.unshown("codex")).toContain("local/mcp-server/browser@1.0.0 no-reference");
});

test("the same registry gives the same projection, whatever the order of its views", async () => {
  const folder = await ProjectedFolder.of(TOOL_FILES);
  const sources = await folder.scan();
  const { projection } = await folder.project(sources);
  const objects = await folder.ports.files.list(folder.registry.layout.objects);
  const views = TOOL_LAYOUTS.map(({ view }) => ({
    view,
    provider: view,
    folder: null,
    entries: null,
  }));
  const used = new Set(projection.files.map(({ view }) => view));
  const again = await folder.project(new Map([...sources].reverse()), {
    views: views.filter(({ view }) => used.has(view)).reverse(),
  });
  expect(again.projection).toEqual(projection);
  // Nothing new was made.
  expect(await folder.ports.files.list(folder.registry.layout.objects)).toEqual(objects);
});

test("a derived object that is gone, rotten or stripped of its signature is made again", async () => {
  const folder = await ProjectedFolder.of({
    ".claude/agents/reviewer.md": REVIEWER,
    ".cursor/mcp.json": "{}",
  });
  const sources = await folder.scan();
  const { registry } = folder;
  const file = (await folder.project(sources)).at(".cursor/agents/reviewer.md");
  const object = file.how === "link" ? file.object : "";
  const content = registry.layout.content(object, "blob");
  const signature = registry.layout.signatures(object);
  const damages: readonly (() => void)[] = [
    () => rmSync(content),
    () => rmSync(signature),
    () => {
      chmodSync(content, 0o644);
      writeFileSync(content, "rot");
    },
  ];
  for (const damage of damages) {
    damage();
    expect(await failureCode(() => registry.getBlob(object))).not.toBe("none");
    await folder.project(sources);
    expect(await failureCode(() => registry.getBlob(object))).toBe("none");
  }
});

test("what one tool has for itself goes to no other, and that is reported", async () => {
  const folder = await ProjectedFolder.of({
    ".claude/agents/reviewer.md": REVIEWER.replace("---\nYou", "model: opus\n---\nYou"),
    ".cursor/rules/a.mdc": "---\nalwaysApply: true\n---\nA\n",
  });
  const shown = await folder.project(await folder.scan());
  expect(await shown.text(".cursor/agents/reviewer.md")).not.toContain("opus");
  expect(shown.lost("cursor")).toEqual([
    "local/agent/reviewer@1.0.0 native.claude-code.model only-another-tool",
  ]);
  expect(shown.lost("claude-code")).toEqual([]);
});

test("each tool gets its own variant, the others the one without, and none that is unclear", async () => {
  const other = REVIEWER.replace("Reviews code", "Reads code");
  const folder = await ProjectedFolder.of({
    ".claude/agents/reviewer.md": REVIEWER,
    ".cursor/agents/reviewer.md": other,
    ".opencode/agents/other.md": REVIEWER.replace("reviewer", "other"),
  });
  const sources = await folder.scan();
  const shown = await folder.project(sources);
  expect(shown.unshown("opencode")).toEqual([
    "local/agent/reviewer@1.0.0#claude-code ambiguous",
    "local/agent/reviewer@1.0.0#cursor ambiguous",
  ]);
  expect(shown.projection.kept.map(({ symbol, path }) => `${symbol} ${path}`)).toEqual([
    "rtt://local/agent/other@1.0.0 .opencode/agents/other.md",
    "rtt://local/agent/reviewer@1.0.0#claude-code .claude/agents/reviewer.md",
    "rtt://local/agent/reviewer@1.0.0#cursor .cursor/agents/reviewer.md",
  ]);
  // A view that names one gets it.
  const chosen = await folder.project(sources, {
    configured: [
      {
        provider: "opencode",
        folder: null,
        entries: [{ id: "rtt://local/agent/reviewer@1.0.0#cursor", overlays: [] }],
      },
    ],
  });
  expect(await chosen.text(".opencode/agents/reviewer.md")).toContain("Reads code");
  expect(chosen.unshown("opencode")).toEqual([]);
});

test("a folder of the project has its own layout, for every tool that the project uses", async () => {
  const folder = await ProjectedFolder.of({
    "AGENTS.md": "Root\n",
    ".claude/agents/reviewer.md": REVIEWER,
    "services/search/AGENTS.md": "Search\n",
    "services/search/.mcp.json": '{"mcpServers":{"a":{"command":"a"}}}',
    "web/.cursor/agents/reviewer.md": REVIEWER.replace("Reviews", "Checks"),
  });
  const shown = await folder.project(await folder.scan());
  expect(shown.paths).toEqual([
    ".cursor/agents/reviewer.md",
    "AGENTS.md",
    "CLAUDE.md",
    "services/search/.cursor/mcp.json",
    "services/search/AGENTS.md",
    "services/search/CLAUDE.md",
    "web/.claude/agents/reviewer.md",
  ]);
  expect(await shown.text("services/search/CLAUDE.md")).toBe("Search\n");
  expect(await shown.text("web/.claude/agents/reviewer.md")).toContain("Checks code");
});

test("a tool has one file with instructions: its own, else everybody's, else the only one", async () => {
  const marks: Tree = {
    ".codex/config.toml": "",
    ".gemini/settings.json": "{}",
    ".cursor/mcp.json": "{}",
  };
  const own = await ProjectedFolder.of({ ...marks, "AGENTS.md": "all", "GEMINI.md": "gemini" });
  const first = await own.project(await own.scan());
  expect(first.paths).toEqual(["AGENTS.md", "GEMINI.md"]);
  expect(first.at("GEMINI.md")).toMatchObject({ isSource: true });
  expect(first.unshown("gemini-cli")).toEqual(["local/rule/agents@1.0.0 name-taken"]);
  expect(first.unshown("shared")).toEqual(["local/rule/gemini@1.0.0 name-taken"]);

  const only = await ProjectedFolder.of({ ...marks, "CLAUDE.md": "claude" });
  const second = await only.project(await only.scan());
  expect(second.paths).toEqual(["AGENTS.md", "CLAUDE.md", "GEMINI.md"]);
  expect(await second.text("AGENTS.md")).toBe("claude");

  const several = await ProjectedFolder.of({
    ...marks,
    "CLAUDE.md": "claude",
    "GEMINI.md": "gemini",
  });
  const third = await several.project(await several.scan());
  expect(third.paths).toEqual(["CLAUDE.md", "GEMINI.md"]);
  expect(third.unshown("shared")).toEqual([
    "local/rule/claude@1.0.0 ambiguous",
    "local/rule/gemini@1.0.0 ambiguous",
  ]);

  const same = await ProjectedFolder.of({ ...marks, "CLAUDE.md": "same", "GEMINI.md": "same" });
  const fourth = await same.project(await same.scan());
  expect(fourth.at("AGENTS.md").symbols).toHaveLength(2);
  expect(fourth.projection.unshown).toEqual([]);
});

test("rules keep when they apply, or are not shown", async () => {
  const folder = await ProjectedFolder.of({
    ".claude/rules/deep/tests.md": "---\npaths: ['**/*.test.ts']\n---\nTest.\n",
    ".cursor/rules/asked.mdc":
      "---\ndescription: Releases\nalwaysApply: false\ncolor: red\n---\nTag.\n",
    ".github/instructions/all.instructions.md": "---\napplyTo: '**'\n---\nAll.\n",
    "opencode.json": "{}",
  });
  const shown = await folder.project(await folder.scan());
  expect(shown.paths.filter((path) => path.endsWith(".md") || path.endsWith(".mdc"))).toEqual([
    ".claude/rules/all.md",
    ".claude/rules/deep/tests.md",
    ".cursor/rules/all.mdc",
    ".cursor/rules/asked.mdc",
    ".cursor/rules/deep-tests.mdc",
    ".github/instructions/all.instructions.md",
    ".github/instructions/asked.instructions.md",
    ".github/instructions/deep-tests.instructions.md",
  ]);
  expect(await shown.text(".cursor/rules/deep-tests.mdc")).toBe(
    "---\nglobs: **/*.test.ts\nalwaysApply: false\n---\n\nTest.\n",
  );
  expect(shown.unshown("claude-code")).toEqual(["local/rule/asked@1.0.0 not-expressible"]);
  expect(shown.unshown("opencode")).toHaveLength(3);
  expect(shown.lost("copilot")).toEqual([
    "local/rule/asked@1.0.0 native.cursor.color only-another-tool",
  ]);
});

test("names that cannot be files everywhere are named problems, and nothing of theirs is shown", async () => {
  const folder = await ProjectedFolder.of({
    ".claude/agents/con.md": REVIEWER.replace("reviewer", "con"),
    ".cursor/mcp.json": "{}",
  });
  const sources = await folder.scan();
  const { registry } = folder;
  const blob = await registry.putBlob({ kind: "skill-file", address: null, bytes: utf8("x") });
  const skill = (name: string, paths: readonly string[], id = name) => ({
    kind: "skill",
    address: parseSymbolAddress(`rtt://other/skill/${name}@1.0.0`),
    body: {
      type: "skill",
      skill: { id, name, files: paths.map((path): Json => ({ path, digest: `sha256:${blob}` })) },
    },
  });
  await registry.putAll([
    skill("good", ["SKILL.md", "a/b.md"]),
    skill("out", ["SKILL.md", "../../../../.bashrc"]),
    skill("device", ["SKILL.md", "aux.md"]),
    skill("twice", ["SKILL.md", "Read.md", "READ.md"]),
    skill("nested", ["SKILL.md", "a", "a/b"]),
    skill("renamed", ["SKILL.md"], "other-name"),
    skill("empty", []),
    skill("nul", ["SKILL.md"]),
  ]);
  const shown = await folder.project(sources);
  expect(shown.paths).toEqual([
    ".claude/skills/good/SKILL.md",
    ".claude/skills/good/a/b.md",
    ".cursor/skills/good/SKILL.md",
    ".cursor/skills/good/a/b.md",
  ]);
  expect(shown.unshown("cursor")).toEqual([
    "local/agent/con@1.0.0 name-invalid",
    "other/skill/device@1.0.0 name-invalid",
    "other/skill/empty@1.0.0 not-expressible",
    "other/skill/nested@1.0.0 name-taken",
    "other/skill/nul@1.0.0 name-invalid",
    "other/skill/out@1.0.0 name-invalid",
    "other/skill/renamed@1.0.0 not-expressible",
    "other/skill/twice@1.0.0 name-taken",
  ]);
});

test("of several symbols of one name the project's own goes first, and the newest version", async () => {
  const folder = await ProjectedFolder.of({
    ".claude/agents/reviewer.md": REVIEWER,
    ".cursor/mcp.json": "{}",
  });
  const sources = await folder.scan();
  const agent = (address: string, description: string) => ({
    kind: "agent",
    address: parseSymbolAddress(address),
    body: { type: "agent", agent: { description, instructions: "x" } },
  });
  await folder.registry.putAll([
    agent("rtt://other/agent/reviewer@3.0.0", "Elsewhere"),
    agent("rtt://other/agent/helper@1.9.0", "Old"),
    agent("rtt://other/agent/helper@1.10.0", "New"),
    agent("rtt://one/agent/twin@1.0.0", "One"),
    agent("rtt://two/agent/twin@1.0.0", "Two"),
  ]);
  const shown = await folder.project(sources);
  expect(await shown.text(".cursor/agents/reviewer.md")).toContain("Reviews code");
  expect(await shown.text(".cursor/agents/helper.md")).toContain("New");
  expect(shown.unshown("cursor")).toEqual([
    "one/agent/twin@1.0.0 ambiguous",
    "two/agent/twin@1.0.0 ambiguous",
  ]);
});

test("two servers with one name in a tool's list are not one", async () => {
  const folder = await ProjectedFolder.of({
    ".mcp.json": '{"mcpServers":{"My Server":{"command":"a"}}}',
    ".cursor/mcp.json": "{}",
  });
  const sources = await folder.scan();
  const native = { "claude-code": { name: "My Server" } };
  await folder.registry.put({
    kind: "mcp-server",
    address: parseSymbolAddress("rtt://other/mcp-server/second@1.0.0"),
    body: { type: "mcp-server", server: { command: "b", native } },
  });
  const shown = await folder.project(sources);
  expect(shown.unshown("claude-code")).toEqual(["other/mcp-server/second@1.0.0 name-taken"]);
  expect((await shown.fields(".cursor/mcp.json")).map(({ path }) => path[1])).toEqual([
    "my-server",
    "second",
  ]);
});

test("a policy keeps symbols out of views", async () => {
  const folder = await ProjectedFolder.of({
    ".claude/agents/reviewer.md": REVIEWER,
    ".cursor/mcp.json": "{}",
  });
  const isShown = (address: string, view: string): boolean =>
    !(address === "rtt://local/agent/reviewer@1.0.0" && view === "cursor");
  const shown = await folder.project(await folder.scan(), { isShown });
  expect(shown.paths).toEqual([]);
  expect(shown.projection.unshown).toEqual([]);
});

test("a tool is used where one of its marks is, or when the configuration says so", async () => {
  const folder = await ProjectedFolder.of({ ".claude/agents/reviewer.md": REVIEWER });
  const sources = await folder.scan();
  expect((await folder.project(sources)).paths).toEqual([]);
  // An empty folder is no mark: once a view had put something into it, it would be none either.
  mkdirSync(join(folder.root, ".cursor/agents"), { recursive: true });
  expect((await folder.project(sources)).paths).toEqual([]);
  const named = { provider: "codex", folder: null, entries: null };
  expect((await folder.project(sources, { configured: [named] })).paths).toEqual([
    ".codex/agents/reviewer.toml",
  ]);
  folder.write({ ".zed/settings.json": "{}" });
  const plain = await folder.project(sources);
  expect(plain.paths).toEqual([]);
  expect(plain.unshown("zed")).toEqual(["local/agent/reviewer@1.0.0 no-place"]);
  const views = [{ view: "nobody", provider: "nobody", folder: null, entries: null }];
  expect((await folder.project(sources, { views })).projection.files).toEqual([]);
});

test.each(TOOL_LAYOUTS.flatMap(({ marks }) => marks))(
  "a project that has only %s is shown the same once its views are there",
  async (mark) => {
    const isFolder = !/\.(?:md|jsonc?|toml|hints|rules)$|rules$/.test(mark);
    const folder = await ProjectedFolder.of({
      "notes/README.txt": "x",
      [isFolder ? `${mark}/own.txt` : mark]: mark.includes("json") ? "{}" : "x",
    });
    const body = { description: "Helps", instructions: "x" };
    const object = (kind: string, member: string, inner: Json) => ({
      kind,
      address: parseSymbolAddress(`rtt://other/${kind}/helper@1.0.0`),
      body: { type: kind, [member]: inner },
    });
    const blob = await folder.registry.putBlob({
      kind: "rule-file",
      address: null,
      bytes: utf8("x"),
    });
    const digest = `sha256:${blob}`;
    await folder.registry.putAll([
      object("agent", "agent", body),
      object("mcp-server", "server", { command: "helper" }),
      object("skill", "skill", { id: "helper", files: [{ path: "SKILL.md", digest }] }),
      object("rule", "rule", { file: "helper.md", digest }),
    ]);
    const first = await folder.project(new Map());
    expect(first.projection.files).not.toEqual([]);
    const shown = await first.writeTo(folder.root);
    const again = await folder.project(new Map(), { shown });
    expect(again.projection).toEqual(first.projection);
    // Without what is the user's own, the tool is not used any more.
    rmSync(join(folder.root, isFolder ? `${mark}/own.txt` : mark));
    expect((await folder.project(new Map(), { shown })).paths).toEqual([]);
  },
);

test("a person's own symbols are not written into the project", async () => {
  const folder = await ProjectedFolder.of({ ".cursor/mcp.json": "{}" });
  await folder.registry.put({
    kind: "agent",
    address: parseSymbolAddress("rtt://user/agent/mine@1.0.0"),
    body: { type: "agent", agent: { description: "Mine", instructions: "x" } },
  });
  expect((await folder.project(await folder.scan())).projection.files).toEqual([]);
});

test("an overlay changes what a view shows and never the registry's object", async () => {
  const folder = await ProjectedFolder.of({
    ".claude/agents/reviewer.md": REVIEWER,
    ".mcp.json": '{"mcpServers":{"a":{"command":"a","env":{"LOG":"debug"}}}}',
    ".cursor/mcp.json": "{}",
    "overlays/provider/cursor/reviewer.patch.json":
      '{"description":"Reviews for Cursor","native":{"cursor":{"readonly":true}}}',
    "overlays/env/prod/a.patch.json": '{"env":{"LOG":"error","TOKEN":"${env:TOKEN}"}}',
  });
  const sources = await folder.scan();
  const { registry } = folder;
  const contentOf = (id: string): string =>
    readFileSync(registry.layout.content(id, "json"), "utf8");
  const before = new Map((await registry.list()).map(({ id }) => [id, contentOf(id)]));
  const shown = await folder.project(sources, { environment: "prod" });
  expect(await shown.text(".cursor/agents/reviewer.md")).toBe(
    "---\nname: reviewer\ndescription: Reviews for Cursor\nreadonly: true\n---\n\nYou review code.\n",
  );
  expect(await shown.fields(".cursor/mcp.json")).toEqual([
    {
      path: ["mcpServers", "a"],
      value: { command: "a", env: { LOG: "error", TOKEN: "${env:TOKEN}" } },
    },
  ]);
  folder.write({ "overlays/provider/cursor/reviewer.patch.json": '{"description":"Again"}' });
  const again = await folder.project(sources);
  expect(await again.text(".cursor/agents/reviewer.md")).toContain("Again");
  expect(new Map((await registry.list()).map(({ id }) => [id, contentOf(id)]))).toEqual(before);
  expect((await registry.list()).map(({ id }) => id)).toEqual([...before.keys()]);
});

test("an overlay over a file that is shown as it is changes nothing, and that is reported", async () => {
  const patch = '{"description":"Other"}';
  const folder = await ProjectedFolder.of({
    ".claude/agents/reviewer.md": REVIEWER,
    ".claude/skills/pdf/SKILL.md": "---\nname: pdf\ndescription: Reads\n---\nx\n",
    ".claude/rules/tests.md": "Test.\n",
    "CLAUDE.md": "x",
    ".mcp.json": '{"mcpServers":{"a":{"command":"a"}}}',
    ...Object.fromEntries(
      ["reviewer", "pdf", "tests", "claude", "a"].map((name) => [
        `overlays/provider/claude-code/${name}.patch.json`,
        patch,
      ]),
    ),
    "overlays/env/prod/_global.patch.json": "{}",
    "overlays/env/prod/tests.patch.json": "{}",
    ".cursor/mcp.json": "{}",
  });
  const shown = await folder.project(await folder.scan(), { environment: "prod" });
  expect(shown.lost("claude-code")).toEqual(
    ["agent/reviewer", "mcp-server/a", "rule/claude", "rule/tests", "skill/pdf"].map(
      (name) => `local/${name}@1.0.0 overlay whole-file`,
    ),
  );
  expect(shown.lost("cursor")).toEqual(["local/rule/tests@1.0.0 overlay whole-file"]);
});

test.each([
  ["is no JSON", "{", "line 1"],
  ["holds a secret", '{"env":{"TOKEN":"hunter2"}}', "secret"],
  ["holds one in an argument", '{"args":["--api-key","hunter2"]}', "secret"],
])("with an overlay that %s the symbol is not shown", async (_, patch, expected) => {
  const folder = await ProjectedFolder.of({
    ".mcp.json": '{"mcpServers":{"a":{"command":"a"}}}',
    ".cursor/mcp.json": "{}",
    "overlays/provider/cursor/a.patch.json": patch,
  });
  const shown = await folder.project(await folder.scan());
  expect(shown.paths).toEqual([]);
  const [only] = shown.projection.unshown;
  expect(only).toMatchObject({ reason: "overlay-invalid", view: "cursor" });
  expect(only?.message).toContain(expected);
  expect(only?.message).not.toContain("hunter2");
});
