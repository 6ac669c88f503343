/**
 * Goal: the protocol of `rtt apply` keeps its promises whatever fails, and each of its rules is needed. Method: spin
 * explores every state of docs/spec/promela/apply.pml; then once more with one rule left out, and then the promise
 * that the rule serves must be broken. Where spin is not installed the tests say so; in CI it has to be there.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../support/ports.ts";
import { ROOT } from "../../support/tree.ts";

const MODEL = join(ROOT, "docs/spec/promela/apply.pml");

const isThere = ["spin", "gcc"].every((name) => spawnSync("which", [name]).status === 0);
const isCi = process.env["CI"] === "true";

interface Verdict {
  readonly errors: number;
  readonly states: number;
  /** The promise that was broken; null for none. */
  readonly broken: string | null;
}

interface Search {
  /** Definitions for spin, as in TXNS=2. */
  readonly defined?: readonly string[];
  /** Whether to look for behaviours in which something never ends, instead of states that must not be. */
  readonly isLiveness?: boolean;
}

function run(folder: string, program: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: folder,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`${program}: ${error?.message ?? `${stdout}${stderr}`}`);
  return stdout;
}

/** Compiles the model and explores it. A search that was cut short is an error of its own. */
function explore({ defined = [], isLiveness = false }: Search): Verdict {
  const folder = temporaryFolder();
  run(folder, "spin", ["-a", ...defined.map((name) => `-D${name}`), MODEL]);
  const kind = isLiveness ? ["-DNFAIR=3"] : ["-DSAFETY", "-DNOCLAIM"];
  // The compiler takes longer than the search, so that nothing is optimised.
  run(folder, "gcc", ["-O0", "-w", ...kind, "-o", "pan", "pan.c"]);
  const found = run(folder, "./pan", ["-m200000", ...(isLiveness ? ["-a", "-f"] : [])]);
  const errors = Number(/errors: (\d+)/.exec(found)?.[1] ?? Number.NaN);
  const states = Number(/(\d+) states, stored/.exec(found)?.[1] ?? Number.NaN);
  if (/too small|not completed/.test(found) && errors === 0) throw new Error(found);
  const [, assertion, cycle] =
    /pan:1: (?:assertion violated (\w+)|(acceptance cycle))/.exec(found) ?? [];
  return { errors, states, broken: assertion ?? cycle ?? null };
}

test("spin is installed where it has to be", ({ skip }) => {
  if (!isThere && !isCi) skip("spin or gcc is not installed: apt-get install spin gcc");
  expect(isThere).toBe(true);
});

test.for([
  { bounds: "TXNS=2 FAULTS=3", least: 400_000 },
  { bounds: "TXNS=3 FAULTS=1", least: 100_000 },
])("every state of $bounds keeps every promise", ({ bounds, least }, { skip }) => {
  if (!isThere) skip("spin is not installed");
  const verdict = explore({ defined: bounds.split(" ") });
  console.info(`${bounds}: ${verdict.states} states`);
  expect(verdict).toMatchObject({ errors: 0, broken: null });
  // Fewer would mean that the model has lost behaviours.
  expect(verdict.states).toBeGreaterThan(least);
});

test("what was begun ends, in every behaviour", ({ skip }) => {
  if (!isThere) skip("spin is not installed");
  const verdict = explore({ isLiveness: true });
  console.info(`liveness: ${verdict.states} states`);
  expect(verdict).toMatchObject({ errors: 0, broken: null });
});

/** Each rule with the promise that does not hold without it. */
const RULES: readonly (readonly [string, string])[] = [
  ["DURABLE", "shownWasDecided"],
  ["VOTES", "commitHasAllVotes"],
  ["OBSERVE", "flipIsLast"],
  ["BASE", "baseWasChecked"],
  ["OBSERVED", "nothingIsClobbered"],
  ["ORDER", "allOrNothing"],
  ["RECOVERY", "commitHasAllVotes"],
  ["FLIPBACK", "logIsTruth"],
  ["RESTORES", "rollbackIsToApplied"],
];

test.for(RULES)(
  "without the rule %s, spin finds that %s does not hold",
  ([rule, promise], { skip }) => {
    if (!isThere) skip("spin is not installed");
    expect(explore({ defined: [`BROKEN_${rule}`] })).toMatchObject({ errors: 1, broken: promise });
  },
);

test("without limits of time, spin finds a behaviour that never ends", ({ skip }) => {
  if (!isThere) skip("spin is not installed");
  const verdict = explore({ defined: ["BROKEN_LIMIT"], isLiveness: true });
  expect(verdict).toMatchObject({ errors: 1, broken: "acceptance cycle" });
});
