/** Scans a project, or the current folder: settings, cache, and what views have put there. */
import { join, resolve } from "node:path";
import { viewOutputs } from "../shared/fabric/discovery/outputs.ts";
import { ScanCache } from "../shared/fabric/discovery/scan-cache.ts";
import { type Scan, scanTree } from "../shared/fabric/discovery/scan.ts";
import { type SourceBase, sourcesOf } from "../shared/fabric/discovery/sources.ts";
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
}

export interface ProjectScan extends Scan {
  readonly base: SourceBase;
}

/** Scans the roots of a project with its cache, or the current folder without one. */
export async function scanProject(
  project: Project | null,
  { registry = null, isFull = false }: ProjectScanOptions = {},
): Promise<ProjectScan> {
  const ports = { ...trustPorts(), folders: nodeFolders };
  const folder = project?.root ?? process.cwd();
  const base = { root: (await ports.files.realPath(folder)) ?? folder };
  const panel = project === null ? defaults() : await projectPanel(project);
  const path = project === null ? null : join(project.folder, "cache", "scan.json");
  const cache = ScanCache.open(ports, path, folder);
  const roots = panel["scan.roots"].map((root) => resolve(folder, root));
  const result = await scanTree(ports, roots, cache, {
    base: folder,
    ignore: panel["scan.ignore"],
    isFull,
    ...(registry === null || project === null
      ? {}
      : {
          check: {
            base,
            outputs: await viewOutputs(ports, registry, project.folder),
            sources: await sourcesOf(registry),
          },
        }),
  });
  await saveCache(await cache);
  return { ...result, base };
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
