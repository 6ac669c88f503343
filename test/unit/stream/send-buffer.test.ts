/**
 * Goal: what was lost is sent again, what was acknowledged is not kept, and no offset ever carries two bytes.
 * Method: random fates of chunks beside a twin that keeps the fate of each byte.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Chunk, SendBufferTwin } from "../../reference/send-buffer.ts";
import { Engine } from "../../support/engine-calls.ts";
import { pattern } from "./side.ts";

const engine = new Engine("stream");
const SIZE = 320;
const BLOCK = 2048;
const POOL_BLOCKS = 12;

class Buffer {
  readonly at: number;
  readonly pool: number;
  readonly budget: number;
  readonly scratch: number;

  constructor() {
    engine.module.release();
    this.at = engine.module.reserve(SIZE);
    this.pool = engine.module.reserve(engine.call("blockPoolSize", POOL_BLOCKS));
    this.budget = engine.module.reserve(8);
    this.scratch = engine.module.reserve(65_536);
    engine.call("blockPoolInit", this.pool, POOL_BLOCKS);
    engine.call("budgetInit", this.budget, 1000);
    engine.call("sendBufferInit", this.at);
  }

  get written(): number {
    return engine.call("sendBufferWritten", this.at);
  }

  get usedBlocks(): number {
    return engine.call("budgetUsed", this.budget);
  }

  write(length: number): number {
    engine.module.bytes.set(pattern(this.written, length), this.scratch);
    return engine.call("sendBufferWrite", this.at, this.pool, this.budget, this.scratch, length);
  }

  finish(): void {
    engine.call("sendBufferFinish", this.at);
  }

  /** The next chunk as the sender would take it, its bytes checked; undefined when there is none. */
  next(room: number, credit: number): Chunk | undefined {
    const offset = engine.call("sendBufferNextOffset", this.at);
    const length = engine.call("sendBufferNextLength", this.at, room, BigInt(credit));
    const isFinOnly = engine.is("sendBufferIsFinPending", this.at);
    if (length === 0 && !(isFinOnly && !engine.is("sendBufferHasLost", this.at))) return undefined;
    engine.call("sendBufferCopy", this.at, BigInt(offset), length, this.scratch);
    expect(engine.module.get(this.scratch, length)).toEqual(pattern(offset, length));
    const isFin = engine.is("sendBufferEndsAt", this.at, BigInt(offset + length));
    return { offset, length, isFin };
  }

  sent({ offset, length, isFin }: Chunk): number {
    return engine.call("sendBufferOnSent", this.at, BigInt(offset), length, isFin ? 1 : 0);
  }

  acked({ offset, length, isFin }: Chunk): boolean {
    const fin = isFin ? 1 : 0;
    const at = BigInt(offset);
    return engine.is("sendBufferOnAcked", this.at, this.pool, this.budget, at, length, fin);
  }

  lost({ offset, length, isFin }: Chunk): void {
    engine.call("sendBufferOnLost", this.at, BigInt(offset), length, isFin ? 1 : 0);
  }
}

const step = fc.oneof(
  fc.record({ kind: fc.constant("write" as const), length: fc.nat(3000) }),
  fc.record({
    kind: fc.constant("send" as const),
    room: fc.integer({ min: 1, max: 1400 }),
    credit: fc.nat(5000),
  }),
  fc.record({
    kind: fc.constantFrom("ack" as const, "lose" as const, "probe" as const),
    which: fc.nat(30),
  }),
  fc.record({ kind: fc.constant("finish" as const) }),
);

test("any fate of any chunk leaves each byte as the twin says", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const buffer = new Buffer();
      const twin = new SendBufferTwin();
      const flying: Chunk[] = [];
      for (const one of steps) {
        if (one.kind === "write") {
          if (twin.fin === "none") twin.write(buffer.write(one.length));
        } else if (one.kind === "finish") {
          if (twin.fin === "none") {
            twin.finish();
            buffer.finish();
          }
        } else if (one.kind === "send") {
          const chunk = buffer.next(one.room, one.credit);
          if (chunk === undefined) {
            expect(twin.hasLost).toBe(false);
            expect(twin.fates.includes("unsent") && one.credit > 0).toBe(false);
            continue;
          }
          // Lost bytes first, from the lowest; then new ones.
          if (twin.hasLost) expect(chunk.offset).toBeLessThanOrEqual(twin.fates.indexOf("lost"));
          else expect(chunk.offset).toBe(twin.sent);
          const fresh = Math.max(0, chunk.offset + chunk.length - twin.sent);
          expect(buffer.sent(chunk)).toBe(fresh);
          expect(fresh).toBeLessThanOrEqual(one.credit);
          twin.onSent(chunk);
          flying.push(chunk);
        } else if (flying.length > 0) {
          const at = one.which % flying.length;
          const chunk = flying[at]!;
          if (one.kind === "ack") {
            buffer.acked(chunk);
            twin.onAcked(chunk);
          } else {
            buffer.lost(chunk);
            twin.onLost(chunk);
          }
          // A probe repeats a chunk that is still on its way and may yet be acknowledged.
          if (one.kind !== "probe") flying.splice(at, 1);
        }
        expect(engine.call("sendBufferSent", buffer.at)).toBe(twin.sent);
        expect(engine.call("sendBufferAckedTo", buffer.at)).toBe(twin.ackedTo);
        expect(engine.is("sendBufferIsAcked", buffer.at)).toBe(twin.isAcked);
        if (twin.hasLost) expect(engine.is("sendBufferHasLost", buffer.at)).toBe(true);
        const { written } = buffer;
        const held = Math.ceil(written / BLOCK) - Math.floor(twin.ackedTo / BLOCK);
        expect(buffer.usedBlocks).toBe(twin.ackedTo === written ? 0 : held);
      }
    }),
    { numRuns: 200 },
  );
});

test("more lost pieces than the set holds are all sent again, with the bytes between the nearest", () => {
  const buffer = new Buffer();
  buffer.write(8000);
  const chunks: Chunk[] = [];
  for (let chunk = buffer.next(100, 8000); chunk !== undefined; chunk = buffer.next(100, 8000)) {
    buffer.sent(chunk);
    chunks.push(chunk);
  }
  const lost = chunks.filter((_, index) => index % 2 === 0);
  expect(lost.length).toBeGreaterThan(16);
  for (const chunk of lost) buffer.lost(chunk);
  const again = new Set<number>();
  for (let chunk = buffer.next(100, 0); chunk !== undefined; chunk = buffer.next(100, 0)) {
    buffer.sent(chunk);
    for (let at = chunk.offset; at < chunk.offset + chunk.length; at++) again.add(at);
  }
  for (const { offset, length } of lost) {
    for (let at = offset; at < offset + length; at++) expect(again.has(at)).toBe(true);
  }
});

test("a range that could not be cut for want of room is never sent from below what was acknowledged", () => {
  const buffer = new Buffer();
  buffer.write(5000);
  const chunks: Chunk[] = [];
  for (let chunk = buffer.next(100, 5000); chunk !== undefined; chunk = buffer.next(100, 5000)) {
    buffer.sent(chunk);
    chunks.push(chunk);
  }
  for (const chunk of chunks.slice(0, 3)) buffer.lost(chunk);
  for (let index = 4; index < 34; index += 2) buffer.lost(chunks[index]!);
  // The set is full: [0, 300) stays whole although its middle was acknowledged.
  buffer.acked(chunks[1]!);
  expect(buffer.next(1000, 0)).toMatchObject({ offset: 0, length: 300 });
  buffer.acked(chunks[0]!);
  expect(engine.call("sendBufferAckedTo", buffer.at)).toBe(200);
  expect(buffer.next(1000, 0)).toMatchObject({ offset: 200, length: 100 });
});

test("the end goes with the last bytes when they fit, or alone", () => {
  const buffer = new Buffer();
  buffer.write(10);
  buffer.finish();
  expect(buffer.next(9, 100)).toEqual({ offset: 0, length: 9, isFin: false });
  expect(buffer.next(10, 100)).toEqual({ offset: 0, length: 10, isFin: true });
  const late = new Buffer();
  late.write(10);
  late.sent(late.next(100, 100)!);
  expect(late.next(100, 100)).toBeUndefined();
  late.finish();
  expect(late.next(0, 0)).toEqual({ offset: 10, length: 0, isFin: true });
});

test("an end that was lost is sent again, with its bytes or alone, until it is acknowledged", () => {
  const buffer = new Buffer();
  buffer.write(10);
  buffer.finish();
  const chunk = buffer.next(100, 100)!;
  buffer.sent(chunk);
  expect(buffer.next(100, 0)).toBeUndefined();
  buffer.lost(chunk);
  expect(buffer.next(100, 0)).toEqual(chunk);
  buffer.sent(chunk);
  // The bytes were acknowledged in another packet; only the end is missing.
  buffer.acked({ ...chunk, isFin: false });
  buffer.lost(chunk);
  expect(buffer.next(100, 0)).toEqual({ offset: 10, length: 0, isFin: true });
  buffer.acked({ offset: 10, length: 0, isFin: true });
  expect(buffer.next(100, 0)).toBeUndefined();
  expect(engine.is("sendBufferIsAcked", buffer.at)).toBe(true);
});

test("an empty stream is its end alone", () => {
  const buffer = new Buffer();
  expect(buffer.next(100, 100)).toBeUndefined();
  buffer.finish();
  expect(buffer.next(0, 0)).toEqual({ offset: 0, length: 0, isFin: true });
});

test("a writer takes three quarters of the pool and not one block more", () => {
  const buffer = new Buffer();
  expect(buffer.write(60_000)).toBe(9 * BLOCK);
  expect(buffer.write(1)).toBe(0);
});

test("writing after the end is a bug and traps", () => {
  const buffer = new Buffer();
  buffer.finish();
  expect(() => buffer.write(1)).toThrow(WebAssembly.RuntimeError);
});
