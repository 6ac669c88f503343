/** The command `npm run bench`: lists and runs what lies in bench/ as `<name>.bench.ts`. */
import { readdirSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  ROUNDS_MIN,
  measure,
  type Bench,
  type BenchContext,
  type CaseResult,
  type Measurement,
} from "./harness.ts";

const SUFFIX = ".bench.ts";
const HELP = `Usage: npm run bench -- [name …] [--json] [--rounds n]

Without a name it lists the benches; "all" runs every one. A name that ends in "/" runs that folder.

  --json       one JSON document on standard output instead of tables
  --markdown   tables as docs/measurements.md has them
  --rounds n   interleaved rounds per case, at least ${ROUNDS_MIN} (default 31)
  --help       this text

Times are CPU time per operation. "×" is how many times as fast as the baseline of the case, the median over
the rounds of the ratio within a round, followed by its quartiles. A goal that is missed makes the exit code 1.`;

function benchNames(): string[] {
  return readdirSync(import.meta.dirname, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(SUFFIX))
    .map((file) => file.slice(0, -SUFFIX.length).replaceAll("\\", "/"))
    .sort();
}

async function load(name: string): Promise<Bench> {
  const loaded: { bench: Bench } = await import(join(import.meta.dirname, name + SUFFIX));
  return loaded.bench;
}

/** True unless the measurement has a goal and misses it. */
function isGood(measurement: Measurement): boolean {
  return measurement.goal === undefined || measurement.ratio >= measurement.goal;
}

function lineOf(measurement: Measurement): string {
  const [low, high] = measurement.ratioQuartiles;
  const goal =
    measurement.goal === undefined
      ? ""
      : `  goal ${measurement.goal}× ${isGood(measurement) ? "met" : "MISSED"}`;
  return [
    `  ${measurement.name.padEnd(28)}`,
    `${(measurement.medianNs / 1000).toFixed(3).padStart(10)} µs`,
    `${measurement.ratio.toFixed(2).padStart(8)}×`,
    `  (${low.toFixed(2)}–${high.toFixed(2)})${rateOf(measurement)}${goal}`,
  ].join("");
}

function textOf({ bench, title, baseline, measurements }: CaseResult): string[] {
  return [`${bench} · ${title} (baseline: ${baseline})`, ...measurements.map(lineOf)];
}

function markdownOf({ title, baseline, measurements }: CaseResult): string[] {
  const rows = measurements.map((measurement) => {
    const { name, ratio, ratioQuartiles, medianNs } = measurement;
    const [low, high] = ratioQuartiles.map(shown);
    const cells = [name, `${shown(ratio)}× (${low}–${high})`, `${shown(medianNs / 1000)} µs`];
    return `| ${[...cells, rateOf(measurement).trim()].join(" | ")} |`;
  });
  return [
    `| ${title} | × ${baseline} (quartiles) | median | rate |`,
    "|---|---|---|---|",
    ...rows,
    "",
  ];
}

/** Three digits: no measurement here is better than that. */
function shown(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toPrecision(3);
}

/** How much one core moves in a second. */
function rateOf({ medianNs, moves }: Measurement): string {
  if (moves === undefined) return "";
  const rate = (moves.amount * 1e9) / medianNs;
  return `  ${rate >= 1000 ? Math.round(rate) : rate.toPrecision(3)} ${moves.unit}/s`;
}

function context(name: string, rounds: number, keep: (result: CaseResult) => void): BenchContext {
  const report: BenchContext["report"] = (title, baseline, measurements) =>
    keep({ bench: name, title, baseline, measurements });
  return {
    rounds,
    report,
    compare: async (title, baseline, candidates, options) =>
      report(title, baseline, await measure(candidates, { ...options, baseline, rounds })),
  };
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: "boolean", default: false },
      markdown: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
      rounds: { type: "string", default: "31" },
    },
  });
  const known = benchNames();
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  if (positionals.length === 0) {
    for (const name of known) console.log(`${name.padEnd(24)}${(await load(name)).summary}`);
    return 0;
  }
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < ROUNDS_MIN) {
    console.error(`bench: --rounds must be a whole number of at least ${ROUNDS_MIN}`);
    return 2;
  }
  const isChosen = (name: string) =>
    positionals.some(
      (word) => word === "all" || word === name || (word.endsWith("/") && name.startsWith(word)),
    );
  const chosen = known.filter(isChosen);
  if (chosen.length === 0) {
    console.error(`bench: there is no "${positionals.join(" ")}"; there is ${known.join(", ")}`);
    return 2;
  }
  const results: CaseResult[] = [];
  for (const name of chosen) {
    await (
      await load(name)
    ).run(
      context(name, rounds, (result) => {
        results.push(result);
        if (values.json) return;
        const lines = values.markdown ? markdownOf(result) : textOf(result);
        console.log(lines.join("\n"));
      }),
    );
  }
  if (values.json) console.log(JSON.stringify({ ...machine(), rounds, results }, null, 2));
  return results.every((result) => result.measurements.every(isGood)) ? 0 : 1;
}

function machine() {
  return {
    runtime: `node ${process.version}`,
    platform: `${process.platform} ${process.arch}`,
    processor: cpus()[0]?.model ?? "unknown",
  };
}

process.exitCode = await main();
