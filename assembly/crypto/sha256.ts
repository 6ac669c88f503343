/**
 * SHA-256, one-shot and streaming.
 *
 * Spec       FIPS 180-4 §4.1.2, §4.2.2, §5.1.1, §5.3.3, §6.2
 * Layer      crypto (L1)
 * Memory     state, SHA256_STATE_SIZE = 112 bytes:
 *            0         32          40        48          112
 *            | h 8×u32 | bytes u64 | pad u64 | block 64  |
 * Invariant  bytes % 64 of the block are filled; no branch or index depends on the data
 * Cost       64-word schedule in memory, eight rounds unrolled, so that no word is moved between names
 * Twin       test/reference/sha2.ts
 */
import { wipe } from "./constant-time.ts";

export const SHA256_STATE_SIZE: i32 = 112;
const BYTES: usize = 32;
const BLOCK: usize = 48;

// Fractional parts of the square roots of the first 8 primes, and of the cube roots of the first 64.
const H: usize = memory.data<u32>([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]);
const K: usize = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);
/** The message schedule of the block being compressed. */
const W: usize = memory.data(256, 16);
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
    compress(state, state + BLOCK);
    ptr += <usize>missing;
    len -= missing;
  }
  for (; len >= 64; len -= 64, ptr += 64) compress(state, ptr);
  memory.copy(state + BLOCK, ptr, <usize>len);
}

/** Writes the digest of all bytes added and erases the state. */
export function sha256Final(state: usize, out32: usize): void {
  const bytes = load<u64>(state, BYTES);
  const filled = <usize>(bytes & 63);
  const block = state + BLOCK;
  store<u8>(block + filled, 0x80);
  memory.fill(block + filled + 1, 0, 63 - filled);
  if (filled >= 56) {
    compress(state, block);
    memory.fill(block, 0, 64);
  }
  store<u64>(block, bswap<u64>(bytes << 3), 56);
  compress(state, block);
  for (let i: usize = 0; i < 32; i += 4) {
    store<u32>(out32 + i, bswap<u32>(load<u32>(state + i)));
  }
  wipe(W, 256);
  wipe(state, SHA256_STATE_SIZE);
}

/** Digest of `len` bytes at `ptr`; `out32` may lie inside them. */
export function sha256(ptr: usize, len: i32, out32: usize): void {
  sha256Init(ONE_SHOT);
  sha256Update(ONE_SHOT, ptr, len);
  sha256Final(ONE_SHOT, out32);
}

/** Expands a block of 16 big-endian words to the 64 words of the schedule. */
function expandSchedule(block: usize): void {
  for (let i: usize = 0; i < 64; i += 4) store<u32>(W + i, bswap<u32>(load<u32>(block + i)));
  for (let at: usize = W + 64; at < W + 256; at += 4) {
    const near = load<u32>(at - 8);
    const far = load<u32>(at - 60);
    const sigma1 = rotr<u32>(near, 17) ^ rotr<u32>(near, 19) ^ (near >> 10);
    const sigma0 = rotr<u32>(far, 7) ^ rotr<u32>(far, 18) ^ (far >> 3);
    store<u32>(at, sigma1 + load<u32>(at - 28) + sigma0 + load<u32>(at - 64));
  }
}

/** T1 of FIPS 180-4 §6.2.2 for the round whose word is at byte `i` of the schedule. */
function t1(e: u32, f: u32, g: u32, h: u32, i: usize): u32 {
  const sum = rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25);
  return h + sum + (g ^ (e & (f ^ g))) + load<u32>(K + i) + load<u32>(W + i);
}

/** T2 of FIPS 180-4 §6.2.2. */
function t2(a: u32, b: u32, c: u32): u32 {
  const sum = rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22);
  return sum + ((a & b) | (c & (a | b)));
}

/** One block into the chaining value. The names rotate instead of the values. */
function compress(state: usize, block: usize): void {
  expandSchedule(block);
  let a = load<u32>(state);
  let b = load<u32>(state, 4);
  let c = load<u32>(state, 8);
  let d = load<u32>(state, 12);
  let e = load<u32>(state, 16);
  let f = load<u32>(state, 20);
  let g = load<u32>(state, 24);
  let h = load<u32>(state, 28);
  for (let i: usize = 0; i < 256; i += 32) {
    h = t1(e, f, g, h, i);
    d += h;
    h += t2(a, b, c);
    g = t1(d, e, f, g, i + 4);
    c += g;
    g += t2(h, a, b);
    f = t1(c, d, e, f, i + 8);
    b += f;
    f += t2(g, h, a);
    e = t1(b, c, d, e, i + 12);
    a += e;
    e += t2(f, g, h);
    d = t1(a, b, c, d, i + 16);
    h += d;
    d += t2(e, f, g);
    c = t1(h, a, b, c, i + 20);
    g += c;
    c += t2(d, e, f);
    b = t1(g, h, a, b, i + 24);
    f += b;
    b += t2(c, d, e);
    a = t1(f, g, h, a, i + 28);
    e += a;
    a += t2(b, c, d);
  }
  store<u32>(state, load<u32>(state) + a);
  store<u32>(state, load<u32>(state, 4) + b, 4);
  store<u32>(state, load<u32>(state, 8) + c, 8);
  store<u32>(state, load<u32>(state, 12) + d, 12);
  store<u32>(state, load<u32>(state, 16) + e, 16);
  store<u32>(state, load<u32>(state, 20) + f, 20);
  store<u32>(state, load<u32>(state, 24) + g, 24);
  store<u32>(state, load<u32>(state, 28) + h, 28);
}
