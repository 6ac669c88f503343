/** Run by Deno: `deno run --allow-read deno.ts <engine.wasm> <input.json>`; prints the suite's result. */
import { createDigest } from "../../host/shared/engine/digest.ts";
import { createEngine } from "../../host/shared/engine/engine.ts";
import { runSuite, type SuiteInput } from "./suite.ts";

declare const Deno: {
  readonly args: readonly string[];
  readFileSync(path: string): Uint8Array<ArrayBuffer>;
  readTextFileSync(path: string): string;
};

const [wasmPath = "", inputPath = ""] = Deno.args;
const wasm = Deno.readFileSync(wasmPath);
const input = JSON.parse(Deno.readTextFileSync(inputPath)) as SuiteInput;
console.log(JSON.stringify(runSuite(createEngine(wasm), createDigest(wasm), input)));
