/** An engine whose owner breaks the rules: it writes raw bytes where messages belong, and seals any payload. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { EndpointConfig, EndpointEngine } from "../../host/shared/engine/contract.ts";
import { WasmEndpoint } from "../../host/shared/engine/endpoint.ts";
import { ARENA_INPUT, ARENA_OUTPUT } from "../../host/shared/engine/layout.ts";
import { EngineMemory } from "../../host/shared/engine/memory.ts";

interface ForgingExports {
  forgeWrite(connection: number, stream: bigint, size: number, isLast: number): number;
  forgePacket(connection: number, size: number, nowUs: number): number;
  connectionKeys(connection: number, isSending: number): number;
}

export class Forger {
  readonly #memory: EngineMemory;
  readonly #exports: ForgingExports;

  constructor() {
    const file = join(import.meta.dirname, "../../build/test/connection.wasm");
    this.#memory = new EngineMemory(new WebAssembly.Module(readFileSync(file)));
    this.#exports = this.#memory.exports as unknown as ForgingExports;
  }

  readonly createEndpoint = (config: EndpointConfig): EndpointEngine =>
    new WasmEndpoint(this.#memory, config);

  #put(bytes: Uint8Array): void {
    this.#memory.bytes.set(bytes, this.#memory.u32(ARENA_INPUT));
  }

  /** Copies of the keys of one direction: AEAD key, header key, and the secret from which both come. */
  keys(connection: number, isSending: boolean): Uint8Array<ArrayBuffer>[] {
    const at = this.#exports.connectionKeys(connection, isSending ? 1 : 0);
    return [0, 48, 80].map((offset) => this.#memory.copy(at + offset, 32));
  }

  /** Every place in the engine's memory where these bytes lie. */
  placesOf(bytes: Uint8Array): number[] {
    const { buffer } = this.#memory.bytes;
    const haystack = Buffer.from(buffer);
    const places: number[] = [];
    for (let at = haystack.indexOf(bytes); at >= 0; at = haystack.indexOf(bytes, at + 1)) {
      places.push(at);
    }
    return places;
  }

  /** Writes `bytes` on a stream of any kind, as they are. */
  write(connection: number, stream: bigint, bytes: Uint8Array, isLast: boolean): void {
    this.#put(bytes);
    const taken = this.#exports.forgeWrite(connection, stream, bytes.length, isLast ? 1 : 0);
    if (taken !== bytes.length) throw new Error(`the forged write took ${taken}`);
  }

  /** A packet of this connection with any payload. */
  packet(connection: number, payload: Uint8Array, nowUs: number): Uint8Array<ArrayBuffer> {
    this.#put(payload);
    const size = this.#exports.forgePacket(connection, payload.length, nowUs);
    return this.#memory.copy(this.#memory.u32(ARENA_OUTPUT), size);
  }
}
