/**
 * Goal: a bench reports what its candidates cost, however the machine interrupts it.
 * Method: a clock that only the candidates move, with an interruption at every possible place.
 */
import { describe, expect, test } from "vitest";
import { measure, quantile, ROUNDS_MIN, type Candidate } from "../../../bench/harness.ts";

const MS = 1e6;

/** Candidates of known cost on a clock of their own; the call with number `interruptedCall` takes longer. */
function world(interruptedCall = -1, interruptionNs = 0) {
  let clock = 0;
  let calls = 0;
  const longest = new Map<string, number>();
  const costing = (name: string, costNs: number): Candidate => ({
    name,
    run: (iterations) => {
      clock += iterations * costNs + (calls++ === interruptedCall ? interruptionNs : 0);
      longest.set(name, iterations);
    },
  });
  return {
    candidates: [costing("slow", 4000), costing("fast", 500)],
    /** How many iterations the last sample of each candidate had. */
    sampled: longest,
    // The clock of the process counts whole microseconds.
    now: () => Math.floor(clock / 1000) * 1000,
    calls: () => calls,
  };
}

async function run(subject: ReturnType<typeof world>) {
  const { candidates, now } = subject;
  return measure(candidates, { baseline: "slow", rounds: ROUNDS_MIN, now });
}

test("reports the cost and the ratio to the baseline", async () => {
  const [slow, fast] = await run(world());
  expect(slow).toMatchObject({ name: "slow", ratio: 1 });
  expect(slow!.medianNs).toBeCloseTo(4000, -1);
  expect(fast!.medianNs).toBeCloseTo(500, 0);
  expect(fast!.ratio).toBeCloseTo(8, 1);
});

describe("one interruption", () => {
  test.each([2, 20])("of %i ms never shortens the samples, wherever it falls", async (ms) => {
    const undisturbed = world();
    await run(undisturbed);
    for (let call = 0; call < undisturbed.calls(); call++) {
      const disturbed = world(call, ms * MS);
      const [, fast] = await run(disturbed);
      for (const [name, iterations] of undisturbed.sampled) {
        const share = disturbed.sampled.get(name)! / iterations;
        expect(share, `${name}, interrupted in call ${call}`).toBeGreaterThan(0.4);
      }
      expect(fast!.ratio, `interrupted in call ${call}`).toBeCloseTo(8, 1);
    }
  });
});

test("refuses a baseline that is no candidate", async () => {
  const { candidates, now } = world();
  const pending = measure(candidates, { baseline: "other", rounds: ROUNDS_MIN, now });
  await expect(pending).rejects.toThrow('no candidate is named "other"');
});

test("a quantile is a value of the sample", () => {
  expect(quantile([3, 1, 2], 0.5)).toBe(2);
  expect(quantile([4, 1, 3, 2], 0.25)).toBe(2);
  expect(quantile([7], 0.75)).toBe(7);
});
