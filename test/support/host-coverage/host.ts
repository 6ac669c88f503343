/** Runs tests of the hosts, and adds up what they and every process that they started recorded. */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Coverage, type FileCoverage } from "../wasm-coverage/report.ts";
import { countsOf, hitsOf, type ScriptCoverage } from "./counts.ts";
import { type Place, placesOf } from "./points.ts";

const ROOT = join(import.meta.dirname, "../../..");
const RECORDED = join(ROOT, "build/coverage/recorded/host");
const VITEST = join(ROOT, "node_modules/vitest/vitest.mjs");
const CONFIG = "test/support/host-coverage/vitest.config.ts";
const SOURCES = globSync("host/**/*.ts", { cwd: ROOT }).filter((file) => !file.endsWith(".d.ts"));

interface Source {
  readonly places: readonly Place[];
  readonly length: number;
  readonly mtimeMs: number;
}

/** Forgets earlier runs. */
export function forgetHost(): void {
  rmSync(RECORDED, { recursive: true, force: true });
}

/** Runs test files and folders; false when one failed. */
export function exerciseHost(tests: readonly string[]): boolean {
  mkdirSync(RECORDED, { recursive: true });
  const result = spawnSync(process.execPath, [VITEST, "run", "--config", CONFIG, ...tests], {
    cwd: ROOT,
    stdio: "inherit",
    env: { ...process.env, NODE_V8_COVERAGE: RECORDED },
  });
  return result.status === 0;
}

/** Reads everything that was recorded; a file that no process loaded was not executed. */
export function measureHost(): FileCoverage[] {
  const coverage = new Coverage();
  const known = new Map<string, Source>();
  for (const file of SOURCES) {
    const text = readFileSync(join(ROOT, file), "utf8");
    const places = placesOf(file, text);
    const { mtimeMs } = statSync(join(ROOT, file));
    known.set(pathToFileURL(join(ROOT, file)).href, { places, length: text.length, mtimeMs });
    coverage.add(places, new Uint8Array());
  }
  for (const record of existsSync(RECORDED) ? readdirSync(RECORDED) : []) {
    const { mtimeMs } = statSync(join(RECORDED, record));
    for (const script of scriptsOf(join(RECORDED, record))) {
      const source = known.get(script.url);
      // What was recorded before a file was changed names places that are elsewhere now.
      if (source === undefined || source.mtimeMs > mtimeMs) continue;
      coverage.add(source.places, hitsOf(source.places, countsOf(script, source.length)));
    }
  }
  return coverage.files();
}

/** A process that was killed while it wrote leaves half a file, which tells nothing. */
function scriptsOf(path: string): readonly ScriptCoverage[] {
  try {
    return (JSON.parse(readFileSync(path, "utf8")) as { result: ScriptCoverage[] }).result;
  } catch {
    return [];
  }
}
