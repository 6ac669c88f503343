import fc from "fast-check";
import { expect, test } from "vitest";
import type { SymbolSources } from "../../../../../host/shared/fabric/discovery/sources.ts";
import { pathProblem } from "../../../../../host/shared/fabric/plan-file/parts.ts";
import { compareVersions, parseSymbolAddress } from "../../../../../host/shared/fabric/symbol.ts";
import { readViewFields } from "../../../../../host/shared/fabric/view/fields.ts";
import { TOOL_LAYOUTS } from "../../../../../host/shared/fabric/view/layouts.ts";
import type { Projection } from "../../../../../host/shared/fabric/view/model.ts";
import { projectViews } from "../../../../../host/shared/fabric/view/projection.ts";
import type { Json } from "../../../../../host/shared/trust/canonical-json.ts";
import { utf8 } from "../../../../../host/shared/trust/bytes.ts";
import { testDigest } from "../../../../support/ports.ts";
import { memoryRegistry } from "../../../../support/registry.ts";

/**
 * Goal: whatever is in a registry, each symbol is shown, kept or named, in every view, under paths that are paths.
 * Method: random registries of few names, so that they collide in every way, with hostile files among them.
 */
interface Given {
  readonly namespace: string;
  readonly kind: "agent" | "skill" | "rule" | "mcp-server";
  readonly name: string;
  readonly version: string;
  readonly variant: string | null;
  readonly file: string;
  readonly isSource: boolean;
}

const given: fc.Arbitrary<Given> = fc.record({
  namespace: fc.constantFrom("local", "other", "third"),
  kind: fc.constantFrom("agent", "skill", "rule", "mcp-server"),
  name: fc.constantFrom("a", "b", "con", "agents", "claude"),
  version: fc.constantFrom("1.0.0", "1.1.0"),
  variant: fc.constantFrom(null, null, "cursor", "claude-code", "odd"),
  file: fc.constantFrom(
    "AGENTS.md",
    "CLAUDE.md",
    "a.md",
    "A.md",
    "b.mdc",
    "c.instructions.md",
    "../up.md",
    "nul.md",
    "x/y.md",
    "x",
  ),
  isSource: fc.boolean(),
});

const VIEWS = [
  ...TOOL_LAYOUTS.map(({ view }) => ({ view, provider: view, folder: null, entries: null })),
  { view: "provider-p", provider: "p", folder: "providers/p/.p/agents", entries: null },
];

function addressOf({ namespace, kind, name, version, variant }: Given): string {
  return `rtt://${namespace}/${kind}/${name}@${version}${variant === null ? "" : `#${variant}`}`;
}

function bodyOf({ kind, name, file }: Given, digest: string): Json {
  switch (kind) {
    case "agent":
      return { type: kind, agent: { description: file, instructions: name === "b" ? "" : "x" } };
    case "skill":
      return {
        type: kind,
        skill: { id: name, files: ["SKILL.md", file].map((path) => ({ path, digest })) },
      };
    case "rule":
      return { type: kind, rule: { file, digest } };
    default:
      return {
        type: kind,
        server: { command: name, args: [{ ref: "env:X" }], native: { cursor: { name: file } } },
      };
  }
}

/** The file that a symbol would have been read from in Claude Code. */
function sourcePath({ kind, name, file }: Given): string {
  if (kind === "agent") return `.claude/agents/${name}.md`;
  if (kind === "skill") return `.claude/skills/${name}/SKILL.md`;
  if (kind === "mcp-server") return ".mcp.json";
  return file === "CLAUDE.md" ? file : `.claude/rules/${name}.md`;
}

const FORMATS = { agent: "markdown-agent", skill: "skill", rule: "rule", "mcp-server": "mcp-json" };

async function projected(all: readonly Given[]) {
  const { registry, files } = await memoryRegistry();
  const blob = await registry.putBlob({
    kind: "file",
    address: null,
    bytes: utf8("---\nglobs: a\n---\nx"),
  });
  await registry.putAll(
    all.map((one) => ({
      kind: one.kind,
      address: parseSymbolAddress(addressOf(one)),
      body: bodyOf(one, `sha256:${blob}`),
    })),
  );
  const sources: SymbolSources = new Map(
    all
      .filter(({ isSource }) => isSource)
      .map((one) => [
        addressOf(one),
        [{ path: sourcePath(one), tool: "claude-code", format: FORMATS[one.kind], entry: null }],
      ]),
  );
  const input = { registry, files, digest: testDigest, root: "/p", views: VIEWS, sources };
  return { registry, projection: await projectViews({ ...input, environment: null }) };
}

function checkPaths({ files }: Projection): void {
  const folded = new Set<string>();
  for (const { path } of files) {
    expect([path, pathProblem(path)]).toEqual([path, null]);
    expect(folded.has(path.toLowerCase())).toBe(false);
    folded.add(path.toLowerCase());
    for (const other of files) expect(other.path.startsWith(`${path}/`)).toBe(false);
  }
}

/** Each name of each kind, of its newest version, must have an answer in each tool. */
function checkComplete(all: readonly Given[], { files, kept, unshown }: Projection): void {
  const groups = Map.groupBy(all, ({ kind, name }) => `${kind} ${name}`);
  for (const { view, isTool, agents, skills, instructions, rules, servers } of TOOL_LAYOUTS) {
    if (!isTool) continue;
    // A tool's symbols may be in places that it shares with others.
    const places = [agents, skills, instructions, rules, servers].map((place) => place?.view);
    const isHere = (shown: string): boolean => shown === view || places.includes(shown);
    for (const [name, group] of groups) {
      const addresses = new Set(group.map(addressOf));
      const answers = [
        ...files.filter(
          (file) => isHere(file.view) && file.symbols.some((one) => addresses.has(one)),
        ),
        ...kept.filter((one) => isHere(one.view) && addresses.has(one.symbol)),
        ...unshown.filter((one) => isHere(one.view) && addresses.has(one.symbol)),
      ];
      expect([view, name, answers.length > 0]).toEqual([view, name, true]);
    }
  }
}

function checkNewest(all: readonly Given[], { files }: Projection): void {
  for (const { symbols, view } of files) {
    // The published form has the version in the name, so all of them are there.
    if (view === "provider-p") continue;
    for (const symbol of symbols) {
      const { namespace, type, name, version } = parseSymbolAddress(symbol);
      const newer = all.some(
        (one) =>
          one.namespace === namespace &&
          one.kind === type &&
          one.name === name &&
          compareVersions(one.version, version) > 0,
      );
      expect([symbol, newer]).toEqual([symbol, false]);
    }
  }
}

test("each symbol is shown, kept or named, in every view, under a path of its own", async () => {
  const some = fc.uniqueArray(given, { selector: addressOf, minLength: 1, maxLength: 12 });
  const property = fc.asyncProperty(some, async (all) => {
    const { registry, projection } = await projected(all);
    checkPaths(projection);
    checkComplete(all, projection);
    checkNewest(all, projection);
    for (const file of projection.files) {
      if (file.how === "link") expect(await registry.has(file.object)).toBe(true);
      else readViewFields((await registry.get(file.fields)).body);
    }
    const again = await projected(all.toReversed());
    expect(again.projection).toEqual(projection);
  });
  await fc.assert(property, { numRuns: 60 });
});
