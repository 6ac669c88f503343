/**
 * Goal: what is signed has one form, and the reader refuses what two readers could understand differently.
 * Method: every class of malformed text, round trips over arbitrary values, JSON.parse as the twin of the reader.
 * The published RFC 8785 vectors are in test/conformance/jcs.test.ts.
 */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  canonicalBytes,
  canonicalText,
  documentBytes,
  type Json,
  parseCanonical,
  parseDocument,
  parseJson,
} from "../../../host/shared/trust/canonical-json.ts";
import { utf8 } from "../../../host/shared/trust/bytes.ts";
import vectors from "../../vectors/origin-vectors-rtt-p2p.json" with { type: "json" };
import { failureCode } from "../../support/ports.ts";

const read = (text: string) => parseJson(utf8(text));
const json = fc.jsonValue({ stringUnit: "grapheme" }) as fc.Arbitrary<Json>;

test("the published registry objects have exactly these bytes", () => {
  for (const { input, canonical_utf8: text } of vectors.rtt.cas.cases) {
    expect(canonicalText(input)).toBe(text);
  }
});

test("arbitrary values survive, and their canonical form does not depend on the order of names", () => {
  fc.assert(
    fc.property(json, (value) => {
      const text = canonicalText(value);
      expect(canonicalText(parseCanonical(utf8(text)))).toBe(text);
      expect(read(JSON.stringify(value, null, 2))).toEqual(JSON.parse(text));
      expect(canonicalText(reversed(value))).toBe(text);
      expect(parseDocument(documentBytes(value))).toEqual(JSON.parse(text));
    }),
  );
});

/** The same value with all names in the opposite order. */
function reversed(value: Json): Json {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return (value as Json[]).map(reversed);
  const members = Object.entries(value).reverse();
  return Object.fromEntries(members.map(([name, item]) => [name, reversed(item)]));
}

test("numbers are written as ECMAScript writes them", () => {
  for (const [value, text] of [
    [-0, "0"],
    [1e21, "1e+21"],
    [1e-7, "1e-7"],
    [333333333.3333333, "333333333.3333333"],
    [5e-324, "5e-324"],
  ] as const) {
    expect(canonicalText(value)).toBe(text);
    expect(read(text)).toBe(value === 0 ? 0 : value);
  }
});

test("what JSON cannot carry cannot be written", async () => {
  const deep = (depth: number): Json => (depth === 0 ? 1 : [deep(depth - 1)]);
  expect(canonicalText(deep(32))).toHaveLength(65);
  for (const value of [
    Number.NaN,
    Number.POSITIVE_INFINITY,
    "\ud800",
    { "\udc00": 1 },
    [undefined as unknown as Json],
    { a: 1n as unknown as Json },
    deep(33),
  ]) {
    expect(await failureCode(() => canonicalBytes(value))).toBe("canonical-json-invalid");
  }
});

test.each([
  ["nothing", ""],
  ["a word", "nul"],
  ["a second value", "1 2"],
  ["an open list", "[1"],
  ["a comma too many in a list", "[1,]"],
  ["no comma in a list", "[1 2]"],
  ["an open object", '{"a":1'],
  ["a comma too many in an object", '{"a":1,}'],
  ["a name without quotes", "{a:1}"],
  ["no colon", '{"a" 1}'],
  ["a name twice", '{"a":1,"b":2,"a":3}'],
  ["a name twice, once escaped", '{"a":1,"\\u0061":2}'],
  ["an open text", '"a'],
  ["a control character", '"a\nb"'],
  ["an unknown escape", '"\\x"'],
  ["a short escape", '"\\u12"'],
  ["an escape at the end", '"\\'],
  ["half a surrogate pair", '"\\ud83d"'],
  ["the other half", '"\\ude00x"'],
  ["a leading zero", "01"],
  ["a plus sign", "+1"],
  ["a bare point", "1."],
  ["a bare exponent", "1e"],
  ["a number beyond a double", "1e999"],
  ["not a number", "NaN"],
  ["a comment", "1//"],
  ["a byte order mark", "\ufeff1"],
  ["a space that is not JSON's", "\u00a01"],
  ["too deep nesting", "[".repeat(34) + "]".repeat(34)],
])("%s is refused", async (_name, text) => {
  expect(await failureCode(() => read(text))).toBe("canonical-json-invalid");
});

test("bytes that are not UTF-8 and documents that are too large are refused", async () => {
  expect(await failureCode(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22)))).toBe(
    "canonical-json-invalid",
  );
  const limits = { bytesMax: 4, depthMax: 1 };
  expect(parseJson(utf8("[12]"), limits)).toEqual([12]);
  for (const text of ["[123]", "[[]]"]) {
    const code = await failureCode(() => parseJson(utf8(text), limits));
    expect(code).toBe(text === "[[]]" ? "none" : "canonical-json-invalid");
  }
  expect(await failureCode(() => parseJson(utf8("[[1]]"), { ...limits, bytesMax: 9 }))).toBe(
    "canonical-json-invalid",
  );
});

test("names of JavaScript's own are names like any other", () => {
  const value = read('{"__proto__":{"x":1},"constructor":2}');
  expect(Object.keys(value as object)).toEqual(["__proto__", "constructor"]);
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  expect(canonicalText(value)).toBe('{"__proto__":{"x":1},"constructor":2}');
});

test("every escape of JSON is read", () => {
  expect(read(String.raw`"\"\\\/\b\f\n\r\t\u20ac\ud83d\ude00"`)).toBe('"\\/\b\f\n\r\t€😀');
});

test("the reader accepts and refuses exactly what JSON.parse does, duplicates and limits apart", () => {
  const marks = ["{", "}", "[", "]", ":", ",", '"', "\\"];
  const values = ['"a"', '"b"', "true", "0", "12", "-", ".5", "e3", " ", "\t"];
  const fragment = fc.constantFrom(...marks, ...values);
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 12 }), (parts) => {
      const text = parts.join("");
      expect(outcome(() => read(text))).toEqual(outcome(() => JSON.parse(text) as unknown, text));
    }),
    { numRuns: 3000 },
  );
});

/** The value, or "refused"; a text in which a name stands twice counts as refused for JSON.parse too. */
/** A number beyond all doubles is a limit of ours: JSON.parse makes it infinite, which no canonical text can say. */
function outcome(task: () => unknown, text?: string): unknown {
  try {
    const value = task();
    if (text !== undefined && JSON.stringify(value, markInfinite).includes(INFINITE))
      return "refused";
    const names = text?.match(/"[ab]"\s*:/g)?.length ?? 0;
    return text !== undefined && names !== countNames(value) ? "refused" : value;
  } catch {
    return "refused";
  }
}

const INFINITE = "number beyond all doubles";

function markInfinite(_name: string, value: unknown): unknown {
  return value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY
    ? INFINITE
    : value;
}

test("a number beyond all doubles is refused", () => {
  for (const text of ["12e312", "-1e999", "[1e309]"]) {
    expect(outcome(() => read(text))).toBe("refused");
  }
});

function countNames(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Object.values(value).reduce((sum: number, item) => sum + countNames(item), own);
}

test("a document is its canonical form and one newline, nothing else", async () => {
  expect(parseDocument(utf8('{"a":1}\n'))).toEqual({ a: 1 });
  for (const text of [
    '{"a":1}',
    '{"a":1}\n\n',
    '{ "a":1}\n',
    '{"b":1,"a":2}\n',
    '{"a":1.0}\n',
    "",
  ]) {
    expect(await failureCode(() => parseDocument(utf8(text))), text).toBe("canonical-json-invalid");
  }
});

test("the place of a problem is in the failure", () => {
  expect(() => read('{"a":x}')).toThrow(/character 5/);
});
