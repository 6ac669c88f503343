/** Symbols that were read from files which do not hold them any more. */
import type { Files } from "../../ports/files.ts";
import { formatSymbolAddress } from "../symbol.ts";
import type { Scan } from "./scan.ts";
import { type KeptSource, openedPath, type SourceBase, type SymbolSources } from "./sources.ts";

export interface VanishedSymbol {
  /** Its address as text. */
  readonly address: string;
  /** Where it was. */
  readonly sources: readonly KeptSource[];
}

/**
 * Which of the symbols that are known from earlier scans have no source left. One whose file is there but is wrong, or
 * was not looked at this time, has not vanished: nobody knows.
 */
export async function vanishedSymbols(
  files: Files,
  known: SymbolSources,
  scan: Scan,
  base: SourceBase,
): Promise<readonly VanishedSymbol[]> {
  const found = new Set(scan.found.map(({ address }) => formatSymbolAddress(address)));
  // Where tools began to differ, a symbol goes on as its variants.
  const split = new Set(
    scan.found.map(({ address }) => formatSymbolAddress({ ...address, variant: null })),
  );
  const bad = new Set(scan.problems.map(({ path }) => path));
  const vanished: VanishedSymbol[] = [];
  for (const [address, sources] of known) {
    if (found.has(address)) continue;
    const gone = await Promise.all(
      sources.map(async ({ path }) => {
        const opened = openedPath(path, base);
        if (opened === null) return false;
        if (scan.paths.has(opened)) return !bad.has(opened) || split.has(address);
        return isAbsent(files, opened);
      }),
    );
    if (gone.every(Boolean)) vanished.push({ address, sources });
  }
  return vanished;
}

/** False as well when the system does not tell. */
async function isAbsent(files: Files, path: string): Promise<boolean> {
  try {
    return (await files.info(path)) === null;
  } catch {
    return false;
  }
}
