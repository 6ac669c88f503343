/** Goal: schemas of different machines share a compiler and never each other's parts. */
import { expect, test } from "vitest";
import { compileSchema } from "../../../host/shared/gateway/schema.ts";

const DRAFT_07 = "http://json-schema.org/draft-07/schema#";

function named(type: string, dialect: object = {}): Readonly<Record<string, unknown>> {
  return {
    ...dialect,
    type: "object",
    properties: { value: { $ref: "#/$defs/part" } },
    $defs: { part: { $id: "urn:part", type } },
  };
}

test("two schemas that give one name to different parts mean each its own", () => {
  for (const dialect of [{}, { $schema: DRAFT_07 }]) {
    const [text, count] = [named("string", dialect), named("number", dialect)];
    const [isText, isCount] = [compileSchema(text, "a"), compileSchema(count, "b")];
    expect([isText({ value: "x" }), isCount({ value: 1 })]).toEqual([null, null]);
    expect(isText({ value: 1 })).toMatch(/must be string/);
    expect(isCount({ value: "x" })).toMatch(/must be number/);
  }
});

test("no schema reaches a part of another", () => {
  compileSchema(named("string"), "a");
  compileSchema({ type: "object", $defs: { own: { $anchor: "own", type: "string" } } }, "a");
  for (const $ref of ["urn:part", "#own"]) {
    expect(() => compileSchema({ properties: { value: { $ref } } }, "b")).toThrow(/tool-protocol/);
  }
});

test("the same schema compiles again and again, also under one object", () => {
  const schema = { type: "object", required: ["path"], properties: { path: { type: "string" } } };
  for (let count = 0; count < 50; count += 1) {
    const check = compileSchema(schema, "again");
    expect([check({ path: "/" }), check({})]).toEqual([null, expect.stringContaining("path")]);
  }
});

test("a schema that is none is refused and spoils no other", () => {
  expect(() => compileSchema({ type: "nonsense" }, "bad")).toThrow(/tool-protocol/);
  expect(compileSchema({ type: "object" }, "good")({})).toBeNull();
});
