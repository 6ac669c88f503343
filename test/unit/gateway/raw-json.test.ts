import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkJson,
  memberBytes,
  parseJson,
  scanObject,
  splice,
} from "../../../host/shared/gateway/raw-json.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | null): string | null =>
  value === null ? null : new TextDecoder().decode(value);

describe("raw JSON", () => {
  it("cuts members out exactly as they are written", () => {
    const source = bytes('{ "a" : 1.50e0 , "b\\u0062":{"x": [1,  2]},"c":"ü\\n"}');
    const members = scanObject(source);
    expect(text(memberBytes(source, members, "a"))).toBe("1.50e0");
    expect(text(memberBytes(source, members, "bb"))).toBe('{"x": [1,  2]}');
    expect(text(memberBytes(source, members, "c"))).toBe('"ü\\n"');
    expect(memberBytes(source, members, "d")).toBeNull();
  });

  it.each([
    '{"a":1,"a":2}',
    '{"x":{"a":1,"\\u0061":2}}',
    "{a:1}",
    '{"a":01}',
    '{"a":+1}',
    '{"a":1.}',
    '{"a":NaN}',
    '{"a":1,}',
    '{"a":[1,]}',
    '{"a":"\t"}',
    '{"a":"\\x"}',
    '{"a":"x',
    '{"a":1} x',
    '{"a":tru}',
    "[1]",
    "",
    "﻿{}",
  ])("refuses %s", (source) => {
    expect(() => scanObject(bytes(source))).toThrow("argument-invalid");
  });

  it("refuses a broken character and too many levels", () => {
    expect(() => checkJson(Uint8Array.of(0x22, 0xc3, 0x28, 0x22))).toThrow("argument-invalid");
    const deep = bytes("[".repeat(65) + "]".repeat(65));
    expect(() => checkJson(deep)).toThrow("at most 64 levels");
    expect(() => checkJson(deep, { depthMax: 65 })).not.toThrow();
  });

  it("accepts what JSON.stringify writes, and gives back the same values", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 })), (value) => {
        const source = bytes(JSON.stringify(value));
        const members = scanObject(source);
        for (const [name, inner] of Object.entries(JSON.parse(JSON.stringify(value)) as object)) {
          expect(parseJson(memberBytes(source, members, name)!)).toEqual(inner);
        }
      }),
    );
  });

  it("agrees with the platform's parser on any text, but for repeated names and depth", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...Array.from('{}[]",:0-1.e+tfn u\\')) }),
        (source) => {
          let isValid = true;
          try {
            JSON.parse(source);
          } catch {
            isValid = false;
          }
          let isAccepted = true;
          let reason = "";
          try {
            checkJson(bytes(source));
          } catch (thrown) {
            isAccepted = false;
            reason = String(thrown);
          }
          expect(isAccepted || reason.includes("no second member")).toBe(
            isValid || reason.includes("no second member"),
          );
        },
      ),
      { numRuns: 5000 },
    );
  });

  it("splices a raw value into a new message without touching it", () => {
    const raw = bytes('{"z":1,"a":1.0}');
    expect(text(splice('{"args":', raw, "}"))).toBe('{"args":{"z":1,"a":1.0}}');
  });
});
