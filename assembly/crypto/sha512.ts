/**
 * SHA-512, one-shot and streaming, for Ed25519.
 *
 * Spec       FIPS 180-4 §4.1.3, §4.2.3, §5.1.2, §5.3.5, §6.4
 * Layer      crypto (L1)
 * Memory     state, SHA512_STATE_SIZE = 208 bytes:
 *            0         64          72        80          208
 *            | h 8×u64 | bytes u64 | pad u64 | block 128 |
 * Invariant  bytes % 128 of the block are filled; no branch or index depends on the data
 * Limits     2^61 bytes: the upper half of the 128-bit length stays zero
 * Cost       80-word schedule in memory, eight rounds unrolled, so that no word is moved between names
 * Twin       test/reference/sha2.ts
 */
import { wipe } from "./constant-time.ts";

export const SHA512_STATE_SIZE: i32 = 208;
const BYTES: usize = 64;
const BLOCK: usize = 80;
const BLOCK_SIZE: i32 = 128;

// Fractional parts of the square roots of the first 8 primes, and of the cube roots of the first 80.
const H: usize = memory.data<u64>([
  0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
  0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
]);
const K: usize = memory.data<u64>([
  0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc,
  0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118,
  0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
  0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694,
  0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
  0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
  0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
  0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70,
  0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
  0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
  0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30,
  0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
  0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8,
  0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3,
  0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
  0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b,
  0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178,
  0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
  0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c,
  0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
]);
/** The message schedule of the block being compressed. */
const W: usize = memory.data(640, 16);
const ONE_SHOT: usize = memory.data(208, 16);

/** Starts a hash. */
export function sha512Init(state: usize): void {
  memory.copy(state, H, 64);
  store<u64>(state, 0, BYTES);
}

/** Adds `len` bytes at `ptr`. */
export function sha512Update(state: usize, ptr: usize, len: i32): void {
  const filled = <i32>(load<u64>(state, BYTES) & 127);
  store<u64>(state, load<u64>(state, BYTES) + <u64>len, BYTES);
  if (filled > 0) {
    const missing = BLOCK_SIZE - filled;
    if (len < missing) {
      memory.copy(state + BLOCK + <usize>filled, ptr, <usize>len);
      return;
    }
    memory.copy(state + BLOCK + <usize>filled, ptr, <usize>missing);
    compress(state, state + BLOCK);
    ptr += <usize>missing;
    len -= missing;
  }
  for (; len >= BLOCK_SIZE; len -= BLOCK_SIZE, ptr += <usize>BLOCK_SIZE) compress(state, ptr);
  memory.copy(state + BLOCK, ptr, <usize>len);
}

/** Writes the digest of all bytes added and erases the state. */
export function sha512Final(state: usize, out64: usize): void {
  const bytes = load<u64>(state, BYTES);
  const filled = <usize>(bytes & 127);
  const block = state + BLOCK;
  store<u8>(block + filled, 0x80);
  memory.fill(block + filled + 1, 0, 127 - filled);
  if (filled >= 112) {
    compress(state, block);
    memory.fill(block, 0, <usize>BLOCK_SIZE);
  }
  store<u64>(block, bswap<u64>(bytes << 3), 120);
  compress(state, block);
  for (let i: usize = 0; i < 64; i += 8) {
    store<u64>(out64 + i, bswap<u64>(load<u64>(state + i)));
  }
  wipe(W, 640);
  wipe(state, SHA512_STATE_SIZE);
}

/** Digest of `len` bytes at `ptr`; `out64` may lie inside them. */
export function sha512(ptr: usize, len: i32, out64: usize): void {
  sha512Init(ONE_SHOT);
  sha512Update(ONE_SHOT, ptr, len);
  sha512Final(ONE_SHOT, out64);
}

/** Expands a block of 16 big-endian words to the 80 words of the schedule. */
function expandSchedule(block: usize): void {
  for (let i: usize = 0; i < 128; i += 8) store<u64>(W + i, bswap<u64>(load<u64>(block + i)));
  for (let at: usize = W + 128; at < W + 640; at += 8) {
    const near = load<u64>(at - 16);
    const far = load<u64>(at - 120);
    const sigma1 = rotr<u64>(near, 19) ^ rotr<u64>(near, 61) ^ (near >> 6);
    const sigma0 = rotr<u64>(far, 1) ^ rotr<u64>(far, 8) ^ (far >> 7);
    store<u64>(at, sigma1 + load<u64>(at - 56) + sigma0 + load<u64>(at - 128));
  }
}

/** T1 of FIPS 180-4 §6.4.2 for the round whose word is at byte `i` of the schedule. */
function t1(e: u64, f: u64, g: u64, h: u64, i: usize): u64 {
  const sum = rotr<u64>(e, 14) ^ rotr<u64>(e, 18) ^ rotr<u64>(e, 41);
  return h + sum + (g ^ (e & (f ^ g))) + load<u64>(K + i) + load<u64>(W + i);
}

/** T2 of FIPS 180-4 §6.4.2. */
function t2(a: u64, b: u64, c: u64): u64 {
  const sum = rotr<u64>(a, 28) ^ rotr<u64>(a, 34) ^ rotr<u64>(a, 39);
  return sum + ((a & b) | (c & (a | b)));
}

/** One block into the chaining value. The names rotate instead of the values. */
function compress(state: usize, block: usize): void {
  expandSchedule(block);
  let a = load<u64>(state);
  let b = load<u64>(state, 8);
  let c = load<u64>(state, 16);
  let d = load<u64>(state, 24);
  let e = load<u64>(state, 32);
  let f = load<u64>(state, 40);
  let g = load<u64>(state, 48);
  let h = load<u64>(state, 56);
  for (let i: usize = 0; i < 640; i += 64) {
    h = t1(e, f, g, h, i);
    d += h;
    h += t2(a, b, c);
    g = t1(d, e, f, g, i + 8);
    c += g;
    g += t2(h, a, b);
    f = t1(c, d, e, f, i + 16);
    b += f;
    f += t2(g, h, a);
    e = t1(b, c, d, e, i + 24);
    a += e;
    e += t2(f, g, h);
    d = t1(a, b, c, d, i + 32);
    h += d;
    d += t2(e, f, g);
    c = t1(h, a, b, c, i + 40);
    g += c;
    c += t2(d, e, f);
    b = t1(g, h, a, b, i + 48);
    f += b;
    b += t2(c, d, e);
    a = t1(f, g, h, a, i + 56);
    e += a;
    a += t2(b, c, d);
  }
  store<u64>(state, load<u64>(state) + a);
  store<u64>(state, load<u64>(state, 8) + b, 8);
  store<u64>(state, load<u64>(state, 16) + c, 16);
  store<u64>(state, load<u64>(state, 24) + d, 24);
  store<u64>(state, load<u64>(state, 32) + e, 32);
  store<u64>(state, load<u64>(state, 40) + f, 40);
  store<u64>(state, load<u64>(state, 48) + g, 48);
  store<u64>(state, load<u64>(state, 56) + h, 56);
}
