/**
 * Goal: bytes come out once and in order, whatever order, overlap or repetition they came in with.
 * Method: random pieces beside a sparse map of bytes, and pieces at the edges of blocks and words.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { AssemblerTwin } from "../../reference/assembler.ts";
import { Engine } from "../../support/engine-calls.ts";
import { pattern } from "./side.ts";

const engine = new Engine("stream");
const BLOCK = 2048;
const OK = 0;
const FINAL_SIZE = -30;
const MEMORY_LIMIT = -37;

class Assembler {
  readonly at: number;
  readonly pool: number;
  readonly budget: number;
  readonly scratch: number;

  constructor(poolBlocks = 64, budgetBlocks = 64) {
    engine.module.release();
    this.at = engine.module.reserve(48);
    this.pool = engine.module.reserve(engine.call("blockPoolSize", poolBlocks));
    this.budget = engine.module.reserve(8);
    this.scratch = engine.module.reserve(65_536);
    engine.call("blockPoolInit", this.pool, poolBlocks);
    engine.call("budgetInit", this.budget, budgetBlocks);
    engine.call("assemblerInit", this.at);
  }

  check(end: number, isFinal: boolean): number {
    return engine.call("assemblerCheck", this.at, BigInt(end), isFinal ? 1 : 0);
  }

  insert(offset: number, length: number): number {
    engine.module.bytes.set(pattern(offset, length), this.scratch);
    const at = BigInt(offset);
    return engine.call(
      "assemblerInsert",
      this.at,
      this.pool,
      this.budget,
      at,
      this.scratch,
      length,
    );
  }

  get readable(): number {
    return engine.call("assemblerReadable", this.at);
  }

  get usedBlocks(): number {
    return engine.call("budgetUsed", this.budget);
  }

  peek(length: number): Uint8Array {
    const count = engine.call("assemblerPeek", this.at, this.scratch, length);
    return engine.module.get(this.scratch, count);
  }

  consume(length: number): void {
    engine.call("assemblerConsume", this.at, this.pool, this.budget, length);
  }

  read(length: number): Uint8Array {
    const bytes = this.peek(length);
    if (bytes.length > 0) this.consume(bytes.length);
    return bytes;
  }
}

// Offsets near the edges of marks (64) and blocks (2048) as often as anywhere.
const offset = fc.oneof(
  fc.nat(9000),
  fc
    .tuple(fc.nat(4), fc.integer({ min: -2, max: 2 }))
    .map(([block, by]) => Math.max(0, block * BLOCK + by)),
  fc
    .tuple(fc.nat(40), fc.integer({ min: -1, max: 1 }))
    .map(([word, by]) => Math.max(0, word * 64 + by)),
);
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("insert" as const),
      offset,
      length: fc.oneof(fc.nat(1400), fc.nat(4), fc.constant(5000)),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("read" as const),
      length: fc.integer({ min: 1, max: 5000 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("final" as const), offset }) },
);

test("any pieces in any order read as the sparse map reads", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const assembler = new Assembler();
      const twin = new AssemblerTwin();
      for (const one of steps) {
        if (one.kind === "read") {
          expect(assembler.read(one.length)).toEqual(twin.read(one.length));
        } else {
          const isFinal = one.kind === "final";
          const end = one.offset + (one.kind === "insert" ? one.length : 0);
          expect(assembler.check(end, isFinal)).toBe(twin.accepts(end, isFinal) ? OK : FINAL_SIZE);
          if (!twin.accepts(end, isFinal)) continue;
          if (one.kind === "insert") {
            expect(assembler.insert(one.offset, one.length)).toBe(OK);
            twin.insert(one.offset, pattern(one.offset, one.length));
          } else {
            engine.call("assemblerSetFinalSize", assembler.at, BigInt(end));
            twin.finalSize = end;
          }
        }
        expect(assembler.readable).toBe(twin.readable);
        expect(engine.is("assemblerIsComplete", assembler.at)).toBe(twin.isComplete);
        const front = engine.call("assemblerFrontLength", assembler.at);
        expect(front > 0).toBe(twin.readable > 0);
        if (front > 0) {
          const bytes = engine.module.get(engine.call("assemblerFront", assembler.at), front);
          expect(bytes).toEqual(pattern(twin.readOffset, front));
        }
        if (twin.readOffset === twin.highest) expect(assembler.usedBlocks).toBe(0);
      }
    }),
    { numRuns: 300 },
  );
});

test("a header can be looked at across a block's edge without being taken", () => {
  const assembler = new Assembler();
  assembler.insert(0, BLOCK + 32);
  assembler.consume(BLOCK - 8);
  expect(assembler.peek(32)).toEqual(pattern(BLOCK - 8, 32));
  expect(assembler.peek(32)).toEqual(pattern(BLOCK - 8, 32));
  expect(assembler.read(64)).toEqual(pattern(BLOCK - 8, 40));
});

// spec-test: RFC 9000 §4.5
test("the final size may come again, but neither change nor lie below what came", () => {
  const assembler = new Assembler();
  assembler.insert(0, 100);
  expect(assembler.check(99, true)).toBe(FINAL_SIZE);
  expect(assembler.check(100, true)).toBe(OK);
  engine.call("assemblerSetFinalSize", assembler.at, 150n);
  expect(assembler.check(150, true)).toBe(OK);
  expect(assembler.check(149, true)).toBe(FINAL_SIZE);
  expect(assembler.check(151, true)).toBe(FINAL_SIZE);
  expect(assembler.check(150, false)).toBe(OK);
  expect(assembler.check(151, false)).toBe(FINAL_SIZE);
});

test("without a block left nothing counts as received, and the same piece fits later", () => {
  const assembler = new Assembler(64, 1);
  assembler.insert(0, 100);
  expect(assembler.insert(100, BLOCK)).toBe(MEMORY_LIMIT);
  expect(engine.call("assemblerHighest", assembler.at)).toBe(100);
  expect(assembler.readable).toBe(100);
  assembler.read(100);
  expect(assembler.usedBlocks).toBe(0);
  expect(assembler.insert(100, BLOCK - 100)).toBe(OK);
  expect(assembler.read(BLOCK)).toEqual(pattern(100, BLOCK - 100));
});

test("the last blocks are kept for the bytes that a reader waits for", () => {
  const assembler = new Assembler(4, 64);
  // Three blocks behind a gap are allowed; the fourth must stay free for the gap itself.
  expect(assembler.insert(BLOCK, 3 * BLOCK)).toBe(OK);
  expect(assembler.insert(4 * BLOCK, 1)).toBe(MEMORY_LIMIT);
  expect(assembler.insert(0, BLOCK)).toBe(OK);
  expect(assembler.readable).toBe(4 * BLOCK);
});

test("one byte in each block of a window costs a block each and no more, however often it comes", () => {
  const assembler = new Assembler(64, 64);
  for (let round = 0; round < 3; round++) {
    for (let block = 1; block <= 10; block++) assembler.insert(block * BLOCK + round * 2, 1);
  }
  expect(assembler.usedBlocks).toBe(10);
  const unread = engine.call("assemblerDiscard", assembler.at, assembler.pool, assembler.budget);
  expect(unread).toBe(10 * BLOCK + 5);
  expect(assembler.usedBlocks).toBe(0);
});
