/**
 * Goal: every question gets the one answer that the protocol has for it, from the tree that is in force. Method: the
 * kernel's side written by hand (`kernel.ts`) over trees in memory; then random questions, hostile ones among them,
 * with the number of nodes that the kernel knows kept by a model.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { FileTree, TreeFile, TreeFolder } from "../../../../host/node/fuse/file-tree.ts";
import { decodeRequest } from "../../../../host/node/fuse/protocol.ts";
import { encodeReply, ERRNO, FLAG, invalidation } from "../../../../host/node/fuse/reply.ts";
import { Session } from "../../../../host/node/fuse/session.ts";
import { SnapshotMaker } from "../../../../host/node/fuse/snapshot.ts";
import { Failure } from "../../../../host/shared/ports/failure.ts";
import { ask, type KernelReply, readListing, readReply } from "./kernel.ts";

const ALL_FLAGS = 0xffff_ffff;
const OWNER = { uid: 1000, gid: 100 };

/** A tree of texts, without files: content is what `texts` says, or a failure. */
class TextTree implements FileTree {
  readonly root: TreeFolder = { kind: "folder", id: 1, modifiedMs: 1_700_000_000_123 };
  readonly fileCount: number;
  readonly sizeBytes: number;
  readonly #folders = new Map<
    number,
    { folder: TreeFolder; parent: number; names: Map<string, number> }
  >();
  readonly #files = new Map<number, { file: TreeFile; text: string }>();

  constructor(texts: Readonly<Record<string, string>>, maker: SnapshotMaker = new SnapshotMaker()) {
    const shown = Object.entries(texts).map(([path, text]) => ({
      path,
      digest: `sha256:${text}`,
      source: text,
      found: { sizeBytes: text.length, modifiedMs: 5 },
    }));
    const { folders, files } = maker.make(shown, this.root.modifiedMs);
    for (const { id, parent, entries, modifiedMs } of folders) {
      const folder: TreeFolder = { kind: "folder", id, modifiedMs };
      this.#folders.set(id, { folder, parent, names: new Map(entries) });
    }
    for (const file of files)
      this.#files.set(file.id, { file: { kind: "file", ...file }, text: file.source });
    this.fileCount = files.length;
    this.sizeBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  node(id: number) {
    return this.#folders.get(id)?.folder ?? this.#files.get(id)?.file ?? null;
  }

  parent({ id }: TreeFolder) {
    return this.#folders.get(this.#folders.get(id)?.parent ?? 1)?.folder ?? this.root;
  }

  lookup({ id }: TreeFolder, name: string) {
    const to = this.#folders.get(id)?.names.get(name);
    return to === undefined ? null : this.node(to);
  }

  list({ id }: TreeFolder) {
    return [...(this.#folders.get(id)?.names ?? [])].map(([name, to]) => {
      const node = this.node(to);
      if (node === null) throw new Error("a name without a node");
      return { name, node };
    });
  }

  read({ id }: TreeFile, offset: number, sizeBytes: number) {
    const text = this.#files.get(id)?.text ?? "";
    if (text.startsWith("rotten")) {
      throw new Failure("object-corrupt", text, { origin: "host", remedy: "Look." });
    }
    if (text.startsWith("bug")) throw new TypeError(text);
    return new TextEncoder().encode(text.slice(offset, offset + sizeBytes));
  }
}

function sessionOver(tree: FileTree) {
  const failures: Failure[] = [];
  const greetings: boolean[] = [];
  const session = new Session(tree, OWNER, {
    onInit: (_, isAgreed) => greetings.push(isAgreed),
    onFailure: (failure) => failures.push(failure),
  });
  /** Asks, and reads the reply as the kernel does; null when none came. */
  const put = (bytes: Uint8Array): KernelReply | null => {
    const request = decodeRequest(bytes);
    const answer = request === null ? null : session.answer(request);
    return request === null || answer === null
      ? null
      : readReply(encodeReply(request.unique, answer));
  };
  const get = (bytes: Uint8Array): KernelReply => {
    const reply = put(bytes);
    if (reply === null) throw new Error("no reply came");
    return reply;
  };
  const idOf = (folder: number, name: string): number =>
    Number(get(ask.lookup(folder, name)).body.getBigUint64(0, true));
  const text = (node: number, offset = 0, size = 1000): string =>
    new TextDecoder().decode(get(ask.read(node, offset, size)).body);
  return { session, failures, greetings, put, get, idOf, text };
}

const TEXTS = { "cursor/a.md": "hello", "cursor/b.md": "world!", "claude/a.md": "hello" };

test("the greeting agrees on 7.31 and on what both can do", () => {
  const { get, greetings } = sessionOver(new TextTree(TEXTS));
  const { body, errno } = get(ask.init(7, 41, ALL_FLAGS));
  expect(errno).toBe(0);
  expect([body.byteLength, body.getUint32(0, true), body.getUint32(4, true)]).toEqual([64, 7, 31]);
  expect(body.getUint32(8, true)).toBe(131_072);
  const flags = body.getUint32(12, true);
  expect(flags).toBe(Object.values(FLAG).reduce((all, flag) => all | flag, 0));
  expect([body.getUint32(20, true), body.getUint16(28, true)]).toEqual([4096, 256]);
  expect(greetings).toEqual([true]);
  expect(
    sessionOver(new TextTree({}))
      .get(ask.init(7, 31, 0))
      .body.getUint32(12, true),
  ).toBe(0);
});

test("an older kernel is refused, a newer one is asked to begin again", () => {
  const { get, greetings } = sessionOver(new TextTree(TEXTS));
  expect(get(ask.init(8, 0, ALL_FLAGS)).body.getUint32(0, true)).toBe(7);
  expect(greetings).toEqual([]);
  expect(get(ask.init(7, 30, ALL_FLAGS)).errno).toBe(ERRNO.EPROTO);
  expect(get(ask.init(6, 99, ALL_FLAGS)).errno).toBe(ERRNO.EPROTO);
  expect(greetings).toEqual([false, false]);
});

test("a look-up gives node, attributes and how long they hold", () => {
  const { get, idOf } = sessionOver(new TextTree(TEXTS));
  const folder = get(ask.lookup(1, "cursor")).body;
  expect(folder.byteLength).toBe(128);
  expect(folder.getUint32(40 + 60, true)).toBe(0o040555);
  expect([folder.getBigUint64(16, true), folder.getBigUint64(24, true)]).toEqual([1n, 1n]);
  const file = get(ask.lookup(idOf(1, "cursor"), "b.md")).body;
  const at = 40;
  expect(file.getBigUint64(at, true)).toBe(file.getBigUint64(0, true));
  expect(file.getBigUint64(at + 8, true)).toBe(6n);
  expect(file.getBigUint64(at + 16, true)).toBe(1n);
  expect(file.getUint32(at + 60, true)).toBe(0o100444);
  expect([file.getUint32(at + 68, true), file.getUint32(at + 72, true)]).toEqual([1000, 100]);
  expect(file.getBigUint64(24, true)).toBe(3600n);
});

test("two names of one content are one file with two links", () => {
  const { get, idOf } = sessionOver(new TextTree(TEXTS));
  const id = idOf(idOf(1, "cursor"), "a.md");
  expect(idOf(idOf(1, "claude"), "a.md")).toBe(id);
  const { body } = get(ask.getattr(id));
  expect(body.byteLength).toBe(104);
  expect(body.getUint32(16 + 64, true)).toBe(2);
  // Milliseconds are kept, though nothing finer is told.
  expect(get(ask.getattr(1)).body.getUint32(16 + 48, true)).toBe(123_000_000);
});

test("each question about what is not there, or is something else, has its error", () => {
  const { get, idOf } = sessionOver(new TextTree(TEXTS));
  const cursor = idOf(1, "cursor");
  const file = idOf(cursor, "a.md");
  const errnoOf = (bytes: Uint8Array): number => get(bytes).errno;
  expect(errnoOf(ask.lookup(1, "nope"))).toBe(ERRNO.ENOENT);
  expect(errnoOf(ask.lookup(file, "a.md"))).toBe(ERRNO.ENOTDIR);
  expect(errnoOf(ask.lookup(999, "a.md"))).toBe(ERRNO.ENOENT);
  expect(errnoOf(ask.getattr(999))).toBe(ERRNO.ENOENT);
  expect(errnoOf(ask.open(cursor, 0))).toBe(ERRNO.EISDIR);
  expect(errnoOf(ask.open(file, 1))).toBe(ERRNO.EROFS);
  expect(errnoOf(ask.open(file, 2))).toBe(ERRNO.EROFS);
  expect(errnoOf(ask.read(cursor, 0, 10))).toBe(ERRNO.EISDIR);
  expect(errnoOf(ask.opendir(file))).toBe(ERRNO.ENOTDIR);
  expect(errnoOf(ask.readdir(cursor, 77, 0, 4096))).toBe(ERRNO.EBADF);
  expect(errnoOf(ask.readlink(file))).toBe(ERRNO.EINVAL);
  expect(errnoOf(ask.access(file, 2))).toBe(ERRNO.EROFS);
  expect(errnoOf(ask.access(file, 1))).toBe(ERRNO.EACCES);
  expect(errnoOf(ask.access(file, 4))).toBe(0);
  expect(errnoOf(ask.access(cursor, 1))).toBe(0);
  expect(errnoOf(ask.other(16))).toBe(ERRNO.EROFS);
  expect(errnoOf(ask.other(22))).toBe(ERRNO.ENOSYS);
  expect(errnoOf(ask.release(file))).toBe(0);
  expect(errnoOf(ask.destroy())).toBe(0);
});

test("what wants no answer gets none", () => {
  const { put } = sessionOver(new TextTree(TEXTS));
  expect(put(ask.forget(5, 1))).toBeNull();
  expect(put(ask.batchForget([[5, 1]]))).toBeNull();
  expect(put(ask.interrupt(3n))).toBeNull();
});

test("a file opens unasked where the kernel can do that, and else with an answer", () => {
  const open = (flags: number): number => {
    const { get, idOf } = sessionOver(new TextTree(TEXTS));
    get(ask.init(7, 41, flags));
    return get(ask.open(idOf(idOf(1, "cursor"), "a.md"), 0)).errno;
  };
  expect(open(ALL_FLAGS)).toBe(ERRNO.ENOSYS);
  expect(open(0)).toBe(0);
});

test("reads give what there is from an offset on", () => {
  const { idOf, text } = sessionOver(new TextTree(TEXTS));
  const id = idOf(idOf(1, "cursor"), "b.md");
  expect(text(id)).toBe("world!");
  expect(text(id, 2, 3)).toBe("rld");
  expect(text(id, 6)).toBe("");
  expect(text(id, 2 ** 52)).toBe("");
});

test("a folder is listed in pieces of any size, each entry once", () => {
  const { get, idOf } = sessionOver(
    new TextTree(
      Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`f/${"n".repeat(at)}é${at}`, "x"])),
    ),
  );
  const folder = idOf(1, "f");
  for (const isPlus of [false, true]) {
    const handle = Number(get(ask.opendir(folder)).body.getBigUint64(0, true));
    const names: string[] = [];
    for (let offset = 0; ;) {
      const entries = readListing(get(ask.readdir(folder, handle, offset, 400, isPlus)), isPlus);
      if (entries.length === 0) break;
      names.push(...entries.map(({ name }) => name));
      offset = entries.at(-1)?.offset ?? 0;
    }
    expect(names.length).toBe(52);
    expect(new Set(names).size).toBe(52);
    expect(names.slice(0, 2)).toEqual([".", ".."]);
    // Nothing fits into nothing, and nothing comes after the end.
    expect(get(ask.readdir(folder, handle, 0, 10, isPlus)).body.byteLength).toBe(0);
    expect(get(ask.readdir(folder, handle, 2 ** 50, 4096, isPlus)).body.byteLength).toBe(0);
  }
});

test("a listing says what each name is, and a listing with look-ups says all of it", () => {
  const { get, session } = sessionOver(new TextTree({ ...TEXTS, readme: "x" }));
  const handle = Number(get(ask.opendir(1)).body.getBigUint64(0, true));
  const entries = readListing(get(ask.readdir(1, handle, 0, 4096)));
  expect(entries.map(({ name, type }) => [name, type])).toEqual([
    [".", 4],
    ["..", 4],
    ["claude", 4],
    ["cursor", 4],
    ["readme", 8],
  ]);
  expect(session.knownCount).toBe(0);
  const plus = get(ask.readdir(1, handle, 0, 4096, true));
  expect(session.knownCount).toBe(3);
  expect(plus.body.getBigUint64(0, true)).toBe(0n);
  expect(get(ask.releasedir(1, handle)).errno).toBe(0);
  expect(session.handleCount).toBe(0);
});

test("files that left the tree are read to their end, folders that left are empty", () => {
  const maker = new SnapshotMaker();
  const { session, get, idOf, text, put } = sessionOver(new TextTree(TEXTS, maker));
  const [cursor, claude] = [idOf(1, "cursor"), idOf(1, "claude")];
  const [hello, world] = [idOf(cursor, "a.md"), idOf(cursor, "b.md")];
  const handle = Number(get(ask.opendir(cursor)).body.getBigUint64(0, true));
  session.replaceTree(new TextTree({ "cursor/a.md": "hallo", "cursor/c.md": "hello" }, maker));
  expect(text(world)).toBe("world!");
  expect(idOf(cursor, "c.md")).toBe(hello);
  expect(text(idOf(cursor, "a.md"))).toBe("hallo");
  expect(get(ask.lookup(claude, "a.md")).errno).toBe(ERRNO.ENOENT);
  expect(get(ask.getattr(claude)).errno).toBe(0);
  // Whoever is listing a folder lists what it was; whoever opens one that left finds nothing in it.
  expect(readListing(get(ask.readdir(cursor, handle, 0, 4096))).length).toBe(4);
  const empty = Number(get(ask.opendir(claude)).body.getBigUint64(0, true));
  expect(readListing(get(ask.readdir(claude, empty, 0, 4096))).map(({ name }) => name)).toEqual([
    ".",
    "..",
  ]);
  put(ask.forget(world, 1));
  expect(get(ask.read(world, 0, 10)).errno).toBe(ERRNO.ENOENT);
});

test("what fails gives an input/output error, and is told once for each tree", () => {
  const maker = new SnapshotMaker();
  const texts = { rotten: "rotten object", bug: "bug in the tree" };
  const { session, failures, get, idOf } = sessionOver(new TextTree(texts, maker));
  const [rotten, bug] = [idOf(1, "rotten"), idOf(1, "bug")];
  for (let time = 0; time < 3; time += 1) {
    expect(get(ask.read(rotten, 0, 10)).errno).toBe(ERRNO.EIO);
    expect(get(ask.read(bug, 0, 10)).errno).toBe(ERRNO.EIO);
  }
  expect(failures.map(({ code }) => code)).toEqual(["object-corrupt", "internal"]);
  session.replaceTree(new TextTree(texts, maker));
  expect(get(ask.read(rotten, 0, 10)).errno).toBe(ERRNO.EIO);
  expect(failures.length).toBe(3);
});

test("the statistics are those of the tree", () => {
  const { body } = sessionOver(new TextTree(TEXTS)).get(ask.statfs());
  expect([body.byteLength, body.getBigUint64(24, true)]).toEqual([80, 2n]);
});

test("an invalidation names folder and name as linux/fuse.h says", () => {
  const bytes = invalidation(7, "né");
  const view = new DataView(bytes.buffer);
  expect([view.getUint32(0, true), view.getInt32(4, true), view.getBigUint64(8, true)]).toEqual([
    bytes.length,
    3,
    0n,
  ]);
  expect([view.getBigUint64(16, true), view.getUint32(24, true)]).toEqual([7n, 3]);
  expect(new TextDecoder().decode(bytes.subarray(32))).toBe("né\0");
});

test("whatever is asked, in whatever order, is answered once, and what is known is what was looked up", () => {
  const node = fc.oneof(fc.integer({ min: 0, max: 12 }), fc.constant(2 ** 52));
  const size = fc.oneof(fc.nat(5000), fc.constant(0xffff_ffff));
  const names = ["cursor", "claude", "a.md", "b.md", ".", "..", "nope", "\u{1f600}"];
  const question = fc.oneof(
    fc.tuple(node, fc.constantFrom(...names)).map(([id, name]) => ask.lookup(id, name)),
    fc.tuple(node, fc.nat(3)).map(([id, count]) => ask.forget(id, count)),
    node.map((id) => ask.getattr(id)),
    fc.tuple(node, fc.nat(3)).map(([id, flags]) => ask.open(id, flags)),
    fc.tuple(node, fc.nat(10), size).map(([id, offset, bytes]) => ask.read(id, offset, bytes)),
    node.map((id) => ask.opendir(id)),
    fc
      .tuple(node, fc.nat(9), fc.nat(9), size, fc.boolean())
      .map(([id, handle, offset, bytes, isPlus]) => ask.readdir(id, handle, offset, bytes, isPlus)),
    fc.tuple(node, fc.nat(9)).map(([id, handle]) => ask.releasedir(id, handle)),
    fc.tuple(node, fc.nat(7)).map(([id, mask]) => ask.access(id, mask)),
    fc
      .tuple(fc.nat(60), fc.uint8Array({ maxLength: 80 }))
      .map(([code, bytes]) => ask.other(code, bytes)),
    fc.constant("flip" as const),
  );
  fc.assert(
    fc.property(fc.array(question, { maxLength: 60 }), (questions) => {
      const maker = new SnapshotMaker();
      const trees = [TEXTS, { "cursor/a.md": "new", "other/z.md": "hello" }];
      let tree = 0;
      const { session, put } = sessionOver(new TextTree(trees[0] ?? {}, maker));
      for (const bytes of questions) {
        if (bytes === "flip") {
          tree += 1;
          session.replaceTree(new TextTree(trees[tree % 2] ?? {}, maker));
          continue;
        }
        const reply = put(bytes);
        const opcode = new DataView(bytes.buffer).getUint32(4, true);
        expect(reply === null).toBe([2, 36, 42].includes(opcode));
      }
      for (let id = 0; id <= 40; id += 1) put(ask.forget(id, 1_000_000));
      expect(session.knownCount).toBe(0);
    }),
    { numRuns: 2_000 },
  );
});
