/**
 * Looking at many folders at once. A scan passes over far more files than it reads, so a host that can tell folders
 * from files by the listing alone, or ask for many files in one go, offers this beside its files port.
 */
import type { FileInfo, Files } from "../../ports/files.ts";

export interface FolderEntry {
  readonly name: string;
  /** "other" is a link, or nothing that has bytes. */
  readonly kind: FileInfo["kind"];
}

export interface Folders {
  /** What is in a folder, in any order; empty when there is none. Fails as the files port does. */
  entries(path: string): Promise<readonly FolderEntry[]>;
  /** What each path is; null for one that is not there. Fails as the files port does. */
  infos(paths: readonly string[]): Promise<readonly (FileInfo | null)[]>;
}

/** The same over the files port alone, with one question for each file. */
export function foldersOver(files: Files): Folders {
  const infos = (paths: readonly string[]): Promise<readonly (FileInfo | null)[]> =>
    Promise.all(paths.map((path) => files.info(path)));
  return {
    infos,
    async entries(path) {
      const names = await files.list(path);
      const found = await infos(names.map((name) => `${path === "/" ? "" : path}/${name}`));
      return names.flatMap((name, at) => {
        const kind = found[at]?.kind;
        return kind === undefined ? [] : [{ name, kind }];
      });
    },
  };
}
