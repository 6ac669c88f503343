/**
 * Goal: the generator repeats exactly for the same seeds, never repeats itself, and keeps nothing of the past.
 * Method: the twin, drawn in the same random order of sizes and seeds; then the state before and after a draw.
 */
import fc from "fast-check";
import { randomBytes } from "node:crypto";
import { beforeEach, expect, test } from "vitest";
import { Generator } from "../../reference/generator.ts";
import { TestModule, toHex } from "../../support/wasm.ts";

const module = new TestModule("crypto-a");
const { exports } = module;
beforeEach(() => module.release());

function seeded(seed: Uint8Array): number {
  const state = module.reserve(exports["generatorSize"]!());
  exports["generatorInit"]!(state, module.put(seed));
  return state;
}

function fill(state: number, size: number): Uint8Array<ArrayBuffer> {
  const out = module.reserve(size);
  // Whatever the buffer held must not show in what is drawn.
  module.bytes.fill(0x5a, out, out + size);
  exports["generatorFill"]!(state, out, size);
  return module.get(out, size);
}

const seed = fc.uint8Array({ minLength: 32, maxLength: 32 });

test("draws and mixed seeds in any order agree with the twin", () => {
  const step = fc.oneof(seed, fc.integer({ min: 0, max: 700 }));
  fc.assert(
    fc.property(seed, fc.array(step, { maxLength: 6 }), (first, steps) => {
      module.release();
      const state = seeded(first);
      const twin = new Generator(first);
      for (const next of steps) {
        if (typeof next === "number") {
          expect(toHex(fill(state, next))).toBe(toHex(twin.fill(next)));
        } else {
          exports["generatorMix"]!(state, module.put(next));
          twin.mix(next);
        }
      }
    }),
  );
});

test("the key is replaced by every draw, and neither key stands in the output", () => {
  const state = seeded(randomBytes(32));
  const before = toHex(module.get(state, 32));
  const drawn = toHex(fill(state, 1000));
  const after = toHex(module.get(state, 32));
  expect(after).not.toBe(before);
  expect(drawn).not.toContain(before);
  expect(drawn).not.toContain(after);
});

test("ten thousand draws of 16 bytes are all different", () => {
  const state = seeded(randomBytes(32));
  const seen = new Set<string>();
  for (let draw = 0; draw < 10_000; draw++) {
    seen.add(toHex(fill(state, 16)));
    if (draw % 1000 === 999) expect(seen.size).toBe(draw + 1);
  }
});

test("a generator that nobody seeded stops the engine instead of returning zeros", () => {
  const state = module.reserve(exports["generatorSize"]!());
  expect(() => fill(state, 32)).toThrow(WebAssembly.RuntimeError);
  expect(() => exports["generatorMix"]!(state, module.reserve(32))).toThrow(
    WebAssembly.RuntimeError,
  );
});
