/**
 * Answers what the kernel asks, from a tree that may be exchanged at any moment for another. A file that left the tree
 * can be read to its end by whoever still has it, as a deleted file can; a folder that left is empty.
 *
 * Invariant   every request gets exactly one answer, except for those that want none; nothing that is asked, and no
 *             tree that fails, ends the session
 */
import { Failure } from "../../shared/ports/failure.ts";
import type { FileTree, TreeEntry, TreeFolder, TreeNode } from "./file-tree.ts";
import { type Forgotten, MAJOR, MINOR, type NodeId, type Request } from "./protocol.ts";
import {
  agreedFlags,
  type Answer,
  type Attributes,
  attributesBody,
  entryBody,
  type ErrorName,
  FLAG,
  initBody,
  type Listed,
  listingBody,
  openBody,
  type Owner,
  statisticsBody,
} from "./reply.ts";

/** Folders that are open at once; each holds its listing as it was when it was opened. */
const HANDLES_MAX = 65_536;

const ACCESS_EXECUTE = 1;
const ACCESS_WRITE = 2;
/** The part of the flags of an OPEN that says what for; 0 is reading. */
const ACCESS_MODE = 3;

export interface SessionEvents {
  /** The kernel and we agree on a protocol, or never will. */
  onInit(kernel: { readonly major: number; readonly minor: number }, isAgreed: boolean): void;
  /** Something could not be shown. Told once for each content and tree. */
  onFailure(failure: Failure): void;
}

const fail = (error: ErrorName): Answer => ({ error });
const DONE: Answer = {};

export class Session {
  #tree: FileTree;
  readonly #owner: Owner;
  readonly #events: SessionEvents;
  /** How often the kernel looked up each node that it still knows. */
  readonly #lookups = new Map<NodeId, number>();
  /** Nodes that the kernel knows and the tree no longer has, each with the tree that had it. */
  readonly #gone = new Map<NodeId, { readonly node: TreeNode; readonly tree: FileTree }>();
  readonly #handles = new Map<number, readonly Listed[]>();
  #nextHandle = 1;
  #opensUnasked = false;
  #told = new Set<string>();

  constructor(tree: FileTree, owner: Owner, events: SessionEvents) {
    this.#tree = tree;
    this.#owner = owner;
    this.#events = events;
  }

  /** How many nodes the kernel knows of. */
  get knownCount(): number {
    return this.#lookups.size;
  }

  get handleCount(): number {
    return this.#handles.size;
  }

  /** From the next request on, everything is answered from this tree. */
  replaceTree(tree: FileTree): void {
    for (const id of this.#lookups.keys()) {
      const node = this.#tree.node(id);
      if (tree.node(id) !== null) this.#gone.delete(id);
      else if (node !== null) this.#gone.set(id, { node, tree: this.#tree });
    }
    this.#tree = tree;
    this.#told = new Set();
  }

  /** Null for what the kernel wants no answer to. */
  answer(request: Request): Answer | null {
    try {
      return this.#answer(request);
    } catch (thrown) {
      const failure = Failure.from(thrown);
      if (!this.#told.has(failure.message)) this.#events.onFailure(failure);
      this.#told.add(failure.message);
      return fail("EIO");
    }
  }

  #answer(request: Request): Answer | null {
    switch (request.kind) {
      case "init":
        return this.#init(request);
      case "lookup":
        return this.#lookup(request.node, request.name);
      case "forget":
        for (const forgotten of request.forgotten) this.#forget(forgotten);
        return null;
      case "interrupt":
        // Requests are answered in turn: the one to interrupt has been answered already.
        return null;
      case "getattr":
        return this.#withNode(request.node, (node) => ({
          body: attributesBody(this.#attributes(node), this.#owner),
        }));
      case "open":
        return this.#open(request.node, request.flags);
      case "read":
        return this.#read(request.node, request.offset, request.sizeBytes);
      case "opendir":
        return this.#openFolder(request.node);
      case "readdir":
        return this.#readFolder(request);
      case "releasedir":
        this.#handles.delete(request.handle);
        return DONE;
      case "access":
        return this.#withNode(request.node, (node) => access(node, request.mask));
      case "statfs":
        return { body: statisticsBody(this.#tree.fileCount, this.#tree.sizeBytes) };
      case "release":
      case "destroy":
        return DONE;
      case "change":
        return fail("EROFS");
      case "readlink":
      case "malformed":
        return fail("EINVAL");
      default:
        request.kind satisfies "unknown";
        return fail("ENOSYS");
    }
  }

  #init(kernel: Request & { readonly kind: "init" }): Answer {
    // A newer major number is answered with ours, and the kernel begins again (fuse.h, "Protocol changelog").
    if (kernel.major > MAJOR) return { body: initBody(0, 0) };
    const isAgreed = kernel.major === MAJOR && kernel.minor >= MINOR;
    this.#events.onInit(kernel, isAgreed);
    if (!isAgreed) return fail("EPROTO");
    const flags = agreedFlags(kernel.flags);
    this.#opensUnasked = (flags & FLAG.NO_OPEN) !== 0;
    return { body: initBody(kernel.readaheadBytes, flags) };
  }

  #lookup(id: NodeId, name: string | null): Answer {
    return this.#withFolder(id, (folder, tree) => {
      const node = name === null || tree === null ? null : tree.lookup(folder, name);
      if (node === null) return fail("ENOENT");
      this.#remember(node.id);
      return { body: entryBody(this.#attributes(node), this.#owner) };
    });
  }

  #open(id: NodeId, flags: number): Answer {
    return this.#withNode(id, ({ kind }) => {
      if (kind === "folder") return fail("EISDIR");
      if ((flags & ACCESS_MODE) !== 0) return fail("EROFS");
      return this.#opensUnasked ? fail("ENOSYS") : { body: openBody(0) };
    });
  }

  #read(id: NodeId, offset: number, sizeBytes: number): Answer {
    return this.#withNode(id, (node, tree) => {
      if (node.kind === "folder") return fail("EISDIR");
      return { body: tree.read(node, offset, sizeBytes) };
    });
  }

  #openFolder(id: NodeId): Answer {
    return this.#withFolder(id, (folder, tree) => {
      if (this.#handles.size >= HANDLES_MAX) return fail("ENFILE");
      const handle = this.#nextHandle;
      this.#nextHandle += 1;
      this.#handles.set(handle, this.#listing(folder, tree));
      return { body: openBody(handle) };
    });
  }

  #listing(folder: TreeFolder, tree: FileTree | null): readonly Listed[] {
    const dots: readonly TreeEntry[] = [
      { name: ".", node: folder },
      { name: "..", node: tree === null ? folder : tree.parent(folder) },
    ];
    return [...dots, ...(tree === null ? [] : tree.list(folder))].map(({ name, node }) => ({
      name,
      attributes: this.#attributes(node),
    }));
  }

  #readFolder(request: Request & { readonly kind: "readdir" }): Answer {
    const listed = this.#handles.get(request.handle);
    if (listed === undefined) return fail("EBADF");
    const { body, count } = listingBody(listed, request, this.#owner);
    if (request.isPlus) {
      for (const { name, attributes } of listed.slice(request.offset, request.offset + count)) {
        if (name !== "." && name !== "..") this.#remember(attributes.node);
      }
    }
    return { body };
  }

  #remember(id: NodeId): void {
    this.#lookups.set(id, (this.#lookups.get(id) ?? 0) + 1);
  }

  #forget({ node, count }: Forgotten): void {
    const left = (this.#lookups.get(node) ?? 0) - count;
    if (left > 0) {
      this.#lookups.set(node, left);
      return;
    }
    this.#lookups.delete(node);
    this.#gone.delete(node);
  }

  /** `then` of the node, with the tree that has its content. */
  #withNode(id: NodeId, then: (node: TreeNode, tree: FileTree) => Answer): Answer {
    const present = this.#tree.node(id);
    if (present !== null) return then(present, this.#tree);
    const gone = this.#gone.get(id);
    return gone === undefined ? fail("ENOENT") : then(gone.node, gone.tree);
  }

  /** `then` of the folder, with the tree that has its entries; null for a folder that left and is empty. */
  #withFolder(id: NodeId, then: (folder: TreeFolder, tree: FileTree | null) => Answer): Answer {
    return this.#withNode(id, (node, tree) => {
      if (node.kind === "file") return fail("ENOTDIR");
      return then(node, tree === this.#tree ? tree : null);
    });
  }

  #attributes(node: TreeNode): Attributes {
    const { id, modifiedMs } = node;
    // One link is what a folder has whose file system does not count its folders' "..": find(1) then looks itself.
    return node.kind === "folder"
      ? { node: id, isFolder: true, sizeBytes: 0, modifiedMs, links: 1 }
      : { node: id, isFolder: false, sizeBytes: node.sizeBytes, modifiedMs, links: node.links };
  }
}

function access({ kind }: TreeNode, mask: number): Answer {
  if ((mask & ACCESS_WRITE) !== 0) return fail("EROFS");
  return kind === "file" && (mask & ACCESS_EXECUTE) !== 0 ? fail("EACCES") : DONE;
}
