/**
 * Which files each symbol was read from. The registry keeps it as signed bytes under a root of its own, because views
 * decide by it what they may not touch, and pruning what nobody has any more:
 *
 *   {"format":"mxp.symbol-sources/v1",
 *    "sources":{"rtt://local/mcp-server/docs@1.0.0":[{"entry":"docs","format":"mcp-json","path":".mcp.json","tool":"claude-code"}]}}
 *
 * One blob has some of the addresses, the next one those after them. No path of a machine is in it: paths are from
 * the project's root, or from the home folder of whoever scanned ("~/…").
 */
import { Failure } from "../../ports/failure.ts";
import { canonicalBytes, isJsonObject, type Json, parseJson } from "../../trust/canonical-json.ts";
import { Shape } from "../../trust/shape.ts";
import { BLOB_BYTES_MAX } from "../registry/object.ts";
import type { Registry } from "../registry/registry.ts";
import { formatSymbolAddress } from "../symbol.ts";
import type { FoundSymbol, SymbolSource } from "./found.ts";

/** A file that a symbol was read from, or one that belongs to it, such as a script of a skill. */
export interface KeptSource {
  /** From the project's root with "/", "~/…" for a person's own file, absolute for what lies elsewhere. */
  readonly path: string;
  readonly tool: string;
  readonly format: string;
  /** The name of its entry in a file of several, such as a server in mcp.json; null: it is the whole file. */
  readonly entry: string | null;
}

/** By the text of the address. */
export type SymbolSources = ReadonlyMap<string, readonly KeptSource[]>;

/** Where the paths of a scan begin. */
export interface SourceBase {
  /** The project's root with every link resolved. */
  readonly root: string;
  /** The home folder of the person, where their own files were scanned. */
  readonly home?: string;
}

/** The namespace of what lies in a person's home folder. */
export const USER_NAMESPACE = "user";

export const SOURCES_ROOT = "scan:sources";
const KIND = "symbol-sources";
const FORMAT = "mxp.symbol-sources/v1";
const LIMITS = { bytesMax: BLOB_BYTES_MAX, depthMax: 5 } as const;
/** About as many bytes go into one blob; the largest symbol has less than the rest of the limit. */
const BLOB_BYTES = BLOB_BYTES_MAX >> 2;

function invalid(where: string, problem: string): Failure {
  return new Failure("object-corrupt", `The sources of symbols: ${where} ${problem}`, {
    origin: "host",
    remedy: "`rtt fsck` puts it aside, and `rtt scan` writes it again.",
  });
}

const shape = new Shape(invalid, { listMax: 1 << 20, textMax: 4096 });

/** What the registry knows of the files of its symbols; empty before the first scan. */
export async function sourcesOf(registry: Registry): Promise<SymbolSources> {
  const { index } = await registry.view();
  const all: [string, readonly KeptSource[]][] = [];
  for (const id of index.roots.get(SOURCES_ROOT) ?? []) {
    const { kind, bytes } = await registry.getBlob(id);
    const value = parseJson(bytes, LIMITS);
    if (kind !== KIND || !isJsonObject(value) || value["format"] !== FORMAT) {
      throw invalid("it", `is not of the form ${FORMAT}`);
    }
    const { sources } = shape.object(value, "it", ["format", "sources"]);
    if (!isJsonObject(sources)) throw invalid("sources", "is not an object");
    for (const [address, list] of Object.entries(sources)) all.push([address, readList(list)]);
  }
  return new Map(all);
}

function readList(value: Json): readonly KeptSource[] {
  if (!Array.isArray(value)) throw invalid("sources", "has an entry that is no list");
  return (value as readonly Json[]).map((one) => {
    const members = shape.object(one, "a source", ["format", "path", "tool"], ["entry"]);
    const { entry } = members;
    return {
      path: shape.text(members["path"], "path"),
      tool: shape.text(members["tool"], "tool"),
      format: shape.text(members["format"], "format"),
      entry: entry === undefined ? null : shape.text(entry, "entry"),
    };
  });
}

/** Keeps these sources in place of the former ones. Without a difference nothing is written. */
export async function keepSources(registry: Registry, sources: SymbolSources): Promise<void> {
  const blobs = [...parts(sources)].map((some) =>
    canonicalBytes({ format: FORMAT, sources: some }),
  );
  const ids = blobs.map((bytes) => registry.store.idOf(bytes)).sort();
  const { index } = await registry.view();
  const present = index.roots.get(SOURCES_ROOT) ?? [];
  if (present.length === ids.length && ids.every((id, at) => present[at] === id)) return;
  await registry.putBlobs(blobs.map((bytes) => ({ kind: KIND, address: null, bytes })));
  await registry.setRoots(SOURCES_ROOT, ids);
}

/** The sources in pieces that fit into a blob, in the order of the addresses. */
function* parts(sources: SymbolSources): Generator<Record<string, Json>> {
  let some: [string, Json][] = [];
  let sizeBytes = 0;
  for (const [address, list] of [...sources].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const json = list.map(sourceJson);
    // A character has at most three bytes in UTF-8, and control characters six when escaped; paths have hardly any.
    sizeBytes += address.length + 3 * JSON.stringify(json).length;
    if (sizeBytes > BLOB_BYTES && some.length > 0) {
      yield Object.fromEntries(some);
      [some, sizeBytes] = [[], 0];
    }
    some.push([address, json]);
  }
  if (some.length > 0) yield Object.fromEntries(some);
}

function sourceJson({ path, tool, format, entry }: KeptSource): Json {
  return { format, path, tool, ...(entry === null ? {} : { entry }) };
}

/** The sources of what a scan has found. */
export function scannedSources(found: readonly FoundSymbol[], base: SourceBase): SymbolSources {
  return new Map(
    found.map((symbol) => [formatSymbolAddress(symbol.address), sourcesOfSymbol(symbol, base)]),
  );
}

function sourcesOfSymbol(
  { address, source, others, contents }: FoundSymbol,
  base: SourceBase,
): readonly KeptSource[] {
  // A project may be a home folder; then the namespace tells whose file it is.
  const isUser = address.namespace === USER_NAMESPACE;
  const pathOf = (path: string): string =>
    isUser ? personalPath(path, base) : keptPath(path, base);
  const own = [source, ...others];
  const byPath = new Map<string, KeptSource>();
  for (const { path, tool, format, entry = null } of own) {
    const kept = pathOf(path);
    byPath.set(`${kept}\0${entry}`, { path: kept, tool, format, entry });
  }
  for (const { path } of contents) {
    const kept = pathOf(path);
    if (byPath.has(`${kept}\0null`)) continue;
    const { tool, format } = nearest(path, own);
    byPath.set(`${kept}\0null`, { path: kept, tool, format: `${format}-file`, entry: null });
  }
  return [...byPath].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, kept]) => kept);
}

/** The source in whose folder a file lies. */
function nearest(path: string, sources: readonly SymbolSource[]): SymbolSource {
  const folderOf = (file: string): string => file.slice(0, file.lastIndexOf("/") + 1);
  const inside = sources.find((source) => path.startsWith(folderOf(source.path)));
  return inside ?? (sources[0] as SymbolSource);
}

/** An absolute path as it is kept. */
export function keptPath(path: string, base: SourceBase): string {
  const { root } = base;
  return path.startsWith(`${root}/`) ? path.slice(root.length + 1) : personalPath(path, base);
}

function personalPath(path: string, { home }: SourceBase): string {
  const isBelow = home !== undefined && path.startsWith(`${home}/`);
  return isBelow ? `~/${path.slice(home.length + 1)}` : path;
}

/** The absolute path of one that is kept; null for a person's own where no home folder is known. */
export function openedPath(path: string, { root, home }: SourceBase): string | null {
  if (path.startsWith("~/")) return home === undefined ? null : `${home}/${path.slice(2)}`;
  return path.startsWith("/") ? path : `${root}/${path}`;
}
