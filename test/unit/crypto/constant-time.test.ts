/**
 * Goal: comparison sees every bit of every byte, and erasing reaches every byte and none beside.
 * Method: one changed bit at every place of every length around the eight-byte steps.
 */
import { beforeEach, expect, test } from "vitest";
import { TestModule } from "../../support/wasm.ts";

const module = new TestModule("crypto-a");
const { exports } = module;
beforeEach(() => module.release());

const LENGTHS = [0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33];

test.each(LENGTHS)("%i equal bytes are equal, and one changed bit is seen anywhere", (length) => {
  const bytes = Uint8Array.from({ length }, (_, index) => 37 * index + 11);
  const [a, b] = [module.put(bytes), module.put(bytes)];
  expect(exports["equalConstantTime"]!(a, b, length)).toBe(1);
  for (let bit = 0; bit < length * 8; bit++) {
    const at = b + (bit >> 3);
    module.bytes[at]! ^= 1 << (bit & 7);
    expect(exports["equalConstantTime"]!(a, b, length), `bit ${bit}`).toBe(0);
    module.bytes[at]! ^= 1 << (bit & 7);
  }
  // What lies behind the compared bytes does not count.
  module.bytes[b + length] = 1;
  expect(exports["equalConstantTime"]!(a, b, length)).toBe(1);
});

test.each(LENGTHS)("wiping %i bytes touches exactly these", (length) => {
  const at = module.put(new Uint8Array(length + 32).fill(0xaa)) + 16;
  exports["wipe"]!(at, length);
  expect(module.get(at, length).every((byte) => byte === 0)).toBe(true);
  expect(module.get(at - 16, 16).every((byte) => byte === 0xaa)).toBe(true);
  expect(module.get(at + length, 16).every((byte) => byte === 0xaa)).toBe(true);
});
