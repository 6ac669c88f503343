/**
 * Goal: whatever is in a configuration file, it is read or refused with its place; nothing else happens, and soon.
 * Method: good files with random changes, and random texts, for every reader.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Failure } from "../../../../host/shared/ports/failure.ts";
import { CORPUS } from "./corpus.ts";
import { readByName } from "./readers.ts";

const GOOD = CORPUS.filter(({ fault }) => fault === null);

/** How a reader ends: with a value, or with the one failure that it may have. */
function endOf(name: string, text: string): string {
  try {
    readByName(name, text);
    return "read";
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    expect(thrown.context["line"]).toSatisfy((line) => typeof line === "number" && line >= 1);
    return thrown.code;
  }
}

/** Pieces that mean something to a parser. */
const PIECE = fc.oneof(
  fc.string({ unit: "binary", maxLength: 3 }),
  fc.constantFrom(
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"',
    "\\",
    "\n",
    "- ",
    "? ",
    "&a ",
    "*a",
    "!!x ",
    "|",
  ),
  fc.constantFrom("__proto__", "constructor", "null", "1e999", "-0", "\ufeff", "\u0000", "\ud800"),
);

/** Start and size of what is cut out, and what stands there then. */
const EDIT = fc.tuple(fc.nat(), fc.nat(8), PIECE);

test("a good file with random changes is read, or refused with its place", () => {
  const ends = new Set<string>();
  fc.assert(
    fc.property(
      fc.constantFrom(...GOOD),
      fc.array(EDIT, { minLength: 1, maxLength: 3 }),
      ({ name, text }, edits) => {
        let changed = text;
        for (const [start, size, piece] of edits) {
          const at = start % (changed.length + 1);
          changed = changed.slice(0, at) + piece + changed.slice(at + size);
        }
        ends.add(endOf(name, changed));
      },
    ),
    { numRuns: 3000 },
  );
  expect([...ends].sort()).toEqual(["config-invalid", "read"]);
});

test("a random text is refused with its place, or says nothing", () => {
  const names = [...new Set(GOOD.map(({ name }) => name))];
  fc.assert(
    fc.property(
      fc.constantFrom(...names),
      fc.string({ unit: "binary", maxLength: 200 }),
      (name, text) => {
        expect(endOf(name, text)).toMatch(/^(?:config-invalid|read)$/);
      },
    ),
    { numRuns: 2000 },
  );
});

test("a file that would keep a parser busy is refused at once", () => {
  const hostile = [
    `providers: ${"{a: ".repeat(5000)}`,
    `providers: ${"- ".repeat(5000)}x`,
    `providers: {${"? ".repeat(5000)}`,
    `providers:\n${Array.from({ length: 9 }, (_, at) => `  a${at}: &a${at} [*a${at - 1}, *a${at - 1}]`).join("\n")}`,
    `providers: "${"\\u0041".repeat(100_000)}"`,
    " ".repeat(1 << 20),
  ];
  const before = performance.now();
  for (const text of hostile) expect(endOf("providers", text)).toBe("config-invalid");
  const json = [
    `{"allow":${"[".repeat(1 << 20)}`,
    `{"allow":"${"a".repeat(1 << 20)}"}`,
    `{${'"a":{'.repeat(1 << 18)}`,
  ];
  for (const text of json) expect(endOf("policy", text)).toBe("config-invalid");
  const globs = `{"deny":[{"from":"*","to":"rtt://${"*a".repeat(250)}!"}]}`;
  expect(endOf("policy", globs)).toBe("read");
  expect(performance.now() - before).toBeLessThan(5000);
});
