/** Goal: the table answers as a Map does, also when ids share a slot and when it is full. Method: random changes beside a Map. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Engine } from "../../support/engine-calls.ts";

const engine = new Engine("recovery");
const ABSENT = 0xffffffff;

function newTable(capacity: number): number {
  engine.module.release();
  const table = engine.module.reserve(engine.call("idTableSize", capacity));
  engine.call("idTableInit", table, capacity);
  return table;
}

function get(table: number, id: bigint): number {
  return engine.call("idTableGet", table, id) >>> 0;
}

test("any sequence of changes leaves the same entries as a Map", () => {
  const change = fc.record({
    isPut: fc.boolean(),
    // Few ids in a small table, so that chains of collisions form and are cut.
    id: fc.bigInt({ min: 0n, max: 40n }),
    value: fc.integer({ min: 0, max: 1000 }),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 120 }), (changes) => {
      const table = newTable(8);
      const map = new Map<bigint, number>();
      for (const { isPut, id, value } of changes) {
        if (isPut) {
          const fits = map.has(id) || map.size < 8;
          expect(engine.is("idTablePut", table, id, value)).toBe(fits);
          if (fits) map.set(id, value);
        } else if (map.delete(id)) {
          engine.call("idTableRemove", table, id);
        }
        expect(engine.call("idTableCount", table)).toBe(map.size);
      }
      for (let id = 0n; id <= 40n; id++) expect(get(table, id)).toBe(map.get(id) ?? ABSENT);
    }),
    { numRuns: 300 },
  );
});

test("removing an id that is not there is a bug and traps", () => {
  const table = newTable(4);
  engine.call("idTablePut", table, 4n, 1);
  expect(() => engine.call("idTableRemove", table, 8n)).toThrow(WebAssembly.RuntimeError);
});
