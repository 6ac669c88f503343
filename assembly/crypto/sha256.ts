/**
 * SHA-256, one-shot and streaming.
 *
 * Spec       FIPS 180-4 §4.1.2, §4.2.2, §5.1.1, §5.3.3, §6.2
 * Layer      crypto (L1)
 * Memory     state, SHA256_STATE_SIZE = 112 bytes:
 *            0         32          40        48          112
 *            | h 8×u32 | bytes u64 | pad u64 | block 64  |
 * Invariant  bytes % 64 of the block are filled; no branch or index depends on the data
 * Cost       one unrolled kernel; the platform's own is about four times as fast on long inputs
 * Twin       test/reference/sha2.ts
 */
import { wipe } from "./constant-time.ts";
import { sha256Compress } from "./gen/sha256-kernel.ts";

export const SHA256_STATE_SIZE: i32 = 112;
const BYTES: usize = 32;
const BLOCK: usize = 48;

// Fractional parts of the square roots of the first 8 primes (§5.3.3).
const H: usize = memory.data<u32>([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]);
const ONE_SHOT: usize = memory.data(112, 16);

/** Starts a hash. */
export function sha256Init(state: usize): void {
  memory.copy(state, H, 32);
  store<u64>(state, 0, BYTES);
}

/** Adds `len` bytes at `ptr`. */
export function sha256Update(state: usize, ptr: usize, len: i32): void {
  const filled = <i32>(load<u64>(state, BYTES) & 63);
  store<u64>(state, load<u64>(state, BYTES) + <u64>len, BYTES);
  if (filled > 0) {
    const missing = 64 - filled;
    if (len < missing) {
      memory.copy(state + BLOCK + <usize>filled, ptr, <usize>len);
      return;
    }
    memory.copy(state + BLOCK + <usize>filled, ptr, <usize>missing);
    sha256Compress(state, state + BLOCK, state + BLOCK + 64);
    ptr += <usize>missing;
    len -= missing;
  }
  const rest = <usize>(len & 63);
  const end = ptr + <usize>len - rest;
  if (ptr < end) sha256Compress(state, ptr, end);
  memory.copy(state + BLOCK, end, rest);
}

/** Writes the digest of all bytes added and erases the state. */
export function sha256Final(state: usize, out32: usize): void {
  const bytes = load<u64>(state, BYTES);
  const filled = <usize>(bytes & 63);
  const block = state + BLOCK;
  store<u8>(block + filled, 0x80);
  memory.fill(block + filled + 1, 0, 63 - filled);
  if (filled >= 56) {
    sha256Compress(state, block, block + 64);
    memory.fill(block, 0, 64);
  }
  store<u64>(block, bswap<u64>(bytes << 3), 56);
  sha256Compress(state, block, block + 64);
  for (let i: usize = 0; i < 32; i += 4) {
    store<u32>(out32 + i, bswap<u32>(load<u32>(state + i)));
  }
  wipe(state, SHA256_STATE_SIZE);
}

/** Digest of `len` bytes at `ptr`; `out32` may lie inside them. */
export function sha256(ptr: usize, len: i32, out32: usize): void {
  sha256Init(ONE_SHOT);
  sha256Update(ONE_SHOT, ptr, len);
  sha256Final(ONE_SHOT, out32);
}
