/**
 * The engine as a module: compiled once, one instance with a memory of its own for each endpoint.
 *
 * Where the bytes come from (a file, a bundle, a fetch) is the host's matter.
 */
import type { EndpointConfig, EndpointEngine, EngineModule } from "./contract.ts";
import { WasmEndpoint } from "./endpoint.ts";
import { EngineMemory } from "./memory.ts";

export { EngineBug } from "./engine-bug.ts";

/** The engine over the bytes of `engine.wasm`, or over a module that the host has compiled. */
export function createEngine(wasm: Uint8Array<ArrayBuffer> | WebAssembly.Module): EngineModule {
  const module = wasm instanceof WebAssembly.Module ? wasm : new WebAssembly.Module(wasm);
  return {
    createEndpoint(config: EndpointConfig): EndpointEngine {
      return new WasmEndpoint(new EngineMemory(module), config);
    },
  };
}
