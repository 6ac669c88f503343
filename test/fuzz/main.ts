/**
 * `npm run fuzz -- [--list] [--target NAME] [--seed N] [--from K] [--iterations M] [--json]`
 *
 * Without a target all run. A finding prints the command that replays it alone. The target `canary`
 * has a planted defect: for it, finding nothing is the failure. The exit code is 1 when anything is
 * not as it must be.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Finding, fuzz, isGood, type Outcome } from "./fuzz.ts";
import type { Target } from "./target.ts";
import { TARGETS } from "./targets/all.ts";

const { values: options } = parseArgs({
  options: {
    list: { type: "boolean", default: false },
    target: { type: "string" },
    seed: { type: "string", default: "1" },
    from: { type: "string", default: "0" },
    iterations: { type: "string", default: "100000" },
    json: { type: "boolean", default: false },
  },
});

/** Compiles the test entries of the targets, unless other builds of them are to be used. */
function build(targets: readonly Target[]): void {
  if (process.env["MXP_TEST_MODULES"] !== undefined) return;
  const entries = new Set(targets.flatMap((target) => target.entries));
  const argv = [...entries].map((entry) => `entries:${entry}`);
  if (targets.some((target) => target.needsEngine === true)) argv.push("engine");
  const script = join(import.meta.dirname, "../../build.ts");
  const result = spawnSync(process.execPath, [script, ...argv, "--quiet"], { stdio: "inherit" });
  if (result.status !== 0) process.exit(1);
}

function show(outcome: Outcome): void {
  if (options.json) {
    console.log(JSON.stringify({ ...outcome, ok: isGood(outcome) }));
    return;
  }
  const share = Math.round((100 * outcome.accepted) / Math.max(1, outcome.iterations));
  const verdict = outcome.finding === null ? "nothing found" : outcome.finding.fault;
  console.log(
    `${outcome.target.padEnd(14)} ${outcome.iterations} cases, ${share} % accepted: ${verdict}`,
  );
  if (outcome.finding !== null && !isGood(outcome)) explain(outcome.finding);
}

function explain({ target, seed, iteration, inputHex }: Finding): void {
  console.log(`  input   ${inputHex}`);
  const place = `--seed ${seed} --from ${iteration} --iterations 1`;
  console.log(`  replay  npm run fuzz -- --target ${target} ${place}`);
}

/** A whole number from the command line. */
function whole(text: string, name: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) {
    console.error(`fuzz: --${name} takes a whole number, not "${text}"`);
    process.exit(2);
  }
  return value;
}

if (options.list) {
  for (const target of TARGETS) console.log(`${target.name.padEnd(14)} ${target.about}`);
  process.exit(0);
}
const chosen = TARGETS.filter((one) => options.target === undefined || one.name === options.target);
if (chosen.length === 0) {
  console.error(`fuzz: no target "${options.target}"; see --list`);
  process.exit(2);
}
const plan = {
  seed: whole(options.seed, "seed"),
  from: whole(options.from, "from"),
  iterations: whole(options.iterations, "iterations"),
};
build(chosen);
let areGood = true;
for (const target of chosen) {
  const outcome = fuzz(target, plan);
  areGood &&= isGood(outcome);
  show(outcome);
}
process.exit(areGood ? 0 : 1);
