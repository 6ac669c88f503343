/**
 * Ids of messages, traces and calls: unpredictable but no secret, so entropy for many of them is drawn at once. Asking
 * the system for 16 bytes costs as much as asking for a thousand.
 */
import type { Random } from "../ports/random.ts";

const POOL_SIZE = 1_024;
const pools = new WeakMap<Random, IdPool>();

export class IdPool {
  readonly #random: Random;
  #bytes = new Uint8Array(0);
  #at = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** The pool of this generator. */
  static of(random: Random): IdPool {
    let pool = pools.get(random);
    if (pool === undefined) {
      pool = new IdPool(random);
      pools.set(random, pool);
    }
    return pool;
  }

  /** `size` bytes that nobody had before; at most 1024. */
  take(size: number): Uint8Array<ArrayBuffer> {
    if (this.#at + size > this.#bytes.length) {
      this.#bytes = this.#random.bytes(POOL_SIZE);
      this.#at = 0;
    }
    this.#at += size;
    return this.#bytes.subarray(this.#at - size, this.#at);
  }
}
