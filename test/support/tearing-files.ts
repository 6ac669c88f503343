/**
 * The files port of a machine that can lose power at any of the steps that the real one takes: a temporary file, its
 * bytes, their sync, a rename or link, the sync of the folder. What is not synced may be lost, may have come to the
 * disk before what was done earlier, and bytes may have come in part.
 *
 *   run on it  ──records──▶  steps  ──crashStates──▶  every disk that a loss of power can leave
 *
 * The model: names change in steps that are atomic (a rename is one) and last once their folder is synced; until then
 * any of them may be lost, whatever others are not. Bytes last once their file is synced; until then the file is
 * empty, or holds the first part, or zeros, or all of them. Folders are made to last when they are made.
 */
import type { NewFile } from "../../host/shared/ports/files.ts";
import { MemoryFiles } from "./memory-files.ts";

type FileId = number;

type DiskStep =
  | { readonly do: "bytes"; readonly file: FileId; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly do: "syncFile"; readonly file: FileId }
  | { readonly do: "names"; readonly folder: string; readonly names: readonly NameChange[] }
  | { readonly do: "syncFolder"; readonly folder: string };

type NameChange = readonly [path: string, file: FileId | null];

/** A disk as a machine that starts again finds it. */
export interface CrashState {
  /** How many steps had been taken. */
  readonly step: number;
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

export class TearingFiles extends MemoryFiles {
  readonly steps: DiskStep[] = [];
  readonly #before: ReadonlyMap<string, FileId>;
  readonly #ids = new Map<string, FileId>();
  readonly #contents = new Map<FileId, Uint8Array<ArrayBuffer>>();
  #nextId = 0;
  #temporaries = 0;

  /** A machine that starts with these files, all of them on the disk. */
  constructor(files: ReadonlyMap<string, Uint8Array<ArrayBuffer>> = new Map()) {
    super();
    const known = new Map<Uint8Array, FileId>();
    for (const [path, bytes] of files) {
      this.all.set(path, bytes);
      // Names of one file share its bytes.
      const id = known.get(bytes) ?? this.#newFile(bytes);
      known.set(bytes, id);
      this.#ids.set(path, id);
    }
    this.#before = new Map(this.#ids);
  }

  override async write(path: string, bytes: Uint8Array): Promise<void> {
    const { id, temporary } = await this.#writeTemporary(path, bytes);
    await this.#names(path, [
      [path, id],
      [temporary, null],
    ]);
    await this.#take({ do: "syncFolder", folder: folderOf(path) });
  }

  override async create(path: string, bytes: Uint8Array): Promise<boolean> {
    const isNew = await this.#createUnsynced(path, bytes);
    if (isNew) await this.syncFolder(folderOf(path));
    return isNew;
  }

  override async createAll(all: readonly NewFile[]): Promise<readonly boolean[]> {
    const results: boolean[] = [];
    for (const { path, bytes } of all) results.push(await this.#createUnsynced(path, bytes));
    for (const folder of new Set(all.map(({ path }) => folderOf(path)))) {
      await this.syncFolder(folder);
    }
    return results;
  }

  override async append(path: string, bytes: Uint8Array): Promise<void> {
    const there = this.all.get(path) ?? new Uint8Array();
    const whole = Uint8Array.from([...there, ...bytes]);
    const id = this.#ids.get(path) ?? this.#newFile(new Uint8Array());
    if (!this.#ids.has(path)) await this.#names(path, [[path, id]]);
    await this.#bytes(id, whole);
    await this.#take({ do: "syncFile", file: id });
  }

  override async link(source: string, path: string): Promise<boolean> {
    const id = this.#ids.get(source);
    if (id === undefined) throw new Error(`${source} is not there`);
    const temporary = this.#temporaryBeside(path);
    await this.#names(path, [[temporary, id]]);
    await this.#names(path, [
      [path, id],
      [temporary, null],
    ]);
    return true;
  }

  /** Modes are not kept: anybody may read what is here, so that links may take its place. */
  override async info(path: string): ReturnType<MemoryFiles["info"]> {
    const info = await super.info(path);
    return info === null ? null : { ...info, mode: 0o644 };
  }

  override async remove(path: string): Promise<void> {
    if (this.#ids.has(path)) await this.#names(path, [[path, null]]);
  }

  override async syncFolder(path = ""): Promise<void> {
    await this.#take({ do: "syncFolder", folder: path });
  }

  // --- steps ---

  async #createUnsynced(path: string, bytes: Uint8Array): Promise<boolean> {
    const { id, temporary } = await this.#writeTemporary(path, bytes);
    const isNew = !this.#ids.has(path);
    if (isNew) await this.#names(path, [[path, id]]);
    await this.#names(path, [[temporary, null]]);
    return isNew;
  }

  async #writeTemporary(path: string, bytes: Uint8Array) {
    const id = this.#newFile(new Uint8Array());
    const temporary = this.#temporaryBeside(path);
    await this.#names(path, [[temporary, id]]);
    await this.#bytes(id, Uint8Array.from(bytes));
    await this.#take({ do: "syncFile", file: id });
    return { id, temporary };
  }

  async #names(path: string, names: readonly NameChange[]): Promise<void> {
    for (const [name, id] of names) {
      if (id === null) {
        this.#ids.delete(name);
        this.all.delete(name);
      } else {
        this.#ids.set(name, id);
        this.all.set(name, this.#contents.get(id) as Uint8Array<ArrayBuffer>);
      }
    }
    await this.#take({ do: "names", folder: folderOf(path), names });
  }

  async #bytes(id: FileId, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#contents.set(id, bytes);
    for (const [path, other] of this.#ids) if (other === id) this.all.set(path, bytes);
    await this.#take({ do: "bytes", file: id, bytes });
  }

  async #take(step: DiskStep): Promise<void> {
    this.steps.push(step);
    // Whoever else is at work takes its steps in between.
    await Promise.resolve();
  }

  #newFile(bytes: Uint8Array<ArrayBuffer>): FileId {
    const id = this.#nextId++;
    this.#contents.set(id, bytes);
    return id;
  }

  #temporaryBeside(path: string): string {
    this.#temporaries += 1;
    return `${path}.${this.#temporaries}.tmp`;
  }

  // --- crashes ---

  /** Every disk that a loss of power can leave, before the first step and after each. */
  *crashStates(): Generator<CrashState> {
    const disk = new Disk(this.#before, this.#contentsBefore());
    yield* disk.states(0);
    for (const [at, step] of this.steps.entries()) {
      disk.take(step);
      yield* disk.states(at + 1);
    }
  }

  #contentsBefore(): Map<FileId, Uint8Array<ArrayBuffer>> {
    const ids = new Set(this.#before.values());
    const written = new Set(this.steps.flatMap((step) => (step.do === "bytes" ? [step.file] : [])));
    const contents = new Map<FileId, Uint8Array<ArrayBuffer>>();
    for (const id of ids) {
      if (written.has(id)) throw new Error("files that were there before are only replaced");
      contents.set(id, this.#contents.get(id) as Uint8Array<ArrayBuffer>);
    }
    return contents;
  }
}

/** More unsynced changes of names than this are not combined in every way. */
const COMBINED_MAX = 3;
const EMPTY = new Uint8Array();

/** What is on a disk for sure, and what may be. */
class Disk {
  readonly #names: Map<string, FileId>;
  readonly #synced: Map<FileId, Uint8Array<ArrayBuffer>>;
  readonly #unsynced = new Map<FileId, Uint8Array<ArrayBuffer>>();
  #pending: Extract<DiskStep, { readonly do: "names" }>[] = [];

  constructor(names: ReadonlyMap<string, FileId>, contents: Map<FileId, Uint8Array<ArrayBuffer>>) {
    this.#names = new Map(names);
    this.#synced = contents;
  }

  take(step: DiskStep): void {
    switch (step.do) {
      case "bytes":
        this.#unsynced.set(step.file, step.bytes);
        break;
      case "syncFile": {
        const bytes = this.#unsynced.get(step.file);
        if (bytes !== undefined) this.#synced.set(step.file, bytes);
        this.#unsynced.delete(step.file);
        break;
      }
      case "names":
        this.#pending.push(step);
        break;
      case "syncFolder":
        for (const change of this.#pending) {
          if (change.folder === step.folder) applyNames(this.#names, change.names);
        }
        this.#pending = this.#pending.filter(({ folder }) => folder !== step.folder);
        break;
    }
  }

  *states(step: number): Generator<CrashState> {
    for (const survivors of choices(this.#pending)) {
      const names = new Map(this.#names);
      for (const change of survivors) applyNames(names, change.names);
      for (const torn of this.#tears(names)) {
        const contents = new Map<FileId, Uint8Array<ArrayBuffer>>();
        const contentOf = (id: FileId): Uint8Array<ArrayBuffer> => {
          const bytes = torn.get(id) ?? this.#synced.get(id) ?? EMPTY;
          // One array for one file, so that names of one file stay that.
          if (!contents.has(id)) contents.set(id, bytes.slice());
          return contents.get(id) as Uint8Array<ArrayBuffer>;
        };
        yield { step, files: new Map([...names].map(([path, id]) => [path, contentOf(id)])) };
      }
    }
  }

  /** What may have become of the bytes that were not synced, of files that have a name. */
  *#tears(names: ReadonlyMap<string, FileId>): Generator<Map<FileId, Uint8Array<ArrayBuffer>>> {
    const ids = new Set(names.values());
    const open = [...this.#unsynced].filter(([id]) => ids.has(id));
    yield new Map(open.map(([id]) => [id, this.#synced.get(id) ?? EMPTY]));
    if (open.length === 0) return;
    yield new Map(open);
    yield new Map(open.map(([id, bytes]) => [id, bytes.slice(0, bytes.length >> 1)]));
    yield new Map(open.map(([id, bytes]) => [id, new Uint8Array(bytes.length)]));
  }
}

function applyNames(names: Map<string, FileId>, changes: readonly NameChange[]): void {
  for (const [path, id] of changes) {
    if (id === null) names.delete(path);
    else names.set(path, id);
  }
}

/** Which of some changes survive, in their order: every choice of a few; of more, the latest few and extremes. */
function* choices<T>(all: readonly T[]): Generator<readonly T[]> {
  const free = all.slice(-COMBINED_MAX);
  const older = all.slice(0, -COMBINED_MAX);
  for (let bits = 0; bits < 2 ** free.length; bits++) {
    const chosen = free.filter((_, at) => (bits >> at) % 2 === 1);
    yield [...older, ...chosen];
    if (older.length > 0) yield chosen;
  }
}
