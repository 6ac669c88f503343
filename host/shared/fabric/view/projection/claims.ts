/**
 * Who gets which path. A path is safe on every system, or it is no path: it stays in the project, has no name that
 * Windows keeps for itself, and differs from every other one by more than case.
 */
import { utf8 } from "../../../trust/bytes.ts";

/** Names that Windows gives to devices, whatever ending follows. */
const RESERVED = /^(?:con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?$/i;
/** What Windows has no names with, and what nobody sees. */
const FORBIDDEN =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u001f\u007f-\u009f<>:"|?*\\\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;
const NAME_BYTES_MAX = 255;
const PATH_CHARACTERS_MAX = 1024;

/** What is wrong with a path, or null. */
export function pathFault(path: string): string | null {
  if (path === "" || path.length > PATH_CHARACTERS_MAX) return "is empty or very long";
  if (!path.isWellFormed()) return "has half of a surrogate pair";
  if (FORBIDDEN.test(path)) return "has a character that no name of a file has everywhere";
  for (const name of path.split("/")) {
    if (name === "" || name === "." || name === "..") return "leads out of its folder";
    if (/[. ]$/.test(name)) return "has a name that ends in a dot or a space";
    if (RESERVED.test(name)) return "has a name that Windows keeps for a device";
    if (utf8(name).length > NAME_BYTES_MAX) return "has a name of more than 255 bytes";
  }
  return null;
}

/** As a file system sees it that takes no notice of case or of how a letter is composed. */
function folded(path: string): string {
  return path.normalize("NFC").toLowerCase().normalize("NFC");
}

/** What somebody wants at a path. */
export interface Wish {
  readonly path: string;
  /** The same content twice is one file. */
  readonly content: string;
}

export class Claims {
  /** By the folded path: what is there and how it is spelled. */
  readonly #files = new Map<string, Wish>();
  /** Folded paths of all folders above a file. */
  readonly #folders = new Map<string, string>();

  /** Takes all of the paths, or none: then says which one somebody else has, or what is wrong with it. */
  take(wishes: readonly Wish[]): string | null {
    const before = { files: new Map<string, Wish>(), folders: new Map<string, string>() };
    for (const wish of wishes) {
      const fault = this.#takeOne(wish, before);
      if (fault === null) continue;
      for (const key of before.files.keys()) this.#files.delete(key);
      for (const key of before.folders.keys()) this.#folders.delete(key);
      return fault;
    }
    return null;
  }

  #takeOne(wish: Wish, taken: TakenNow): string | null {
    const { path, content } = wish;
    const key = folded(path);
    const present = this.#files.get(key);
    if (present !== undefined) {
      if (present.path === path && present.content === content) return null;
      return `${path} is taken by ${present.path}`;
    }
    if (this.#folders.has(key)) return `${path} is a folder`;
    const names = path.split("/");
    for (let length = 1; length < names.length; length++) {
      const folder = names.slice(0, length).join("/");
      const folderKey = folded(folder);
      const file = this.#files.get(folderKey);
      if (file !== undefined) return `${path} lies below the file ${file.path}`;
      const spelled = this.#folders.get(folderKey);
      if (spelled !== undefined && spelled !== folder)
        return `${folder} is also spelled ${spelled}`;
      if (spelled !== undefined) continue;
      this.#folders.set(folderKey, folder);
      taken.folders.set(folderKey, folder);
    }
    this.#files.set(key, wish);
    taken.files.set(key, wish);
    return null;
  }
}

interface TakenNow {
  readonly files: Map<string, Wish>;
  readonly folders: Map<string, string>;
}
