/**
 * Goal: the same engine.wasm speaks the same protocol in Node, Deno, a browser and an edge worker.
 * Method: each runtime gets the same keys, completes a handshake between two instances and moves 1 MiB each way;
 * transcripts, bytes and even the number of datagrams must be equal everywhere.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadDigest, loadEngine } from "../../host/node/engine.ts";
import { ROOT } from "../support/tree.ts";
import { createSuiteInput } from "./input.ts";
import { javascriptOf, moduleGraph } from "./modules.ts";
import {
  askWorker,
  chromium,
  evaluateInChromium,
  hasRuntimes,
  runInDeno,
  type WorkerModule,
} from "./runtimes.ts";
import { MOVED_BYTES, runSuite, type SuiteResult } from "./suite.ts";

const ENGINE = join(ROOT, "build/engine.wasm");
const INPUT = createSuiteInput();

let folder = "";
let reference: SuiteResult;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "mxp-hosts-"));
  reference = runSuite(loadEngine(), loadDigest(), INPUT);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("Node: both sides have one transcript and every byte", () => {
  expect(reference.transcripts[0]).toMatch(/^[0-9a-f]{64}$/);
  expect(reference.transcripts[1]).toBe(reference.transcripts[0]);
  expect(reference.movedBytes).toEqual([MOVED_BYTES, MOVED_BYTES]);
  expect(reference.digests).toEqual(reference.expected);
});

test("Node again: the engine is a function of its input", () => {
  expect(runSuite(loadEngine(), loadDigest(), INPUT)).toEqual(reference);
});

test.skipIf(!hasRuntimes)("Deno does what Node does", { timeout: 120_000 }, () => {
  const inputPath = join(folder, "input.json");
  writeFileSync(inputPath, JSON.stringify(INPUT));
  const script = join(import.meta.dirname, "deno.ts");
  expect(runInDeno(script, [ENGINE, inputPath])).toEqual(reference);
});

test.skipIf(!hasRuntimes)("an edge worker does what Node does", { timeout: 120_000 }, async () => {
  const entry = "test/hosts/worker.ts";
  const modules = [...moduleGraphWithoutWasm(entry)].map(([path, contents]): WorkerModule => {
    return { type: "ESModule", path: `/${path}`, contents };
  });
  const wasm: WorkerModule = {
    type: "CompiledWasm",
    path: "/test/hosts/engine.wasm",
    contents: readFileSync(ENGINE),
  };
  const request = { method: "POST", body: JSON.stringify(INPUT) };
  expect(await askWorker([...modules, wasm], request)).toEqual(reference);
});

test.skipIf(!hasRuntimes || chromium === null)(
  "headless Chromium does what Node does",
  { timeout: 120_000 },
  async () => {
    const script = pageScript(JSON.stringify(INPUT));
    expect(await evaluateInChromium(answerFromTree, script)).toEqual(reference);
  },
);

/** What the page runs: the suite over the modules that `answerFromTree` serves. */
function pageScript(input: string): string {
  return `(async () => {
    const [engine, digest, suite, wasm] = await Promise.all([
      import("/host/shared/engine/engine.ts"),
      import("/host/shared/engine/digest.ts"),
      import("/test/hosts/suite.ts"),
      fetch("/engine.wasm").then((response) => WebAssembly.compileStreaming(response)),
    ]);
    return suite.runSuite(engine.createEngine(wasm), digest.createDigest(wasm), ${input});
  })()`;
}

/** The worker's modules; the engine itself is added as a compiled module. */
function moduleGraphWithoutWasm(entry: string): Map<string, string> {
  const modules = new Map([[entry, javascriptOf(entry)]]);
  for (const root of [
    "test/hosts/suite.ts",
    "host/shared/engine/engine.ts",
    "host/shared/engine/digest.ts",
  ]) {
    for (const [path, code] of moduleGraph(root)) modules.set(path, code);
  }
  return modules;
}

/** Serves the tree's portable modules as JavaScript, the engine, and an empty page. */
function answerFromTree({ url = "/" }: IncomingMessage, response: ServerResponse): void {
  const path = url.slice(1);
  if (path === "engine.wasm") {
    response.setHeader("content-type", "application/wasm").end(readFileSync(ENGINE));
  } else if (/^(host\/shared|test\/hosts)\/[\w./-]+\.ts$/.test(path) && !path.includes("..")) {
    response.setHeader("content-type", "text/javascript").end(javascriptOf(path));
  } else if (path === "") {
    response.setHeader("content-type", "text/html").end("<!doctype html><title>MXP</title>");
  } else {
    response.writeHead(404).end();
  }
}
