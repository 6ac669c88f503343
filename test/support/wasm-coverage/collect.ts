/**
 * Collects what instrumented modules recorded in this thread. Loaded before the code that
 * instantiates them: by vitest as a setup file, by Node with `--import`. Every instance is
 * remembered; at the end the bytes of all instances of one module are merged and written to the
 * folder that MXP_COVERAGE_OUT names.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { threadId } from "node:worker_threads";

const PREFIX = "coverage:";
const out = process.env["MXP_COVERAGE_OUT"];
const recorded = new Map<string, WebAssembly.Memory[]>();
const Original = WebAssembly.Instance;
let dumps = 0;

/** Notes the coverage memory of a new instance. */
function note(instance: WebAssembly.Instance): void {
  for (const [name, value] of Object.entries(instance.exports)) {
    if (!name.startsWith(PREFIX) || !(value instanceof WebAssembly.Memory)) continue;
    const module = name.slice(PREFIX.length);
    const memories = recorded.get(module) ?? [];
    memories.push(value);
    recorded.set(module, memories);
  }
}

if (out !== undefined) {
  WebAssembly.Instance = class extends Original {
    constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
      super(module, imports);
      note(this);
    }
  };
  process.on("exit", () => writeCoverage());
}

/**
 * Writes what was recorded so far; instances that go on recording are written again the next time.
 */
export function writeCoverage(): void {
  if (out === undefined) return;
  mkdirSync(out, { recursive: true });
  for (const [module, memories] of recorded) {
    const merged = new Uint8Array(memories[0]!.buffer.byteLength);
    for (const memory of memories) {
      for (const [at, byte] of new Uint8Array(memory.buffer).entries()) merged[at]! |= byte;
    }
    const file = `${module}-${process.pid}-${threadId}-${dumps++}.bin`;
    writeFileSync(join(out, file), merged);
  }
}
