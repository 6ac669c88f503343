/**
 * A scan: folders of real tools' files in, symbols and problems out. What is wrong with one file never stops the
 * others, and of a file with something wrong in a symbol, that symbol is not found at all.
 */
import type { Clock } from "../../ports/clock.ts";
import type { FoundSymbol, ScanProblem } from "./found.ts";
import { type Folders, foldersOver } from "./folders.ts";
import { mergeSymbols } from "./merge.ts";
import { type OutputCheck, withoutOutputs } from "./outputs.ts";
import { readScannedFile } from "./read-file.ts";
import { type CacheEntry, type CachePorts, isUnchanged, type ScanCache } from "./scan-cache.ts";
import { type ScannedFile, withSkillFiles } from "./skill-files.ts";
import { walk, type WalkedFile, type WalkOptions } from "./walk.ts";

export interface ScanPorts extends CachePorts {
  readonly clock: Pick<Clock, "wallMs">;
  /** A host that has a faster way to look at folders than its files port. */
  readonly folders?: Folders;
}

export interface ScanOptions extends WalkOptions {
  /** Reads every file, whatever the cache says. */
  readonly isFull?: boolean;
  /**
   * What views show in these folders, which is not read as somebody's own. Asked for after the files were read: what a
   * view has put there meanwhile was announced before.
   */
  readonly check?: () => Promise<OutputCheck>;
}

export interface ScanStats {
  readonly folders: number;
  readonly files: number;
  /** How many of the files had to be read. */
  readonly read: number;
}

export interface Scan {
  /** In the order of their addresses, each address once. */
  readonly found: readonly FoundSymbol[];
  /** In the order of paths and lines. */
  readonly problems: readonly ScanProblem[];
  /** Every file that was looked at; absolute. */
  readonly paths: ReadonlySet<string>;
  /** Every folder that was looked into, and every file that a followed link leads to; absolute. */
  readonly folders: ReadonlySet<string>;
  readonly targets: ReadonlySet<string>;
  readonly stats: ScanStats;
}

const PARALLEL = 16;

/** Scans the roots, which are absolute paths. The cache is up to date afterwards; saving it is the caller's. */
export async function scanTree(
  ports: ScanPorts,
  roots: readonly string[],
  opening: ScanCache | Promise<ScanCache>,
  options: ScanOptions,
): Promise<Scan> {
  const { folders = foldersOver(ports.files) } = ports;
  // A large cache takes as long to open as the folders to walk, so both are done at once.
  const [walked, cache] = await Promise.all([
    walk({ files: ports.files, folders }, roots, options),
    opening,
  ]);
  const context = {
    ...ports,
    wallMs: ports.clock.wallMs(),
    isInside: (path: string) => walked.isInside(path),
  };
  const readOne = async (file: WalkedFile, last: CacheEntry | null): Promise<ScannedFile> => ({
    file,
    entry: await readScannedFile(context, file, last),
  });
  const scanned: ScannedFile[] = [];
  const changed: { readonly file: WalkedFile; readonly last: CacheEntry | null }[] = [];
  for (const file of walked.files) {
    const last = cache.get(file.path);
    const isKnown = options.isFull !== true && isUnchanged(last, file.info);
    if (isKnown) scanned.push({ file, entry: last });
    else changed.push({ file, last });
  }
  for (let at = 0; at < changed.length; at += PARALLEL) {
    const some = changed.slice(at, at + PARALLEL).map(({ file, last }) => readOne(file, last));
    scanned.push(...(await Promise.all(some)));
  }
  scanned.sort((a, b) => (a.file.path < b.file.path ? -1 : 1));
  cache.replace(scanned.map(({ entry }) => entry));
  const problems = [...walked.problems];
  const check = await options.check?.();
  const own = check === undefined ? scanned : withoutOutputs(scanned, check, problems);
  problems.push(...own.flatMap(({ entry }) => entry.reading.problems));
  const found = mergeSymbols(withSkillFiles(own, problems), problems);
  return {
    found,
    problems: problems.sort(byPlace),
    paths: new Set(walked.files.map(({ path }) => path)),
    folders: walked.folders,
    targets: walked.targets,
    stats: { folders: walked.folders.size, files: walked.files.length, read: changed.length },
  };
}

function byPlace(a: ScanProblem, b: ScanProblem): number {
  if (a.path !== b.path) return a.path < b.path ? -1 : 1;
  return a.line - b.line || (a.rule < b.rule ? -1 : 1);
}
