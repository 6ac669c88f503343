/**
 * Goal: one project has one plan, byte for byte, in Node, Deno, a browser and an edge worker.
 * Method: registry, configuration, views, solver and signature of the same project in each runtime; the digests of the
 * signed plans must be equal, and the exact solver must have been asked.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT } from "../support/tree.ts";
import { bundleOf } from "./bundle.ts";
import { fetchRuntimes, findChromium } from "./fetch.ts";
import { type PlanSuiteResult, runPlanSuite } from "./plan-suite.ts";

const ENGINE = join(ROOT, "build/engine.wasm");
const SOLVER = join(ROOT, "node_modules/highs/build/highs.wasm");
const RUNTIMES = join(import.meta.dirname, "node_modules");
const hasRuntimes = fetchRuntimes();
const chromium = findChromium();

let folder = "";
let bundle = "";
let reference: PlanSuiteResult;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "mxp-plan-"));
  bundle = await bundleOf("test/hosts/plan-suite.ts");
  writeFileSync(join(folder, "plan.mjs"), bundle);
  reference = await runPlanSuite(
    readFileSync(ENGINE),
    new WebAssembly.Module(readFileSync(SOLVER)),
  );
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("Node: the project has routes, files, and a question for the solver", () => {
  expect(reference.planId).toMatch(/^sha256-[0-9a-f]{64}$/);
  expect(reference.routes).toBeGreaterThan(3);
  expect(reference.files).toBeGreaterThan(3);
  expect(reference.solverCalls).toBeGreaterThan(0);
});

test("Node from the bundle: bundling changes nothing", async () => {
  const { runPlanSuite: bundled } = (await import(join(folder, "plan.mjs"))) as {
    runPlanSuite: typeof runPlanSuite;
  };
  const solver = new WebAssembly.Module(readFileSync(SOLVER));
  expect(await bundled(readFileSync(ENGINE), solver)).toEqual(reference);
});

test.skipIf(!hasRuntimes)("Deno plans what Node plans", { timeout: 120_000 }, () => {
  const script = join(folder, "deno.mjs");
  writeFileSync(
    script,
    `import { runPlanSuite } from "./plan.mjs";
     const [engine, solver] = Deno.args.map((path) => Deno.readFileSync(path));
     console.log(JSON.stringify(await runPlanSuite(engine, new WebAssembly.Module(solver))));`,
  );
  const program = join(RUNTIMES, "deno/bin.cjs");
  const output = execFileSync(
    process.execPath,
    [
      program,
      "run",
      "--no-lock",
      "--no-config",
      "--allow-read",
      "--allow-env",
      script,
      ENGINE,
      SOLVER,
    ],
    { encoding: "utf8", env: { ...process.env, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" } },
  );
  expect(JSON.parse(output)).toEqual(reference);
});

test.skipIf(!hasRuntimes)(
  "an edge worker plans what Node plans",
  { timeout: 120_000 },
  async () => {
    const { Miniflare } = await load<{ Miniflare: new (options: object) => Worker }>(
      "miniflare/dist/src/index.js",
    );
    const wasm = (path: string, file: string) => {
      return { type: "CompiledWasm", path, contents: readFileSync(file) };
    };
    const entry = `import { runPlanSuite } from "./plan.mjs";
    import engine from "./engine.wasm";
    import solver from "./highs.wasm";
    export default { fetch: async () => Response.json(await runPlanSuite(engine, solver)) };`;
    const worker = new Miniflare({
      modulesRoot: "/",
      modules: [
        { type: "ESModule", path: "/entry.mjs", contents: entry },
        { type: "ESModule", path: "/plan.mjs", contents: bundle },
        wasm("/engine.wasm", ENGINE),
        wasm("/highs.wasm", SOLVER),
      ],
      compatibilityDate: "2026-06-01",
    });
    try {
      const response = await worker.dispatchFetch("http://worker/");
      expect(await response.json()).toEqual(reference);
    } finally {
      await worker.dispose();
    }
  },
);

test.skipIf(!hasRuntimes || chromium === null)(
  "headless Chromium plans what Node plans",
  { timeout: 120_000 },
  async () => {
    const server = await serve();
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
      const result = await page.evaluate(`(async () => {
        const { runPlanSuite } = await import("/plan.mjs");
        const compile = async (path) => WebAssembly.compileStreaming(fetch(path));
        return runPlanSuite(await compile("/engine.wasm"), await compile("/highs.wasm"));
      })()`);
      expect(result).toEqual(reference);
    } finally {
      await browser.close();
      server.close();
    }
  },
);

/** A package of test/hosts. Its types are not there before it is fetched, so the caller names what it uses. */
async function load<Module>(path: string): Promise<Module> {
  return (await import(join(RUNTIMES, path))) as Module;
}

interface Worker {
  dispatchFetch(url: string): Promise<Response>;
  dispose(): Promise<void>;
}

interface BrowserType {
  launch(options: { executablePath: string; args: readonly string[] }): Promise<{
    newPage(): Promise<{
      goto(url: string): Promise<unknown>;
      evaluate(script: string): Promise<unknown>;
    }>;
    close(): Promise<void>;
  }>;
}

/** Serves the bundle, both WebAssembly modules, and an empty page. */
function serve(): Promise<Server> {
  const answers: Readonly<Record<string, readonly [string, () => string | Buffer]>> = {
    "/": ["text/html", () => "<!doctype html><title>MXP</title>"],
    "/plan.mjs": ["text/javascript", () => bundle],
    "/engine.wasm": ["application/wasm", () => readFileSync(ENGINE)],
    "/highs.wasm": ["application/wasm", () => readFileSync(SOLVER)],
  };
  const server = createServer((request, response) => {
    const answer = answers[request.url ?? ""];
    if (answer === undefined) response.writeHead(404).end();
    else response.setHeader("content-type", answer[0]).end(answer[1]());
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}
