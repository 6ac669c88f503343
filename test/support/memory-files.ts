/** The files port in memory, for tests that touch every byte of many files. Symbolic links do not exist. */
import type { Files, NewFile } from "../../host/shared/ports/files.ts";

/** The mode of a file that was made without one. */
const OWNER_ONLY = 0o600;

export class MemoryFiles implements Files {
  /** Every file by its path. */
  readonly all = new Map<string, Uint8Array<ArrayBuffer>>();
  /** Names of one file share its bytes, so those stand for the inode. */
  readonly #inodes = new WeakMap<Uint8Array, number>();
  readonly modes = new WeakMap<Uint8Array, number>();
  #lastInode = 0;

  async read(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.all.get(path)?.slice() ?? null;
  }

  async write(path: string, bytes: Uint8Array, mode = OWNER_ONLY): Promise<void> {
    this.keep(path, bytes, mode);
  }

  async create(path: string, bytes: Uint8Array, mode = OWNER_ONLY): Promise<boolean> {
    if (this.all.has(path)) return false;
    this.keep(path, bytes, mode);
    return true;
  }

  async createAll(all: readonly NewFile[]): Promise<readonly boolean[]> {
    const results: boolean[] = [];
    for (const { path, bytes, mode } of all) results.push(await this.create(path, bytes, mode));
    return results;
  }

  /** What every way of writing comes to. */
  keep(path: string, bytes: Uint8Array, mode: number): void {
    const kept = Uint8Array.from(bytes);
    this.modes.set(kept, mode);
    this.all.set(path, kept);
  }

  async append(path: string, bytes: Uint8Array): Promise<void> {
    await this.write(path, Uint8Array.from([...(this.all.get(path) ?? []), ...bytes]));
  }

  async link(source: string, path: string): Promise<boolean> {
    const bytes = this.all.get(source);
    if (bytes === undefined) throw new Error(`${source} is not there`);
    this.all.set(path, bytes);
    return true;
  }

  async removeFolder(): Promise<boolean> {
    return false;
  }

  async identity(path: string): ReturnType<Files["identity"]> {
    const bytes = this.all.get(path);
    if (bytes === undefined) return null;
    const inode = this.#inodes.get(bytes) ?? ++this.#lastInode;
    this.#inodes.set(bytes, inode);
    const links = [...this.all.values()].filter((other) => other === bytes).length;
    return { device: 1, inode, links };
  }

  async remove(path: string): Promise<void> {
    this.all.delete(path);
  }

  async syncFolder(): Promise<void> {
    // Nothing here is ever lost.
  }

  async makeFolder(): Promise<void> {
    // A folder is the common beginning of its files' paths.
  }

  async list(path: string): Promise<readonly string[]> {
    const inside = [...this.all.keys()].filter((name) => name.startsWith(`${path}/`));
    const names = inside.map((name) => name.slice(path.length + 1).split("/")[0] as string);
    return [...new Set(names)].sort();
  }

  async info(path: string): ReturnType<Files["info"]> {
    const bytes = this.all.get(path);
    if (bytes === undefined) return null;
    return {
      kind: "file",
      sizeBytes: bytes.length,
      modifiedMs: 0,
      mode: this.modes.get(bytes) ?? OWNER_ONLY,
    };
  }

  async realPath(path: string): Promise<string | null> {
    return this.all.has(path) || (await this.list(path)).length > 0 ? path : null;
  }
}
