/**
 * Makes one symbol of what several files say about the same one:
 *
 *   all say the same to every tool           → one symbol; what only one tool understands stays under its `native`
 *   several tools say different things       → one variant for each tool (`#cursor`), and a problem that tells so
 *   two files of one tool, or two manifests  → none: nobody could tell which is meant
 */
import {
  canonicalText,
  isJsonObject,
  type Json,
  type JsonObject,
} from "../../trust/canonical-json.ts";
import { formatSymbolAddress } from "../symbol.ts";
import { bodyMember, type FoundSymbol, type ScanProblem } from "./found.ts";

/** One symbol for each address, in the order of the addresses. */
export function mergeSymbols(
  found: readonly FoundSymbol[],
  problems: ScanProblem[],
): readonly FoundSymbol[] {
  const groups = grouped(found);
  const isSimple = groups.every(([, group]) => group.length === 1);
  // A variant could be what a manifest calls itself already, so what was merged is grouped again.
  const merged = isSimple
    ? groups
    : grouped(groups.flatMap(([, group]) => mergeGroup(group, problems)));
  return merged
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, group]) => (group.length === 1 ? group : refuse(group, problems)));
}

/** Symbols by the texts of their addresses. */
function grouped(found: readonly FoundSymbol[]): [string, FoundSymbol[]][] {
  const groups = new Map<string, FoundSymbol[]>();
  for (const symbol of found) {
    const text = formatSymbolAddress(symbol.address);
    const group = groups.get(text);
    if (group === undefined) groups.set(text, [symbol]);
    else group.push(symbol);
  }
  // In the order of the files, whatever order they were read in.
  for (const group of groups.values()) {
    group.sort((a, b) => (a.source.path < b.source.path ? -1 : 1));
  }
  return [...groups];
}

function mergeGroup(group: FoundSymbol[], problems: ScanProblem[]): readonly FoundSymbol[] {
  if (group.length === 1) return group;
  const joined = joinedByCommon(group);
  if (joined.length === 1) return joined;
  const tools = joined.map(({ source }) => source.tool);
  const isOfTools = tools.every((tool) => tool !== "rtt");
  const isOneEach = new Set(joined.flatMap(toolsOf)).size === joined.flatMap(toolsOf).length;
  if (!isOfTools || !isOneEach) return refuse(joined, problems);
  const names = joined.map(({ source }) => source.path).join(", ");
  for (const { source } of joined) {
    const message = `Tools differ about it, so each has a variant: ${names}`;
    problems.push({ path: source.path, line: source.line, rule: "name-collision", message });
  }
  return joined.map((symbol) => ({
    ...symbol,
    address: { ...symbol.address, variant: symbol.source.tool },
  }));
}

function toolsOf({ source, others }: FoundSymbol): string[] {
  return [...new Set([source, ...others].map(({ tool }) => tool))];
}

/** None of them: each file is told about the others. */
function refuse(group: readonly FoundSymbol[], problems: ScanProblem[]): readonly FoundSymbol[] {
  for (const { source, address } of group) {
    const others = group.map((one) => one.source.path).filter((path) => path !== source.path);
    const where = others.length === 0 ? "the same file" : others.join(", ");
    const message = `${formatSymbolAddress(address)} is also in ${where}`;
    problems.push({ path: source.path, line: source.line, rule: "name-collision", message });
  }
  return [];
}

/** The symbols of a group with those joined that say the same to every tool. */
function joinedByCommon(group: readonly FoundSymbol[]): readonly FoundSymbol[] {
  const byCommon = new Map<string, FoundSymbol>();
  for (const symbol of group) {
    const { common, native } = partsOf(symbol);
    const text = canonicalText([symbol.kind, common]);
    const joined = byCommon.get(text);
    const merged = joined === undefined ? symbol : joinedWith(joined, symbol, native);
    byCommon.set(merged === null ? `${text} ${symbol.source.path}` : text, merged ?? symbol);
  }
  return [...byCommon.values()];
}

/** Null when both say something else to the same tool. */
function joinedWith(
  joined: FoundSymbol,
  symbol: FoundSymbol,
  native: JsonObject,
): FoundSymbol | null {
  const { common, native: before } = partsOf(joined);
  for (const [tool, value] of Object.entries(native)) {
    const present = before[tool];
    if (present !== undefined && canonicalText(present) !== canonicalText(value)) return null;
  }
  const isPresent = [joined.source, ...joined.others].some(
    ({ tool }) =>
      tool === symbol.source.tool && before[tool] === undefined && native[tool] !== undefined,
  );
  if (isPresent) return null;
  const all = { ...before, ...native };
  return {
    ...joined,
    body: bodyOf(joined, common, all),
    others: [...joined.others, symbol.source],
    lossy: [...joined.lossy, ...symbol.lossy],
    contents: [...joined.contents, ...symbol.contents],
  };
}

interface Parts {
  readonly common: Json;
  readonly native: JsonObject;
}

function partsOf({ kind, body, source }: FoundSymbol): Parts {
  const inner = isJsonObject(body) ? body[bodyMember(kind)] : undefined;
  if (source.tool === "rtt" || !isJsonObject(inner)) return { common: body, native: {} };
  const { native = {}, ...common } = inner;
  return { common, native: isJsonObject(native) ? native : {} };
}

function bodyOf({ kind, body, source }: FoundSymbol, common: Json, native: JsonObject): Json {
  if (source.tool === "rtt" || !isJsonObject(common)) return body;
  const inner = Object.keys(native).length === 0 ? common : { ...common, native };
  return { type: kind, [bodyMember(kind)]: inner };
}
