/**
 * Goal: the same engine.wasm speaks the same protocol in Node, Deno, a browser and an edge worker.
 * Method: each runtime gets the same keys, completes a handshake between two instances and moves 1 MiB each way;
 * transcripts, bytes and even the number of datagrams must be equal everywhere.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadDigest, loadEngine } from "../../host/node/engine.ts";
import { ROOT } from "../support/tree.ts";
import { fetchRuntimes, findChromium } from "./fetch.ts";
import { createSuiteInput } from "./input.ts";
import { javascriptOf, moduleGraph } from "./modules.ts";
import { MOVED_BYTES, runSuite, type SuiteResult } from "./suite.ts";

const ENGINE = join(ROOT, "build/engine.wasm");
const RUNTIMES = join(import.meta.dirname, "node_modules");
const INPUT = createSuiteInput();
const hasRuntimes = fetchRuntimes();
const chromium = findChromium();

if (process.env["CI"] === "true" && (!hasRuntimes || chromium === null)) {
  throw new Error("CI must have every runtime: install chromium and fetch test/hosts");
}
if (chromium === null) console.error("no Chromium on this machine: its test is skipped");

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
  const program = join(RUNTIMES, "deno/bin.cjs");
  const script = join(import.meta.dirname, "deno.ts");
  const output = execFileSync(
    process.execPath,
    [program, "run", "--no-lock", "--no-config", "--allow-read", script, ENGINE, inputPath],
    { encoding: "utf8", env: { ...process.env, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" } },
  );
  expect(JSON.parse(output)).toEqual(reference);
});

test.skipIf(!hasRuntimes)("an edge worker does what Node does", { timeout: 120_000 }, async () => {
  const { Miniflare } = await load<{ Miniflare: new (options: object) => Worker }>(
    "miniflare/dist/src/index.js",
  );
  const entry = "test/hosts/worker.ts";
  const modules = [...moduleGraphWithoutWasm(entry)].map(([path, contents]) => ({
    type: "ESModule",
    path: `/${path}`,
    contents,
  }));
  const wasm = {
    type: "CompiledWasm",
    path: "/test/hosts/engine.wasm",
    contents: readFileSync(ENGINE),
  };
  const worker = new Miniflare({
    modulesRoot: "/",
    modules: [...modules, wasm],
    compatibilityDate: "2026-06-01",
  });
  try {
    const response = await worker.dispatchFetch("http://worker/", {
      method: "POST",
      body: JSON.stringify(INPUT),
    });
    expect(await response.json()).toEqual(reference);
  } finally {
    await worker.dispose();
  }
});

test.skipIf(!hasRuntimes || chromium === null)(
  "headless Chromium does what Node does",
  { timeout: 120_000 },
  async () => {
    const server = await serveTree();
    const { chromium: browserType } = await load<{ chromium: BrowserType }>(
      "playwright-core/index.mjs",
    );
    const browser = await browserType.launch({
      executablePath: chromium ?? "",
      args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
    });
    try {
      const page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      const result = await page.evaluate(pageScript(JSON.stringify(INPUT)));
      expect(result).toEqual(reference);
    } finally {
      await browser.close();
      server.close();
    }
  },
);

/** What the page runs: the suite over the modules that `serveTree` serves. */
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

/** A package of test/hosts. Its types are not there before it is fetched, so the caller names what it uses. */
async function load<Module>(path: string): Promise<Module> {
  return (await import(join(RUNTIMES, path))) as Module;
}

interface BrowserType {
  launch(options: { executablePath: string; args: readonly string[] }): Promise<Browser>;
}

interface Browser {
  newPage(): Promise<{
    goto(url: string): Promise<unknown>;
    evaluate(script: string): Promise<unknown>;
  }>;
  close(): Promise<void>;
}

interface Worker {
  dispatchFetch(url: string, init: { method: string; body: string }): Promise<Response>;
  dispose(): Promise<void>;
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
function serveTree(): Promise<Server> {
  const server = createServer((request, response) => {
    const path = (request.url ?? "/").slice(1);
    if (path === "engine.wasm") {
      response.setHeader("content-type", "application/wasm").end(readFileSync(ENGINE));
    } else if (/^(host\/shared|test\/hosts)\/[\w./-]+\.ts$/.test(path) && !path.includes("..")) {
      response.setHeader("content-type", "text/javascript").end(javascriptOf(path));
    } else if (path === "") {
      response.setHeader("content-type", "text/html").end("<!doctype html><title>MXP</title>");
    } else {
      response.writeHead(404).end();
    }
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}
