/** Many folders and files at once over node:fs, for scans. What fails, fails as the files port says it. */
import { type Dirent, lstatSync, readdirSync } from "node:fs";
import { type FolderEntry, type Folders, foldersOver } from "../shared/fabric/discovery/folders.ts";
import type { FileInfo } from "../shared/ports/files.ts";
import { nodeFiles } from "./files.ts";

const oneByOne = foldersOver(nodeFiles);

export const nodeFolders: Folders = {
  async entries(path) {
    try {
      // Asking the system takes a few microseconds; handing the question to a pool of threads takes many more, and
      // many times as many on a machine that is busy.
      return readdirSync(path, { withFileTypes: true }).map(entryOf);
    } catch {
      return oneByOne.entries(path);
    }
  },

  async infos(paths) {
    try {
      return paths.map(infoOf);
    } catch {
      return oneByOne.infos(paths);
    }
  },
};

function entryOf(entry: Dirent): FolderEntry {
  const kind = entry.isFile() ? "file" : entry.isDirectory() ? "folder" : "other";
  return { name: entry.name, kind };
}

function infoOf(path: string): FileInfo | null {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return null;
  return {
    kind: stats.isFile() ? "file" : stats.isDirectory() ? "folder" : "other",
    sizeBytes: stats.size,
    modifiedMs: Math.floor(stats.mtimeMs),
    mode: process.platform === "win32" ? 0o600 : stats.mode & 0o7777,
  };
}
