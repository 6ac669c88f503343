/** A small, fixed part of what `npm run sim` does: a few seeds, exact replay, and three planted defects. */
import { expect, it } from "vitest";
import { enginesOf, loadEngines } from "./engines.ts";
import { type FleetSummary, runFleet } from "./fleet.ts";
import { compileMutant } from "./mutants/compile.ts";
import { MUTANTS } from "./mutants/list.ts";
import { VIOLATORS } from "./mutants/violators.ts";
import { isFailure, runSeed } from "./run.ts";

const SEEDS = 24;
/** Caught within the first seeds, each by another oracle. */
const QUICK_MUTANTS: readonly (readonly [string, string])[] = [
  ["replay-window-ignored", "datagram"],
  ["nonce-reuse", "nonce"],
  ["key-confirmation-skipped", "connected"],
];

function run(engines: ReturnType<typeof loadEngines>, failuresMax: number): Promise<FleetSummary> {
  return runFleet({
    from: 1,
    to: SEEDS,
    twiceEvery: 12,
    workers: 2,
    engines,
    violation: null,
    failuresMax,
    onProgress: () => {},
  });
}

it(
  "finds nothing wrong in a few seeds, and every fault happened",
  { timeout: 120_000 },
  async () => {
    const summary = await run(loadEngines(), Infinity);
    expect(summary.failures).toEqual([]);
    expect(summary.seeds).toBe(SEEDS);
    for (const count of [
      summary.retransmits,
      summary.ptos,
      summary.duplicates,
      summary.reorderDepth,
    ])
      expect(count).toBeGreaterThan(0);
  },
);

it("replays a seed exactly", { timeout: 60_000 }, () => {
  const engines = loadEngines();
  const one = { seed: 3, createModule: () => enginesOf(engines), violation: null };
  const first = runSeed(one);
  if (isFailure(first)) throw new Error(first.detail);
  expect(runSeed(one)).toEqual(first);
});

it.each(QUICK_MUTANTS)(
  "catches the planted defect %s",
  { timeout: 120_000 },
  async (name, oracle) => {
    const mutant = MUTANTS.find((one) => one.name === name);
    if (mutant === undefined) throw new Error(`there is no defect called ${name}`);
    const engine = await compileMutant(name, mutant.edits);
    const { failures } = await run({ server: engine, client: engine }, 1);
    expect(failures[0]?.oracle).toBe(oracle);
  },
);

it("plants at least twenty defects, under names and against violators that exist", () => {
  expect(MUTANTS.length).toBeGreaterThanOrEqual(20);
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
  for (const { against } of MUTANTS) {
    if (against !== null) expect(VIOLATORS[against].edits.length).toBeGreaterThan(0);
  }
});
