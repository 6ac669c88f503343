/** Goal: a ring gives back what went in, in order, and says no in time. Method: random pushes and pops beside a twin. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { errorCode, errorNumber } from "../../../host/shared/ports/failure.ts";
import { RingTwin } from "../../reference/ring.ts";
import { TestModule } from "../../support/wasm.ts";

/** A ring in an engine of its own. */
class EngineRing {
  readonly #module = new TestModule("base");
  readonly #ring: number;
  readonly #entry: number;

  constructor(slots: number, slotBytes: number) {
    const size = this.#call("ringSize", slots, slotBytes);
    this.#ring = this.#module.reserve(size);
    this.#entry = this.#module.reserve(slotBytes * 2);
    this.#call("ringInit", this.#ring, slots, slotBytes);
  }

  push(entry: Uint8Array): string {
    this.#module.bytes.set(entry, this.#entry);
    const status = this.#call("ringPush", this.#ring, this.#entry, entry.length);
    return status === 0 ? "ok" : errorCode(-status);
  }

  pop(): Uint8Array | null {
    const front = this.#call("ringFront", this.#ring);
    if (front === 0) return null;
    const entry = this.#module.get(front, this.#call("ringFrontSize", front));
    this.#call("ringPop", this.#ring);
    return entry;
  }

  get depth(): number {
    return this.#call("ringDepth", this.#ring);
  }

  #call(name: string, ...parameters: number[]): number {
    return Number(this.#module.exports[name]?.(...parameters));
  }
}

const steps = fc.array(fc.oneof(fc.constant("pop" as const), fc.uint8Array({ maxLength: 40 })), {
  maxLength: 200,
});

test("any sequence of pushes and pops does what the twin does", () => {
  fc.assert(
    fc.property(fc.constantFrom(2, 4, 16), steps, (slots, sequence) => {
      const [ring, twin] = [new EngineRing(slots, 32), new RingTwin(slots, 32)];
      for (const step of sequence) {
        if (step === "pop") expect(ring.pop()).toEqual(twin.pop());
        else expect(ring.push(step)).toBe(twin.push(step));
        expect(ring.depth).toBe(twin.depth);
      }
    }),
    { numRuns: 40 },
  );
});

test.each([
  [0, 32],
  [1, 32],
  [3, 32],
  [131_072, 32],
  [4, 0],
  [4, 8],
  [4, 12],
  [4, 65_544],
  [65_536, 65_536],
])("%i slots of %i bytes are refused", (slots, slotBytes) => {
  const { exports } = new TestModule("base");
  expect(Number(exports["ringSize"]?.(slots, slotBytes))).toBe(-errorNumber("argument-invalid"));
});
