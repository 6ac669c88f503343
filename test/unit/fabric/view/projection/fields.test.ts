import fc from "fast-check";
import { expect, test } from "vitest";
import {
  comparePaths,
  FIELDS_MAX,
  readViewFields,
  viewFieldsBody,
} from "../../../../../host/shared/fabric/view/fields.ts";
import type { Json } from "../../../../../host/shared/trust/canonical-json.ts";
import { failureCode } from "../../../../support/ports.ts";

const field = (...path: string[]): { path: string[]; value: Json } => ({ path, value: 1 });

test("what is written is read, in the order of the paths whatever the order was", () => {
  const names = fc.stringMatching(/^[a-z]{1,3}$/);
  const paths = fc.uniqueArray(fc.array(names, { minLength: 2, maxLength: 2 }), {
    selector: (path) => path.join("/"),
    maxLength: 8,
  });
  const property = fc.property(paths, fc.func(fc.integer()), (all, order) => {
    const fields = all.map((path) => ({ path, value: path.join("/") }));
    const shuffled = fields.toSorted((a, b) => order(a) - order(b));
    const body = viewFieldsBody({ format: "toml", fields: shuffled });
    expect(body).toEqual(viewFieldsBody({ format: "toml", fields }));
    const read = readViewFields(body);
    expect(read.fields).toEqual(fields.toSorted((a, b) => comparePaths(a.path, b.path)));
  });
  fc.assert(property);
});

test.each<[string, Json]>([
  ["no object", []],
  ["another kind of object", { type: "agent" }],
  ["an unknown format", { type: "view-fields", format: "ini", fields: [] }],
  ["no list", { type: "view-fields", format: "json", fields: {} }],
  ["a field that is none", { type: "view-fields", format: "json", fields: [1] }],
  ["no value", { type: "view-fields", format: "json", fields: [{ path: ["a"] }] }],
  ["no path", { type: "view-fields", format: "json", fields: [{ value: 1 }] }],
  ["an empty path", { type: "view-fields", format: "json", fields: [field()] }],
  [
    "a deep path",
    { type: "view-fields", format: "json", fields: [field(..."abcdefghijklmnopq".split(""))] },
  ],
  [
    "a number in a path",
    { type: "view-fields", format: "json", fields: [{ path: [1], value: 1 }] },
  ],
  ["a prototype", { type: "view-fields", format: "json", fields: [field("__proto__", "x")] }],
  ["another order", { type: "view-fields", format: "json", fields: [field("b"), field("a")] }],
  ["one twice", { type: "view-fields", format: "json", fields: [field("a"), field("a")] }],
  [
    "one in another",
    { type: "view-fields", format: "json", fields: [field("a"), field("a", "b")] },
  ],
  [
    "too many",
    {
      type: "view-fields",
      format: "json",
      fields: Array.from({ length: FIELDS_MAX + 1 }, (_, at) => field(String(at).padStart(6, "0"))),
    },
  ],
])("fields with %s are refused", async (_, body) => {
  expect(await failureCode(() => readViewFields(body))).toBe("object-corrupt");
});
