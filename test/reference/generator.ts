/** Readable twin of the engine's generator: every key makes one key stream, whose start is the next key. */
import { chacha20 } from "./chacha20.ts";
import { hmacSha256 } from "./hmac.ts";

export class Generator {
  #key: Uint8Array;

  constructor(seed: Uint8Array) {
    this.#key = seed;
  }

  mix(seed: Uint8Array): void {
    this.#key = hmacSha256(this.#key, seed);
  }

  fill(size: number): Uint8Array {
    const stream = chacha20(this.#key, 0, new Uint8Array(12), new Uint8Array(32 + size));
    this.#key = stream.slice(0, 32);
    return stream.slice(32);
  }
}
