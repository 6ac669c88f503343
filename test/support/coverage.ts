/**
 * Line and branch coverage of the engine: `npm run coverage:engine -- [area …]`.
 *
 *   --json            one line of JSON at the end
 *   --missing         names every line and every arm that was not executed
 *   --min-branches N  exits with 1 when an area has less than N percent of its branches
 *   --no-fuzz         leaves the fuzzers out;  --only-fuzz leaves the tests out
 *
 * An area is a folder of assembly/. For each, the modules that reach it are compiled without
 * optimization, so that branches are those of the source; instrumented (wasm-coverage/instrument.ts);
 * and its tests, simulations and fuzzers run against them. An arm is one way out of an `if`, `&&`, `||`, `?:`, loop condition or
 * `switch` case, after compilation: both must be taken.
 */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { instrument, type Point } from "./wasm-coverage/instrument.ts";
import {
  Coverage,
  type FileCoverage,
  missingPlaces,
  percent,
  table,
  total,
} from "./wasm-coverage/report.ts";
import { decodeSourceMap } from "./wasm-coverage/source-map.ts";

const ROOT = join(import.meta.dirname, "../..");
/** Each area has a folder of its own in it, so that several can be measured at the same time. */
const COVERAGE = join(ROOT, "build/coverage");
const ASC = join(ROOT, "node_modules/assemblyscript/bin/asc.js");
const VITEST = join(ROOT, "node_modules/vitest/vitest.mjs");
const COLLECT = join(import.meta.dirname, "wasm-coverage/collect.ts");
const FUZZ_ITERATIONS = 20_000;
/** A case of the whole engine is a connection of its own. */
const ENGINE_FUZZ_ITERATIONS = 2000;

/** How a folder of assembly/ is exercised. */
interface Area {
  /** Test entries that reach it; "engine" is the whole engine. */
  readonly modules: readonly string[];
  /** Test files and folders. */
  readonly tests: readonly string[];
  /** Fuzz targets. */
  readonly fuzz?: readonly string[];
  /** Seeds of the simulator, 1 to this. */
  readonly seeds?: number;
}

/** Tests of the whole engine, in which no other engine than the instrumented one takes part. */
const ENGINE_TESTS = [
  "test/unit/connection/*.test.ts",
  "test/unit/endpoint/*.test.ts",
  // layout.test.ts is about the released build itself.
  "test/unit/engine/engine.test.ts",
  "test/conformance/second-implementation.test.ts",
];
const ENGINE_TARGETS = ["handshake", "connection"];
const WIRE_TARGETS = ["frames", "ack", "parameters", "short-header", "long-header", "message"];

const AREAS: Readonly<Record<string, Area>> = {
  base: {
    modules: ["base", "crypto-a", "recovery", "stream"],
    tests: ["test/unit/base", "test/unit/recovery", "test/unit/stream"],
  },
  crypto: {
    modules: ["crypto-a", "crypto-b"],
    // The two tests that are left out read the optimized build itself.
    tests: ["aead", "chacha20", "poly1305", "hkdf", "hmac", "sha", "generator"]
      .concat(["constant-time.test", "x25519", "ed25519"])
      .map((name) => `test/unit/crypto/**/${name}*`),
  },
  wire: {
    modules: ["wire"],
    tests: ["test/unit/wire", "test/conformance/mxp-message.test.ts"],
    fuzz: WIRE_TARGETS,
  },
  noise: { modules: ["noise"], tests: ["test/unit/noise", "test/conformance/noise.test.ts"] },
  certificate: {
    modules: ["certificate"],
    tests: ["test/unit/certificate"],
    fuzz: ["certificate"],
  },
  recovery: { modules: ["recovery", "engine"], tests: ["test/unit/recovery"], seeds: 10 },
  stream: { modules: ["stream", "engine"], tests: ["test/unit/stream"], seeds: 10 },
  connection: {
    modules: ["engine", "connection"],
    tests: ENGINE_TESTS,
    fuzz: ENGINE_TARGETS,
    seeds: 10,
  },
  endpoint: {
    modules: ["engine", "connection"],
    tests: ENGINE_TESTS,
    fuzz: ENGINE_TARGETS,
    seeds: 10,
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

type Environment = Readonly<Record<string, string>>;

/** Runs a program and stops when it fails; what it prints is shown unless `isQuiet`. */
function run(argv: readonly string[], environment: Environment = {}, isQuiet = false): void {
  const result = spawnSync(process.execPath, argv, {
    cwd: ROOT,
    stdio: ["ignore", options.json || isQuiet ? "ignore" : "inherit", "inherit"],
    env: { ...process.env, ...environment },
  });
  if (result.status === 0) return;
  console.error(`coverage: ${argv.join(" ")} failed with exit code ${result.status}`);
  process.exit(1);
}

/** Compiles and instruments one module; returns what its coverage bytes mean. */
function build(name: string, work: string): readonly Point[] {
  const plain = join(work, "plain", `${name}.wasm`);
  const source = name === "engine" ? "assembly/index.ts" : `test/entry/${name}.ts`;
  const switches = "--config asconfig.json --target test --optimizeLevel 0 --shrinkLevel 0";
  run([ASC, source, ...switches.split(" "), "-o", plain]);
  const mappings = decodeSourceMap(readFileSync(`${plain}.map`, "utf8"));
  const isWanted = (file: string) => file.startsWith("assembly/");
  const { bytes, points } = instrument(readFileSync(plain), mappings, name, isWanted);
  writeFileSync(join(work, `${name}.wasm`), bytes);
  return points;
}

/** Runs the tests, simulations and fuzzers of one area against its instrumented modules. */
function exercise(area: Area, work: string, recorded: string): void {
  const environment = {
    MXP_TEST_MODULES: work,
    MXP_COVERAGE_OUT: recorded,
    ...(area.modules.includes("engine") && { MXP_COVERAGE_ENGINE: join(work, "engine.wasm") }),
  };
  const tests = area.tests.flatMap((pattern) => globSync(pattern, { cwd: ROOT }));
  if (!options["only-fuzz"] && tests.length > 0) {
    const config = "test/support/wasm-coverage/vitest.config.ts";
    run([VITEST, "run", "--config", config, "--passWithNoTests", ...tests], environment);
  }
  // One process a seed: threads may be ended before they can write down what they recorded.
  for (let seed = 1; !options["only-fuzz"] && seed <= (area.seeds ?? 0); seed++) {
    const argv = ["test/sim/main.ts", "--seed", String(seed), "--twice-every", "0"];
    run(["--import", COLLECT, ...argv], environment, true);
  }
  for (const target of options["no-fuzz"] ? [] : (area.fuzz ?? [])) {
    const count = ENGINE_TARGETS.includes(target) ? ENGINE_FUZZ_ITERATIONS : FUZZ_ITERATIONS;
    const loop = ["--target", target, "--seed", "1", "--iterations", String(count)];
    run(["--import", COLLECT, "test/fuzz/main.ts", ...loop], environment);
  }
}

/** Builds, runs and reads one area. */
function measure(name: string, area: Area): FileCoverage[] {
  const work = join(COVERAGE, name);
  const recorded = join(work, "recorded");
  rmSync(recorded, { recursive: true, force: true });
  mkdirSync(join(work, "plain"), { recursive: true });
  // The instrumented engine stands in for the built one, which therefore has to be there.
  if (area.modules.includes("engine")) run(["build.ts", "engine", "--quiet"]);
  const points = new Map(area.modules.map((module) => [module, build(module, work)]));
  exercise(area, work, recorded);
  const coverage = new Coverage();
  for (const known of points.values()) coverage.add(known, new Uint8Array());
  for (const file of existsSync(recorded) ? readdirSync(recorded) : []) {
    const known = points.get(file.slice(0, file.search(/-\d+-\d+\.bin$/)));
    if (known !== undefined) coverage.add(known, readFileSync(join(recorded, file)));
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
  for (const place of missingPlaces(files)) console.log(place);
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
