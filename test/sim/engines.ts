/** The engine under test: compiled modules, and one that takes another module for servers than for clients. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { EngineModule } from "../../host/shared/engine/contract.ts";
import { createEngine } from "../../host/shared/engine/engine.ts";

/** The engines of a run: one compiled module for servers, one for clients. */
export interface Engines {
  readonly server: WebAssembly.Module;
  readonly client: WebAssembly.Module;
}

export const ROOT = join(import.meta.dirname, "../..");

export function loadModule(path: string): WebAssembly.Module {
  return new WebAssembly.Module(readFileSync(path));
}

/** Builds the engine when its sources changed, and compiles it. */
export function loadEngines(): Engines {
  const build = spawnSync(process.execPath, [join(ROOT, "build.ts"), "engine", "--quiet"], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (build.status !== 0) throw new Error("the engine does not compile");
  const engine = loadModule(join(ROOT, "build/engine.wasm"));
  return { server: engine, client: engine };
}

/** Both engines behind one contract: whoever accepts connections is a server. */
export function enginesOf(engines: Engines): EngineModule {
  const server = createEngine(engines.server);
  const client = engines.client === engines.server ? server : createEngine(engines.client);
  return {
    createEndpoint: (config) =>
      (config.acceptsConnections ? server : client).createEndpoint(config),
  };
}
