/**
 * Which symbols there are to show, and which one of several with the same name a tool gets:
 *
 *   a folder of the project (its base)      tools look for what lies in it, so names count in each base on their own
 *     kind and name                         of several versions the newest
 *       variants "#claude-code", "#cursor"  each tool its own, else the one without a variant
 */
import { isJsonObject, type Json, type JsonObject } from "../../../trust/canonical-json.ts";
import { PROJECT_PLACES } from "../../discovery/places.ts";
import type { KeptSource, SymbolSources } from "../../discovery/sources.ts";
import { bodyMember } from "../../discovery/found.ts";
import type { ObjectId } from "../../registry/layout.ts";
import { publishedManifest } from "../../registry/object.ts";
import type { Registry, RegistryEntry } from "../../registry/registry.ts";
import { compareVersions, formatSymbolAddress, type SymbolAddress } from "../../symbol.ts";

export const SHOWN_KINDS = ["agent", "skill", "rule", "mcp-server"] as const;

export type ShownKind = (typeof SHOWN_KINDS)[number];

/** A symbol of the registry that views can show. */
export interface ShownSymbol {
  readonly kind: ShownKind;
  readonly address: SymbolAddress;
  /** The text of its address. */
  readonly text: string;
  readonly id: ObjectId;
  /** Its own member of the body, or a published manifest. */
  readonly inner: JsonObject;
  /** The body as the registry has it. */
  readonly body: Json;
  /** The folder that it belongs to, from the project's root; "" for the root. */
  readonly base: string;
  /** Files that it was read from, without those of the person. */
  readonly sources: readonly KeptSource[];
  /** How view files of the published form name it: "search@1.0.0". */
  readonly label: string;
  /** Whether an overlay would change it in the view at hand. */
  readonly isOverlaid: boolean;
}

/** Read at a time. Each is verified, which takes longer than reading it. */
const PARALLEL = 16;

/** Everything that views can show, verified, in the order of the addresses. */
export async function shownSymbols(
  registry: Registry,
  sources: SymbolSources,
): Promise<readonly ShownSymbol[]> {
  const entries = (await registry.list()).filter(
    // What lies in a person's own folders is theirs in every project, and no project shows it again.
    ({ kind, address }) => isShownKind(kind) && address.namespace.split("/")[0] !== "user",
  );
  const symbols: ShownSymbol[] = [];
  for (let at = 0; at < entries.length; at += PARALLEL) {
    const some = entries.slice(at, at + PARALLEL);
    symbols.push(
      ...(await Promise.all(some.map((entry) => shownSymbol(registry, entry, sources)))),
    );
  }
  return symbols;
}

function isShownKind(kind: string): kind is ShownKind {
  return SHOWN_KINDS.some((known) => known === kind);
}

async function shownSymbol(
  registry: Registry,
  { address, id }: RegistryEntry,
  sources: SymbolSources,
): Promise<ShownSymbol> {
  const { body, kind } = await registry.find(address);
  const text = formatSymbolAddress(address);
  const own = (sources.get(text) ?? []).filter(({ path }) => !/^(?:~|\.\.|)\//.test(path));
  const inner = innerOf(kind, body);
  const { id: published } = inner;
  const name = typeof published === "string" ? published : address.name;
  return {
    kind: kind as ShownKind,
    address,
    text,
    id,
    inner,
    body,
    base: baseOf(own),
    sources: own,
    label: `${name}@${address.version}`,
    isOverlaid: false,
  };
}

function innerOf(kind: string, body: Json): JsonObject {
  if (!isJsonObject(body)) return {};
  const inner = body[bodyMember(kind)];
  return isJsonObject(inner) ? inner : publishedManifest(body);
}

/** The folder above the place that a source lies in. Sources of one symbol lie in places of one folder. */
function baseOf(sources: readonly KeptSource[]): string {
  for (const { path } of sources) {
    const placed = PROJECT_PLACES.placeOf(path.split("/"));
    if (placed !== null) return placed.above.join("/");
  }
  return "";
}

/** A member of a body that is a text; else null. */
export function textOf(members: JsonObject, name: string): string | null {
  const value = members[name];
  return typeof value === "string" ? value : null;
}

/** What a tool wrote that only it understands. */
export function nativeOf({ inner }: ShownSymbol, tool: string | null): JsonObject {
  const { native } = inner;
  const own = isJsonObject(native) && tool !== null ? native[tool] : undefined;
  return isJsonObject(own) ? own : {};
}

export interface Chosen {
  readonly chosen: readonly ShownSymbol[];
  /** Names of which nothing says which symbol is meant. */
  readonly unclear: readonly (readonly ShownSymbol[])[];
}

/** One symbol for each base, kind and name: the one that `tool` gets. */
export function choose(symbols: readonly ShownSymbol[], tool: string | null): Chosen {
  const groups = Map.groupBy(symbols, ({ base, kind, address }) => {
    return `${base}\0${kind}\0${address.name}`;
  });
  const chosen: ShownSymbol[] = [];
  const unclear: ShownSymbol[][] = [];
  for (const group of groups.values()) {
    const [only, ...more] = narrowed(group, tool);
    if (more.length === 0) chosen.push(only as ShownSymbol);
    else unclear.push([only as ShownSymbol, ...more]);
  }
  return { chosen, unclear };
}

function narrowed(group: readonly ShownSymbol[], tool: string | null): readonly ShownSymbol[] {
  const places = Map.groupBy(group, ({ address }) => address.namespace);
  const each = [...places.values()].map((some) => ofTool(newest(some), tool));
  // What the project's own files say goes before what was brought in from elsewhere.
  const own = each.filter(([first]) => (first?.sources.length ?? 0) > 0);
  return (own.length === 1 ? own : each).flat();
}

function newest(symbols: readonly ShownSymbol[]): readonly ShownSymbol[] {
  const versions = symbols.map(({ address }) => address.version);
  const last = versions.reduce((a, b) => (compareVersions(a, b) < 0 ? b : a));
  return symbols.filter(({ address }) => address.version === last);
}

function ofTool(symbols: readonly ShownSymbol[], tool: string | null): readonly ShownSymbol[] {
  const ofVariant = (variant: string | null): readonly ShownSymbol[] =>
    symbols.filter(({ address }) => address.variant === variant);
  const own = tool === null ? [] : ofVariant(tool);
  if (own.length > 0) return own;
  const plain = ofVariant(null);
  return plain.length > 0 ? plain : symbols;
}
