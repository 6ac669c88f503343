/** An edge worker: answers a request that carries the input with the suite's result. The engine is imported. */
import { createDigest } from "../../host/shared/engine/digest.ts";
import { createEngine } from "../../host/shared/engine/engine.ts";
import { runSuite, type SuiteInput } from "./suite.ts";
import wasm from "./engine.wasm";

export default {
  async fetch(request: Request): Promise<Response> {
    const input = (await request.json()) as SuiteInput;
    return Response.json(runSuite(createEngine(wasm), createDigest(wasm), input));
  },
};
