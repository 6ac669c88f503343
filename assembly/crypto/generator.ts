/**
 * The engine's source of secrets: ChaCha20 that erases its key at every use.
 *
 * Spec       D. J. Bernstein, "Fast-key-erasure random-number generators", 2017
 * Layer      crypto (L1)
 * Memory     state, GENERATOR_SIZE = 48 bytes:
 *            0        32         36
 *            | key 32 | seeded u32 | pad 12 |
 * Invariant  the first 32 bytes of every key stream replace the key before anyone sees the rest, so that a
 *            stolen state tells nothing about what was drawn before
 * Twin       test/reference/generator.ts
 */
import { invariant } from "../base/invariant.ts";
import { chacha20Block, chacha20Xor } from "./chacha20.ts";
import { wipe } from "./constant-time.ts";
import { hmacSha256 } from "./hmac.ts";

export const GENERATOR_SIZE: i32 = 48;
const KEY_SIZE: i32 = 32;
const SEEDED: usize = 32;

/** Every key is used for one call only, so that one nonce serves them all. */
const NONCE: usize = memory.data(12, 16);
const KEY: usize = memory.data(32, 16);
const BLOCK: usize = memory.data(64, 16);

/** Starts from the 32 bytes that the host drew from its own source. */
export function generatorInit(state: usize, seed32: usize): void {
  memory.copy(state, seed32, <usize>KEY_SIZE);
  store<u32>(state, 1, SEEDED);
}

/** Adds 32 bytes of entropy. The result is as strong as the better one of the state and the seed. */
export function generatorMix(state: usize, seed32: usize): void {
  invariant(load<u32>(state, SEEDED) == 1);
  hmacSha256(state, KEY_SIZE, seed32, KEY_SIZE, state);
}

/** Writes `len` secret bytes to `out` and forgets how it made them. */
export function generatorFill(state: usize, out: usize, len: i32): void {
  invariant(load<u32>(state, SEEDED) == 1 && len >= 0);
  memory.copy(KEY, state, <usize>KEY_SIZE);
  chacha20Block(KEY, 0, NONCE, BLOCK);
  memory.copy(state, BLOCK, <usize>KEY_SIZE);
  const first = min<i32>(len, KEY_SIZE);
  memory.copy(out, BLOCK + <usize>KEY_SIZE, <usize>first);
  wipe(BLOCK, 64);
  if (len > first) {
    memory.fill(out + <usize>first, 0, <usize>(len - first));
    chacha20Xor(KEY, 1, NONCE, out + <usize>first, len - first);
  }
  wipe(KEY, KEY_SIZE);
}
