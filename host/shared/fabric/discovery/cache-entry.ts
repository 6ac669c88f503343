/**
 * What is known of a file, and its short form in the cache of a scan: without what follows from the rest, such as the
 * path in every symbol of the file.
 */
import type { Json } from "../../trust/canonical-json.ts";
import type { ObjectId } from "../registry/layout.ts";
import type { SymbolAddress } from "../symbol.ts";
import type { FoundSymbol, LossyField, Reading, ScanProblem, Tool } from "./found.ts";

export interface CacheEntry {
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** False: it was read so soon after its last change that another one could have the same time. */
  readonly isSettled: boolean;
  /** Of the bytes that were read; empty when they were not. */
  readonly digest: ObjectId;
  readonly reading: Reading;
}

type PackedAddress = readonly [
  namespace: string,
  type: SymbolAddress["type"],
  name: string,
  version: string,
  variant: string | null,
];

type PackedSymbol = readonly [
  kind: string,
  address: PackedAddress,
  body: Json,
  line: number,
  tool: Tool,
  format: string,
  entry: string | null,
  lossy: readonly LossyField[],
  /** Whether the bytes of the file belong to it. */
  isKept: boolean,
];

type PackedProblem = readonly [line: number, rule: ScanProblem["rule"], message: string];

export type PackedEntry = readonly [
  /** From the base; absolute for what lies elsewhere. */
  path: string,
  sizeBytes: number,
  modifiedMs: number,
  isSettled: boolean,
  digest: ObjectId,
  found: readonly PackedSymbol[],
  problems: readonly PackedProblem[],
];

export function packEntry(entry: CacheEntry, base: string): PackedEntry {
  const { path, sizeBytes, modifiedMs, isSettled, digest, reading } = entry;
  const isBelow = path.startsWith(`${base}/`);
  return [
    isBelow ? path.slice(base.length + 1) : path,
    sizeBytes,
    modifiedMs,
    isSettled,
    digest,
    reading.found.map(packSymbol),
    reading.problems.map(({ line, rule, message }) => [line, rule, message]),
  ];
}

/** A symbol of one file: its source is the file, others it has none, and of contents at most the file itself. */
function packSymbol({ kind, address, body, source, lossy, contents }: FoundSymbol): PackedSymbol {
  const { namespace, type, name, version, variant } = address;
  const packed: PackedAddress = [namespace, type, name, version, variant];
  const { line, tool, format, entry = null } = source;
  return [kind, packed, body, line, tool, format, entry, lossy, contents.length > 0];
}

export function unpackEntry(packed: PackedEntry, base: string): CacheEntry {
  const [below, sizeBytes, modifiedMs, isSettled, digest, found, problems] = packed;
  const path = below.startsWith("/") ? below : `${base}/${below}`;
  const reading: Reading = {
    found: found.map((symbol) => unpackSymbol(symbol, path, digest)),
    problems: problems.map(([line, rule, message]) => ({ path, line, rule, message })),
  };
  return { path, sizeBytes, modifiedMs, isSettled, digest, reading };
}

function unpackSymbol(packed: PackedSymbol, path: string, id: ObjectId): FoundSymbol {
  const [kind, [namespace, type, name, version, variant], body, line, tool, format] = packed;
  const [, , , , , , entry, lossy, isKept] = packed;
  const source = { path, line, tool, format };
  return {
    kind,
    address: { namespace, type, name, version, variant },
    body,
    source: entry === null ? source : { ...source, entry },
    others: [],
    lossy,
    contents: isKept ? [{ id, path }] : [],
  };
}
