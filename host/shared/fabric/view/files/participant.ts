/**
 * A view as a participant of two-phase commit. Before the vote everything is checked, verified and staged; afterwards
 * each file changes in one step, by a hard link to a read-only object or to the staged result of a merge.
 *
 * What somebody has changed between vote and commit is left as it is: then the view does not show what it should,
 * which whoever decides sees by observing. So no byte of the user's is ever replaced that is not also kept.
 */
import { Failure } from "../../../ports/failure.ts";
import type { Observation, Participant, Transaction, Vote } from "../../apply/participant.ts";
import type { DigestText, PlannedFile } from "../../plan.ts";
import { OBJECT_MODE } from "../../registry/layout.ts";
import type { Registry } from "../../registry/registry.ts";
import type { ViewName } from "../model.ts";
import { inParallel } from "./parallel.ts";
import { isLinkBefore, isTakenBack, PlannedBytes, stale } from "./planned-bytes.ts";
import { digestOf, foldersOf, ProjectFiles, type Seen, type ViewPorts } from "./project-files.ts";
import { Staging } from "./staging.ts";
import { ViewBook } from "./view-book.ts";

export interface ViewOptions {
  /** Copies objects where the file system has no links; each copy is remembered and counted. Default: no. */
  readonly mayCopy?: boolean;
}

/** The views that a plan changes, sorted. */
export function viewsOf(files: readonly Pick<PlannedFile, "view">[]): readonly ViewName[] {
  return [...new Set(files.map(({ view }) => view))].sort();
}

/** A participant for each of these views. `root` is the project's folder. */
export function viewParticipants(
  ports: ViewPorts,
  root: string,
  registry: Registry,
  views: readonly ViewName[],
  options: ViewOptions = {},
): readonly Participant[] {
  const book = new ViewBook(ports, root);
  return views.map((view) => new ViewParticipant({ ports, root, registry, view, book, options }));
}

interface Parts {
  readonly ports: ViewPorts;
  readonly root: string;
  readonly registry: Registry;
  readonly view: ViewName;
  readonly book: ViewBook;
  readonly options: ViewOptions;
}

/** A file of the plan with its number there, which names what is staged of it. */
interface Numbered {
  readonly file: PlannedFile;
  readonly number: number;
}

const PARALLEL = 8;
const FOLDER_MODE = 0o755;
/** Of a configuration that was not there before. */
const CONFIG_MODE = 0o644;
const MODE_BITS = 0o777;

class ViewParticipant implements Participant {
  readonly name: string;
  readonly #parts: Parts;
  readonly #project: ProjectFiles;
  readonly #bytes: PlannedBytes;

  constructor(parts: Parts) {
    this.name = `view:${parts.view}`;
    this.#parts = parts;
    this.#project = new ProjectFiles(parts.ports, parts.root);
    this.#bytes = new PlannedBytes(parts.ports, parts.root, parts.registry);
  }

  async prepare(transaction: Transaction): Promise<Vote> {
    try {
      const files = this.#files(transaction);
      await this.#parts.registry.holding(() =>
        inParallel(files, PARALLEL, (one) => this.#stage(transaction, one)),
      );
      await this.#probe(transaction, files);
      return { ok: true };
    } catch (thrown) {
      const failure = Failure.from(thrown);
      if (failure.code === "internal") throw thrown;
      return { ok: false, failure };
    }
  }

  async commit(transaction: Transaction): Promise<void> {
    const { book } = this.#parts;
    const files = this.#files(transaction);
    const gone = files.filter(({ file }) => file.after === null);
    const shown = files.filter(({ file }) => file.after !== null);
    // A file may be in place of a folder that goes, or the other way round, so what goes goes first.
    await inParallel(gone, PARALLEL, ({ file }) => this.#remove(file));
    await this.#sync(gone);
    await this.#removeFolders(gone.map(({ file }) => file));
    await this.#makeFolders(shown);
    const copied: string[] = [];
    await inParallel(shown, PARALLEL, async (one) => {
      if (await this.#show(transaction, one)) copied.push(one.file.path);
    });
    await this.#sync(shown);
    await this.#sweep(files);
    const isCopied = new Set(copied);
    const paths = files.map(({ file }) => file.path);
    await book.noteCopies(
      copied,
      paths.filter((path) => !isCopied.has(path)),
    );
    await this.#staging(transaction).clear();
    await this.#bytes.store.keepOnly(neededBy(transaction));
  }

  async abort(transaction: Transaction): Promise<void> {
    const files = this.#files(transaction);
    await this.#staging(transaction).clear();
    for (const folder of await this.#probedFolders(files)) {
      await this.#parts.ports.files.remove(this.#probePath(folder));
    }
    await this.#sweep(files);
    const inUse = new Set(
      (transaction.current?.files ?? []).map((one) => (one.how === "merge" ? one.original : null)),
    );
    for (const { file } of files) {
      const { before, how } = file;
      if (how === "link" || before === null || inUse.has(before)) continue;
      const seen = await this.#project.see(file.path);
      if (digestOf(seen) === before) await this.#bytes.store.remove(before);
    }
  }

  async observe(transaction: Transaction): Promise<Observation> {
    const found: [string, DigestText | null][] = [];
    await inParallel(this.#files(transaction), PARALLEL, async ({ file }) => {
      found.push([file.path, digestOf(await this.#project.see(file.path))]);
    });
    return new Map(found.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  expect(transaction: Transaction): Observation {
    return new Map(this.#files(transaction).map(({ file }) => [file.path, file.after]));
  }

  #files({ plan }: Transaction): readonly Numbered[] {
    return plan.files
      .map((file, number) => ({ file, number }))
      .filter(({ file }) => file.view === this.#parts.view);
  }

  #staging({ id }: Transaction): Staging {
    const { ports, root, view } = this.#parts;
    return new Staging(ports, root, id, view);
  }

  // --- before the vote ---

  async #stage(transaction: Transaction, { file, number }: Numbered): Promise<void> {
    await this.#project.check(file.path);
    const seen = await this.#project.see(file.path);
    const present = digestOf(seen);
    if (present !== file.before && present !== file.after) {
      // On the way back one changed file keeps no other from going back; observing tells of it.
      if (isTakenBack(transaction)) return;
      throw stale(file, present);
    }
    if (file.after === null) return;
    if (file.how === "link") return this.#bytes.verify(file);
    const wasLink = isLinkBefore(transaction, file);
    // A link that becomes the user's own file gets bytes of its own, even where they are the same.
    if (present === file.after && !wasLink) return;
    const isUsers = seen.kind === "file" && !wasLink && !isTakenBack(transaction);
    if (isUsers) await this.#bytes.store.keep(seen.bytes);
    const bytes = await this.#bytes.of(transaction, file, seen);
    const mode = wasLink ? CONFIG_MODE : modeOf(seen);
    await this.#staging(transaction).put(number, bytes, mode);
  }

  /** Tries in each folder whether something can be put there; a trial that a crash leaves is removed by abort. */
  async #probe(transaction: Transaction, files: readonly Numbered[]): Promise<void> {
    const { options } = this.#parts;
    const sources = new Map<string, string | null>();
    for (const inside of byFolder(files)) {
      const [{ file }] = inside;
      const folder = await this.#project.nearestFolder(file.path);
      const link = inside.find((one) => one.file.how === "link" && one.file.after !== null);
      const source = link === undefined ? null : await this.#bytes.contentPath(link.file);
      sources.set(folder, source ?? sources.get(folder) ?? null);
    }
    for (const [folder, source] of sources) {
      const isLinked = await this.#probeFolder(folder, source);
      if (!isLinked && options.mayCopy !== true) throw unsupported(folder, transaction.id);
    }
  }

  /** Whether a folder can hold a link to `source`, or a file where there is none. */
  async #probeFolder(folder: string, source: string | null): Promise<boolean> {
    const { files } = this.#parts.ports;
    const path = this.#probePath(folder);
    try {
      const isLinked = source === null || (await files.link(source, path));
      if (source === null) await files.create(path, new Uint8Array(), CONFIG_MODE);
      await files.remove(path);
      return isLinked;
    } catch (thrown) {
      throw unwritable(folder, thrown);
    }
  }

  async #probedFolders(files: readonly Numbered[]): Promise<ReadonlySet<string>> {
    const folders = new Set<string>();
    for (const { file } of files) {
      // Every folder on the way could have been the nearest one when it was tried.
      folders.add(this.#parts.root);
      for (const folder of foldersOf(file.path)) folders.add(this.#project.absolute(folder));
    }
    return folders;
  }

  #probePath(folder: string): string {
    return `${folder}/.rtt-probe-${this.#parts.view}.tmp`;
  }

  // --- after the decision ---

  async #remove(file: PlannedFile): Promise<void> {
    const { files } = this.#parts.ports;
    await this.#project.check(file.path);
    const present = digestOf(await this.#project.see(file.path));
    if (present === null || present !== file.before) return;
    await files.remove(this.#project.absolute(file.path));
  }

  /** Makes the folders of files, after they are written down as made by views. */
  async #makeFolders(shown: readonly Numbered[]): Promise<void> {
    const missing = new Set<string>();
    const places = byFolder(shown).map(([{ file }]) => file.path);
    for (const path of places) {
      await this.#project.check(path);
      for (const folder of await this.#project.missingFolders(path)) missing.add(folder);
    }
    await this.#parts.book.addFolders([...missing]);
    for (const path of places) {
      const folder = folderOf(this.#project.absolute(path));
      await this.#parts.ports.files.makeFolder(folder, FOLDER_MODE);
    }
  }

  /** Makes last what became of files, folder by folder: each waits for the disk once. */
  async #sync(files: readonly Numbered[]): Promise<void> {
    const folders = new Set(files.map(({ file }) => folderOf(this.#project.absolute(file.path))));
    await inParallel([...folders], PARALLEL, (folder) =>
      this.#parts.ports.files.syncFolder(folder),
    );
  }

  /** Removes folders that views have made and that are empty now, innermost first. */
  async #removeFolders(gone: readonly PlannedFile[]): Promise<void> {
    const { ports, book } = this.#parts;
    if (gone.length === 0) return;
    const made = await book.folders();
    const folders = new Set(gone.flatMap(({ path }) => foldersOf(path)));
    const removed: string[] = [];
    const deepestFirst = [...folders].sort((a, b) => b.length - a.length);
    for (const folder of deepestFirst.filter((one) => made.has(one))) {
      if (await ports.files.removeFolder(this.#project.absolute(folder))) removed.push(folder);
    }
    await book.removeFolders(removed);
  }

  /**
   * Removes names beside the files that a loss of power in the middle of a step has left, "mcp.json.0f3a.tmp". Only
   * what has the bytes of the file before or after is taken for one, so nothing of somebody else's goes.
   */
  async #sweep(numbered: readonly Numbered[]): Promise<void> {
    const { files } = this.#parts.ports;
    for (const inside of byFolder(numbered)) {
      const folder = folderOf(`/${inside[0].file.path}`);
      const names = await files.list(`${this.#parts.root}${folder}`);
      for (const name of names.filter((one) => one.endsWith(".tmp"))) {
        const path = `${folder}/${name}`.slice(1);
        const own = inside.find(({ file }) => path.startsWith(`${file.path}.`))?.file;
        const found = own === undefined ? null : digestOf(await this.#project.see(path));
        const isLeft = found !== null && (found === own?.before || found === own?.after);
        if (isLeft) await files.remove(this.#project.absolute(path));
      }
    }
  }

  /** Shows a file; true when it had to be copied. */
  async #show(transaction: Transaction, { file, number }: Numbered): Promise<boolean> {
    await this.#project.check(file.path);
    const seen = await this.#project.see(file.path);
    const present = digestOf(seen);
    const isForeign = present !== null && present !== file.before && present !== file.after;
    if (isForeign) return false;
    const path = this.#project.absolute(file.path);
    const { files } = this.#parts.ports;
    if (file.how === "link") {
      return this.#link(file, path);
    }
    const staging = this.#staging(transaction);
    const bytes = await staging.read(number);
    if (bytes === null && present === file.after) return false;
    const mode = isLinkBefore(transaction, file) ? CONFIG_MODE : modeOf(seen);
    // What was staged is gone only when somebody has cleared the folder; then it is made once more.
    if (bytes === null)
      await files.write(path, await this.#bytes.of(transaction, file, seen), mode);
    else if (!(await files.link(staging.path(number), path))) await files.write(path, bytes, mode);
    return false;
  }

  /** Copies of a project, such as clones, lose the modes of its objects, and whoever writes to a link changes those. */
  async #protect(object: string): Promise<void> {
    const { files } = this.#parts.ports;
    const info = await files.info(object);
    if (info === null || (info.mode & MAY_WRITE) === 0) return;
    const bytes = await files.read(object);
    if (bytes !== null) await files.write(object, bytes, OBJECT_MODE);
  }

  async #link(file: PlannedFile, path: string): Promise<boolean> {
    const { files } = this.#parts.ports;
    // It was verified before the vote, and whoever observes the view afterwards reads every byte.
    const source = await this.#bytes.contentPath(file);
    if (source === null) {
      await files.write(path, await this.#bytes.object(file.after), CONFIG_MODE);
      return false;
    }
    await this.#protect(source);
    const own = await files.identity(path);
    const object = await files.identity(source);
    const isLinked = own !== null && own.inode === object?.inode && own.device === object.device;
    if (isLinked || (await files.link(source, path))) return false;
    // The vote is over, so a file system that ran out of links gets a copy.
    const bytes = await files.read(source);
    await files.write(path, bytes ?? new Uint8Array(), OBJECT_MODE);
    return true;
  }
}

/** What a change, taking it back, and later merges may have to go back to. */
function neededBy({ plan, current, target }: Transaction): ReadonlySet<DigestText> {
  const shown = [...(current?.files ?? []), ...target.files];
  const digests = [
    ...plan.files.flatMap(({ before, after }) => [before, after]),
    ...shown.map((file) => (file.how === "merge" ? file.original : null)),
  ];
  return new Set(digests.filter((digest) => digest !== null));
}

/** Files by the folder that they lie in. */
function byFolder(files: readonly Numbered[]): readonly (readonly [Numbered, ...Numbered[]])[] {
  const groups = Map.groupBy(files, ({ file }) => folderOf(`/${file.path}`));
  return [...groups.values()].flatMap(([first, ...rest]) =>
    first === undefined ? [] : [[first, ...rest] as const],
  );
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

const MAY_WRITE = 0o222;

function modeOf(seen: Seen): number {
  return seen.kind === "file" ? seen.info.mode & MODE_BITS : CONFIG_MODE;
}

/** Names the folder instead of what was tried in it. */
function unwritable(folder: string, thrown: unknown): unknown {
  if (!(thrown instanceof Failure)) return thrown;
  const { code, origin, remedy, context } = thrown;
  if (code !== "permission-denied" && code !== "folder-unwritable") return thrown;
  const problem = `${folder} cannot be written (${String(context["system"] ?? code)})`;
  return new Failure(code, problem, {
    origin,
    remedy,
    context: { ...context, path: folder },
    cause: thrown,
  });
}

function unsupported(folder: string, transaction: string): Failure {
  return new Failure("link-unsupported", `${folder} cannot hold links to the registry`, {
    origin: "host",
    remedy: "Keep project and registry on one disk that has hard links, or allow copies.",
    context: { folder, transaction },
  });
}
