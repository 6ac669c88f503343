/** Runs a fuzz target: seeded, so that every finding can be replayed alone. */
import { Random } from "../sim/random.ts";
import type { Target } from "./target.ts";

export interface Finding {
  readonly target: string;
  readonly seed: number;
  readonly iteration: number;
  readonly fault: string;
  readonly inputHex: string;
}

export interface Outcome {
  readonly target: string;
  readonly isCanary: boolean;
  readonly iterations: number;
  /** Inputs that the decoder took; the rest it refused. */
  readonly accepted: number;
  readonly finding: Finding | null;
}

export interface Plan {
  readonly seed: number;
  /** The first iteration: a case depends on seed, target and its own number only. */
  readonly from: number;
  readonly iterations: number;
}

/** Runs `iterations` cases, or fewer when one has a fault. */
export function fuzz(target: Target, plan: Plan): Outcome {
  const judge = target.prepare();
  const isCanary = target.isCanary === true;
  let accepted = 0;
  const end = plan.from + plan.iterations;
  for (let iteration = plan.from; iteration < end; iteration++) {
    const outcome = judge(new Random(plan.seed, `${target.name} ${iteration}`));
    accepted += outcome.isAccepted ? 1 : 0;
    if (outcome.fault === null) continue;
    const finding = {
      target: target.name,
      seed: plan.seed,
      iteration,
      fault: outcome.fault,
      inputHex: Buffer.from(outcome.input).toString("hex"),
    };
    const iterations = iteration - plan.from + 1;
    return { target: target.name, isCanary, iterations, accepted, finding };
  }
  return { target: target.name, isCanary, iterations: plan.iterations, accepted, finding: null };
}

/** A canary must be found; everything else must not. */
export function isGood(outcome: Outcome): boolean {
  return outcome.isCanary ? outcome.finding !== null : outcome.finding === null;
}
