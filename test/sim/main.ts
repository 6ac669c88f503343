/** The command line of the simulator: `npm run sim -- --help`. */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { enginesOf, loadEngines } from "./engines.ts";
import { type FleetSummary, runFleet } from "./fleet.ts";
import { runMutants } from "./mutants/runner.ts";
import { type RunFailure, isFailure, runSeed } from "./run.ts";

const HELP = `npm run sim -- [options]

Runs MXP connections between real engines over a simulated network, in virtual time. Everything in a run
follows from its seed; the first broken rule fails it.

  --seeds A..B     run the seeds A to B (default 1..100)
  --seed N         run seed N alone, exactly as before
  --trace          with --seed: print every datagram and event
  --mutants        plant each known defect in the engine and run seeds until one is caught
  --only NAME      with --mutants: that defect alone
  --twice-every N  run every N-th seed twice and compare (default 50; 0 never)
  --workers N      worker threads (default: the number of processors)
  --json           end with one line of JSON
  --help           this text

It exits with 1 when a seed failed or a defect was not caught, and with 2 when the options are wrong.`;

const MUTANT_SEEDS = 1000;
const PROGRESS_MS = 5000;
const FAILURES_SHOWN = 5;

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

class UsageError extends Error {}

function parseOptions() {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "1..100" },
      seed: { type: "string" },
      trace: { type: "boolean", default: false },
      mutants: { type: "boolean", default: false },
      only: { type: "string" },
      "twice-every": { type: "string", default: "50" },
      workers: { type: "string", default: String(availableParallelism()) },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  return values;
}

function wholeNumber(text: string, option: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw new UsageError(`--${option} takes a whole number, not "${text}"`);
  return Number(text);
}

function parseRange(text: string): { from: number; to: number } {
  const [from, to] = text.split("..");
  if (from === undefined || to === undefined) {
    throw new UsageError(`--seeds takes a range such as 1..100, not "${text}"`);
  }
  const range = { from: wholeNumber(from, "seeds"), to: wholeNumber(to, "seeds") };
  if (range.to < range.from) throw new UsageError(`--seeds ${text} holds no seed`);
  return range;
}

function showFailure({ seed, oracle, detail, trace }: RunFailure): void {
  say(`\nseed ${seed} failed: oracle "${oracle}"\n  ${detail}`);
  for (const line of trace) say(`  ${line}`);
  say(`  again: npm run sim -- --seed ${seed} --trace`);
}

/** Says how far it is every few seconds. */
function progress(total: number): (summary: FleetSummary) => void {
  const startMs = performance.now();
  let saidMs = startMs;
  return ({ seeds, failures }) => {
    const nowMs = performance.now();
    if (nowMs - saidMs < PROGRESS_MS) return;
    saidMs = nowMs;
    const seconds = (nowMs - startMs) / 1000;
    const rate = (seeds / seconds).toFixed(1);
    say(
      `${seconds.toFixed(0)} s: ${seeds} of ${total} seeds, ${rate}/s, ${failures.length} failed`,
    );
  };
}

function runOneSeed(seed: number, isTraced: boolean, isJson: boolean): number {
  const engines = loadEngines();
  const run = { seed, createModule: () => enginesOf(engines), violation: null };
  const result = runSeed(run, isTraced ? (line) => console.log(line) : null);
  if (isFailure(result)) {
    showFailure(isTraced ? { ...result, trace: [] } : result);
    return 1;
  }
  if (isJson) console.log(JSON.stringify(result));
  else console.log(result);
  return 0;
}

async function runManySeeds(
  range: { readonly from: number; readonly to: number },
  twiceEvery: number,
  workers: number,
  isJson: boolean,
): Promise<number> {
  const startMs = performance.now();
  const summary = await runFleet({
    ...range,
    twiceEvery,
    workers,
    engines: loadEngines(),
    violation: null,
    failuresMax: Infinity,
    onProgress: progress(range.to - range.from + 1),
  });
  for (const failure of summary.failures.slice(0, FAILURES_SHOWN)) showFailure(failure);
  const { seeds, failures, retransmits, ptos, duplicates, reorderDepth } = summary;
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  const megabytes = (summary.payloadBytes / 1e6).toFixed(0);
  say(
    `${seeds} seeds in ${seconds} s: ${summary.messages} messages, ${megabytes} MB, ` +
      `${summary.datagrams} datagrams, ${(summary.virtualMs / 3_600_000).toFixed(1)} h of virtual time`,
  );
  if (failures.length > 0) say(`failed: ${failures.map(({ seed }) => seed).join(" ")}`);
  const line = { seeds, failed: failures.length, retransmits, ptos, duplicates, reorderDepth };
  console.log(isJson ? JSON.stringify(line) : line);
  return failures.length > 0 ? 1 : 0;
}

async function main(): Promise<number> {
  const options = parseOptions();
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  const workers = Math.max(1, wholeNumber(options.workers, "workers"));
  if (options.mutants) {
    const { planted, caught } = await runMutants({
      only: options.only ?? null,
      seedsMax: MUTANT_SEEDS,
      workers,
      say,
    });
    console.log(options.json ? JSON.stringify({ planted, caught }) : { planted, caught });
    return caught === planted && planted > 0 ? 0 : 1;
  }
  if (options.seed !== undefined) {
    return runOneSeed(wholeNumber(options.seed, "seed"), options.trace, options.json);
  }
  const twiceEvery = wholeNumber(options["twice-every"], "twice-every");
  return runManySeeds(parseRange(options.seeds), twiceEvery, workers, options.json);
}

try {
  process.exitCode = await main();
} catch (thrown) {
  const isUsage =
    thrown instanceof UsageError ||
    (thrown as { code?: string }).code?.startsWith("ERR_PARSE_ARGS") === true;
  if (!isUsage) throw thrown;
  say(`sim: ${(thrown as Error).message}\n\n${HELP}`);
  process.exitCode = 2;
}
