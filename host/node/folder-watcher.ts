/** Watching folders over node:fs, each for itself: what is below one is watched when it was walked. */
import { type FSWatcher, watch } from "node:fs";
import { sep } from "node:path";
import type { FolderChange, FolderWatcher } from "../shared/fabric/discovery/watch.ts";

export function openFolderWatcher(onChange: FolderChange): FolderWatcher {
  const watched = new Map<string, FSWatcher>();

  /** A folder, and those below it, may be others of the same name now. */
  const forget = (folder: string): void => {
    for (const [path, watcher] of watched) {
      if (path !== folder && !path.startsWith(`${folder}${sep}`)) continue;
      watched.delete(path);
      watcher.close();
    }
  };

  const add = (folder: string): boolean => {
    try {
      const watcher = watch(folder, (event, name) => {
        if (event === "rename" && name !== null) forget(`${folder}${sep}${name}`);
        onChange(folder, name);
      });
      watcher.on("error", () => {
        forget(folder);
        onChange(folder, null);
      });
      watched.set(folder, watcher);
      return true;
    } catch {
      return false;
    }
  };

  return {
    watch(folders) {
      for (const [path, watcher] of watched) {
        if (folders.has(path)) continue;
        watched.delete(path);
        watcher.close();
      }
      const missing = [...folders].filter((folder) => !watched.has(folder));
      const added = missing.filter(add).length;
      return { added, unwatched: missing.length - added };
    },

    close() {
      for (const watcher of watched.values()) watcher.close();
      watched.clear();
    },
  };
}
