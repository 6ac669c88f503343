/**
 * Goal: a pack gives back what was put in, by offset, and nothing else whatever its files say.
 * Method: random objects; every cut and every flipped bit of a small pack; tables that lie.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  encodePack,
  packedBytes,
  parseTable,
} from "../../../../host/shared/fabric/registry/pack.ts";
import { matchesAny } from "../../../../host/shared/fabric/registry/unsigned.ts";
import { parseSymbolAddress } from "../../../../host/shared/fabric/symbol.ts";
import { fromUtf8, toHex, utf8 } from "../../../../host/shared/trust/bytes.ts";
import { failureCode, testDigest } from "../../../support/ports.ts";

const idOf = (bytes: Uint8Array): string => toHex(testDigest.sha256(bytes));
const setOf = (...contents: Uint8Array[]) => new Map(contents.map((bytes) => [idOf(bytes), bytes]));

test("random objects come back by their offset, in the order of their ids", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), (contents) => {
      const objects = setOf(...contents);
      const { pack, table } = encodePack(objects);
      const places = parseTable(table);
      expect([...places.keys()].sort()).toEqual([...objects.keys()].sort());
      const offsets = [...places].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, p]) => p.offset);
      expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
      for (const [id, bytes] of objects) {
        expect(toHex(packedBytes(pack, places.get(id)!))).toBe(toHex(bytes));
      }
      // The order in which objects are given does not matter.
      expect(encodePack(new Map([...objects].reverse()))).toEqual({ pack, table });
    }),
  );
});

test("a pack that nobody could read is not written", async () => {
  const objects = setOf(utf8("four"));
  expect(encodePack(objects, 8).pack).toHaveLength(8);
  expect(await failureCode(() => encodePack(objects, 7))).toBe("object-corrupt");
});

test("an empty pack is empty", () => {
  const { pack, table } = encodePack(new Map());
  expect([pack.length, fromUtf8(table)]).toEqual([0, "{}"]);
});

test("every cut and every changed length is noticed before bytes are given out", async () => {
  const bytes = utf8("content");
  const { pack, table } = encodePack(setOf(bytes, utf8("other")));
  for (const place of parseTable(table).values()) {
    for (let length = 0; length < place.offset + 4 + place.lengthBytes; length += 1) {
      expect(await failureCode(() => packedBytes(pack.slice(0, length), place))).toBe(
        "object-corrupt",
      );
    }
    for (let bit = 0; bit < 32; bit += 1) {
      const changed = pack.slice();
      const at = place.offset + (bit >> 3);
      changed[at] = (changed[at] as number) ^ (1 << (bit & 7));
      expect(await failureCode(() => packedBytes(changed, place))).toBe("object-corrupt");
    }
  }
});

test.each([
  ["[]", "object-corrupt"],
  ['{"x":{"len":1,"offset":0}}', "object-corrupt"],
  ['{"__proto__":{"len":1,"offset":0}}', "object-corrupt"],
  [`{"${"0".repeat(64)}":1}`, "object-corrupt"],
  [`{"${"0".repeat(64)}":{"len":-1,"offset":0}}`, "object-corrupt"],
  [`{"${"0".repeat(64)}":{"len":1,"offset":0.5}}`, "object-corrupt"],
  [`{"${"0".repeat(64)}":{"len":1,"offset":9007199254740993}}`, "object-corrupt"],
  [`{"${"0".repeat(64)}":{"len":1}}`, "object-corrupt"],
  [`{"${"0".repeat(64)}":{"len":[[1]],"offset":0}}`, "canonical-json-invalid"],
  [`{"${"0".repeat(64)}":1,"${"0".repeat(64)}":1}`, "canonical-json-invalid"],
  ["", "canonical-json-invalid"],
])("the table %s is refused (%s)", async (text, code) => {
  expect(await failureCode(() => parseTable(utf8(text)))).toBe(code);
});

test("patterns of unsigned symbols mean what they look like, in bounded time", () => {
  const at = parseSymbolAddress("rtt://dev/team/agent/code-review@1.0.0");
  for (const pattern of ["dev/*", "*", "**", "dev/team/agent/code-review", "*review", "d*t*w"]) {
    expect(matchesAny([pattern], at), pattern).toBe(true);
  }
  for (const pattern of [
    "",
    "dev",
    "dev/",
    "ev/*",
    "*revie",
    "dev/team/agent/code.review",
    "d?v/*",
  ]) {
    expect(matchesAny([pattern], at), pattern).toBe(false);
  }
  const long = parseSymbolAddress(`rtt://${"a".repeat(100)}/agent/${"a".repeat(100)}@1.0.0`);
  expect(matchesAny(["a*".repeat(2000) + "b"], long)).toBe(false);
  const naive = (pattern: string, text: string): boolean =>
    new RegExp(`^${pattern.replaceAll("*", ".*")}$`).test(text);
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 8 });
  const name = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(letters, name, (pattern, text) => {
      const address = parseSymbolAddress(`rtt://x/tag/${text}@1.0.0`);
      expect(matchesAny([`x/tag/${pattern}`], address)).toBe(naive(pattern, text));
    }),
    { numRuns: 500 },
  );
});
