/** Symbolic links over node:fs. */
import { open, readlink, symlink } from "node:fs/promises";
import { dirname } from "node:path";
import type { SymbolicLinks } from "../shared/fabric/migrate/symbolic-links.ts";

export const nodeSymbolicLinks: SymbolicLinks = {
  async read(path) {
    try {
      return await readlink(path);
    } catch {
      // Nothing, or something that is no link.
      return null;
    }
  },

  async create(target, path) {
    await symlink(target, path);
    if (process.platform === "win32") return;
    const folder = await open(dirname(path), "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  },
};
