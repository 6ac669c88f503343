/**
 * Goal: the fuzzers run, find nothing in the engine, and do find the planted defect.
 * Method: a short run of every target with a fixed seed; a long one is `npm run fuzz`.
 */
import { describe, expect, test } from "vitest";
import { fuzz, isGood } from "./fuzz.ts";
import { TARGETS } from "./targets/all.ts";

const PLAN = { seed: 20, from: 0, iterations: 400 };

describe("fuzzing", () => {
  test.each(TARGETS.filter((target) => target.isCanary !== true))("$name", (target) => {
    // A case of the whole engine is a connection of its own, and takes twenty times as long.
    const iterations = target.needsEngine === true ? 80 : PLAN.iterations;
    const outcome = fuzz(target, { ...PLAN, iterations });
    expect(outcome.finding).toBeNull();
    // Neither only valid inputs nor only garbage.
    expect(outcome.accepted).toBeGreaterThan(iterations * 0.15);
    expect(outcome.accepted).toBeLessThan(iterations * 0.9);
  });

  test("the canary is found, and its finding replays alone", () => {
    const canary = TARGETS.find((target) => target.isCanary === true)!;
    const outcome = fuzz(canary, PLAN);
    expect(isGood(outcome)).toBe(true);
    const { finding } = outcome;
    const replayed = fuzz(canary, { seed: 20, from: finding!.iteration, iterations: 1 });
    expect(replayed.finding).toEqual(finding);
    // A canary that is not found is a failure, whatever else was clean.
    expect(isGood({ ...outcome, finding: null })).toBe(false);
  });
});
