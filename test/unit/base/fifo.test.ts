/** Goal: a queue keeps the order of its records, also when one leaves from the middle. Method: an array as twin. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Engine } from "../../support/engine-calls.ts";

const engine = new Engine("recovery");
const LINK = 8;

test("any sequence of pushes, pops and removals leaves the same order as an array", () => {
  const step = fc.record({ kind: fc.constantFrom("push", "pop", "remove"), which: fc.nat(7) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      engine.module.release();
      const fifo = engine.module.reserve(8);
      const records = Array.from({ length: 8 }, () => engine.module.reserve(16));
      const twin: number[] = [];
      for (const { kind, which } of steps) {
        const record = records[which]!;
        const at = twin.indexOf(record);
        if (kind === "push" && at < 0) {
          engine.call("fifoPush", fifo, record, LINK);
          twin.push(record);
        } else if (kind === "pop") {
          expect(engine.call("fifoPop", fifo, LINK)).toBe(twin.shift() ?? 0);
        } else if (kind === "remove" && at >= 0) {
          engine.call("fifoRemove", fifo, record, LINK);
          twin.splice(at, 1);
        }
        const order: number[] = [];
        let next = engine.call("fifoFirst", fifo);
        for (; next !== 0; next = engine.call("fifoBehind", next, LINK)) order.push(next);
        expect(order).toEqual(twin);
      }
    }),
  );
});
