/**
 * Goal: XXH3 is that of xxHash for every length, at once and in pieces.
 * Method: the independent implementation of hash-wasm at every length over all branches, and random cuts.
 */
import fc from "fast-check";
import { createXXHash3 } from "hash-wasm";
import { beforeAll, expect, test } from "vitest";
import { TestModule } from "../../support/wasm.ts";

const module = new TestModule("crypto-a");
const { exports } = module;
let oracle: Awaited<ReturnType<typeof createXXHash3>>;
beforeAll(async () => {
  oracle = await createXXHash3(0);
});

const expected = (data: Uint8Array) => oracle.init().update(data).digest("hex");
const digits = (hash: bigint) => BigInt.asUintN(64, hash).toString(16).padStart(16, "0");

/** Bytes that repeat with no period that divides a stripe or a block. */
const DATA = Uint8Array.from({ length: 1 << 17 }, (_, index) => (index * 2654435761) >>> 13);

function oneShot(data: Uint8Array): string {
  module.release();
  return digits(exports["xxh3"]!(module.put(data), data.length));
}

function streamed(data: Uint8Array, sizes: Iterable<number>): string {
  module.release();
  const state = module.reserve(exports["xxh3StateSize"]!());
  exports["xxh3Init"]!(state);
  let at = 0;
  for (const size of sizes) {
    const piece = data.subarray(at, at + size);
    const scratch = module.put(piece);
    exports["xxh3Update"]!(state, scratch, piece.length);
    // The engine must have taken what it needs: the caller's buffer is free again.
    module.bytes.fill(0xee, scratch, scratch + piece.length);
    at += piece.length;
  }
  return digits(exports["xxh3Final"]!(state));
}

test("every length from nothing to beyond one block", () => {
  for (let length = 0; length <= 1100; length++) {
    const data = DATA.subarray(0, length);
    expect(oneShot(data), `${length} bytes`).toBe(expected(data));
    expect(streamed(data, [length]), `${length} bytes`).toBe(expected(data));
  }
});

test("lengths around multiples of a block, at once and cut in two", () => {
  for (const blocks of [2, 3, 4, 16, 64, 127]) {
    for (const delta of [-65, -64, -63, -1, 0, 1, 63, 64, 65]) {
      const data = DATA.subarray(0, blocks * 1024 + delta);
      expect(oneShot(data), `${data.length} bytes`).toBe(expected(data));
      for (const cut of [1, 63, 64, 255, 256, 257, 1023, 1024, 1025]) {
        expect(streamed(data, [cut, data.length]), `${data.length}, ${cut}`).toBe(expected(data));
      }
    }
  }
});

test("every cut of a message that fills the held bytes more than twice", () => {
  const data = DATA.subarray(0, 600);
  const whole = expected(data);
  for (let cut = 0; cut <= data.length; cut++) expect(streamed(data, [cut, 600])).toBe(whole);
});

test("random pieces make the hash of the whole", () => {
  const sizes = fc.array(fc.oneof(fc.nat(20), fc.nat(300), fc.nat(3000)), { maxLength: 30 });
  fc.assert(
    fc.property(sizes, (pieces) => {
      const total = pieces.reduce((sum, size) => sum + size, 0);
      const data = DATA.subarray(0, total);
      expect(streamed(data, pieces)).toBe(expected(data));
    }),
    { numRuns: 300 },
  );
});

test("a hash may be read in the middle and continued", () => {
  const state = module.reserve(exports["xxh3StateSize"]!());
  const at = module.put(DATA.subarray(0, 5000));
  exports["xxh3Init"]!(state);
  for (let done = 0; done < 5000; done += 125) {
    expect(digits(exports["xxh3Final"]!(state))).toBe(expected(DATA.subarray(0, done)));
    exports["xxh3Update"]!(state, at + done, 125);
  }
});
