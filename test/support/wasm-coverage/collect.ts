/**
 * Collects what instrumented modules record in this thread. Loaded before the code that instantiates
 * them: by vitest as a setup file, by Node with `--import`.
 *
 *   MXP_COVERAGE_OUT     the folder into which the recorded bytes are written, one file a module
 *   MXP_COVERAGE_ENGINE  an instrumented build that stands in for build/engine.wasm, wherever the
 *                        bytes of that file are compiled in this process
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { threadId } from "node:worker_threads";
import { COVERAGE_MODULE, COVERAGE_PAGES } from "./instrument.ts";

const ENGINE = join(import.meta.dirname, "../../../build/engine.wasm");
const out = process.env["MXP_COVERAGE_OUT"];
const memories = new Map<string, WebAssembly.Memory>();

/** The memory into which all instances of module `name` record. */
function memoryOf(name: string): WebAssembly.Memory {
  const memory =
    memories.get(name) ??
    new WebAssembly.Memory({ initial: COVERAGE_PAGES, maximum: COVERAGE_PAGES });
  memories.set(name, memory);
  return memory;
}

/** The imports of an instance, with the coverage memory when its module wants one. */
function withCoverage(
  module: WebAssembly.Module,
  imports: WebAssembly.Imports | undefined,
): WebAssembly.Imports | undefined {
  const wanted = WebAssembly.Module.imports(module).find((one) => one.module === COVERAGE_MODULE);
  if (wanted === undefined) return imports;
  return { ...imports, [COVERAGE_MODULE]: { [wanted.name]: memoryOf(wanted.name) } };
}

/** Writes what was recorded so far. */
export function writeCoverage(): void {
  if (out === undefined) return;
  mkdirSync(out, { recursive: true });
  for (const [name, memory] of memories) {
    const file = `${name}-${process.pid}-${threadId}.bin`;
    writeFileSync(join(out, file), new Uint8Array(memory.buffer));
  }
}

/** Takes the instrumented engine where the built one is compiled. */
function standIn(bytes: BufferSource): BufferSource {
  const instrumented = process.env["MXP_COVERAGE_ENGINE"];
  if (instrumented === undefined || !existsSync(ENGINE)) return bytes;
  const view = ArrayBuffer.isView(bytes)
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes);
  return readFileSync(ENGINE).equals(view) ? readFileSync(instrumented) : bytes;
}

if (out !== undefined) {
  const { Instance, Module } = WebAssembly;
  WebAssembly.Instance = class extends Instance {
    constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
      super(module, withCoverage(module, imports));
    }
  };
  WebAssembly.Module = class extends Module {
    constructor(bytes: BufferSource) {
      super(standIn(bytes));
    }
  };
  process.on("exit", () => writeCoverage());
}
