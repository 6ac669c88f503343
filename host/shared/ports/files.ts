/** Files, as a port. Paths are absolute. Every failure is a `Failure` with the path in its context. */
export interface FileInfo {
  readonly kind: "file" | "folder" | "other";
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly mode: number;
}

/** Which file a path leads to: two paths with the same device and inode are one file on disk. */
export interface FileIdentity {
  readonly device: number;
  readonly inode: number;
  /** How many paths lead to it. */
  readonly links: number;
}

/** A file that is to be created. */
export interface NewFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly mode: number;
}

export interface Files {
  /** The whole file, or null when there is none. Fails with `permission-denied`. */
  read(path: string): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Replaces the file in one step (temporary file, sync, rename, sync of the folder). */
  write(path: string, bytes: Uint8Array, mode: number): Promise<void>;
  /** Creates the file only if it does not exist yet; false when it does. */
  create(path: string, bytes: Uint8Array, mode: number): Promise<boolean>;
  /**
   * The same for many, with less waiting for the disk: each is whole or absent, and all last once it returns. When it
   * fails, some may be there.
   */
  createAll(all: readonly NewFile[]): Promise<readonly boolean[]>;
  /** Appends and syncs. */
  append(path: string, bytes: Uint8Array): Promise<void>;
  /**
   * Makes `path` another name of the file `source`, in one step, in place of what is there. False where the file
   * system has no such links, or the two lie on different ones; then nothing has changed. It lasts once its folder is
   * synced: whoever makes many links waits for the disk once.
   */
  link(source: string, path: string): Promise<boolean>;
  /** After a loss of power the file may be there again, unless its folder is synced or something is put into it. */
  remove(path: string): Promise<void>;
  /** Removes a folder that is empty; false when it is not, or is not there. */
  removeFolder(path: string): Promise<boolean>;
  /** Makes what was linked into a folder or removed from it stay so; for a folder that is gone, in its parent. */
  syncFolder(path: string): Promise<void>;
  makeFolder(path: string, mode: number): Promise<void>;
  /** Names in a folder, sorted by code unit; empty when there is no folder. */
  list(path: string): Promise<readonly string[]>;
  info(path: string): Promise<FileInfo | null>;
  /** Null when there is nothing, or the system does not tell. */
  identity(path: string): Promise<FileIdentity | null>;
  /** The path with every symbolic link resolved; null when it does not exist. */
  realPath(path: string): Promise<string | null>;
}
