/**
 * Goal: what is reported about a host's source is what was executed, in this process or in another. Method: a small
 * program with one branch of each kind, run by Node.js itself under NODE_V8_COVERAGE with chosen arguments.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { countsOf, hitsOf, type ScriptCoverage } from "../../support/host-coverage/counts.ts";
import { placesOf } from "../../support/host-coverage/points.ts";
import { Coverage } from "../../support/wasm-coverage/report.ts";
import { temporaryFolder } from "../../support/ports.ts";

const SOURCE = `type Word = "one" | "two"; interface Unused { readonly x: number }
const words: readonly Word[] = process.argv.slice(2) as Word[];
function never(): string {
  return "never";
}
function pick(word: Word | undefined): string {
  if (word === undefined) return never();
  if (word === "two") {
    process.exitCode = 0;
  }
  switch (word) {
    case "one":
      return word === "one" && words.length > 1 ? "é" : "b";
    default:
      return process.env["NO_SUCH_NAME"] ?? "none";
  }
}
for (const word of words) pick(word);
`;
const FILE = "host/sample.ts";

/** Runs the program once for each list of arguments and adds up what was recorded. */
function missingAfter(...runs: readonly (readonly string[])[]): readonly string[] {
  const folder = temporaryFolder();
  const path = join(folder, "sample.ts");
  writeFileSync(path, SOURCE);
  const recorded = join(folder, "recorded");
  for (const args of runs) {
    const env = { ...process.env, NODE_V8_COVERAGE: recorded };
    expect(spawnSync(process.execPath, [path, ...args], { env }).status).toBe(0);
  }
  const places = placesOf(FILE, SOURCE);
  const coverage = new Coverage();
  coverage.add(places, new Uint8Array());
  for (const file of runs.length > 0 ? readdirSync(recorded) : []) {
    const { result } = JSON.parse(readFileSync(join(recorded, file), "utf8")) as {
      result: ScriptCoverage[];
    };
    const script = result.find(({ url }) => url === pathToFileURL(path).href);
    if (script !== undefined) coverage.add(places, hitsOf(places, countsOf(script, SOURCE.length)));
  }
  const [file] = coverage.files();
  return file?.missing ?? [];
}

test("one run leaves exactly the arms that it did not take", () => {
  expect(missingAfter(["one"])).toEqual([
    "3:1 function called",
    "7:3 if true",
    "8:3 if true",
    "13:14 ?: true",
    "13:32 && short",
    "14:5 case taken",
    "15:45 ?? right",
    "15:45 ?? short",
  ]);
});

test("runs in several processes add up", () => {
  expect(missingAfter(["one"], ["two"], ["one", "one"])).toEqual([
    "3:1 function called",
    "7:3 if true",
    "13:32 && short",
    "15:45 ?? short",
  ]);
});

test("a program that did not run has nothing executed, and types are no code", () => {
  const places = placesOf(FILE, SOURCE);
  expect(missingAfter()).toHaveLength(places.filter(({ kind }) => kind === "arm").length);
  expect(places.filter(({ line }) => line === 1)).toEqual([]);
});
