/** Goal: a slab hands out each record once and takes it back. Method: take all, give some, take again. */
import { expect, test } from "vitest";
import { Engine } from "../../support/engine-calls.ts";

const engine = new Engine("recovery");
const RECORD = 24;
const COUNT = 5;

function newSlab(): number {
  engine.module.release();
  const slab = engine.module.reserve(32);
  engine.call("slabInit", slab, engine.module.reserve(RECORD * COUNT), RECORD, COUNT);
  return slab;
}

test("every record is handed out once, then none is left", () => {
  const slab = newSlab();
  const taken = Array.from({ length: COUNT }, () => engine.call("slabTake", slab));
  expect(new Set(taken).size).toBe(COUNT);
  expect(engine.call("slabTake", slab)).toBe(0);
  expect(engine.call("slabAvailable", slab)).toBe(0);
  taken.forEach((record, index) => {
    expect(engine.call("slabIndex", slab, record)).toBe(index);
    expect(engine.call("slabAt", slab, index)).toBe(record);
  });
});

test("a record that was given back comes again with its bytes behind the link unchanged", () => {
  const slab = newSlab();
  const first = engine.call("slabTake", slab);
  engine.call("slabTake", slab);
  engine.module.view.setUint32(first + 4, 77, true);
  engine.call("slabGive", slab, first);
  expect(engine.call("slabUsed", slab)).toBe(1);
  expect(engine.call("slabTake", slab)).toBe(first);
  expect(engine.module.view.getUint32(first + 4, true)).toBe(77);
  expect(engine.call("slabTouched", slab)).toBe(2);
});

test("giving back more than was taken is a bug and traps", () => {
  const slab = newSlab();
  const record = engine.call("slabTake", slab);
  engine.call("slabGive", slab, record);
  expect(() => engine.call("slabGive", slab, record)).toThrow(WebAssembly.RuntimeError);
});
