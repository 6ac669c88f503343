/**
 * Goal: a tree gives of each file what was verified, and of what it does not have nothing. Method: real files, shown
 * through a snapshot as the worker shows them.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { VerifiedContent } from "../../../../host/node/fuse/content.ts";
import { ROOT } from "../../../../host/node/fuse/protocol.ts";
import { SnapshotMaker } from "../../../../host/node/fuse/snapshot.ts";
import { SnapshotTree } from "../../../../host/node/fuse/snapshot-tree.ts";
import { digestText } from "../../../../host/shared/trust/digest-text.ts";
import { failureCode, temporaryFolder, testDigest } from "../../../support/ports.ts";

function treeOf(texts: Readonly<Record<string, string>>) {
  const folder = temporaryFolder();
  const shown = Object.entries(texts).map(([path, text], at) => {
    const source = join(folder, String(at));
    writeFileSync(source, text);
    const digest = digestText(testDigest, new TextEncoder().encode(text));
    return { path, digest, source, found: { sizeBytes: text.length, modifiedMs: 7 } };
  });
  const snapshot = new SnapshotMaker().make(shown, 9);
  return { tree: new SnapshotTree(snapshot, new VerifiedContent(testDigest)), shown };
}

test("folders and files are found by name, listed in order, and know where they are", () => {
  const { tree } = treeOf({ "b/y": "1", "b/x": "22", a: "333" });
  expect(tree.list(tree.root).map(({ name }) => name)).toEqual(["a", "b"]);
  const b = tree.lookup(tree.root, "b");
  if (b?.kind !== "folder") throw new Error("b is no folder");
  expect(tree.list(b).map(({ name }) => name)).toEqual(["x", "y"]);
  expect(tree.list(b)).toBe(tree.list(b));
  expect(tree.parent(b)).toBe(tree.root);
  expect(tree.parent(tree.root)).toBe(tree.root);
  expect(tree.lookup(b, "nope")).toBeNull();
  expect(tree.node(b.id)).toBe(b);
  expect(tree.node(999)).toBeNull();
  expect([tree.fileCount, tree.sizeBytes]).toEqual([3, 6]);
});

test("reads give the verified bytes from an offset on, or what is wrong with them", async () => {
  const { tree, shown } = treeOf({ a: "hello", b: "world" });
  const [a, b] = ["a", "b"].map((name) => tree.lookup(tree.root, name));
  if (a?.kind !== "file" || b?.kind !== "file") throw new Error("no files");
  const text = (offset: number, size: number) =>
    new TextDecoder().decode(tree.read(a, offset, size));
  expect([text(0, 100), text(1, 3), text(5, 10), text(2 ** 52, 10)]).toEqual([
    "hello",
    "ell",
    "",
    "",
  ]);
  writeFileSync(shown[1]?.source ?? "", "w0rld");
  expect(await failureCode(() => tree.read(b, 0, 5))).toBe("object-corrupt");
});

test("a snapshot with nothing in it is an empty root", () => {
  const tree = new SnapshotTree({ folders: [], files: [] }, new VerifiedContent(testDigest));
  expect(tree.root).toMatchObject({ kind: "folder", id: ROOT });
  expect(tree.list(tree.root)).toEqual([]);
  expect(tree.lookup(tree.root, "a")).toBeNull();
  expect(tree.parent(tree.root)).toBe(tree.root);
});

test("a snapshot whose names lead nowhere shows none of them", () => {
  const folders = [{ id: ROOT, parent: 7, modifiedMs: 1, entries: [["a", 8]] as const }];
  const tree = new SnapshotTree({ folders, files: [] }, new VerifiedContent(testDigest));
  expect(tree.list(tree.root)).toEqual([]);
  expect(tree.parent(tree.root)).toBe(tree.root);
});
