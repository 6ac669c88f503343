/**
 * What a mount shows of a generation: each view's files under the view's name, from the registry where they are
 * objects of it, from the project where they are partly the user's. The generation is signed and names each content
 * by its digest, so whatever verifies against that digest may be shown.
 */
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import type { Generation, GenerationFile } from "../../shared/fabric/generation.ts";
import {
  CONTENT_EXTENSIONS,
  idOfDigest,
  RegistryLayout,
} from "../../shared/fabric/registry/layout.ts";
import { Failure } from "../../shared/ports/failure.ts";
import type { ShownFile } from "./snapshot.ts";

export interface Places {
  /** The project's root. */
  readonly root: string;
  readonly registry: string;
}

/** How many files are looked at at a time. */
const PARALLEL = 16;

/** The views that a generation shows, sorted. */
export function viewsOf({ files }: Generation): readonly string[] {
  return [...new Set(files.map(({ view }) => view))].sort();
}

/** All files of all views, or of one, whose layout is then the root. Fails with `argument-invalid` for no such view. */
export async function shownFiles(
  generation: Generation,
  places: Places,
  view: string | null,
): Promise<readonly ShownFile[]> {
  const files = generation.files.filter((file) => view === null || file.view === view);
  if (view !== null && files.length === 0) {
    const views = viewsOf(generation);
    throw new Failure("argument-invalid", `Nothing is shown for ${view}`, {
      origin: "local",
      remedy: views.length === 0 ? "No view shows a file yet." : `Name one of ${views.join(", ")}.`,
      context: { view },
    });
  }
  const layout = new RegistryLayout(places.registry);
  const shown: ShownFile[] = [];
  const rest = files.entries();
  const worker = async (): Promise<void> => {
    for (const [at, file] of rest) {
      const path = view === null ? `${file.view}/${file.path}` : file.path;
      const { digest } = file;
      shown[at] = { path, digest, ...(await findSource(file, places.root, layout)) };
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return shown;
}

/** Where the bytes of a file should be, and what is there. */
async function findSource(
  file: GenerationFile,
  root: string,
  layout: RegistryLayout,
): Promise<Pick<ShownFile, "source" | "found">> {
  const id = idOfDigest(file.digest);
  if (file.how === "merge" || id === null) {
    const source = join(root, file.path);
    return { source, found: await look(source) };
  }
  const sources = CONTENT_EXTENSIONS.map((extension) => layout.content(id, extension));
  for (const source of sources) {
    const found = await look(source);
    if (found !== null) return { source, found };
  }
  return { source: sources[0] ?? "", found: null };
}

async function look(path: string): Promise<ShownFile["found"]> {
  try {
    const stats = await lstat(path);
    return stats.isFile() ? { sizeBytes: stats.size, modifiedMs: Math.floor(stats.mtimeMs) } : null;
  } catch {
    return null;
  }
}
