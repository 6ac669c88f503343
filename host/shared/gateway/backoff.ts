/**
 * Waiting before the next attempt: exponential with full jitter (a random time between zero and the bound, so that
 * many nodes that lost the same peer do not come back in step), and forgotten after a time of stability.
 */
import type { Random } from "../ports/random.ts";

export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
  /** After so long without a failure the next one waits `firstMs` again. */
  readonly stableMs: number;
}

export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: Random;
  #failures = 0;

  constructor(options: BackoffOptions, random: Random) {
    this.#options = options;
    this.#random = random;
  }

  get failures(): number {
    return this.#failures;
  }

  /** Counts a failure after `upMs` of working, and says how long to wait. */
  nextMs(upMs: number): number {
    if (upMs >= this.#options.stableMs) this.#failures = 0;
    const bound = Math.min(this.#options.maxMs, this.#options.firstMs * 2 ** this.#failures);
    this.#failures += 1;
    const [high, low] = this.#random.bytes(2) as unknown as [number, number];
    return Math.round((bound * (high * 256 + low)) / 65535);
  }
}
