/** The files port over node:fs. Windows keeps no POSIX modes; there a file's folder protects it. */
import { constants, existsSync } from "node:fs";
import {
  link,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  rmdir,
} from "node:fs/promises";
import { dirname } from "node:path";
import { randomBytes } from "node:crypto";
import { Failure, type ErrorCode } from "../shared/ports/failure.ts";
import type { FileInfo, Files, NewFile } from "../shared/ports/files.ts";

// --- port ---

export const nodeFiles: Files = {
  async read(path) {
    const bytes = await orNull(path, "ENOENT", () => readFile(path));
    return bytes === null ? null : new Uint8Array(bytes);
  },

  async write(path, bytes, mode) {
    const temporary = temporaryBeside(path);
    await named(path, async () => {
      try {
        await writeNew(temporary, bytes, mode);
        await rename(temporary, path);
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
      await syncFolder(dirname(path));
    });
  },

  async create(path, bytes, mode) {
    const isNew = await createUnsynced({ path, bytes, mode });
    if (isNew) await named(path, () => syncFolder(dirname(path)));
    return isNew;
  },

  async createAll(all) {
    const results: boolean[] = [];
    const rest = all.entries();
    // Several wait for the disk at once, and the disk writes what they wait for together.
    const worker = async (): Promise<void> => {
      for (const [at, file] of rest) results[at] = await createUnsynced(file);
    };
    await Promise.all(Array.from({ length: PARALLEL }, worker));
    const folders = new Set(all.filter((_, at) => results[at]).map(({ path }) => dirname(path)));
    for (const folder of folders) await named(folder, () => syncFolder(folder));
    return results;
  },

  async append(path, bytes) {
    await named(path, async () => {
      const file = await open(path, "a", 0o600);
      try {
        await file.writeFile(bytes);
        await file.datasync();
      } finally {
        await file.close();
      }
    });
  },

  async link(source, path) {
    const temporary = temporaryBeside(path);
    return named(path, async () => {
      try {
        await link(source, temporary);
        await rename(temporary, path);
      } catch (error) {
        if (NO_LINKS.has(systemCode(error))) return false;
        throw error;
      } finally {
        // A rename onto another name of the same file does nothing and leaves the temporary name.
        await rm(temporary, { force: true });
      }
      return true;
    });
  },

  async remove(path) {
    await named(path, () => rm(path, { force: true }));
  },

  async removeFolder(path) {
    return named(path, async () => {
      try {
        await rmdir(path);
        return true;
      } catch (error) {
        if (["ENOTEMPTY", "EEXIST", "ENOENT"].includes(systemCode(error))) return false;
        throw error;
      }
    });
  },

  async syncFolder(path) {
    await named(path, async () => {
      for (let folder = path; ; folder = dirname(folder)) {
        try {
          await syncFolder(folder);
          return;
        } catch (error) {
          if (systemCode(error) !== "ENOENT" || dirname(folder) === folder) throw error;
        }
      }
    });
  },

  async makeFolder(path, mode) {
    await named(path, async () => {
      const first = await mkdir(path, { recursive: true, mode });
      if (first === undefined) return;
      // Each new folder is a name in the one above it, up to the one that was there before.
      const top = dirname(first);
      for (let folder = dirname(path); ; folder = dirname(folder)) {
        await syncFolder(folder);
        if (folder === top || dirname(folder) === folder) break;
      }
    });
  },

  async list(path) {
    const names = await orNull(path, "ENOENT", () => readdir(path));
    // Code units, not the locale: the order must be the same on every machine.
    return names === null ? [] : names.sort();
  },

  async info(path) {
    const stats = await orNull(path, "ENOENT", () => lstat(path));
    if (stats === null) return null;
    const kind: FileInfo["kind"] = stats.isFile()
      ? "file"
      : stats.isDirectory()
        ? "folder"
        : "other";
    return {
      kind,
      sizeBytes: stats.size,
      modifiedMs: Math.floor(stats.mtimeMs),
      mode: process.platform === "win32" ? 0o600 : stats.mode & 0o7777,
    };
  },

  async identity(path) {
    const stats = await orNull(path, "ENOENT", () => lstat(path));
    return stats === null ? null : { device: stats.dev, inode: stats.ino, links: stats.nlink };
  },

  async realPath(path) {
    return orNull(path, "ENOENT", () => realpath(path));
  },
};

// --- helpers ---

/** What systems say when a file cannot have another name there. */
const NO_LINKS: ReadonlySet<string> = new Set([
  "EXDEV",
  "EMLINK",
  "ENOTSUP",
  "EOPNOTSUPP",
  "ENOSYS",
]);

/** How many files are written at a time. */
const PARALLEL = 16;

/** Creates a file unless it exists. Its name lasts once its folder is synced. */
async function createUnsynced({ path, bytes, mode }: NewFile): Promise<boolean> {
  // Asking first spares the writing; whoever comes in between is noticed by the link below.
  if (existsSync(path)) return false;
  const temporary = temporaryBeside(path);
  return named(path, async () => {
    try {
      await writeNew(temporary, bytes, mode);
      // A link, unlike a rename, refuses to replace; and what it makes appears whole or not at all.
      await link(temporary, path);
      return true;
    } catch (error) {
      if (systemCode(error) === "EEXIST") return false;
      throw error;
    } finally {
      await rm(temporary, { force: true });
    }
  });
}

/** In the same folder, because only there a rename is one step. */
function temporaryBeside(path: string): string {
  return `${path}.${randomBytes(6).toString("hex")}.tmp`;
}

/** Writes a file that must not exist yet, with exactly this mode, and syncs it. */
async function writeNew(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  const file = await open(path, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, mode);
  try {
    await file.chmod(mode);
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a rename or a creation in `folder` last. Windows has no such call and needs none. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Null when `task` fails with this system error; a `Failure` when it fails with another. */
function orNull<T>(path: string, code: string, task: () => Promise<T>): Promise<T | null> {
  return named(path, async () => {
    try {
      return await task();
    } catch (error) {
      if (systemCode(error) === code) return null;
      throw error;
    }
  });
}

const CODES: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  EACCES: ["permission-denied", "Give this user access to the path, or choose another folder."],
  EPERM: ["permission-denied", "Give this user access to the path, or choose another folder."],
  EROFS: ["folder-unwritable", "Choose a folder on a disk that can be written."],
  ENOSPC: ["folder-unwritable", "Make room on the disk."],
  ENOENT: ["file-missing", "Create the folder, or correct the path."],
  ENOTDIR: ["folder-unwritable", "A part of the path is a file; choose another path."],
};

/** Turns a system error into a failure that names the path. */
async function named<T>(path: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    const system = systemCode(error);
    const known = CODES[system];
    if (known === undefined) throw Failure.from(error);
    const [code, remedy] = known;
    throw new Failure(code, `${path} (${system})`, {
      origin: "host",
      remedy,
      context: { path, system },
      cause: error,
    });
  }
}

function systemCode(error: unknown): string {
  return String((error as { readonly code?: unknown }).code);
}
