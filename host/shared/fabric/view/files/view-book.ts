/**
 * What this machine has to remember of the files of views, and no plan can tell: `.rtt/private/view-book.json`.
 *
 *   folders   those that views have made, so that they go again when they are empty, and no other folder ever does
 *   copies    paths that hold a copy of an object, because there the file system has no links
 *
 * A folder is written down before it is made. A book that is lost or was changed by hand costs tidiness, no data.
 */
import {
  isJsonObject,
  type Json,
  documentBytes,
  parseJson,
} from "../../../trust/canonical-json.ts";
import { Failure } from "../../../ports/failure.ts";
import { readPlainFile } from "../../registry/plain-file.ts";
import { makePrivateFolder } from "./private-store.ts";
import type { ViewPorts } from "./project-files.ts";

const FILE_MODE = 0o600;
const LIMITS = { bytesMax: 16 << 20, depthMax: 3 } as const;

interface Page {
  readonly folders: ReadonlySet<string>;
  readonly copies: ReadonlySet<string>;
}

const EMPTY: Page = { folders: new Set(), copies: new Set() };

export class ViewBook {
  readonly #ports: ViewPorts;
  readonly #root: string;
  /** The last change, which the next one waits for: several views write to one book. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(ports: ViewPorts, root: string) {
    this.#ports = ports;
    this.#root = root;
  }

  async folders(): Promise<ReadonlySet<string>> {
    return (await this.#read()).folders;
  }

  async copies(): Promise<ReadonlySet<string>> {
    return (await this.#read()).copies;
  }

  /** Writes down folders that are about to be made. */
  addFolders(paths: readonly string[]): Promise<void> {
    return this.#change((page) => ({ ...page, folders: together(page.folders, paths) }));
  }

  removeFolders(paths: readonly string[]): Promise<void> {
    return this.#change((page) => ({ ...page, folders: without(page.folders, paths) }));
  }

  /** Says which paths hold a copy from now on, and which do not. */
  noteCopies(copied: readonly string[], linked: readonly string[]): Promise<void> {
    return this.#change((page) => ({
      ...page,
      copies: together(without(page.copies, linked), copied),
    }));
  }

  #change(change: (page: Page) => Page): Promise<void> {
    const next = this.#last.then(async () => {
      const before = await this.#read();
      const after = change(before);
      if (isSame(before.folders, after.folders) && isSame(before.copies, after.copies)) return;
      const { files } = this.#ports;
      await makePrivateFolder(files, this.#root);
      const page = { folders: [...after.folders].sort(), copies: [...after.copies].sort() };
      await files.write(this.#path, documentBytes(page), FILE_MODE);
    });
    // What came of it is its caller's affair; the next change only waits.
    this.#last = next.catch(() => undefined);
    return next;
  }

  async #read(): Promise<Page> {
    const bytes = await readPlainFile(this.#ports.files, this.#path, LIMITS.bytesMax);
    if (bytes === null) return EMPTY;
    try {
      const page = parseJson(bytes, LIMITS);
      if (!isJsonObject(page)) return EMPTY;
      return { folders: texts(page["folders"]), copies: texts(page["copies"]) };
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown;
      return EMPTY;
    }
  }

  get #path(): string {
    return `${this.#root}/.rtt/private/view-book.json`;
  }
}

function texts(value: Json | undefined): ReadonlySet<string> {
  if (!Array.isArray(value)) return new Set();
  return new Set((value as readonly Json[]).filter((one) => typeof one === "string"));
}

function together(set: ReadonlySet<string>, more: readonly string[]): ReadonlySet<string> {
  return new Set([...set, ...more]);
}

function without(set: ReadonlySet<string>, less: readonly string[]): ReadonlySet<string> {
  const gone = new Set(less);
  return new Set([...set].filter((one) => !gone.has(one)));
}

function isSame(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((one) => b.has(one));
}
