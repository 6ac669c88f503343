/** Runs a script in each runtime that is no Node.js: Deno, an edge worker, headless Chromium. */
import { execFileSync } from "node:child_process";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fetchRuntimes, findChromium } from "./fetch.ts";

const RUNTIMES = join(import.meta.dirname, "node_modules");
const DENO = join(RUNTIMES, "deno/bin.cjs");

export const hasRuntimes: boolean = fetchRuntimes();
export const chromium: string | null = findChromium();

if (process.env["CI"] === "true" && (!hasRuntimes || chromium === null)) {
  throw new Error("CI must have every runtime: install chromium and fetch test/hosts");
}
if (chromium === null) console.error("no Chromium on this machine: its test is skipped");

/** What a script in Deno prints, as JSON. */
export function runInDeno(script: string, args: readonly string[], flags: readonly string[] = []) {
  const output = execFileSync(
    process.execPath,
    [DENO, "run", "--no-lock", "--no-config", "--allow-read", ...flags, script, ...args],
    { encoding: "utf8", env: { ...process.env, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" } },
  );
  return JSON.parse(output) as unknown;
}

/** A module of a worker, the entry first. */
export interface WorkerModule {
  readonly type: "ESModule" | "CompiledWasm";
  readonly path: string;
  readonly contents: string | Uint8Array;
}

interface Worker {
  dispatchFetch(url: string, init?: { method: string; body: string }): Promise<Response>;
  dispose(): Promise<void>;
}

/** What an edge worker answers, as JSON. */
export async function askWorker(
  modules: readonly WorkerModule[],
  request?: { readonly method: string; readonly body: string },
): Promise<unknown> {
  const { Miniflare } = await load<{ Miniflare: new (options: object) => Worker }>(
    "miniflare/dist/src/index.js",
  );
  const worker = new Miniflare({ modulesRoot: "/", modules, compatibilityDate: "2026-06-01" });
  try {
    return await (await worker.dispatchFetch("http://worker/", request)).json();
  } finally {
    await worker.dispose();
  }
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

/** What a script comes to on a page of headless Chromium, whose origin is served by `answer`. */
export async function evaluateInChromium(
  answer: RequestListener,
  script: string,
): Promise<unknown> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
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
    return await page.evaluate(script);
  } finally {
    await browser.close();
    server.close();
  }
}

/** A package of test/hosts. Its types are not there before it is fetched, so the caller names what it uses. */
async function load<Module>(path: string): Promise<Module> {
  return (await import(join(RUNTIMES, path))) as Module;
}
