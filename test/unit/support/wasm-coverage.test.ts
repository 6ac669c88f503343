/**
 * Goal: what the coverage tool reports is what was executed, and the code under test computes what
 * it did before. Method: a module assembled by hand with one branch of each kind, instrumented, and
 * run with chosen arguments.
 */
import { beforeEach, describe, expect, test } from "vitest";
import {
  COVERAGE_MODULE,
  COVERAGE_PAGES,
  instrument,
  type Point,
} from "../../support/wasm-coverage/instrument.ts";
import { Coverage, percent, total } from "../../support/wasm-coverage/report.ts";
import { decodeSourceMap, mappingAt } from "../../support/wasm-coverage/source-map.ts";
import { hex } from "../../support/wasm.ts";
import { sectionsOf } from "../../support/wasm-coverage/wasm-reader.ts";

const FILE = "assembly/sample.ts";
const text = (value: string) => [value.length, ...new TextEncoder().encode(value)];
const section = (id: number, ...content: number[]) => [id, content.length, ...content];

/**
 * pick(n): 10 for 0 and 20 for 1, by br_table; else, by select, 30 when n > 5 and 40 when not, plus
 * 1 when n is odd, by if; and 100 more when n > 8, by br_if.
 */
const CODE = hex(`
  0240 0240 0240 2000 0e02000102 0b
  410a 0f 0b 4114 0f 0b
  411e 4128 2000 4105 4b 1b 2101
  2000 4101 71 0440 2001 4101 6a 2101 0b
  0240 2000 4108 4d 0d00
  2001 41e400 6a 2101 0b 2001 0b`);

const BODY = [1, 1, 0x7f, ...CODE];
const PLAIN = Uint8Array.from([
  ...hex("0061736d 01000000"),
  ...section(1, 1, 0x60, 1, 0x7f, 1, 0x7f),
  ...section(2, 1, ...text("env"), ...text("memory"), 2, 0, 1),
  ...section(3, 1, 0),
  ...section(7, 1, ...text("pick"), 0, 0),
  ...section(10, 1, BODY.length, ...BODY),
]);

/**
 * Offsets in the file at which source lines begin: each statement of `pick` is on a line of its
 * own.
 */
const CODE_AT = PLAIN.length - CODE.length;
const LINES = [0, 14, 18, 22, 34, 49, 58, 67].map((offset, index) => ({
  offset: CODE_AT + offset,
  file: FILE,
  line: index + 1,
  column: 0,
}));

const { bytes, points } = instrument(PLAIN, LINES, "sample", (file) => file === FILE);
const memory = new WebAssembly.Memory({ initial: COVERAGE_PAGES, maximum: COVERAGE_PAGES });
const environment = { env: { memory: new WebAssembly.Memory({ initial: 1 }) } };
const pickOf = (module: Uint8Array<ArrayBuffer>) =>
  new WebAssembly.Instance(new WebAssembly.Module(module), {
    ...environment,
    [COVERAGE_MODULE]: { sample: memory },
  }).exports["pick"] as (n: number) => number;
const pick = pickOf(Uint8Array.from(bytes));

/** Names of the points of one kind that were passed. */
function passed(kind: Point["kind"]): string[] {
  const recorded = new Uint8Array(memory.buffer);
  return points
    .filter((point, index) => point.kind === kind && recorded[index] === 1)
    .map((point) => (kind === "line" ? String(point.line) : `${point.branch} ${point.arm}`));
}

describe("an instrumented module", () => {
  beforeEach(() => new Uint8Array(memory.buffer).fill(0));

  test("computes what it did before", () => {
    const plain = pickOf(PLAIN);
    for (let n = 0; n < 20; n++) expect(pick(n)).toBe(plain(n));
    expect([0, 1, 2, 3, 6, 7, 9, 10].map(pick)).toEqual([10, 20, 40, 41, 30, 31, 131, 130]);
  });

  test.each([
    [0, ["br_table to 0"]],
    [1, ["br_table to 1"]],
    [2, ["br_table to 2", "select false", "if false", "br_if true"]],
    [7, ["br_table to 2", "select true", "if true", "br_if true"]],
    [9, ["br_table to 2", "select true", "if true", "br_if false"]],
    [-1, ["br_table to 2", "select true", "if true", "br_if false"]],
  ])("pick(%i) takes the arms %j", (n, arms) => {
    pick(n);
    expect(passed("arm")).toEqual(arms);
  });

  test("lines that are not reached are not reported", () => {
    pick(0);
    expect(passed("line")).not.toContain("3");
    expect(passed("line")).toContain("2");
    pick(1);
    expect(passed("line")).toContain("3");
    expect(passed("line")).not.toContain("7");
    pick(9);
    expect(passed("line")).toContain("7");
  });

  test("the report counts each arm once, over several runs", () => {
    const coverage = new Coverage();
    for (const n of [0, 7]) {
      new Uint8Array(memory.buffer).fill(0);
      pick(n);
      coverage.add(points, new Uint8Array(memory.buffer));
    }
    const [file] = coverage.files();
    expect(file).toMatchObject({ file: FILE, arms: 9, armsHit: 5 });
    expect(file!.missing).toEqual([
      "1:1 br_table to 1",
      "4:1 select false",
      "5:1 if false",
      "6:1 br_if false",
    ]);
    expect(percent(file!.armsHit, file!.arms)).toBe(55.5);
    expect(total([file!, file!], "both")).toMatchObject({ arms: 18, armsHit: 10 });
  });

  test("files that are not wanted are left as they are", () => {
    const nothing = instrument(PLAIN, LINES, "sample", () => false);
    expect(nothing.points).toEqual([]);
    expect(sectionsOf(nothing.bytes)).toHaveLength(sectionsOf(PLAIN).length);
  });
});

describe("source maps", () => {
  test("segments are relative, and one without a source ends the mapping before it", () => {
    const json = JSON.stringify({ sources: ["a.ts", "b.ts"], mappings: "gBAAA,GCCE,C,CDDA" });
    expect(decodeSourceMap(json)).toEqual([
      { offset: 16, file: "a.ts", line: 1, column: 0 },
      { offset: 19, file: "b.ts", line: 2, column: 2 },
      { offset: 20, file: null, line: 0, column: 0 },
      { offset: 21, file: "a.ts", line: 1, column: 2 },
    ]);
  });

  test("an offset belongs to the last mapping before it", () => {
    expect(mappingAt(LINES, CODE_AT - 1)).toBeNull();
    expect(mappingAt(LINES, CODE_AT)).toMatchObject({ line: 1 });
    expect(mappingAt(LINES, CODE_AT + 17)).toMatchObject({ line: 2 });
    expect(mappingAt(LINES, CODE_AT + 1000)).toMatchObject({ line: 8 });
  });
});
