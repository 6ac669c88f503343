// world mxp:engine/engine@0.1.0
import type * as MxpEngineTypes from './interfaces/mxp-engine-types.js'; // mxp:engine/types@0.1.0
import type * as MxpEngineDigest from './interfaces/mxp-engine-digest.js'; // mxp:engine/digest@0.1.0
import type * as MxpEngineMessage from './interfaces/mxp-engine-message.js'; // mxp:engine/message@0.1.0
import type * as MxpEngineEndpoint from './interfaces/mxp-engine-endpoint.js'; // mxp:engine/endpoint@0.1.0
import type * as MxpEngineConnection from './interfaces/mxp-engine-connection.js'; // mxp:engine/connection@0.1.0
import type * as MxpEngineStream from './interfaces/mxp-engine-stream.js'; // mxp:engine/stream@0.1.0
import type * as MxpEngineRing from './interfaces/mxp-engine-ring.js'; // mxp:engine/ring@0.1.0
export interface ImportObject {
}
export interface Engine {
  'mxp:engine/types@0.1.0': typeof MxpEngineTypes,
  types: typeof MxpEngineTypes,
  'mxp:engine/digest@0.1.0': typeof MxpEngineDigest,
  digest: typeof MxpEngineDigest,
  'mxp:engine/message@0.1.0': typeof MxpEngineMessage,
  message: typeof MxpEngineMessage,
  'mxp:engine/endpoint@0.1.0': typeof MxpEngineEndpoint,
  endpoint: typeof MxpEngineEndpoint,
  'mxp:engine/connection@0.1.0': typeof MxpEngineConnection,
  connection: typeof MxpEngineConnection,
  'mxp:engine/stream@0.1.0': typeof MxpEngineStream,
  stream: typeof MxpEngineStream,
  'mxp:engine/ring@0.1.0': typeof MxpEngineRing,
  ring: typeof MxpEngineRing,
}

/**
* Instantiates this component with the provided imports and
* returns a map of all the exports of the component.
*
* This function is intended to be similar to the
* `WebAssembly.Instantiate` constructor. The second `imports`
* argument is the "import object" for wasm, except here it
* uses component-model-layer types instead of core wasm
* integers/numbers/etc.
*
* The first argument to this function, `getCoreModule`, is
* used to compile core wasm modules within the component.
* Components are composed of core wasm modules and this callback
* will be invoked per core wasm module. The caller of this
* function is responsible for reading the core wasm module
* identified by `path` and returning its compiled
* `WebAssembly.Module` object. This would use the
* `WebAssembly.Module` constructor on the web, for example.
*/
export function instantiate(
getCoreModule: (path: string) => WebAssembly.Module,
imports: ImportObject,
instantiateCore?: (module: WebAssembly.Module, imports: Record<string, any>) => WebAssembly.Instance
): Engine;
export function instantiate(
getCoreModule: (path: string) => WebAssembly.Module | Promise<WebAssembly.Module>,
imports: ImportObject,
instantiateCore?: (module: WebAssembly.Module, imports: Record<string, any>) => WebAssembly.Instance | Promise<WebAssembly.Instance>
): Engine | Promise<Engine>;

