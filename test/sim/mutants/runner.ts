/**
 * Plants each known defect in a copy of the engine's sources, compiles it and runs seeds until an oracle fires. What
 * is caught here is what the simulator is worth.
 *
 * Some rules only show when the peer breaks them. For these the peer is a build of its own, a violator; with the
 * sound engine against it the violation must be noticed with its code, and with the defect it is not.
 */
import { runFleet } from "../fleet.ts";
import type { RunFailure } from "../run.ts";
import { loadEngines } from "../engines.ts";
import { compileMutant } from "./compile.ts";
import { MUTANTS, type Mutant } from "./list.ts";
import { VIOLATORS } from "./violators.ts";

export interface MutantOptions {
  readonly only: string | null;
  readonly seedsMax: number;
  readonly workers: number;
  readonly say: (text: string) => void;
}

/** The sound engine must pass this many seeds against a violator before the mutant is judged. */
const SOUND_SEEDS = 3;

/** Runs until the first failure; null when `seedsMax` seeds passed. */
async function firstFailure(
  mutant: Mutant,
  engine: WebAssembly.Module,
  seedsMax: number,
  workers: number,
): Promise<{ failure: RunFailure | null; seeds: number }> {
  const violator = mutant.against === null ? null : VIOLATORS[mutant.against];
  const peer =
    violator === null ? engine : await compileMutant(`violator-${mutant.against}`, violator.edits);
  const isServer = violator?.violator === "client";
  const engines = {
    server: violator === null || isServer ? engine : peer,
    client: violator === null || !isServer ? engine : peer,
  };
  const { failures, seeds } = await runFleet({
    from: 1,
    to: seedsMax,
    twiceEvery: 0,
    workers,
    engines,
    violation: violator,
    failuresMax: 1,
    onProgress: () => {},
  });
  return { failure: failures[0] ?? null, seeds };
}

/** The sound engine notices what the violator does; else catching the mutant would prove nothing. */
async function checkSound(mutant: Mutant, options: MutantOptions): Promise<void> {
  if (mutant.against === null) return;
  const { server } = loadEngines();
  const { failure } = await firstFailure(mutant, server, SOUND_SEEDS, options.workers);
  if (failure === null) return;
  throw new Error(
    `the sound engine does not notice the violator "${mutant.against}": seed ${failure.seed}: ${failure.detail}`,
  );
}

export async function runMutants(
  options: MutantOptions,
): Promise<{ planted: number; caught: number }> {
  const chosen = MUTANTS.filter(({ name }) => options.only === null || options.only === name);
  let caught = 0;
  for (const mutant of chosen) {
    const startMs = performance.now();
    const engine = await compileMutant(mutant.name, mutant.edits);
    await checkSound(mutant, options);
    const { failure, seeds } = await firstFailure(
      mutant,
      engine,
      options.seedsMax,
      options.workers,
    );
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
    const verdict =
      failure === null
        ? `NOT CAUGHT in ${seeds} seeds`
        : `caught by "${failure.oracle}" in seed ${failure.seed}`;
    options.say(`${mutant.name.padEnd(32)} ${verdict} (${seconds} s)`);
    if (failure !== null) caught++;
  }
  return { planted: chosen.length, caught };
}
