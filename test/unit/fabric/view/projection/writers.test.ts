import fc from "fast-check";
import { parse } from "smol-toml";
import { expect, test } from "vitest";
import { parse as parseYaml } from "yaml";
import {
  tomlLines,
  tomlMembers,
} from "../../../../../host/shared/fabric/view/dialects/toml-writer.ts";
import {
  yamlInline,
  yamlMembers,
} from "../../../../../host/shared/fabric/view/dialects/yaml-writer.ts";
import type { Json, JsonObject } from "../../../../../host/shared/trust/canonical-json.ts";

const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 20 }),
  fc.string({ unit: "binary", maxLength: 20 }).filter((one) => one.isWellFormed()),
);
const number = fc
  .double({ noNaN: true, noDefaultInfinity: true })
  .map((value) => (Object.is(value, -0) ? 0 : value));
const name = text.filter((one) => one !== "__proto__");

function tree(leaf: fc.Arbitrary<Json>): fc.Arbitrary<JsonObject> {
  return fc.letrec<{ value: Json; object: JsonObject }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      leaf,
      fc.array(tie("value"), { maxLength: 3 }),
      tie("object"),
    ),
    object: fc.dictionary(name, tie("value"), { maxKeys: 3, noNullPrototype: true }),
  })).object;
}

test("a reader of YAML gets what was written", () => {
  const leaf = fc.oneof(text, number, fc.boolean(), fc.constant(null));
  const property = fc.property(tree(leaf), (members) => {
    expect(parseYaml(yamlMembers(members)) ?? {}).toEqual(members);
    expect(parseYaml(yamlInline(members))).toEqual(members);
  });
  fc.assert(property, { numRuns: 500 });
});

test("front matter of any text stays one line for each field", () => {
  const property = fc.property(text, (value) => {
    expect(yamlMembers({ value }).split(/[\n\r\u0085\u2028\u2029]/)).toHaveLength(1);
  });
  fc.assert(property, { numRuns: 500 });
});

test("a reader of TOML gets what was written", () => {
  const property = fc.property(tree(fc.oneof(text, number, fc.boolean())), (members) => {
    expect(parse(tomlMembers(members))).toEqual(members);
  });
  fc.assert(property, { numRuns: 500 });
});

test("a text of several lines comes back, without a line's end of Windows", () => {
  const quoted = fc.array(fc.constantFrom('"', "\\", "\n", "a", "\t", "\u0001", "\u007f"), {
    maxLength: 12,
  });
  const property = fc.property(
    fc.oneof(
      text,
      quoted.map((parts) => parts.join("")),
    ),
    (value) => {
      expect(parse(`a = ${tomlLines(value)}`)).toEqual({ a: value });
    },
  );
  fc.assert(property, { numRuns: 500 });
});

test("what TOML has not is not there", () => {
  expect(tomlMembers({ a: null, b: [1, null], c: { d: null, e: 1 }, f: {} })).toBe(
    "c = { e = 1 }\nf = {}",
  );
  expect(tomlMembers({ whole: 2 ** 60, small: -0, "a b": 1.5 })).toBe(
    'whole = 1152921504606847000.0\nsmall = 0\n"a b" = 1.5',
  );
});
