import { expect, test } from "vitest";
import { parseSymbolAddress } from "../../../../../host/shared/fabric/symbol.ts";
import type { Json } from "../../../../../host/shared/trust/canonical-json.ts";
import { utf8 } from "../../../../../host/shared/trust/bytes.ts";
import { type Projected, ProjectedFolder } from "../../../../support/projection.ts";

/** What comes from another registry has no file here: only its body says what it is. */
const VIEWS = ["claude-code", "codex", "cursor", "copilot", "opencode", "zed"].map((view) => ({
  view,
  provider: view,
  folder: null,
  entries: null,
}));

class Imported {
  readonly folder: ProjectedFolder;

  constructor(folder: ProjectedFolder) {
    this.folder = folder;
  }

  static async make(): Promise<Imported> {
    return new Imported(await ProjectedFolder.of({ "notes.txt": "x" }));
  }

  async blob(text: string | Uint8Array<ArrayBuffer>): Promise<string> {
    const bytes = typeof text === "string" ? utf8(text) : text;
    const id = await this.folder.registry.putBlob({ kind: "rule-file", address: null, bytes });
    return `sha256:${id}`;
  }

  async put(kind: string, name: string, body: Json): Promise<void> {
    const address = parseSymbolAddress(`rtt://other/${kind}/${name}@1.0.0`);
    await this.folder.registry.put({ kind, address, body });
  }

  async rule(name: string, inner: Readonly<Record<string, Json>>): Promise<void> {
    await this.put("rule", name, { type: "rule", rule: inner });
  }

  async server(name: string, inner: Readonly<Record<string, Json>>): Promise<void> {
    await this.put("mcp-server", name, { type: "mcp-server", server: inner });
  }

  project(): Promise<Projected> {
    return this.folder.project(new Map(), { views: VIEWS });
  }
}

test("a rule is known by the tool that wrote fields of its own, else by its file's name", async () => {
  const imported = await Imported.make();
  const cursor = await imported.blob("---\nglobs: *.ts\n---\nTypeScript.\n");
  await imported.rule("by-fields", { file: "x.md", digest: cursor, native: { cursor: {} } });
  await imported.rule("by-name", { file: "y.mdc", digest: cursor });
  const copilot = await imported.blob("---\napplyTo: '*.go'\n---\nGo.\n");
  await imported.rule("long-name", { file: "z.instructions.md", digest: copilot });
  const shown = await imported.project();
  expect(await shown.text(".claude/rules/by-fields.md")).toContain('paths: ["*.ts"]');
  expect(await shown.text(".claude/rules/by-name.md")).toContain('paths: ["*.ts"]');
  expect(await shown.text(".cursor/rules/y.mdc")).toBe("---\nglobs: *.ts\n---\nTypeScript.\n");
  expect(await shown.text(".claude/rules/long-name.md")).toContain('paths: ["*.go"]');
  expect(shown.unshown("zed")).toContain("other/rule/by-name@1.0.0 no-place");
});

test("instructions are known by their file's name", async () => {
  const imported = await Imported.make();
  await imported.rule("claude", { file: "CLAUDE.md", digest: await imported.blob("Be brief.\n") });
  const shown = await imported.project();
  expect(shown.paths).toEqual([".github/copilot-instructions.md", "AGENTS.md", "CLAUDE.md"]);
});

test("a rule without its file, or with one that is none, is not shown", async () => {
  const imported = await Imported.make();
  const digest = await imported.blob("x");
  await imported.rule("no-digest", { file: "a.md" });
  await imported.rule("no-kind", { file: "a.txt", digest });
  await imported.rule("no-text", {
    file: "b.mdc",
    digest: await imported.blob(Uint8Array.of(0xff)),
  });
  await imported.rule("open", { file: "c.mdc", digest: await imported.blob("---\nglobs: a\n") });
  await imported.rule("nothing", {});
  await imported.rule("agents", { file: "AGENTS.md" });
  const shown = await imported.project();
  expect(shown.unshown("claude-code")).toEqual(
    ["agents", "no-digest", "no-kind", "no-text", "nothing", "open"].map(
      (name) => `other/rule/${name}@1.0.0 not-expressible`,
    ),
  );
  // Its own tool takes a file as it is.
  expect(shown.paths).toEqual([".cursor/rules/b.mdc", ".cursor/rules/c.mdc"]);
});

test("a rule's file that leads out of the folder of rules is a named problem", async () => {
  const imported = await Imported.make();
  const digest = await imported.blob("x");
  await imported.rule("out", { file: "../../../x.mdc", digest });
  const shown = await imported.project();
  expect(shown.unshown("cursor")).toEqual(["other/rule/out@1.0.0 name-invalid"]);
  // Elsewhere it has the name of its address; without a scope it is one for when it is asked for.
  expect(shown.paths).toEqual([".github/instructions/out.instructions.md"]);
});

test("servers without names that a tool could have are named problems", async () => {
  const imported = await Imported.make();
  await imported.server("a", { command: "a", native: { codex: { name: "a.b" } } });
  const entries = JSON.parse('{"cursor":{"name":"__proto__"}}') as Readonly<Record<string, Json>>;
  await imported.server("b", { command: "b", native: entries });
  await imported.server("c", { native: {} });
  const shown = await imported.project();
  expect(shown.unshown("codex")).toEqual([
    "other/mcp-server/a@1.0.0 name-invalid",
    "other/mcp-server/c@1.0.0 not-expressible",
  ]);
  expect(shown.unshown("cursor")).toEqual([
    "other/mcp-server/b@1.0.0 name-invalid",
    "other/mcp-server/c@1.0.0 not-expressible",
  ]);
  expect((await shown.fields(".cursor/mcp.json")).map(({ path }) => path)).toEqual([
    ["mcpServers", "a"],
  ]);
});

test("members that no tool knows are reported, and bodies of other forms do no harm", async () => {
  const imported = await Imported.make();
  await imported.server("a", { command: "a", args: "x", env: [1], colour: "red", native: [] });
  await imported.put("agent", "text", "just a text");
  await imported.put("agent", "empty", {});
  await imported.put("agent", "odd", {
    type: "agent",
    agent: { description: 1, instructions: [] },
  });
  await imported.put("skill", "odd", { type: "skill", skill: { id: "odd", files: [1] } });
  const shown = await imported.project();
  expect(shown.paths).toEqual([
    ".codex/config.toml",
    ".cursor/mcp.json",
    ".mcp.json",
    ".vscode/mcp.json",
    "opencode.json",
  ]);
  expect(shown.lost("cursor")).toEqual(["other/mcp-server/a@1.0.0 colour no-such-field"]);
  expect(shown.unshown("cursor")).toEqual([
    "other/agent/empty@1.0.0 not-expressible",
    "other/agent/odd@1.0.0 not-expressible",
    "other/agent/text@1.0.0 not-expressible",
    "other/skill/odd@1.0.0 not-expressible",
  ]);
});
