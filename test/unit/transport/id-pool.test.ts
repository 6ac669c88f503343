/** Goal: ids come from entropy that is used once. Method: a generator that counts, and every byte of it tracked. */
import { expect, test } from "vitest";
import type { Random } from "../../../host/shared/ports/random.ts";
import { IdPool } from "../../../host/shared/transport/id-pool.ts";

/** Gives each byte pair a value of its own, so that a byte handed out twice shows. */
function countingRandom(): Random & { draws: number } {
  let next = 0;
  return {
    draws: 0,
    bytes(size) {
      this.draws += 1;
      const words = Uint16Array.from({ length: size / 2 }, () => next++);
      return new Uint8Array(words.buffer);
    },
  };
}

test("no piece of entropy is handed out twice, and none is cut", () => {
  const random = countingRandom();
  const pool = new IdPool(random);
  const seen = new Set<number>();
  for (let index = 0; index < 500; index += 1) {
    const size = index % 3 === 0 ? 40 : 16;
    const piece = pool.take(size);
    expect(piece.length).toBe(size);
    const words = new Uint16Array(piece.slice().buffer);
    for (const word of words) {
      expect(seen.has(word)).toBe(false);
      seen.add(word);
    }
  }
  expect(random.draws).toBeLessThan(20);
});

test("a piece keeps its bytes when the pool is drawn anew", () => {
  const pool = new IdPool(countingRandom());
  const first = pool.take(16);
  const before = first.slice();
  for (let index = 0; index < 200; index += 1) pool.take(16);
  expect(first).toEqual(before);
});

test("each generator has a pool of its own", () => {
  const [one, other] = [countingRandom(), countingRandom()];
  expect(IdPool.of(one)).toBe(IdPool.of(one));
  expect(IdPool.of(one)).not.toBe(IdPool.of(other));
});
