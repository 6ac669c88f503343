/** The `Digest` port over the engine's own SHA-256, so that every host computes the same bytes by the same code. */
import type { Digest } from "../ports/digest.ts";
import { EngineMemory } from "./memory.ts";

const DIGEST_BYTES = 32;

/** SHA-256 over the bytes of `engine.wasm`, or over a module that the host has compiled. */
export function createDigest(wasm: Uint8Array<ArrayBuffer> | WebAssembly.Module): Digest {
  const module = wasm instanceof WebAssembly.Module ? wasm : new WebAssembly.Module(wasm);
  const memory = new EngineMemory(module);
  const { exports } = memory;
  const area = exports.digestArea();
  const areaSize = exports.digestAreaSize();
  return {
    sha256(bytes) {
      exports.digestInit();
      for (let start = 0; start < bytes.length; start += areaSize) {
        const part = bytes.subarray(start, start + areaSize);
        memory.bytes.set(part, area);
        exports.digestUpdate(part.length);
      }
      exports.digestFinal();
      return memory.copy(area, DIGEST_BYTES);
    },
  };
}
