/** The oracles fire: each fault planted in the model engine is caught by the oracle that is meant for it. */
import { describe, expect, it } from "vitest";
import type { ModelDefect } from "../../reference/selective-repeat/connection.ts";
import { selectiveRepeat } from "../../reference/selective-repeat/endpoint.ts";
import { type RunFailure, isFailure, runSeed } from "../../sim/run.ts";

/** The first failure among `count` seeds; null when all pass. */
function firstFailure(defect: ModelDefect, from: number, count: number): RunFailure | null {
  for (let seed = from; seed < from + count; seed++) {
    const createModule = () => selectiveRepeat(defect);
    const result = runSeed({ seed, createModule, violation: null });
    if (isFailure(result)) return result;
  }
  return null;
}

/** Each planted fault, the oracles that may see it first, the first seed to try and how many. */
const CASES: readonly (readonly [ModelDefect, readonly string[], number, number])[] = [
  ["accepts-forged", ["stream-content", "message", "datagram", "stream-opened"], 10, 5],
  ["accepts-replayed", ["datagram"], 1, 5],
  ["answers-small-initial", ["amplification"], 12, 3],
  ["binds-differently", ["channel-binding"], 1, 1],
  ["chatters", ["silence"], 1, 1],
  ["closes-twice", ["after-close"], 1, 1],
  ["forgets-close-reason", ["closed"], 1, 5],
  ["loses-credit", ["closed", "liveness"], 1, 3],
  ["loses-end", ["closed", "liveness"], 1, 3],
  ["never-resends", ["closed", "liveness"], 1, 1],
  ["resends-datagrams", ["datagram"], 1, 3],
  ["reuses-number", ["nonce"], 1, 1],
  ["shifts-bytes", ["stream-content", "message"], 1, 1],
  ["takes-everything", ["memory"], 11, 1],
  ["takes-wrong-order", ["stream-content", "message"], 1, 1],
];

describe("the simulator over the model engine", () => {
  it("finds nothing wrong with a sound engine, and does what every seed promises", () => {
    for (let seed = 1; seed <= 5; seed++) {
      const result = runSeed({ seed, createModule: () => selectiveRepeat(), violation: null });
      if (isFailure(result)) throw new Error(`seed ${seed}: ${result.detail}`);
      expect(result.messages).toBeGreaterThanOrEqual(200);
      expect(result.payloadBytes).toBeGreaterThanOrEqual(1_048_576);
    }
  }, 60_000);

  it("gives the same run for the same seed, to the byte and the microsecond", () => {
    const run = { seed: 5, createModule: () => selectiveRepeat(), violation: null };
    const first = runSeed(run);
    expect(isFailure(first)).toBe(false);
    expect(runSeed(run)).toEqual(first);
    expect(runSeed({ ...run, seed: 6 })).not.toMatchObject({
      digest: (first as { digest: string }).digest,
    });
  });

  it.each(CASES)(
    "catches a model that %s",
    (defect, oracles, from, count) => {
      const failure = firstFailure(defect, from, count);
      expect(oracles).toContain(failure?.oracle);
      expect(failure?.trace.length).toBeGreaterThan(2);
    },
    60_000,
  );
});
