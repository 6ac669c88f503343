/** Scans a project, or the current folder: settings, cache, and what views have put there. */
import { join, resolve } from "node:path";
import { type OutputCheck, viewOutputs } from "../shared/fabric/discovery/outputs.ts";
import { USER_PLACES } from "../shared/fabric/discovery/places.ts";
import { ScanCache } from "../shared/fabric/discovery/scan-cache.ts";
import { type Scan, type ScanOptions, scanTree } from "../shared/fabric/discovery/scan.ts";
import {
  type SourceBase,
  sourcesOf,
  type SymbolSources,
} from "../shared/fabric/discovery/sources.ts";
import { initialPanel, type Panel, readPanel } from "../shared/fabric/panel.ts";
import type { Registry } from "../shared/fabric/registry/registry.ts";
import { Failure } from "../shared/ports/failure.ts";
import { nodeFolders } from "./folders.ts";
import { type Project, projectPanel } from "./project.ts";
import { trustPorts } from "./trust-ports.ts";

export interface ProjectScanOptions {
  /** Knows which files are views; null: every file is taken for somebody's own. */
  readonly registry?: Registry | null;
  readonly isFull?: boolean;
  /** The home folder of a person whose own files are scanned too. */
  readonly home?: string | undefined;
}

export interface ProjectScan extends Scan {
  readonly base: SourceBase;
  /** What the registry knew of files before. */
  readonly known?: SymbolSources | undefined;
}

/** Scans the roots of a project with its cache, or the current folder without one. */
export async function scanProject(
  project: Project | null,
  options: ProjectScanOptions = {},
): Promise<ProjectScan> {
  const { files } = trustPorts();
  const folder = project?.root ?? process.cwd();
  const base = { root: (await files.realPath(folder)) ?? folder };
  const panel = project === null ? defaults() : await projectPanel(project);
  const common = { ignore: panel["scan.ignore"], isFull: options.isFull ?? false };
  const { registry = null, home } = options;
  let known: SymbolSources | undefined;
  const check = async (): Promise<OutputCheck> => {
    const checked = await outputCheck(project, registry, base);
    known = registry === null ? undefined : checked.sources;
    return checked;
  };
  const roots = panel["scan.roots"].map((root) => resolve(folder, root));
  const own = await scanCached(cachePath(project, "scan"), roots, {
    ...common,
    base: folder,
    check,
  });
  if (home === undefined) return { ...own, base, known };
  const personal = await scanCached(cachePath(project, "scan-user"), [home], {
    ...common,
    base: home,
    places: USER_PLACES,
  });
  return {
    ...joined(own, personal),
    base: { ...base, home: (await files.realPath(home)) ?? home },
  };
}

/** Two scans as one. Their namespaces are different, so no address is in both. */
function joined(a: Scan, b: Scan): Scan {
  return {
    found: [...a.found, ...b.found],
    problems: [...a.problems, ...b.problems],
    paths: new Set([...a.paths, ...b.paths]),
    folders: new Set([...a.folders, ...b.folders]),
    targets: new Set([...a.targets, ...b.targets]),
    stats: {
      folders: a.stats.folders + b.stats.folders,
      files: a.stats.files + b.stats.files,
      read: a.stats.read + b.stats.read,
    },
  };
}

async function outputCheck(
  project: Project | null,
  registry: Registry | null,
  base: SourceBase,
): Promise<OutputCheck> {
  if (project === null || registry === null) return { base, outputs: [], sources: new Map() };
  return {
    base,
    outputs: await viewOutputs(trustPorts(), registry, project.folder),
    sources: await sourcesOf(registry),
  };
}

function cachePath(project: Project | null, name: string): string | null {
  return project === null ? null : join(project.folder, "cache", `${name}.json`);
}

async function scanCached(
  path: string | null,
  roots: readonly string[],
  options: ScanOptions,
): Promise<Scan> {
  const ports = { ...trustPorts(), folders: nodeFolders };
  const cache = ScanCache.open(ports, path, options.base);
  const scan = await scanTree(ports, roots, cache, options);
  await saveCache(await cache);
  return scan;
}

/** A folder that cannot be written costs the next scan its speed, nothing else. */
async function saveCache(cache: ScanCache): Promise<void> {
  try {
    await cache.save();
  } catch (thrown) {
    const { code } = Failure.from(thrown);
    if (code !== "folder-unwritable" && code !== "permission-denied") throw thrown;
  }
}

function defaults(): Panel {
  return readPanel(initialPanel(), "panel.yaml");
}
