/**
 * Fetches the other runtimes and referees of test/hosts/package.json, once, with progress.
 *
 * They are large, so `npm ci` at the root does not bring them. Where they cannot be fetched, the tests that need them
 * say so and are skipped; in CI that is a failure.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = import.meta.dirname;
const STAMP = join(FOLDER, "node_modules/.fetched");

/** True when the packages of the lock are there. */
export function fetchRuntimes(): boolean {
  const lock = readFileSync(join(FOLDER, "package-lock.json"), "utf8");
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === lock) return true;
  console.error("fetching other runtimes and referees (about 500 MB, once) …");
  const result = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: FOLDER,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (result.status !== 0) {
    console.error("they cannot be fetched; the tests that need them do not run");
    return false;
  }
  writeFileSync(STAMP, lock);
  return true;
}

/** The first of these programs that exists, or null. */
export function findProgram(...candidates: string[]): string | null {
  return candidates.find((path) => existsSync(path)) ?? null;
}

/** Debian's and the common browsers. */
export function findChromium(): string | null {
  return findProgram(
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  );
}
