/**
 * Finds the files that a scan reads. Only what lies in the roots is ever looked at: a link is followed where a tool
 * would follow it, inside its folders, and only to a target that is inside the roots and not above the link itself.
 */
import { Failure } from "../../ports/failure.ts";
import type { FileInfo, Files } from "../../ports/files.ts";
import type { ScanProblem, ScanRule } from "./found.ts";
import type { Folders } from "./folders.ts";
import { type Placed, type Places, PROJECT_PLACES } from "./places.ts";

export interface WalkedFile {
  readonly path: string;
  readonly place: Placed;
  readonly info: FileInfo;
}

export interface Walk {
  readonly files: readonly WalkedFile[];
  readonly problems: readonly ScanProblem[];
  /** Every folder that was walked, as it was reached. */
  readonly folders: ReadonlySet<string>;
  /** Files that followed links lead to. */
  readonly targets: ReadonlySet<string>;
  /** Whether a path, all links resolved, lies in one of the roots. */
  isInside(realPath: string): boolean;
}

export interface WalkOptions {
  /** The folder that addresses begin at; absolute. */
  readonly base: string;
  /** Names of files and folders that are passed over, or paths from the base. */
  readonly ignore: readonly string[];
  /** Default: those of a project. */
  readonly places?: Places;
}

export interface WalkPorts {
  readonly files: Files;
  readonly folders: Folders;
}

export const FOLDER_DEPTH_MAX = 48;
export const FILES_MAX = 200_000;
/** Files that are asked for at a time, and folders. */
const PARALLEL = 256;
const PARALLEL_FOLDERS = 32;

type FileStep = Pick<WalkedFile, "path" | "place">;

/** A folder on the way down. */
interface Step {
  readonly path: string;
  /** The same with every link resolved. */
  readonly real: string;
  /** Names from the base. */
  readonly names: readonly string[];
  /** Resolved folders in which the followed links stand. */
  readonly links: readonly string[];
}

/** Walks the roots, which are absolute. One that does not exist has no files. */
export async function walk(
  ports: WalkPorts,
  roots: readonly string[],
  options: WalkOptions,
): Promise<Walk> {
  const { files } = ports;
  const base = (await files.realPath(options.base)) ?? options.base;
  const reals: string[] = [];
  for (const root of roots) {
    const real = await files.realPath(root);
    if (real !== null) reals.push(real);
  }
  const walker = new Walker(ports, reals, options);
  const steps = reals.map((real): Step => {
    const isBelow = isIn(real, base) && real !== base;
    const names = isBelow ? real.slice(base.length + 1).split("/") : [];
    return { path: real, real, names, links: [] };
  });
  await walker.run(steps);
  return walker;
}

/** Whether `path` is `folder` or lies in it. */
function isIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}

class Walker implements Walk {
  readonly files: WalkedFile[] = [];
  readonly problems: ScanProblem[] = [];
  readonly folders = new Set<string>();
  readonly targets = new Set<string>();
  readonly #ports: WalkPorts;
  readonly #places: Places;
  readonly #roots: readonly string[];
  readonly #ignoredNames: ReadonlySet<string>;
  readonly #ignoredPaths: ReadonlySet<string>;
  /** Folders that are still to be walked; the last ones come first, so that few wait at a time. */
  readonly #open: Step[] = [];

  constructor(ports: WalkPorts, roots: readonly string[], options: WalkOptions) {
    const { ignore, places = PROJECT_PLACES } = options;
    this.#ports = ports;
    this.#places = places;
    this.#roots = roots;
    const ignored = ignore.map((name) => name.replace(/^\.\/|\/$/g, ""));
    this.#ignoredNames = new Set(ignored);
    this.#ignoredPaths = new Set(ignored.filter((path) => path.includes("/")));
  }

  isInside(realPath: string): boolean {
    return this.#roots.some((root) => isIn(realPath, root));
  }

  /** Walks these folders and all below, several at a time. */
  async run(steps: readonly Step[]): Promise<void> {
    this.#open.push(...steps);
    while (this.#open.length > 0) {
      const some = this.#open.splice(-PARALLEL_FOLDERS);
      await Promise.all(some.map((step) => this.#folder(step)));
    }
    this.files.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  async #folder(step: Step): Promise<void> {
    // Roots may lie in each other.
    if (this.folders.has(step.path)) return;
    this.folders.add(step.path);
    if (step.names.length > FOLDER_DEPTH_MAX) {
      this.#problem(step.path, "too-deep", `The folder lies more than ${FOLDER_DEPTH_MAX} deep`);
      return;
    }
    const entries = await this.#guarded(step.path, () => this.#ports.folders.entries(step.path));
    const files: FileStep[] = [];
    for (const { name, kind } of entries ?? []) {
      if (this.#isIgnored(name, step)) continue;
      const next = below(step, name);
      if (kind === "file") {
        const place = this.#places.placeOf(next.names);
        if (place !== null) files.push({ path: next.path, place });
      } else if (kind === "other") await this.#link(next);
      else if (this.#places.isWalkedInto(next.names)) this.#open.push(next);
    }
    await this.#addFiles(files);
  }

  /** Asks for sizes and times, many at a time; almost never does one fail, and then they are asked for singly. */
  async #addFiles(files: readonly FileStep[]): Promise<void> {
    for (let at = 0; at < files.length; at += PARALLEL) {
      const some = files.slice(at, at + PARALLEL);
      const infos = await this.#infos(some.map(({ path }) => path));
      for (const [index, { path, place }] of some.entries()) {
        const info = infos[index];
        if (info?.kind === "file") this.#add({ path, place, info });
      }
    }
  }

  async #infos(paths: readonly string[]): Promise<readonly (FileInfo | null)[]> {
    try {
      return await this.#ports.folders.infos(paths);
    } catch {
      const { files } = this.#ports;
      return Promise.all(paths.map((path) => this.#guarded(path, () => files.info(path))));
    }
  }

  #add(file: WalkedFile): void {
    if (this.files.length < FILES_MAX) this.files.push(file);
    else if (!this.problems.some(({ rule }) => rule === "too-many")) {
      const message = `There are more than ${FILES_MAX} files; the rest is left out`;
      this.#problem(file.path, "too-many", message);
    }
  }

  /** A link, or something else that is neither file nor folder. */
  async #link(step: Step): Promise<void> {
    const { path, names, links } = step;
    const place = this.#places.placeOf(names);
    if (place === null && !this.#places.isToolFolder(names)) return;
    const real = await this.#target(path);
    if (real === null) return;
    if (!this.isInside(real)) {
      this.#problem(path, "link-outside", "It leads out of the folders that are scanned");
      return;
    }
    const info = await this.#guarded(path, () => this.#ports.files.info(real));
    const parent = step.real.slice(0, step.real.lastIndexOf("/"));
    if (info === null) return;
    if (info.kind === "file") {
      if (place === null) return;
      this.targets.add(real);
      this.#add({ path, place, info });
    } else if (info.kind !== "folder")
      this.#problem(path, "not-a-file", "It is no file and no folder");
    else if ([parent, ...links].some((from) => isIn(from, real))) {
      this.#problem(path, "link-loop", "It leads to a folder that it lies in");
    } else this.#open.push({ path, real, names, links: [...links, parent] });
  }

  /** Where a link leads; null, with a problem, when that is nowhere. */
  async #target(path: string): Promise<string | null> {
    try {
      const real = await this.#ports.files.realPath(path);
      if (real === null) this.#problem(path, "link-broken", "It leads to nothing");
      return real;
    } catch (thrown) {
      // The system gives up on links that lead to each other.
      const failure = Failure.from(thrown);
      if (failure.code === "internal") this.#problem(path, "link-loop", "It leads to itself");
      else this.#problem(path, "unreadable", `It cannot be followed (${failure.code})`);
      return null;
    }
  }

  #isIgnored(name: string, { names }: Step): boolean {
    if (this.#ignoredNames.has(name)) return true;
    return this.#ignoredPaths.size > 0 && this.#ignoredPaths.has([...names, name].join("/"));
  }

  /** The answer of the port; null, with a problem, when it fails. */
  async #guarded<T>(path: string, task: () => Promise<T>): Promise<T | null> {
    try {
      return await task();
    } catch (thrown) {
      const { code } = Failure.from(thrown);
      this.#problem(path, "unreadable", `It cannot be read (${code})`);
      return null;
    }
  }

  #problem(path: string, rule: ScanRule, message: string): void {
    this.problems.push({ path, line: 0, rule, message });
  }
}

function join(folder: string, name: string): string {
  return folder.endsWith("/") ? `${folder}${name}` : `${folder}/${name}`;
}

function below({ path, real, names, links }: Step, name: string): Step {
  return { path: join(path, name), real: join(real, name), names: [...names, name], links };
}
