/**
 * Line and branch coverage of the engine: `npm run coverage:engine -- [area …]`.
 *
 *   --json            one line of JSON at the end
 *   --missing         names every arm that was not executed
 *   --min-branches N  exits with 1 when an area has less than N percent of its branches
 *   --no-fuzz         leaves the fuzzers out;  --only-fuzz leaves the tests out
 *
 * An area is a folder of assembly/. For each, its test entry is compiled without optimization, so
 * that branches are those of the source; instrumented (wasm-coverage/instrument.ts); and its tests run
 * against that module. An arm is one way out of an `if`, `&&`, `||`, `?:`, loop condition or
 * `switch` case, after compilation: both must be taken.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { instrument, type Point } from "./wasm-coverage/instrument.ts";
import { Coverage, type FileCoverage, percent, table, total } from "./wasm-coverage/report.ts";
import { decodeSourceMap } from "./wasm-coverage/source-map.ts";

const ROOT = join(import.meta.dirname, "../..");
const WORK = join(ROOT, "build/coverage");
const ASC = join(ROOT, "node_modules/assemblyscript/bin/asc.js");
const VITEST = join(ROOT, "node_modules/vitest/vitest.mjs");
const COLLECT = join(import.meta.dirname, "wasm-coverage/collect.ts");
const FUZZ_ITERATIONS = 20_000;

/**
 * A folder of assembly/, the entries that reach it, the tests that exercise it, the fuzz targets.
 */
interface Area {
  readonly entries: readonly string[];
  readonly tests: readonly string[];
  readonly fuzz: readonly string[];
}

const WIRE_TARGETS = ["frames", "ack", "parameters", "short-header", "long-header", "message"];

const AREAS: Readonly<Record<string, Area>> = {
  wire: {
    entries: ["wire"],
    tests: ["test/unit/wire", "test/conformance/mxp-message.test.ts"],
    fuzz: WIRE_TARGETS,
  },
};

const { values: options, positionals } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    missing: { type: "boolean", default: false },
    "min-branches": { type: "string", default: "0" },
    "no-fuzz": { type: "boolean", default: false },
    "only-fuzz": { type: "boolean", default: false },
  },
});

/** Runs a program and stops when it fails. */
function run(argv: readonly string[], environment: Readonly<Record<string, string>> = {}): void {
  const result = spawnSync(process.execPath, argv, {
    cwd: ROOT,
    stdio: ["ignore", options.json ? "ignore" : "inherit", "inherit"],
    env: { ...process.env, ...environment },
  });
  if (result.status === 0) return;
  console.error(`coverage: ${argv.join(" ")} failed with exit code ${result.status}`);
  process.exit(1);
}

/** Compiles and instruments one entry; returns what its coverage bytes mean. */
function build(entry: string): readonly Point[] {
  const plain = join(WORK, "plain", `${entry}.wasm`);
  const inputs = `test/entry/${entry}.ts --config asconfig.json --target test`;
  run([ASC, ...`${inputs} --optimizeLevel 0 --shrinkLevel 0`.split(" "), "-o", plain]);
  const mappings = decodeSourceMap(readFileSync(`${plain}.map`, "utf8"));
  const isWanted = (file: string) => file.startsWith("assembly/");
  const { bytes, points } = instrument(readFileSync(plain), mappings, entry, isWanted);
  writeFileSync(join(WORK, `${entry}.wasm`), bytes);
  return points;
}

/** Runs the tests and fuzzers of one area against its instrumented modules. */
function exercise(area: Area, recorded: string): void {
  const environment = { MXP_TEST_MODULES: WORK, MXP_COVERAGE_OUT: recorded };
  if (!options["only-fuzz"]) {
    const config = "test/support/wasm-coverage/vitest.config.ts";
    run([VITEST, "run", "--config", config, ...area.tests], environment);
  }
  if (options["no-fuzz"]) return;
  for (const target of area.fuzz) {
    const loop = ["--target", target, "--seed", "1", "--iterations", String(FUZZ_ITERATIONS)];
    run(["--import", COLLECT, "test/fuzz/main.ts", ...loop], environment);
  }
}

/** Builds, runs and reads one area. */
function measure(name: string, area: Area): FileCoverage[] {
  const recorded = join(WORK, "recorded", name);
  rmSync(recorded, { recursive: true, force: true });
  mkdirSync(join(WORK, "plain"), { recursive: true });
  const points = new Map(area.entries.map((entry) => [entry, build(entry)]));
  exercise(area, recorded);
  const coverage = new Coverage();
  for (const entryPoints of points.values()) coverage.add(entryPoints, new Uint8Array());
  for (const file of existsSync(recorded) ? readdirSync(recorded) : []) {
    const entry = file.slice(0, file.search(/-\d+-\d+\.bin$/));
    const entryPoints = points.get(entry);
    if (entryPoints !== undefined) coverage.add(entryPoints, readFileSync(join(recorded, file)));
  }
  return coverage.files().filter((one) => one.file.startsWith(`assembly/${name}/`));
}

const names = positionals.length > 0 ? positionals : Object.keys(AREAS);
const files: FileCoverage[] = [];
const areas: FileCoverage[] = [];
for (const name of names) {
  const area = AREAS[name];
  if (area === undefined) {
    console.error(`coverage: no area "${name}"; the areas are ${Object.keys(AREAS).join(", ")}`);
    process.exit(2);
  }
  const measured = measure(name, area);
  files.push(...measured);
  areas.push(total(measured, `assembly/${name}`));
}
if (options.missing) {
  for (const one of files) for (const arm of one.missing) console.log(`${one.file}:${arm}`);
}
const isShort = areas.some(
  (one) => percent(one.armsHit, one.arms) < Number(options["min-branches"]),
);
if (options.json) {
  const summary = areas.map((one) => [
    one.file,
    { lines: percent(one.linesHit, one.lines), branches: percent(one.armsHit, one.arms) },
  ]);
  console.log(JSON.stringify({ areas: Object.fromEntries(summary), ok: !isShort }));
} else {
  console.log(table(files, areas));
}
process.exit(isShort ? 1 : 0);
