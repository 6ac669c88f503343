/**
 * Plants each known defect in a copy of the engine's sources, compiles it and runs seeds until an oracle fires. What
 * is caught here is what the simulator is worth.
 *
 * Some rules only show when the peer breaks them. For these the peer is a build of its own, a violator. A seed
 * counts when the sound engine notices the violation with its code, and the mutant, in the same seed, does not.
 */
import { type Engines, enginesOf, loadEngines } from "../engines.ts";
import { type FleetSummary, runFleet } from "../fleet.ts";
import { type RunFailure, isFailure, runSeed } from "../run.ts";
import { compileMutant } from "./compile.ts";
import { MUTANTS, type Mutant } from "./list.ts";
import { VIOLATORS, type ViolatorName } from "./violators.ts";

export interface MutantOptions {
  readonly only: string | null;
  readonly seedsMax: number;
  readonly workers: number;
  readonly say: (text: string) => void;
}

interface Verdict {
  readonly failure: RunFailure | null;
  /** Seeds that were run. */
  readonly seeds: number;
}

/** Engines of which `engine` is the one under test, and the violator the other. */
async function enginesAgainst(name: ViolatorName, engine: WebAssembly.Module): Promise<Engines> {
  const { violator, edits } = VIOLATORS[name];
  const peer = await compileMutant(`violator-${name}`, edits);
  return violator === "client"
    ? { server: engine, client: peer }
    : { server: peer, client: engine };
}

/** Runs seeds with sound peers until the mutant gives itself away. */
async function catchAlone(
  engine: WebAssembly.Module,
  { seedsMax, workers }: MutantOptions,
): Promise<Verdict> {
  const summary: FleetSummary = await runFleet({
    from: 1,
    to: seedsMax,
    twiceEvery: 0,
    workers,
    engines: { server: engine, client: engine },
    violation: null,
    failuresMax: 1,
    onProgress: () => {},
  });
  return { failure: summary.failures[0] ?? null, seeds: summary.seeds };
}

/** Runs seeds in which the sound engine notices the violator, until the mutant does not. */
async function catchAgainst(
  name: ViolatorName,
  mutant: WebAssembly.Module,
  { seedsMax }: MutantOptions,
): Promise<Verdict> {
  const violation = VIOLATORS[name];
  const ofSound = await enginesAgainst(name, loadEngines().server);
  const ofMutant = await enginesAgainst(name, mutant);
  for (let seed = 1; seed <= seedsMax; seed++) {
    const sound = runSeed({ seed, violation, createModule: () => enginesOf(ofSound) });
    if (isFailure(sound)) continue;
    const result = runSeed({ seed, violation, createModule: () => enginesOf(ofMutant) });
    if (isFailure(result)) return { failure: result, seeds: seed };
  }
  return { failure: null, seeds: seedsMax };
}

async function judge(mutant: Mutant, options: MutantOptions): Promise<boolean> {
  const { name, edits, against } = mutant;
  const startMs = performance.now();
  const engine = await compileMutant(name, edits);
  const { failure, seeds } = await (against === null
    ? catchAlone(engine, options)
    : catchAgainst(against, engine, options));
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  const verdict =
    failure === null
      ? `NOT CAUGHT in ${seeds} seeds`
      : `caught by "${failure.oracle}" in seed ${failure.seed}`;
  options.say(`${name.padEnd(30)} ${verdict} (${seconds} s)`);
  return failure !== null;
}

/** Compiles two mutants at a time, and judges them in their order. */
export async function runMutants(
  options: MutantOptions,
): Promise<{ planted: number; caught: number }> {
  const chosen = MUTANTS.filter(({ name }) => options.only === null || options.only === name);
  let caught = 0;
  for (const [index, mutant] of chosen.entries()) {
    // The next one compiles while this one runs; its result is kept on disk.
    const next = chosen[index + 1];
    const ahead = next === undefined ? null : compileMutant(next.name, next.edits);
    if (await judge(mutant, options)) caught++;
    await ahead;
  }
  return { planted: chosen.length, caught };
}
