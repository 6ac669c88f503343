/** A snapshot as a tree, its files' bytes verified before they are shown. */
import type { VerifiedContent } from "./content.ts";
import type { FileTree, TreeEntry, TreeFile, TreeFolder, TreeNode } from "./file-tree.ts";
import { type NodeId, ROOT } from "./protocol.ts";
import type { Snapshot, SnapshotFile } from "./snapshot.ts";

interface Folder extends TreeFolder {
  readonly parent: NodeId;
  readonly entries: readonly (readonly [string, NodeId])[];
}

type File = TreeFile & SnapshotFile;

export class SnapshotTree implements FileTree {
  readonly root: TreeFolder;
  readonly fileCount: number;
  readonly sizeBytes: number;
  readonly #content: VerifiedContent;
  readonly #nodes = new Map<NodeId, Folder | File>();
  readonly #listings = new Map<
    NodeId,
    { readonly entries: readonly TreeEntry[]; readonly byName: ReadonlyMap<string, TreeNode> }
  >();

  constructor(snapshot: Snapshot, content: VerifiedContent) {
    this.#content = content;
    for (const folder of snapshot.folders)
      this.#nodes.set(folder.id, { kind: "folder", ...folder });
    for (const file of snapshot.files) this.#nodes.set(file.id, { kind: "file", ...file });
    const root = this.#nodes.get(ROOT);
    this.root = root?.kind === "folder" ? root : { kind: "folder", id: ROOT, modifiedMs: 0 };
    this.fileCount = snapshot.files.length;
    this.sizeBytes = snapshot.files.reduce((sum, file) => sum + file.sizeBytes, 0);
  }

  node(id: NodeId): TreeNode | null {
    return this.#nodes.get(id) ?? null;
  }

  parent({ id }: TreeFolder): TreeFolder {
    const folder = this.#nodes.get(id);
    const parent = folder?.kind === "folder" ? this.#nodes.get(folder.parent) : undefined;
    return parent?.kind === "folder" ? parent : this.root;
  }

  lookup(folder: TreeFolder, name: string): TreeNode | null {
    return this.#listing(folder.id).byName.get(name) ?? null;
  }

  list(folder: TreeFolder): readonly TreeEntry[] {
    return this.#listing(folder.id).entries;
  }

  read(file: TreeFile, offset: number, sizeBytes: number): Uint8Array {
    const content = this.#content.of(file as File);
    return content.subarray(offset, Math.min(content.length, offset + sizeBytes));
  }

  /** Made when a folder is first looked into, since most never are. */
  #listing(id: NodeId) {
    const made = this.#listings.get(id);
    if (made !== undefined) return made;
    const folder = this.#nodes.get(id);
    const entries = (folder?.kind === "folder" ? folder.entries : []).flatMap(([name, to]) => {
      const node = this.#nodes.get(to);
      return node === undefined ? [] : [{ name, node }];
    });
    const listing = { entries, byName: new Map(entries.map(({ name, node }) => [name, node])) };
    this.#listings.set(id, listing);
    return listing;
  }
}
