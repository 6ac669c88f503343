/**
 * Goal: one project has one plan, byte for byte, in Node, Deno, a browser and an edge worker.
 * Method: registry, configuration, views, solver and signature of the same project in each runtime; the digests of the
 * signed plans must be equal, and the exact solver must have been asked.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT } from "../support/tree.ts";
import { bundleOf } from "./bundle.ts";
import { type PlanSuiteResult, runPlanSuite } from "./plan-suite.ts";
import {
  askWorker,
  chromium,
  evaluateInChromium,
  hasRuntimes,
  runInDeno,
  type WorkerModule,
} from "./runtimes.ts";

const ENGINE = join(ROOT, "build/engine.wasm");
const SOLVER = join(ROOT, "node_modules/highs/build/highs.wasm");

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
  expect(runInDeno(script, [ENGINE, SOLVER], ["--allow-env"])).toEqual(reference);
});

test.skipIf(!hasRuntimes)(
  "an edge worker plans what Node plans",
  { timeout: 120_000 },
  async () => {
    const wasm = (path: string, file: string): WorkerModule => {
      return { type: "CompiledWasm", path, contents: readFileSync(file) };
    };
    const entry = `import { runPlanSuite } from "./plan.mjs";
    import engine from "./engine.wasm";
    import solver from "./highs.wasm";
    export default { fetch: async () => Response.json(await runPlanSuite(engine, solver)) };`;
    const answer = await askWorker([
      { type: "ESModule", path: "/entry.mjs", contents: entry },
      { type: "ESModule", path: "/plan.mjs", contents: bundle },
      wasm("/engine.wasm", ENGINE),
      wasm("/highs.wasm", SOLVER),
    ]);
    expect(answer).toEqual(reference);
  },
);

test.skipIf(!hasRuntimes || chromium === null)(
  "headless Chromium plans what Node plans",
  { timeout: 120_000 },
  async () => {
    const script = `(async () => {
      const { runPlanSuite } = await import("/plan.mjs");
      const compile = async (path) => WebAssembly.compileStreaming(fetch(path));
      return runPlanSuite(await compile("/engine.wasm"), await compile("/highs.wasm"));
    })()`;
    expect(await evaluateInChromium(answerPage, script)).toEqual(reference);
  },
);

/** Serves the bundle, both WebAssembly modules, and an empty page. */
function answerPage({ url = "" }: IncomingMessage, response: ServerResponse): void {
  const answers: Readonly<Record<string, readonly [string, () => string | Buffer]>> = {
    "/": ["text/html", () => "<!doctype html><title>MXP</title>"],
    "/plan.mjs": ["text/javascript", () => bundle],
    "/engine.wasm": ["application/wasm", () => readFileSync(ENGINE)],
    "/highs.wasm": ["application/wasm", () => readFileSync(SOLVER)],
  };
  const answer = answers[url];
  if (answer === undefined) response.writeHead(404).end();
  else response.setHeader("content-type", answer[0]).end(answer[1]());
}
