/**
 * A tree as plain data, so that it can be made where files are looked at and handed to the thread that answers the
 * kernel. Each folder has the number of its path and each file that of its content, as long as they stay in sight.
 */
import { Failure } from "../../shared/ports/failure.ts";
import { type NodeId, ROOT } from "./protocol.ts";

/** A file to be shown, and where its bytes are. */
export interface ShownFile {
  /** From the root of the mount, with "/". */
  readonly path: string;
  /** "sha256:<hex>" of the only bytes that may be shown. */
  readonly digest: string;
  /** Where those bytes should be. */
  readonly source: string;
  /** As found at the source; null when nothing is there. */
  readonly found: { readonly sizeBytes: number; readonly modifiedMs: number } | null;
}

export interface SnapshotFile {
  readonly id: NodeId;
  readonly digest: string;
  readonly source: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly links: number;
}

export interface SnapshotFolder {
  readonly id: NodeId;
  readonly parent: NodeId;
  readonly modifiedMs: number;
  /** Names, sorted by code unit, and what they lead to. */
  readonly entries: readonly (readonly [string, NodeId])[];
}

export interface Snapshot {
  readonly folders: readonly SnapshotFolder[];
  readonly files: readonly SnapshotFile[];
}

/** A name in a folder that means something else than before. */
export interface ChangedName {
  readonly folder: NodeId;
  readonly name: string;
}

const EMPTY_DIGEST = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const NAME_BYTES_MAX = 255;

interface Building {
  readonly id: NodeId;
  readonly parent: NodeId;
  readonly names: Map<string, NodeId>;
  readonly folders: Map<string, Building>;
}

interface BuildingFile extends Omit<SnapshotFile, "links"> {
  links: number;
}

/** Makes snapshots, each with the numbers of the one before for what is the same. */
export class SnapshotMaker {
  #ids = new Map<string, NodeId>();
  #next: NodeId = ROOT + 1;
  #last: Snapshot = { folders: [], files: [] };

  /** Fails with `plan-invalid` where two files, or a file and a folder, want one name. */
  make(shown: readonly ShownFile[], modifiedMs: number): Snapshot {
    const ids = new Map<string, NodeId>();
    const idOf = (key: string): NodeId => {
      const id = ids.get(key) ?? this.#ids.get(key) ?? this.#next;
      if (id === this.#next) this.#next += 1;
      ids.set(key, id);
      return id;
    };
    const root: Building = { id: ROOT, parent: ROOT, names: new Map(), folders: new Map() };
    const files = new Map<NodeId, BuildingFile>();
    for (const file of shown) {
      const parts = file.path.split("/");
      const name = parts.pop() ?? "";
      const folder = folderOf(root, parts, idOf);
      const id = idOf(`file ${keyOf(file)}`);
      checkName(file.path, name, folder.names);
      folder.names.set(name, id);
      const present = files.get(id);
      if (present === undefined) files.set(id, fileOf(id, file));
      else present.links += 1;
    }
    this.#ids = ids;
    this.#last = { folders: foldersOf(root, modifiedMs), files: [...files.values()] };
    return this.#last;
  }

  /** Makes the next snapshot, and tells which names changed since the last one. */
  replace(
    shown: readonly ShownFile[],
    modifiedMs: number,
  ): { readonly snapshot: Snapshot; readonly changed: readonly ChangedName[] } {
    const before = this.#last;
    const snapshot = this.make(shown, modifiedMs);
    return { snapshot, changed: changedNames(before, snapshot) };
  }
}

/** What cannot be shown is another file than what could be, even under the same digest. */
function keyOf(file: ShownFile): string {
  return `${file.digest} ${file.source} ${isReadable(file) ? "" : "broken"}`;
}

/** Nothing is there; or nothing is in it, though something should be. */
function isReadable({ digest, found }: ShownFile): boolean {
  return found !== null && (found.sizeBytes > 0 || digest === EMPTY_DIGEST);
}

function fileOf(id: NodeId, file: ShownFile): BuildingFile {
  const { digest, source, found } = file;
  // Of an empty file nobody reads: a byte at least makes the kernel ask, and then it learns what is wrong.
  const sizeBytes = isReadable(file) ? (found?.sizeBytes ?? 0) : 1;
  return { id, digest, source, sizeBytes, modifiedMs: found?.modifiedMs ?? 0, links: 1 };
}

function folderOf(
  root: Building,
  parts: readonly string[],
  idOf: (key: string) => NodeId,
): Building {
  let folder = root;
  let path = "";
  for (const part of parts) {
    path += `/${part}`;
    let next = folder.folders.get(part);
    if (next === undefined) {
      checkName(path, part, folder.names);
      next = {
        id: idOf(`folder ${path}`),
        parent: folder.id,
        names: new Map(),
        folders: new Map(),
      };
      folder.folders.set(part, next);
      folder.names.set(part, next.id);
    }
    folder = next;
  }
  return folder;
}

function checkName(path: string, name: string, taken: ReadonlyMap<string, NodeId>): void {
  const isName =
    name !== "" &&
    name !== "." &&
    name !== ".." &&
    !name.includes("\0") &&
    new TextEncoder().encode(name).length <= NAME_BYTES_MAX;
  if (isName && !taken.has(name)) return;
  throw new Failure("plan-invalid", `${path} ${isName ? "is there twice" : "is no path"}`, {
    origin: "host",
    remedy: "Plan and apply again; `rtt audit` tells which generation is whole.",
    context: { path },
  });
}

function foldersOf(folder: Building, modifiedMs: number): SnapshotFolder[] {
  const entries = [...folder.names].sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    { id: folder.id, parent: folder.parent, modifiedMs, entries },
    ...[...folder.folders.values()].flatMap((inner) => foldersOf(inner, modifiedMs)),
  ];
}

function changedNames(before: Snapshot, after: Snapshot): ChangedName[] {
  const was = new Map(before.folders.map(({ id, entries }) => [id, new Map(entries)]));
  const is = new Map(after.folders.map(({ id, entries }) => [id, new Map(entries)]));
  const changed: ChangedName[] = [];
  for (const [folder, names] of was) {
    const now = is.get(folder);
    for (const [name, id] of names) if (now?.get(name) !== id) changed.push({ folder, name });
    // The kernel may remember that there was nothing of this name.
    for (const name of now?.keys() ?? []) if (!names.has(name)) changed.push({ folder, name });
  }
  return changed;
}
