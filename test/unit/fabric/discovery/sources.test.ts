/**
 * Goal: the registry knows which files each symbol came from, and tells what no file has any more.
 * Method: folders of real tools' files scanned into registries in memory, files taken away, changed and broken.
 */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { refreshRegistry } from "../../../../host/shared/fabric/discovery/refresh.ts";
import {
  keepSources,
  keptPath,
  openedPath,
  SOURCES_ROOT,
  sourcesOf,
} from "../../../../host/shared/fabric/discovery/sources.ts";
import { type ViewOutput, viewOutputs } from "../../../../host/shared/fabric/discovery/outputs.ts";
import type { Generation } from "../../../../host/shared/fabric/generation.ts";
import {
  generationPath,
  historyPath,
  signGeneration,
} from "../../../../host/shared/fabric/generation-file/generation-file.ts";
import { viewFieldsBody } from "../../../../host/shared/fabric/view/fields.ts";
import type { Registry } from "../../../../host/shared/fabric/registry/registry.ts";
import { nodeFiles } from "../../../../host/node/files.ts";
import { failureCode, testDigest, testPorts } from "../../../support/ports.ts";
import { COLLEAGUE, memoryRegistry, OWNER, STRANGER } from "../../../support/registry.ts";
import { scanFolder, toolFolder, writeTree } from "../../../support/tool-folders.ts";
import { toHex, utf8 } from "../../../../host/shared/trust/bytes.ts";

const ports = testPorts();
const REVIEWER = "rtt://local/agent/reviewer@1.0.0";
const GITHUB = "rtt://local/mcp-server/github@1.0.0";

/** Scans a folder into a registry, as `rtt scan` does. */
async function refresh(
  registry: Registry,
  folder: string,
  more: { readonly isPruning?: boolean; readonly outputs?: readonly ViewOutput[] } = {},
) {
  const base = { root: folder };
  const check = async () => ({
    base,
    outputs: more.outputs ?? [],
    sources: await sourcesOf(registry),
  });
  const scan = await scanFolder(folder, { check });
  const options = { base, isPruning: more.isPruning ?? false };
  return { scan, ...(await refreshRegistry(ports, registry, scan, options)) };
}

const vanishedIn = ({ vanished }: { readonly vanished: readonly { readonly address: string }[] }) =>
  vanished.map(({ address }) => address);

test("every file of a symbol is known, with the entry where it is one of several", async () => {
  const folder = toolFolder();
  const { registry } = await memoryRegistry();
  expect((await sourcesOf(registry)).size).toBe(0);
  const { scan } = await refresh(registry, folder);
  const sources = await sourcesOf(registry);
  expect([...sources.keys()]).toEqual(scan.addresses);
  expect(sources.get(GITHUB)).toEqual([
    { path: ".cursor/mcp.json", tool: "cursor", format: "mcp-jsonc", entry: "github" },
    { path: ".mcp.json", tool: "claude-code", format: "mcp-json", entry: "github" },
  ]);
  expect(sources.get("rtt://local/skill/pdf@1.2.0")?.map(({ path }) => path)).toEqual([
    ".agents/skills/pdf/SKILL.md",
    ".agents/skills/pdf/scripts/read.py",
    ".claude/skills/pdf/SKILL.md",
    ".claude/skills/pdf/scripts/read.py",
  ]);
  expect(sources.get("rtt://local/rule/agents@1.0.0")).toHaveLength(1);
});

test("a scan without a change writes nothing, and the sources outlive the garbage collection", async () => {
  const folder = toolFolder();
  const { registry } = await memoryRegistry();
  await refresh(registry, folder);
  const generation = await registry.generation();
  await refresh(registry, folder);
  expect(await registry.generation()).toBe(generation);
  expect(await registry.gc()).toEqual([]);
  expect((await sourcesOf(registry)).size).toBeGreaterThan(10);
});

test("many sources go into several pieces, and come back as they were", async () => {
  const { registry } = await memoryRegistry();
  const list = Array.from({ length: 400 }, (_, at) => ({
    path: `.claude/skills/big/${"x".repeat(80)}-${at}`,
    tool: "claude-code",
    format: "skill-file",
    entry: at % 2 === 0 ? null : `entry-${at}`,
  }));
  const sources = new Map(
    Array.from({ length: 40 }, (_, at) => [`rtt://local/skill/s${at}@1.0.0`, list] as const),
  );
  await keepSources(registry, sources);
  expect((await registry.view()).index.roots.get(SOURCES_ROOT)?.length).toBeGreaterThan(1);
  const kept = await sourcesOf(registry);
  expect(kept.size).toBe(sources.size);
  for (const [address, value] of sources) expect(kept.get(address)).toEqual(value);
  await keepSources(registry, new Map());
  expect((await sourcesOf(registry)).size).toBe(0);
});

test("sources that somebody else signed, or of another form, are not believed", async () => {
  const { files, registry } = await memoryRegistry();
  await registry.setRoots(SOURCES_ROOT, [
    await registry.putBlob({ kind: "note", address: null, bytes: utf8("{}") }),
  ]);
  expect(await failureCode(() => sourcesOf(registry))).toBe("object-corrupt");
  const cases = [
    "[]",
    '{"format":"mxp.symbol-sources/v2","sources":{}}',
    '{"format":"mxp.symbol-sources/v1","sources":[]}',
    '{"format":"mxp.symbol-sources/v1","sources":{"a":{}}}',
    '{"format":"mxp.symbol-sources/v1","sources":{"a":[{"path":"x"}]}}',
  ];
  for (const text of cases) {
    const bytes = utf8(text);
    await registry.setRoots(SOURCES_ROOT, [
      await registry.putBlob({ kind: "symbol-sources", address: null, bytes }),
    ]);
    expect(await failureCode(() => sourcesOf(registry))).toBe("object-corrupt");
  }
  const stranger = await memoryRegistry({ signer: COLLEAGUE, anchors: [OWNER.publicKey] }, files);
  expect(await failureCode(() => keepSources(stranger.registry, new Map()))).not.toBe("none");
});

test("a symbol whose every file is gone is told, and taken out only when that is asked for", async () => {
  const folder = toolFolder();
  const { registry } = await memoryRegistry();
  await refresh(registry, folder);
  rmSync(join(folder, ".claude/agents/reviewer.md"));
  rmSync(join(folder, ".cursor/agents/reviewer.md"));
  rmSync(join(folder, ".codex/agents/reviewer.toml"));
  const still = await refresh(registry, folder);
  expect([still.vanished, still.added]).toEqual([[], []]);
  rmSync(join(folder, ".opencode/agents/reviewer.md"));
  const told = await refresh(registry, folder);
  expect([vanishedIn(told), told.isPruned]).toEqual([[REVIEWER], false]);
  expect(told.vanished[0]?.sources).toMatchObject([{ path: ".opencode/agents/reviewer.md" }]);
  expect(await registry.resolve(REVIEWER)).not.toBeNull();
  const { id } = await registry.find(REVIEWER);
  const pruned = await refresh(registry, folder, { isPruning: true });
  expect([vanishedIn(pruned), pruned.isPruned]).toEqual([[REVIEWER], true]);
  expect(await registry.resolve(REVIEWER)).toBeNull();
  expect((await sourcesOf(registry)).has(REVIEWER)).toBe(false);
  expect(await registry.has(id)).toBe(true);
  expect(await registry.gc()).toContain(id);
  const after = await refresh(registry, folder, { isPruning: true });
  expect([after.vanished, after.isPruned]).toEqual([[], false]);
});

test("an entry that was taken out of a file has vanished, though the file is there", async () => {
  const folder = toolFolder();
  const { registry } = await memoryRegistry();
  await refresh(registry, folder);
  writeTree(folder, { ".gemini/settings.json": "{}" }, 1_700_000_100_000);
  expect(vanishedIn(await refresh(registry, folder))).toEqual([
    "rtt://local/mcp-server/weather@1.0.0",
  ]);
});

test("what cannot be read, is wrong, or lies outside the scan has not vanished", async () => {
  const folder = toolFolder();
  const { registry } = await memoryRegistry();
  await refresh(registry, folder);
  writeFileSync(join(folder, ".gemini/settings.json"), "{ this is no JSON");
  writeFileSync(join(folder, "opencode.jsonc"), '{"mcp": {"browser": 7}}');
  const scan = await scanFolder(folder, { ignore: [".github", "AGENTS.md"] });
  const base = { root: folder };
  const { vanished } = await refreshRegistry(ports, registry, scan, { base, isPruning: true });
  expect(vanished).toEqual([]);
  const files = { ...nodeFiles, info: () => Promise.reject(new Error("the disk is away")) };
  rmSync(join(folder, ".github/agents/planner.md"));
  const away = await refreshRegistry({ files, digest: testDigest }, registry, scan, {
    base,
    isPruning: true,
  });
  expect(away.vanished).toEqual([]);
});

test("where tools begin to differ, the common symbol has vanished into its variants", async () => {
  const folder = toolFolder();
  const { registry } = await memoryRegistry();
  await refresh(registry, folder);
  writeTree(
    folder,
    { ".cursor/agents/reviewer.md": "---\nname: reviewer\ndescription: Other\n---\nOther.\n" },
    1_700_000_100_000,
  );
  const differing = await refresh(registry, folder, { isPruning: true });
  expect(vanishedIn(differing)).toEqual([REVIEWER]);
  expect(differing.added).toContain(`${REVIEWER}#cursor`);
  expect(await registry.resolve(`${REVIEWER}#claude-code`)).not.toBeNull();
});

test("what the scan never found, such as an import, never vanishes", async () => {
  const folder = toolFolder();
  const { registry } = await memoryRegistry();
  const body = { type: "agent", agent: { name: "guest" } };
  const address = { namespace: "else", type: "agent", name: "guest", version: "1.0.0" } as const;
  await registry.put({ kind: "agent", address: { ...address, variant: null }, body });
  expect((await refresh(registry, folder, { isPruning: true })).vanished).toEqual([]);
  expect(await registry.resolve("rtt://else/agent/guest@1.0.0")).not.toBeNull();
});

test("a file that changes between scan and registration is not registered as it was", async () => {
  const folder = toolFolder({
    ".claude/skills/pdf/SKILL.md": "---\nname: pdf\ndescription: d\n---\nUse it.\n",
    ".claude/skills/pdf/read.py": "1",
  });
  const { registry } = await memoryRegistry();
  const scan = await scanFolder(folder);
  writeFileSync(join(folder, ".claude/skills/pdf/read.py"), "2");
  const base = { root: folder };
  const refreshed = await refreshRegistry(ports, registry, scan, { base, isPruning: false });
  expect(refreshed.problems).toMatchObject([{ rule: "changed-meanwhile" }]);
  expect(refreshed.added).toEqual([]);
  expect((await sourcesOf(registry)).size).toBe(0);
  expect((await refresh(registry, folder)).added).toEqual(["rtt://local/skill/pdf@1.0.0"]);
});

test("paths are from the project, from a person's home, or whole, and come back", () => {
  const base = { root: "/p", home: "/home/me" };
  for (const [path, kept] of [
    ["/p/a/b.md", "a/b.md"],
    ["/home/me/.claude.json", "~/.claude.json"],
    ["/elsewhere/x", "/elsewhere/x"],
    ["/pp/x", "/pp/x"],
  ] as const) {
    expect(keptPath(path, base)).toBe(kept);
    expect(openedPath(kept, base)).toBe(path);
  }
  expect(openedPath("~/x", { root: "/p" })).toBeNull();
});

// --- files of views ---

const DERIVED =
  "---\nname: reviewer\ndescription: Reviews code\n---\nYou review code, as Cursor says it.\n";

function outputOf(
  path: string,
  text: string,
  entries: readonly string[] | null = null,
): ViewOutput {
  const digest = `sha256:${toHex(testDigest.sha256(utf8(text)))}`;
  const names = entries === null ? null : new Set(entries);
  return { path, view: "cursor", digest, entries: names, isInForce: true };
}

test("a file that a view shows is no source; a changed one is told, and read by nobody", async () => {
  const folder = toolFolder({ ".claude/agents/reviewer.md": DERIVED.replace(", as", "; as") });
  const { registry } = await memoryRegistry();
  await refresh(registry, folder);
  const path = ".cursor/agents/reviewer.md";
  writeTree(folder, { [path]: DERIVED });
  const outputs = [outputOf(path, DERIVED)];
  const shown = await refresh(registry, folder, { outputs });
  expect([shown.scan.addresses, shown.scan.problems]).toEqual([[REVIEWER], []]);
  expect((await sourcesOf(registry)).get(REVIEWER)).toHaveLength(1);
  writeTree(folder, { [path]: `${DERIVED}More.\n` });
  const changed = await refresh(registry, folder, { outputs });
  expect(changed.scan.faults).toEqual([`${path}:0 view-changed`]);
  expect([changed.scan.addresses, changed.unchanged]).toEqual([[REVIEWER], 1]);
  rmSync(join(folder, ".claude/agents/reviewer.md"));
  writeTree(folder, { [path]: DERIVED });
  expect(vanishedIn(await refresh(registry, folder, { outputs }))).toEqual([REVIEWER]);
});

test("a file that a symbol came from stays its source when a view shows the same bytes there", async () => {
  const path = ".claude/agents/reviewer.md";
  const folder = toolFolder({ [path]: DERIVED });
  const { registry } = await memoryRegistry();
  await refresh(registry, folder);
  const outputs = [outputOf(path, DERIVED)];
  const { vanished, scan, unchanged } = await refresh(registry, folder, { outputs });
  expect([vanished, scan.faults, unchanged]).toEqual([[], [], 1]);
  writeTree(folder, { [path]: DERIVED.replace("Cursor", "Claude") });
  expect((await refresh(registry, folder, { outputs })).changed).toEqual([REVIEWER]);
});

test("of a merged file the view's entries are no source; everybody else's are", async () => {
  const entry = (command: string): string => `{"command": "${command}"}`;
  const folder = toolFolder({ ".mcp.json": `{"mcpServers": {"a": ${entry("a")}}}` });
  const { registry } = await memoryRegistry();
  await refresh(registry, folder);
  const path = ".cursor/mcp.json";
  const merged = `{"mcpServers": {"a": ${entry("a")}, "b": ${entry("b")}}}`;
  writeTree(folder, { [path]: merged });
  const outputs = [outputOf(path, merged, ["a"])];
  const { scan } = await refresh(registry, folder, { outputs });
  expect(scan.addresses.map((address) => address.slice(23))).toEqual(["a@1.0.0", "b@1.0.0"]);
  const sources = await sourcesOf(registry);
  expect(sources.get("rtt://local/mcp-server/a@1.0.0")?.map((one) => one.path)).toEqual([
    ".mcp.json",
  ]);
  expect(sources.get("rtt://local/mcp-server/b@1.0.0")?.map((one) => one.path)).toEqual([path]);
});

test("what the next generation has put there already is no source; what it has not yet is one", async () => {
  const source = DERIVED.replace(", as", "; as");
  const folder = toolFolder({ ".claude/agents/reviewer.md": source });
  const { registry } = await memoryRegistry();
  await refresh(registry, folder);
  const path = ".cursor/agents/reviewer.md";
  const staged = (one: ViewOutput): ViewOutput => ({ ...one, isInForce: false });
  const entry = (command: string): string => `{"command": "${command}"}`;
  const merged = `{"mcpServers": {"a": ${entry("a")}}}`;
  writeTree(folder, { [path]: DERIVED, ".cursor/mcp.json": merged });
  const outputs = [outputOf(path, DERIVED), outputOf(".cursor/mcp.json", merged, ["a"])];
  const shown = await refresh(registry, folder, { outputs: outputs.map(staged) });
  expect([shown.scan.addresses, shown.scan.problems]).toEqual([[REVIEWER], []]);
  writeTree(folder, { [path]: source, ".cursor/mcp.json": merged.replace('"}', '2"}') });
  const own = await refresh(registry, folder, { outputs: outputs.map(staged) });
  expect(own.scan.problems).toEqual([]);
  expect(own.scan.addresses).toEqual([REVIEWER, "rtt://local/mcp-server/a@1.0.0"]);
  expect((await sourcesOf(registry)).get(REVIEWER)).toHaveLength(2);
});

test("what views show is what the signed generation in force says", async () => {
  const { files, ports: memory, registry } = await memoryRegistry();
  expect(await viewOutputs(memory, registry, "/p/.rtt")).toEqual([]);
  const value = { command: "a" };
  const body = viewFieldsBody({ format: "json", fields: [{ path: ["mcpServers", "a"], value }] });
  const id = await registry.put({ kind: "view-fields", address: null, body });
  const digest = `sha256:${"1".repeat(64)}`;
  const generation: Generation = {
    generation: 1,
    plan: `sha256-${"2".repeat(64)}`,
    previous: null,
    restores: null,
    canaryPercent: 100,
    routes: [],
    placement: {},
    symbols: {},
    files: [
      { path: ".cursor/agents/a.md", view: "cursor", digest, how: "link" },
      {
        path: ".cursor/mcp.json",
        view: "cursor",
        digest,
        how: "merge",
        fields: `sha256:${id}`,
        original: null,
      },
    ],
  };
  await files.write(generationPath("/p/.rtt"), signGeneration(memory, generation, OWNER).file);
  expect(await viewOutputs(memory, registry, "/p/.rtt")).toEqual([
    { path: ".cursor/agents/a.md", view: "cursor", digest, entries: null, isInForce: true },
    { path: ".cursor/mcp.json", view: "cursor", digest, entries: new Set(["a"]), isInForce: true },
  ]);
  // The next one, whose views may be there already.
  const signed = signGeneration(memory, generation, OWNER);
  const [link] = generation.files;
  const next: Generation = {
    ...generation,
    generation: 2,
    previous: signed.digest,
    files: [{ ...(link as NonNullable<typeof link>), path: ".codex/a.md", view: "codex" }],
  };
  const staged = historyPath("/p/.rtt", 2);
  await files.write(staged, signGeneration(memory, next, OWNER).file);
  expect((await viewOutputs(memory, registry, "/p/.rtt")).slice(2)).toEqual([
    { path: ".codex/a.md", view: "codex", digest, entries: null, isInForce: false },
  ]);
  await files.write(staged, signGeneration(memory, next, STRANGER).file);
  expect(await viewOutputs(memory, registry, "/p/.rtt")).toHaveLength(2);
  await files.write(generationPath("/p/.rtt"), signGeneration(memory, generation, STRANGER).file);
  expect(await failureCode(() => viewOutputs(memory, registry, "/p/.rtt"))).toBe(
    "signer-untrusted",
  );
});
