import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseSymbolAddress } from "../../../../../host/shared/fabric/symbol.ts";
import { deepMerge } from "../../../../../host/shared/fabric/view/overlay.ts";
import { isPublishedFolder } from "../../../../../host/shared/fabric/view/published-view.ts";
import type { Json, JsonObject } from "../../../../../host/shared/trust/canonical-json.ts";
import { ProjectedFolder } from "../../../../support/projection.ts";
import type { Tree } from "../../../../support/tool-folders.ts";

interface Vectors {
  readonly rtt: {
    readonly cas: {
      readonly cases: readonly { readonly input: JsonObject; readonly sha256: string }[];
    };
  };
}

/** The agents that the published registry ships, and the ids of their objects there. */
const { cases: SHIPPED } = (
  JSON.parse(
    readFileSync(
      join(import.meta.dirname, "../../../../vectors/origin-vectors-rtt-p2p.json"),
      "utf8",
    ),
  ) as Vectors
).rtt.cas;

const CLAUDE = { provider: "claude", folder: "providers/claude/.claude/agents", entries: null };

/** A folder with the shipped agents in its registry. */
async function shippedFolder(tree: Tree = {}): Promise<ProjectedFolder> {
  const folder = await ProjectedFolder.of(tree);
  const ids = await folder.registry.putAll(
    SHIPPED.map(({ input }) => ({
      kind: "agent",
      address: parseSymbolAddress(input["rtt_saddr"] as string),
      body: input,
    })),
  );
  expect(ids).toEqual(SHIPPED.map(({ sha256 }) => sha256));
  return folder;
}

test("a provider gets every agent, each the registry's own object, with its link and the list", async () => {
  const folder = await shippedFolder();
  const shown = await folder.project(new Map(), { configured: [CLAUDE] });
  const base = "providers/claude/.claude/agents";
  expect(shown.paths).toEqual([
    ".rtt/linkmap.json",
    `${base}/code_fix_1.0.0.agent.json`,
    `${base}/code_fix_1.0.0.agent.json.link`,
    `${base}/search_1.0.0.agent.json`,
    `${base}/search_1.0.0.agent.json.link`,
    `${base}/summarize_1.0.0.agent.json`,
    `${base}/summarize_1.0.0.agent.json.link`,
  ]);
  const search = SHIPPED.find(({ input }) => input["id"] === "search");
  expect(shown.at(`${base}/search_1.0.0.agent.json`)).toMatchObject({
    how: "link",
    object: search?.sha256,
    view: "provider-claude",
    symbols: ["rtt://agent/api/search@1.0.0"],
  });
  expect(JSON.parse(await shown.text(`${base}/search_1.0.0.agent.json.link`))).toEqual({
    $schema: "https://rtt/agent-proxy/v1",
    ref: `../../../../.rtt/registry/cas/sha256/${search?.sha256}.json`,
  });
  expect(JSON.parse(await shown.text(".rtt/linkmap.json"))).toEqual({
    claude: {
      "code_fix@1.0.0": `${base}/code_fix_1.0.0.agent.json`,
      "search@1.0.0": `${base}/search_1.0.0.agent.json`,
      "summarize@1.0.0": `${base}/summarize_1.0.0.agent.json`,
    },
  });
  expect(shown.at(".rtt/linkmap.json")).toMatchObject({ view: "rtt", symbols: [] });
  expect(shown.projection.unshown).toEqual([]);
});

test("the published overlays over the published agents give what is published", async () => {
  const folder = await shippedFolder({
    "overlays/provider/claude/summarize.patch.json": '{"qos":{"latency_budget_ms":150}}',
    "overlays/env/prod/_global.patch.json": '{"tags":{"env":"prod"}}',
  });
  const overlays = ["provider:claude", "env:prod"];
  const entries = ["summarize@1.0.0", "search@1.0.0", "gone@1.0.0"].map((id) => ({ id, overlays }));
  const shown = await folder.project(new Map(), { configured: [{ ...CLAUDE, entries }] });
  const base = "providers/claude/.claude/agents";
  const summarize = SHIPPED.find(({ input }) => input["id"] === "summarize");
  expect(JSON.parse(await shown.text(`${base}/summarize_1.0.0.agent.json`))).toEqual(
    deepMerge(summarize?.input as Json, {
      qos: { latency_budget_ms: 150 },
      tags: { env: "prod" },
    }),
  );
  // The link still names what it was made of.
  const link = await shown.text(`${base}/summarize_1.0.0.agent.json.link`);
  expect(link).toContain(summarize?.sha256);
  expect(JSON.parse(await shown.text(".rtt/linkmap.json"))).toEqual({
    claude: {
      "search@1.0.0": `${base}/search_1.0.0.agent.json`,
      "summarize@1.0.0": `${base}/summarize_1.0.0.agent.json`,
    },
  });
  expect(shown.unshown("provider-claude")).toEqual(["gone@1.0.0 not-in-registry"]);
});

test("an agent of a tool is published as a manifest, and several providers share one list", async () => {
  const folder = await ProjectedFolder.of({
    ".claude/agents/reviewer.md":
      "---\nname: reviewer\ndescription: Reviews code\nmodel: opus\n---\nYou review code.\n",
  });
  const sources = await folder.scan();
  const openai = { provider: "openai", folder: null, entries: null };
  const shown = await folder.project(sources, { configured: [CLAUDE, openai] });
  const path = "providers/openai/.openai/agents/reviewer_1.0.0.agent.json";
  expect(JSON.parse(await shown.text(path))).toEqual({
    $schema: "https://rtt/agent-manifest/v1",
    id: "reviewer",
    name: "reviewer",
    version: "1.0.0",
    desc: "Reviews code",
    instructions: "You review code.",
    io: { input: "text", output: "text" },
    caps: [],
    rtt_saddr: "rtt://local/agent/reviewer@1.0.0",
  });
  expect(shown.lost("provider-openai")).toEqual([
    "local/agent/reviewer@1.0.0 native.claude-code.model only-another-tool",
  ]);
  expect(JSON.parse(await shown.text(".rtt/linkmap.json"))).toEqual({
    claude: { "reviewer@1.0.0": "providers/claude/.claude/agents/reviewer_1.0.0.agent.json" },
    openai: { "reviewer@1.0.0": path },
  });
});

test("ids and folders that lead elsewhere are named problems", async () => {
  const folder = await ProjectedFolder.of({
    "overlays/provider/claude/good.patch.json": "[]",
  });
  const manifest = (id: string, name: string) => ({
    kind: "agent",
    address: parseSymbolAddress(`rtt://other/agent/${name}@1.0.0`),
    body: { $schema: "https://rtt/agent-manifest/v1", id },
  });
  await folder.registry.putAll([
    manifest("../../../../etc/cron", "a"),
    manifest("a/b", "b"),
    manifest("good", "c"),
    manifest("Same", "d"),
    manifest("same", "e"),
  ]);
  const shown = await folder.project(new Map(), { configured: [CLAUDE] });
  expect(shown.unshown("provider-claude")).toEqual([
    "other/agent/a@1.0.0 name-invalid",
    "other/agent/b@1.0.0 name-invalid",
    "other/agent/c@1.0.0 overlay-invalid",
    "other/agent/e@1.0.0 name-taken",
  ]);
  for (const folderName of ["../x", "/x", ".rtt/registry", ".git/hooks", "a//b", ".RTT"]) {
    expect([folderName, isPublishedFolder(folderName)]).toEqual([folderName, false]);
    const bad = { ...CLAUDE, folder: folderName };
    const none = await folder.project(new Map(), { configured: [bad] });
    expect(none.paths).toEqual([".rtt/linkmap.json"]);
  }
});
