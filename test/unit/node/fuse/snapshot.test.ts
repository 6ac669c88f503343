/**
 * Goal: a tree keeps the number of what stays, changes the number of what is another, and tells every name that means
 * something else. Method: pairs of trees; hostile paths; a property over random pairs.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type ShownFile,
  type Snapshot,
  SnapshotMaker,
} from "../../../../host/node/fuse/snapshot.ts";
import { failureCode } from "../../../support/ports.ts";

const EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

function shown(path: string, content: string, sizeBytes = 1): ShownFile {
  return { path, digest: content, source: `/cas/${content}`, found: { sizeBytes, modifiedMs: 1 } };
}

/** Every path of a snapshot with the number that it leads to. */
function pathsOf({ folders }: Snapshot, id = 1, prefix = ""): ReadonlyMap<string, number> {
  const paths = new Map<string, number>([[prefix, id]]);
  for (const [name, to] of folders.find((folder) => folder.id === id)?.entries ?? []) {
    for (const [path, number] of pathsOf({ folders, files: [] }, to, `${prefix}/${name}`)) {
      paths.set(path, number);
    }
  }
  return paths;
}

test("a file has the number of its content, a folder that of its path", () => {
  const maker = new SnapshotMaker();
  const first = pathsOf(maker.make([shown("a/x", "1"), shown("b/x", "1"), shown("b/y", "2")], 0));
  expect(first.get("/a/x")).toBe(first.get("/b/x"));
  const { snapshot, changed } = maker.replace([shown("a/x", "3"), shown("b/z", "1")], 0);
  const second = pathsOf(snapshot);
  expect(second.get("/a")).toBe(first.get("/a"));
  expect(second.get("/b/z")).toBe(first.get("/b/x"));
  expect([...first.values()]).not.toContain(second.get("/a/x"));
  const [a, b] = [first.get("/a"), first.get("/b")];
  expect(changed).toEqual([
    { folder: a, name: "x" },
    { folder: b, name: "x" },
    { folder: b, name: "y" },
    { folder: b, name: "z" },
  ]);
});

test("numbers are never used again for something else", () => {
  const maker = new SnapshotMaker();
  const first = pathsOf(maker.make([shown("a", "1")], 0)).get("/a");
  maker.make([shown("a", "2")], 0);
  const third = pathsOf(maker.make([shown("a", "1")], 0)).get("/a");
  expect(third).not.toBe(first);
});

test("links are counted", () => {
  const { files } = new SnapshotMaker().make([shown("a/x", "1"), shown("b/y", "1")], 0);
  expect(files.map(({ links }) => links)).toEqual([2]);
});

test("what cannot be read has a byte, so that it is asked for, and another number than when it can be", () => {
  const maker = new SnapshotMaker();
  const missing: ShownFile = { ...shown("a", "1"), found: null };
  const first = maker.make([missing, shown("b", "2", 0), shown("c", EMPTY, 0)], 0);
  expect(first.files.map(({ sizeBytes }) => sizeBytes)).toEqual([1, 1, 0]);
  const second = maker.make([shown("a", "1", 7)], 0);
  expect(second.files[0]?.sizeBytes).toBe(7);
  expect(second.files[0]?.id).not.toBe(first.files[0]?.id);
});

test("entries are sorted by code unit", () => {
  const { folders } = new SnapshotMaker().make(
    ["b", "a", "Z", "é", "a.md"].map((name) => shown(name, name)),
    0,
  );
  expect(folders[0]?.entries.map(([name]) => name)).toEqual(["Z", "a", "a.md", "b", "é"]);
});

test("paths that are none, and names that are wanted twice, are refused", async () => {
  const long = "n".repeat(256);
  for (const paths of [
    [""],
    ["/a"],
    ["a/"],
    ["a//b"],
    ["../a"],
    ["a/./b"],
    ["a/../b"],
    ["a\0b"],
    [long],
    [`${long}/a`],
    ["a", "a"],
    ["a", "a/b"],
    ["a/b", "a"],
  ]) {
    const files = paths.map((path, at) => shown(path, String(at)));
    expect(await failureCode(() => new SnapshotMaker().make(files, 0)), String(paths)).toBe(
      "plan-invalid",
    );
  }
  expect(new SnapshotMaker().make([shown("n".repeat(255), "1")], 0).files.length).toBe(1);
});

test("between any two trees, exactly the names that mean something else are told", () => {
  const path = fc
    .array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 3 })
    .map((parts) => [...parts, "file"].join("/"));
  const tree = fc
    .dictionary(path, fc.constantFrom("1", "2", "3"))
    .map((files) => Object.entries(files).map(([at, content]) => shown(at, content)));
  fc.assert(
    fc.property(tree, tree, (before, after) => {
      const maker = new SnapshotMaker();
      const was = pathsOf(maker.make(before, 0));
      const { snapshot, changed } = maker.replace(after, 0);
      const is = pathsOf(snapshot);
      const told = new Set(changed.map(({ folder, name }) => `${folder} ${name}`));
      for (const at of new Set([...was.keys(), ...is.keys()])) {
        const folder = was.get(at.slice(0, at.lastIndexOf("/")));
        // Of a folder that is new the kernel knows nothing yet.
        if (at === "" || folder === undefined) continue;
        const name = at.slice(at.lastIndexOf("/") + 1);
        expect(told.has(`${folder} ${name}`)).toBe(was.get(at) !== is.get(at));
      }
    }),
    { numRuns: 500 },
  );
});
