/**
 * Whether views still show what the generation in force says, and whether each object is on the disk once. Only looks;
 * every byte of every link is read, because a file that was changed in place has kept its size, and may have its time.
 *
 * A link and its object are one file. So whoever writes into a link in spite of its mode writes into the registry; an
 * editor that replaces the file instead leaves the object whole and the link broken. Both are told apart here.
 */
import type { FileIdentity } from "../../../ports/files.ts";
import { Failure } from "../../../ports/failure.ts";
import { fromUtf8 } from "../../../trust/bytes.ts";
import type { Generation, ShownLink, ShownMerge } from "../../generation.ts";
import { compareTexts } from "../../plan-file/parts.ts";
import { idOfDigest } from "../../registry/layout.ts";
import type { Registry } from "../../registry/registry.ts";
import { fieldsOf } from "../files/merged-file.ts";
import { inParallel } from "../files/parallel.ts";
import { ProjectFiles, type Seen, type ViewPorts } from "../files/project-files.ts";
import { ViewBook } from "../files/view-book.ts";
import { readConfig } from "../merge/config-text.ts";
import { isSameValue, valueAt } from "../merge/values.ts";
import type { ViewName } from "../model.ts";

export type DriftKind =
  /** Somebody has put other bytes there. */
  | "changed"
  | "missing"
  /** The same bytes in a file of their own, as an editor leaves them. */
  | "replaced"
  /** Somebody may write to it. */
  | "mode"
  /** The object itself was changed, through this link or another name of it. */
  | "object-changed"
  | "object-missing"
  /** A folder or a link is there, or a link is on the way. */
  | "not-a-file"
  /** A configuration that cannot be read any more. */
  | "unreadable"
  | "field-changed"
  | "field-missing";

export interface ViewDrift {
  readonly path: string;
  readonly view: ViewName;
  readonly kind: DriftKind;
  /** The field of a configuration, with dots; null where it is about the whole file. */
  readonly field: string | null;
}

export interface ViewStatus {
  /** Whether there is no drift. */
  readonly ok: boolean;
  /** The one in force; null: nothing has been applied. */
  readonly generation: number | null;
  /** Files that are links to objects. */
  readonly files: number;
  /** Configurations with fields of ours. */
  readonly merged: number;
  /** How many objects the links lead to, and how many files on the disk they are: the same when nothing is twice. */
  readonly objects: number;
  readonly inodes: number;
  /** Links that are copies, because there the file system has no links. */
  readonly copies: number;
  /** Bytes of objects that are on the disk more than once because of views. */
  readonly duplicateBytes: number;
  /** Sorted by path. */
  readonly drift: readonly ViewDrift[];
}

export interface StatusOptions {
  /** Whether the system keeps modes of files; Windows does not. Default: yes. */
  readonly hasModes?: boolean;
}

const PARALLEL = 16;
const MAY_WRITE = 0o222;

/** Compares what is there with the generation in force. */
export async function viewStatus(
  ports: ViewPorts,
  root: string,
  registry: Registry,
  generation: Generation | null,
  options: StatusOptions = {},
): Promise<ViewStatus> {
  const check = new Check(ports, root, registry, options);
  return registry.holding(() => check.run(generation));
}

class Check {
  readonly #ports: ViewPorts;
  readonly #registry: Registry;
  readonly #project: ProjectFiles;
  readonly #book: ViewBook;
  readonly #hasModes: boolean;
  readonly #drift: ViewDrift[] = [];
  readonly #inodes = new Set<string>();
  #copies: ReadonlySet<string> = new Set();
  #duplicateBytes = 0;

  constructor(ports: ViewPorts, root: string, registry: Registry, options: StatusOptions) {
    this.#ports = ports;
    this.#registry = registry;
    this.#project = new ProjectFiles(ports, root);
    this.#book = new ViewBook(ports, root);
    this.#hasModes = options.hasModes ?? true;
  }

  async run(generation: Generation | null): Promise<ViewStatus> {
    const files = generation?.files ?? [];
    const links = files.filter((file) => file.how === "link");
    const merges = files.filter((file) => file.how === "merge");
    this.#copies = await this.#book.copies();
    await inParallel(links, PARALLEL, (file) => this.#link(file));
    await inParallel(merges, PARALLEL, (file) => this.#merge(file));
    const order = (a: ViewDrift, b: ViewDrift): number =>
      compareTexts(a.path, b.path) || compareTexts(a.field ?? "", b.field ?? "");
    return {
      ok: this.#drift.length === 0,
      generation: generation?.generation ?? null,
      files: links.length,
      merged: merges.length,
      objects: new Set(links.map(({ digest }) => digest)).size,
      inodes: this.#inodes.size,
      copies: links.filter(({ path }) => this.#copies.has(path)).length,
      duplicateBytes: this.#duplicateBytes,
      drift: this.#drift.sort(order),
    };
  }

  async #link(file: ShownLink): Promise<void> {
    const seen = await this.#see(file);
    if (seen === null) return;
    const own = await this.#ports.files.identity(this.#project.absolute(file.path));
    const object = await this.#identityOf(file);
    if (own !== null) this.#inodes.add(`${own.device}:${own.inode}`);
    const isLinked = own !== null && object !== null && isSameFile(own, object);
    const isWhole = seen.digest === file.digest;
    // Where the system does not tell which file is which, the bytes have to do.
    const isKnown = own !== null;
    if (!isWhole) this.#add(file, isLinked ? "object-changed" : "changed");
    else if (object === null && isKnown) this.#add(file, "object-missing");
    else if (!isLinked && isKnown) {
      this.#duplicateBytes += seen.bytes.length;
      if (!this.#copies.has(file.path)) this.#add(file, "replaced");
    } else if (this.#hasModes && (seen.info.mode & MAY_WRITE) !== 0) this.#add(file, "mode");
  }

  async #identityOf({ digest }: ShownLink): Promise<FileIdentity | null> {
    const { store, layout } = this.#registry;
    const id = idOfDigest(digest);
    const form = id === null ? null : await store.formOf(id);
    if (id === null || form === null) return null;
    return this.#ports.files.identity(layout.content(id, form));
  }

  async #merge(file: ShownMerge): Promise<void> {
    const { fields, format } = await fieldsOf(this.#registry, file.fields);
    if (fields.length === 0) return;
    const seen = await this.#see(file);
    if (seen === null) return;
    const text = fromUtf8(seen.bytes);
    const reading = text === null ? null : readConfig(format, text);
    if (reading === null || !reading.ok) return this.#add(file, "unreadable");
    for (const { path, value } of fields) {
      const present = valueAt(reading.value, path);
      if (isSameValue(present, value)) continue;
      const kind = present === undefined ? "field-missing" : "field-changed";
      this.#add(file, kind, path.join("."));
    }
  }

  /** The file, or null, with drift, where none is. */
  async #see(file: ShownLink | ShownMerge): Promise<Extract<Seen, { kind: "file" }> | null> {
    try {
      await this.#project.check(file.path);
    } catch (thrown) {
      if (Failure.from(thrown).code === "internal") throw thrown;
      this.#add(file, "not-a-file");
      return null;
    }
    const seen = await this.#project.see(file.path);
    if (seen.kind === "file") return seen;
    this.#add(file, seen.kind === "nothing" ? "missing" : "not-a-file");
    return null;
  }

  #add({ path, view }: ShownLink | ShownMerge, kind: DriftKind, field: string | null = null): void {
    this.#drift.push({ path, view, kind, field });
  }
}

function isSameFile(a: FileIdentity, b: FileIdentity): boolean {
  return a.inode === b.inode && a.device === b.device;
}
