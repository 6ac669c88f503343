/** Goal: the range set holds exactly what was put in, and refuses what it has no room for. Method: a set of numbers as twin. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { RangeSetTwin } from "../../reference/range-set.ts";
import { Engine } from "../../support/engine-calls.ts";

const engine = new Engine("recovery");
const CAPACITY = 5;

function newSet(capacity: number): number {
  engine.module.release();
  const set = engine.module.reserve(engine.call("rangeSetSize", capacity));
  engine.call("rangeSetInit", set, capacity);
  return set;
}

function ranges(set: number): [number, number][] {
  return Array.from({ length: engine.call("rangeSetCount", set) }, (_, index) => [
    Number(engine.call64("rangeSetStart", set, index)),
    Number(engine.call64("rangeSetEnd", set, index)),
  ]);
}

const bound = fc.integer({ min: 0, max: 40 });
const step = fc.record({
  kind: fc.constantFrom("insert", "remove", "below", "lowest", "highest", "covers"),
  start: bound,
  length: fc.integer({ min: 0, max: 9 }),
});

test("any sequence of changes leaves the same ranges as a set of numbers", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const set = newSet(CAPACITY);
      let twin = new RangeSetTwin();
      for (const { kind, start, length } of steps) {
        const next = twin.copy();
        const end = start + length;
        if (kind === "insert" || kind === "remove") {
          if (kind === "insert") next.add(start, end);
          else next.remove(start, end);
          const fits = next.ranges().length <= CAPACITY;
          const name = kind === "insert" ? "rangeSetInsert" : "rangeSetRemove";
          expect(engine.is(name, set, BigInt(start), BigInt(end))).toBe(fits);
          if (fits) twin = next;
        } else if (kind === "below") {
          twin.remove(0, start);
          engine.call("rangeSetRemoveBelow", set, BigInt(start));
        } else if (kind === "covers") {
          const answer = engine.is("rangeSetCovers", set, BigInt(start), BigInt(end));
          expect(answer).toBe(twin.covers(start, end));
        } else {
          const range = kind === "lowest" ? twin.ranges()[0] : twin.ranges().at(-1);
          if (range === undefined) continue;
          twin.remove(range[0], range[1]);
          engine.call(kind === "lowest" ? "rangeSetRemoveLowest" : "rangeSetRemoveHighest", set);
        }
        expect(ranges(set)).toEqual(twin.ranges());
      }
    }),
    { numRuns: 500 },
  );
});

test("touching ranges are joined and a gap of one keeps them apart", () => {
  const set = newSet(4);
  engine.call("rangeSetInsert", set, 10n, 20n);
  engine.call("rangeSetInsert", set, 20n, 30n);
  engine.call("rangeSetInsert", set, 31n, 40n);
  expect(ranges(set)).toEqual([
    [10, 30],
    [31, 40],
  ]);
  engine.call("rangeSetInsert", set, 30n, 31n);
  expect(ranges(set)).toEqual([[10, 40]]);
});

test("joining the closest neighbours frees one place and loses nothing", () => {
  const set = newSet(3);
  for (const start of [0n, 100n, 150n]) engine.call("rangeSetInsert", set, start, start + 10n);
  expect(engine.is("rangeSetHasRoom", set)).toBe(false);
  engine.call("rangeSetJoinClosest", set);
  expect(ranges(set)).toEqual([
    [0, 10],
    [100, 160],
  ]);
});

test("values up to the largest u64 are kept exactly", () => {
  const set = newSet(2);
  const top = 2n ** 64n - 1n;
  engine.call("rangeSetInsert", set, top - 2n, top);
  expect(engine.call64("rangeSetStart", set, 0)).toBe(top - 2n);
  expect(engine.call64("rangeSetEnd", set, 0)).toBe(top);
});
