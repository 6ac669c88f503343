/**
 * What a mount shows: a tree of folders and files. Requests of the kernel are answered from this interface alone, so
 * whoever answers knows neither generations nor registries.
 */
import type { NodeId } from "./protocol.ts";

export interface TreeFile {
  readonly kind: "file";
  /** One number for one content: two names of an object are one file here too. */
  readonly id: NodeId;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** How many names of the tree lead to it. */
  readonly links: number;
}

export interface TreeFolder {
  readonly kind: "folder";
  /** Of the path: a folder keeps its number when its content changes. */
  readonly id: NodeId;
  readonly modifiedMs: number;
}

export type TreeNode = TreeFile | TreeFolder;

export interface TreeEntry {
  readonly name: string;
  readonly node: TreeNode;
}

export interface FileTree {
  readonly root: TreeFolder;
  /** How many files there are, and their bytes. */
  readonly fileCount: number;
  readonly sizeBytes: number;
  /** Null for a number that is not in this tree. */
  node(id: NodeId): TreeNode | null;
  parent(folder: TreeFolder): TreeFolder;
  /** What a name leads to; null for nothing. */
  lookup(folder: TreeFolder, name: string): TreeNode | null;
  /** Sorted by name; the same array each time. */
  list(folder: TreeFolder): readonly TreeEntry[];
  /** Bytes of the verified content, fewer at its end. Fails with what is wrong with the content. */
  read(file: TreeFile, offset: number, sizeBytes: number): Uint8Array;
}
