/**
 * Goal: an address has one spelling, and nothing that only looks like one is one.
 * Method: published addresses, a list of hostile ones, and properties over random texts and addresses.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  ADDRESS_CHARACTERS_MAX,
  compareVersions,
  formatSymbolAddress,
  isReferredTo,
  parseSymbolAddress,
  parseSymbolReference,
  type SymbolAddress,
  SYMBOL_TYPES,
  symbolName,
} from "../../../../host/shared/fabric/symbol.ts";
import { Failure } from "../../../../host/shared/ports/failure.ts";
import { failureCode } from "../../../support/ports.ts";

const part = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,10}[a-z0-9])?$/);
const number = fc.nat({ max: 999 });
const version = fc
  .tuple(number, number, number, fc.option(fc.constantFrom("alpha", "rc.1", "0a-b"), { nil: "" }))
  .map(([a, b, c, pre]) => `${a}.${b}.${c}${pre === "" ? "" : `-${pre}`}`);
const address: fc.Arbitrary<SymbolAddress> = fc.record({
  namespace: fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/")),
  type: fc.constantFrom(...SYMBOL_TYPES),
  name: part,
  version,
  variant: fc.option(part),
});

test("every address is written and read as the same", () => {
  fc.assert(
    fc.property(address, (value) => {
      const text = formatSymbolAddress(value);
      expect(parseSymbolAddress(text)).toEqual(value);
      expect(isReferredTo(value, parseSymbolReference(text))).toBe(true);
    }),
  );
});

test("published addresses are addresses", () => {
  expect(parseSymbolAddress("rtt://obs/extension/logger@1.3.0#ndjson")).toEqual({
    namespace: "obs",
    type: "extension",
    name: "logger",
    version: "1.3.0",
    variant: "ndjson",
  });
  expect(parseSymbolAddress("rtt://mcp/claude/tool/search@1.0.0")).toMatchObject({
    namespace: "mcp/claude",
    type: "tool",
    variant: null,
  });
});

test.each([
  ["", "nothing"],
  ["rtt:/a/agent/b@1.0.0", "another scheme"],
  ["RTT://a/agent/b@1.0.0", "upper case in the scheme"],
  ["rtt://a/agent/b", "no version"],
  ["rtt://a/agent/b@", "an empty version"],
  ["rtt://a/agent/b@1", "half a version"],
  ["rtt://a/agent/b@1.0", "half a version"],
  ["rtt://a/agent/b@01.0.0", "a leading zero"],
  ["rtt://a/agent/b@v1.0.0", "a letter before the version"],
  ["rtt://a/agent/b@1.0.0+build", "build metadata, a second spelling"],
  ["rtt://a/agent/b@1.0.0-RC", "upper case in the version"],
  ["rtt://a/agent/b@1.0.0@1.0.0", "two versions"],
  ["rtt://a/agent/b@1.0.0#x#y", "two variants"],
  ["rtt://a/agent/b@1.0.0#", "an empty variant"],
  ["rtt://agent/b@1.0.0", "no namespace"],
  ["rtt:///agent/b@1.0.0", "an empty namespace"],
  ["rtt://a//agent/b@1.0.0", "an empty part"],
  ["rtt://a/b/c/d/e/agent/b@1.0.0", "a deep namespace"],
  ["rtt://a/gadget/b@1.0.0", "a type that is none"],
  ["rtt://a/constructor/b@1.0.0", "a type of a prototype"],
  ["rtt://a/agent/__proto__@1.0.0", "a prototype's name"],
  ["rtt://a/agent/..@1.0.0", "a way up"],
  ["rtt://../../etc/agent/passwd@1.0.0", "a way up in the namespace"],
  ["rtt://a/agent/b\\..\\c@1.0.0", "backslashes"],
  ["rtt://a/agent/b%2fc@1.0.0", "an escape"],
  ["rtt://a/agent/-b@1.0.0", "a hyphen in front"],
  ["rtt://a/agent/B@1.0.0", "upper case"],
  ["rtt://a/agent/code_fix@1.0.0", "an underscore"],
  ["rtt://a/agent/sеarch@1.0.0", "a Cyrillic e"],
  ["rtt://a/agent/ｂ@1.0.0", "a full-width b"],
  ["rtt://a/agent/b\u0000@1.0.0", "a zero character"],
  ["rtt://a/agent/b\n@1.0.0", "a line break"],
  ["rtt://a/agent/b\u202e@1.0.0", "a change of direction"],
  ["rtt://a/agent/b@1.0.0?caps=x", "a query"],
  [`rtt://a/agent/${"b".repeat(ADDRESS_CHARACTERS_MAX)}@1.0.0`, "too many characters"],
  [`rtt://a/agent/${"b".repeat(129)}@1.0.0`, "a long part"],
  [`rtt://a/agent/b@${"9".repeat(15)}.0.0-0${"9".repeat(20)}`, "numbers beyond bounds"],
  ["rtt://a/agent/b@9007199254740993.0.0", "a number that is not exact"],
])("%j is refused: %s", async (text) => {
  expect(await failureCode(() => parseSymbolAddress(text))).toBe("symbol-invalid");
});

test("reading is total: a random text is an address or a named failure, never shown raw", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string().map((tail) => `rtt://${tail}`),
  );
  fc.assert(
    fc.property(text, (candidate) => {
      try {
        expect(formatSymbolAddress(parseSymbolAddress(candidate))).toBe(candidate);
      } catch (error) {
        expect(error).toBeInstanceOf(Failure);
        expect((error as Failure).code).toBe("symbol-invalid");
        expect((error as Failure).message).toMatch(/^[\x20-\x7e]*$/);
      }
    }),
    { numRuns: 500 },
  );
});

test("an address that cannot be read back is not written", async () => {
  const good = parseSymbolAddress("rtt://a/agent/b@1.0.0");
  for (const wrong of [{ name: "B" }, { version: "1" }, { variant: "" }, { namespace: "a@b" }]) {
    expect(await failureCode(() => formatSymbolAddress({ ...good, ...wrong }))).toBe(
      "symbol-invalid",
    );
  }
});

test("a reference asks for a range, without one for every version", async () => {
  const at = (text: string) => parseSymbolAddress(`rtt://a/agent/b@${text}`);
  const asks = (range: string, text: string) =>
    isReferredTo(at(text), parseSymbolReference(`rtt://a/agent/b${range}`));
  expect(asks("@^1.2", "1.3.0")).toBe(true);
  expect(asks("@^1.2", "2.0.0")).toBe(false);
  expect(asks("@>=1.0 <2.0", "1.9.9")).toBe(true);
  expect(asks("", "7.0.0")).toBe(true);
  // A pre-release is only meant by who names it.
  expect(asks("", "7.0.0-rc.1")).toBe(false);
  expect(asks("", "1.0.0#variant")).toBe(false);
  expect(await failureCode(() => parseSymbolReference("rtt://a/agent/b@one"))).toBe(
    "symbol-invalid",
  );
});

test("versions are in the order of SemVer, the same way round from both sides", () => {
  const ordered = ["0.9.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-rc.1", "1.0.0", "1.0.10"];
  for (const [i, a] of ordered.entries()) {
    for (const [j, b] of ordered.entries()) {
      expect(Math.sign(compareVersions(a, b))).toBe(Math.sign(i - j));
    }
  }
});

test("looser names become names, except those that only look alike", () => {
  expect(symbolName("Code_Fix")).toBe("code-fix");
  expect(symbolName("fs.read file")).toBe("fs-read-file");
  expect(symbolName("__proto__")).toBe("proto");
  for (const text of ["", "---", "sеarch", "ｂ", "a\u0000", "a\n", "é", "b".repeat(129)]) {
    expect(symbolName(text)).toBeNull();
  }
});
