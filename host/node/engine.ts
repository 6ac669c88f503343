/** Loads the engine from the file that the build put beside the hosts. */
import { readFileSync } from "node:fs";
import { createDigest } from "../shared/engine/digest.ts";
import { createEngine } from "../shared/engine/engine.ts";
import type { EngineModule } from "../shared/engine/contract.ts";
import type { Digest } from "../shared/ports/digest.ts";
import { Failure } from "../shared/ports/failure.ts";

const ENGINE_URL = new URL("../../build/engine.wasm", import.meta.url);

let compiled: WebAssembly.Module | null = null;

/** The compiled engine; read and compiled once for each process. Fails with `file-missing`. */
function compile(): WebAssembly.Module {
  if (compiled !== null) return compiled;
  try {
    compiled = new WebAssembly.Module(readFileSync(ENGINE_URL));
  } catch (cause) {
    throw new Failure("file-missing", "the engine has not been built", {
      origin: "host",
      remedy: "Run `npm run build`.",
      context: { path: ENGINE_URL.pathname },
      cause,
    });
  }
  return compiled;
}

/** The engine: each endpoint that it creates has an instance and a memory of its own. */
export function loadEngine(): EngineModule {
  return createEngine(compile());
}

/** SHA-256 by the engine. */
export function loadDigest(): Digest {
  return createDigest(compile());
}
