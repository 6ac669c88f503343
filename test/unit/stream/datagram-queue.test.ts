/** Goal: datagrams leave in order, and the oldest makes room for the newest. Method: an array with the ring's rule as twin. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Engine } from "../../support/engine-calls.ts";
import { pattern } from "./side.ts";

const engine = new Engine("stream");
const DATAGRAM_TOO_LARGE = -32;
const RING = 256;

class Queue {
  readonly at: number;
  readonly scratch: number;

  constructor() {
    engine.module.release();
    this.at = engine.module.reserve(engine.call("datagramQueueSize", RING));
    this.scratch = engine.module.reserve(2 * RING);
    engine.call("datagramQueueInit", this.at, RING);
  }

  push(bytes: Uint8Array): number {
    engine.module.bytes.set(bytes, this.scratch);
    return engine.call("datagramQueuePush", this.at, this.scratch, bytes.length);
  }

  get dropped(): number {
    return engine.call("datagramQueueDropped", this.at);
  }

  pop(): Uint8Array | undefined {
    const length = engine.call("datagramQueueFrontLength", this.at);
    if (length < 0) return undefined;
    engine.call("datagramQueueCopyFront", this.at, this.scratch);
    engine.call("datagramQueuePop", this.at);
    return engine.module.get(this.scratch, length);
  }
}

test("what comes out is what went in, in order, but for the oldest that were dropped", () => {
  const step = fc.record({ isPush: fc.boolean(), length: fc.nat(RING) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const queue = new Queue();
      const twin: Uint8Array[] = [];
      let salt = 0;
      for (const { isPush, length } of steps) {
        if (!isPush) {
          expect(queue.pop()).toEqual(twin.shift());
          continue;
        }
        const bytes = pattern(0, length, salt++);
        const before = queue.dropped;
        const status = queue.push(bytes);
        expect(status).toBe(8 + Math.ceil(length / 8) * 8 > RING ? DATAGRAM_TOO_LARGE : 0);
        if (status !== 0) continue;
        twin.push(bytes);
        // How many make room depends on where the ring wraps; that they are the oldest does not.
        twin.splice(0, queue.dropped - before);
        expect(twin.length).toBeGreaterThan(0);
        expect(engine.call("datagramQueueCount", queue.at)).toBe(twin.length);
      }
      for (const bytes of twin) expect(queue.pop()).toEqual(bytes);
      expect(queue.pop()).toBeUndefined();
    }),
    { numRuns: 300 },
  );
});

test("nothing is dropped while a third of the ring is free", () => {
  const queue = new Queue();
  for (let count = 0; count < 200; count++) {
    queue.push(pattern(0, 40));
    queue.push(pattern(0, 40));
    queue.push(pattern(0, 40));
    for (let pop = 0; pop < 3; pop++) expect(queue.pop()).toHaveLength(40);
  }
  expect(queue.dropped).toBe(0);
});

test("an empty datagram is a datagram", () => {
  const queue = new Queue();
  expect(queue.push(new Uint8Array())).toBe(0);
  expect(queue.pop()).toEqual(new Uint8Array());
  expect(queue.pop()).toBeUndefined();
});
