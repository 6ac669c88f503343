import fc from "fast-check";
import { expect, test } from "vitest";
import {
  deepMerge,
  isOverlayName,
  Overlays,
} from "../../../../../host/shared/fabric/view/overlay.ts";
import type { Json } from "../../../../../host/shared/trust/canonical-json.ts";
import { utf8 } from "../../../../../host/shared/trust/bytes.ts";
import { MemoryFiles } from "../../../../support/memory-files.ts";

/** Overlays of a project at /p. */
function overlaysOf(files: Readonly<Record<string, string>>): Overlays {
  const memory = new MemoryFiles();
  for (const [path, text] of Object.entries(files))
    memory.all.set(`/p/overlays/${path}`, utf8(text));
  return new Overlays(memory, "/p");
}

test("objects are merged member by member, anything else is replaced", () => {
  const base = { a: 1, deep: { b: [1], c: { d: 1 } } };
  expect(deepMerge(base, { deep: { b: [2], c: { e: 2 } }, f: null })).toEqual({
    a: 1,
    deep: { b: [2], c: { d: 1, e: 2 } },
    f: null,
  });
  expect(base).toEqual({ a: 1, deep: { b: [1], c: { d: 1 } } });
  expect(deepMerge({ a: { b: 1 } }, { a: 2 })).toEqual({ a: 2 });
  expect(deepMerge({ a: 2 }, { a: { b: 1 } })).toEqual({ a: { b: 1 } });
});

test("merging is associative, and nothing is the neutral element", () => {
  const leaf = fc.oneof(fc.integer(), fc.constant(null), fc.string({ maxLength: 3 }));
  const tree = fc.letrec<{ node: Json }>((tie) => ({
    node: fc.dictionary(
      fc.constantFrom("a", "b", "c"),
      fc.oneof({ depthSize: "small" }, leaf, tie("node")),
      { maxKeys: 3 },
    ),
  })).node;
  const property = fc.property(tree, tree, tree, (a, b, c) => {
    expect(deepMerge({}, a)).toEqual(a);
    expect(deepMerge(a, {})).toEqual(a);
    expect(deepMerge(a, a)).toEqual(a);
    // Where the middle one has no value in the place of an object: that is where order alone decides.
    if (!isOpaque(a, b, c)) {
      expect(deepMerge(deepMerge(a, b), c)).toEqual(deepMerge(a, deepMerge(b, c)));
    }
  });
  fc.assert(property, { numRuns: 300 });
});

/** Whether some place has an object, then a plain value, then an object again. */
function isOpaque(a: Json, b: Json, c: Json): boolean {
  const isTree = (value: Json | undefined): value is Readonly<Record<string, Json>> =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isTree(a) || !isTree(c)) return false;
  if (!isTree(b)) return true;
  return Object.keys(a).some((name) => {
    const [x, y, z] = [a[name], b[name], c[name]];
    return x !== undefined && y !== undefined && z !== undefined && isOpaque(x, y, z);
  });
}

test("the environment wins over the provider, its own patch over the global one", async () => {
  const overlays = overlaysOf({
    "provider/claude/search.patch.json": '{"qos":{"ms":1},"a":"provider"}',
    "env/prod/_global.patch.json": '{"tags":{"env":"prod"},"a":"global"}',
    "env/prod/search.patch.json": '{"a":"own"}',
    "env/dev/_global.patch.json": '{"a":"dev"}',
  });
  const patchesOf = async (id: string, wanted: readonly string[]): Promise<unknown> =>
    overlays.of(id, wanted);
  expect(await patchesOf("search", ["env:prod", "provider:claude"])).toEqual({
    patches: [
      { qos: { ms: 1 }, a: "provider" },
      { tags: { env: "prod" }, a: "global" },
      { a: "own" },
    ],
  });
  expect(await patchesOf("other", ["env:prod", "provider:claude"])).toEqual({
    patches: [{ tags: { env: "prod" }, a: "global" }],
  });
  expect(await patchesOf("search", ["provider:openai"])).toEqual({ patches: [] });
  expect(await patchesOf("search", ["nonsense", "provider:../claude"])).toEqual({ patches: [] });
});

test.each([
  ["not JSON", "{", "line 1"],
  ["a list", "[]", "line 1"],
  ["comments", '{"a": 1} // no', "line 1"],
  ["the same name twice", '{\n"a": 1,\n"a": 2}', "line 3"],
  ["a prototype's name", '{"__proto__": {"a": 1}}', "line 1"],
  ["no UTF-8", "\ud800", "UTF-8"],
  ["a secret", '{"note": "use ghp_R4nd0mR4nd0mR4nd0mR4nd0mR4nd0mR4nd0m"}', "secret"],
  ["too much", `{"a": "${"x".repeat(70_000)}"}`, "65536 bytes"],
  ["too deep", `{"a":${"[".repeat(40)}${"]".repeat(40)}}`, "line 1"],
])("an overlay with %s is refused with its path", async (name, text, expected) => {
  const memory = new MemoryFiles();
  const bytes = name === "no UTF-8" ? Uint8Array.of(0x7b, 0xff) : utf8(text);
  memory.all.set("/p/overlays/provider/claude/search.patch.json", bytes);
  expect(await new Overlays(memory, "/p").of("search", ["provider:claude"])).toEqual({
    fault: {
      path: "overlays/provider/claude/search.patch.json",
      problem: expect.stringContaining(expected),
    },
  });
});

test("names of overlays cannot leave their folder", () => {
  for (const name of ["..", ".", "a/b", "", "a\\b", "-a", ".hidden", "a..b", "é", "a b"]) {
    expect([name, isOverlayName(name)]).toEqual([name, false]);
  }
  for (const name of ["code_fix", "search", "Claude-3.5"]) expect(isOverlayName(name)).toBe(true);
});
