/**
 * Compares candidates on a machine that others use too.
 *
 * All candidates of a case run in the same round, one after the other, and every round starts with the next of
 * them. What is reported is the median over the rounds of the ratio within a round: whatever slows a round down
 * slows both sides of its ratio. Time is CPU time of the process, which waiting for the processor does not add to.
 */

import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** Something to be measured: does the same work `iterations` times. */
export interface Candidate {
  readonly name: string;
  readonly run: (iterations: number) => void | Promise<void>;
  /** How many times as fast as the baseline it has to be. */
  readonly goal?: number;
  /** What one iteration moves, for a rate beside the time. */
  readonly moves?: Amount;
}

/** So many of `unit`: 1 message, or 0.016384 MB. */
export interface Amount {
  readonly amount: number;
  readonly unit: string;
}

/** What one candidate took in one case. */
export interface Measurement {
  readonly name: string;
  /** Median over the rounds, in nanoseconds of CPU time for one iteration. */
  readonly medianNs: number;
  /** Median over the rounds of baseline time / own time: above 1 is faster than the baseline. */
  readonly ratio: number;
  /** Quartiles of the same ratios, which tell how much to trust the median. */
  readonly ratioQuartiles: readonly [number, number];
  /** How many iterations one sample had; few of them make a coarse measurement. */
  readonly iterations?: number;
  readonly goal?: number;
  readonly moves?: Amount;
}

export interface MeasureOptions {
  /** Name of the candidate that the others are compared with. */
  readonly baseline: string;
  readonly rounds: number;
  /** How long one candidate runs in one round. */
  readonly sampleMs?: number;
  /** CPU time of the process in nanoseconds, unless a test brings a clock of its own. */
  readonly now?: () => number;
}

/** Fewer rounds than this make a median that nobody should quote. */
export const ROUNDS_MIN = 21;
const SAMPLE_MS = 3;
/** WebAssembly starts with a fast compiler; the good code comes from another thread, later on a busy machine. */
const WARM_UP_MS = 250;
const CALIBRATIONS = 5;

/** A case of a bench with its measurements. */
export interface CaseResult {
  readonly bench: string;
  readonly title: string;
  readonly baseline: string;
  readonly measurements: readonly Measurement[];
}

/** What a bench gets to work with. */
export interface BenchContext {
  /** Measures the candidates of one case and reports it. */
  compare(
    title: string,
    baseline: string,
    candidates: readonly Candidate[],
    options?: Pick<MeasureOptions, "sampleMs">,
  ): Promise<void>;
  /** Reports a case that the bench has measured by itself. */
  report(title: string, baseline: string, measurements: readonly Measurement[]): void;
  readonly rounds: number;
}

/** One file `bench/<name>.bench.ts` exports one of these as `bench`. */
export interface Bench {
  readonly summary: string;
  run(context: BenchContext): Promise<void>;
}

/** Measures candidates in interleaved rounds, each round beginning with another one. */
export async function measure(
  candidates: readonly Candidate[],
  options: MeasureOptions,
): Promise<Measurement[]> {
  const now = options.now ?? cpuNs;
  const sampleNs = (options.sampleMs ?? SAMPLE_MS) * 1e6;
  const lanes: { candidate: Candidate; iterations: number; samples: number[] }[] = [];
  for (const subject of candidates) {
    lanes.push({
      candidate: subject,
      iterations: await iterationsFor(subject, sampleNs, now),
      samples: [],
    });
  }
  const baseline = lanes.find((lane) => lane.candidate.name === options.baseline);
  if (baseline === undefined) throw new Error(`no candidate is named "${options.baseline}"`);
  for (let round = 0; round < options.rounds; round++) {
    for (const [index] of lanes.entries()) {
      const lane = lanes[(index + round) % lanes.length]!;
      const ns = await timeNs(lane.candidate, lane.iterations, now);
      lane.samples.push(ns / lane.iterations);
    }
  }
  return lanes.map(({ candidate: subject, iterations, samples }) => {
    const ratios = samples.map((sample, round) => baseline.samples[round]! / sample);
    return {
      name: subject.name,
      medianNs: quantile(samples, 0.5),
      ratio: quantile(ratios, 0.5),
      ratioQuartiles: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
      iterations,
      ...(subject.goal === undefined ? {} : { goal: subject.goal }),
      ...(subject.moves === undefined ? {} : { moves: subject.moves }),
    };
  });
}

/** Warms `subject` up, until the optimising compiler is done with it, and finds how often it fits a sample. */
async function iterationsFor(
  subject: Candidate,
  sampleNs: number,
  now: () => number,
): Promise<number> {
  let iterations = 1;
  for (const end = now() + WARM_UP_MS * 1e6; now() < end;) {
    await subject.run(iterations);
    iterations = Math.min(iterations * 2, 16384);
  }
  for (iterations = 4; ; iterations *= 2) {
    // An interruption makes a few iterations look like a whole sample, and samples that short measure the clock
    // and the cold caches. The best of several tries is one without an interruption.
    let best = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < CALIBRATIONS; attempt++) {
      best = Math.min(best, await timeNs(subject, iterations, now));
    }
    if (best > sampleNs / 2) return Math.max(1, Math.round((iterations * sampleNs) / best));
  }
}

async function timeNs(subject: Candidate, iterations: number, now: () => number): Promise<number> {
  const start = now();
  const pending = subject.run(iterations);
  // Awaiting costs a turn of the event loop, which a synchronous candidate should not pay for.
  if (pending !== undefined) await pending;
  return now() - start;
}

/** Holds what the candidates compute, so that no compiler takes their work for useless. */
const results = { mixed: 0 };

/** `action` in a loop, as a candidate; what it returns has to depend on its work. */
export function candidate(name: string, action: () => number, goal?: number): Candidate {
  const run = (iterations: number) => {
    for (let i = 0; i < iterations; i++) results.mixed ^= action();
  };
  return goal === undefined ? { name, run } : { name, run, goal };
}

/** Compiles a test entry of the engine unless it is up to date: a bench reaches kernels that the engine hides. */
export function buildEntry(name: string): void {
  const tool = join(import.meta.dirname, "../build.ts");
  const build = spawnSync(process.execPath, [tool, `entries:${name}`, "--quiet"], {
    stdio: "inherit",
  });
  if (build.status !== 0) throw new Error(`the test entry "${name}" does not compile`);
}

function cpuNs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

/** The value below which the share `share` of `values` lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
