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
  readonly goal?: number;
}

export interface MeasureOptions {
  /** Name of the candidate that the others are compared with. */
  readonly baseline: string;
  readonly rounds: number;
  /** How long one candidate runs in one round. */
  readonly sampleMs?: number;
}

/** Fewer rounds than this make a median that nobody should quote. */
export const ROUNDS_MIN = 21;
const SAMPLE_MS = 3;
const WARM_UP_MS = 60;

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
  compare(title: string, baseline: string, candidates: readonly Candidate[]): Promise<void>;
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
  const sampleNs = (options.sampleMs ?? SAMPLE_MS) * 1e6;
  const lanes: { candidate: Candidate; iterations: number; samples: number[] }[] = [];
  for (const candidate of candidates) {
    lanes.push({ candidate, iterations: await iterationsFor(candidate, sampleNs), samples: [] });
  }
  const baseline = lanes.find(({ candidate }) => candidate.name === options.baseline);
  if (baseline === undefined) throw new Error(`no candidate is named "${options.baseline}"`);
  for (let round = 0; round < options.rounds; round++) {
    for (const [index] of lanes.entries()) {
      const lane = lanes[(index + round) % lanes.length]!;
      const ns = await timeNs(lane.candidate, lane.iterations);
      lane.samples.push(ns / lane.iterations);
    }
  }
  return lanes.map(({ candidate, samples }) => {
    const ratios = samples.map((sample, round) => baseline.samples[round]! / sample);
    return {
      name: candidate.name,
      medianNs: quantile(samples, 0.5),
      ratio: quantile(ratios, 0.5),
      ratioQuartiles: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
      ...(candidate.goal === undefined ? {} : { goal: candidate.goal }),
    };
  });
}

/** Warms the candidate up, until the optimising compiler is done with it, and finds how often it fits a sample. */
async function iterationsFor(candidate: Candidate, sampleNs: number): Promise<number> {
  let iterations = 1;
  for (const end = cpuNs() + WARM_UP_MS * 1e6; cpuNs() < end;) {
    await candidate.run(iterations);
    iterations = Math.min(iterations * 2, 16384);
  }
  for (iterations = 4; ; iterations *= 2) {
    const ns = await timeNs(candidate, iterations);
    if (ns > sampleNs / 2) return Math.max(1, Math.round((iterations * sampleNs) / ns));
  }
}

async function timeNs(candidate: Candidate, iterations: number): Promise<number> {
  const start = cpuNs();
  const pending = candidate.run(iterations);
  // Awaiting costs a turn of the event loop, which a synchronous candidate should not pay for.
  if (pending !== undefined) await pending;
  return cpuNs() - start;
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
