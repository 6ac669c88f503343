/**
 * Poly1305, the one-time authenticator.
 *
 * Spec       RFC 8439 §2.5
 * Layer      crypto (L1)
 * Memory     STATE, one for the engine, limbs of 26 bits in u64:
 *            0       40      80      120    136
 *            | h 5×  | r 5×  | 5r 5× | s 16 |
 * Invariant  branches depend on lengths only; r and s are erased by poly1305Finish
 * Twin       test/reference/poly1305.ts
 */
import { wipe } from "./constant-time.ts";

const LIMB: u64 = 0x3ffffff;
/** 2^128 in the fifth limb: the bit that RFC 8439 §2.5 adds above a full block. */
const FULL_BLOCK: u64 = 1 << 24;

const R: usize = 40;
const R5: usize = 80;
const S: usize = 120;
const STATE_SIZE: i32 = 136;
const STATE: usize = memory.data(136, 16);
const TAIL: usize = memory.data(16, 16);

/** Starts an authenticator under the one-time key at `key32`. */
export function poly1305Init(key32: usize): void {
  const low = load<u64>(key32) & 0x0ffffffc0fffffff;
  const high = load<u64>(key32, 8) & 0x0ffffffc0ffffffc;
  storeLimbs(STATE, 0, 0, 0);
  storeLimbs(STATE + R, low, high, 0);
  for (let i: usize = 0; i < 40; i += 8) store<u64>(STATE + R5 + i, load<u64>(STATE + R + i) * 5);
  v128.store(STATE + S, v128.load(key32, 16));
}

/** Absorbs `len` bytes, zero-padded to a whole block (RFC 8439 §2.8). */
export function poly1305Padded(ptr: usize, len: i32): void {
  const end = ptr + <usize>(len & ~15);
  for (; ptr < end; ptr += 16) poly1305Block(load<u64>(ptr), load<u64>(ptr, 8), FULL_BLOCK);
  const rest = len & 15;
  if (rest > 0) {
    v128.store(TAIL, i64x2(0, 0));
    memory.copy(TAIL, ptr, <usize>rest);
    poly1305Block(load<u64>(TAIL), load<u64>(TAIL, 8), FULL_BLOCK);
  }
}

/** Absorbs two lengths as 64-bit words, the last block of an AEAD. */
export function poly1305Lengths(aadLen: i32, len: i32): void {
  poly1305Block(<u64>aadLen, <u64>len, FULL_BLOCK);
}

/** Writes the tag and erases the state. */
export function poly1305Finish(out16: usize): void {
  let h0 = load<u64>(STATE);
  let h1 = load<u64>(STATE, 8);
  let h2 = load<u64>(STATE, 16);
  let h3 = load<u64>(STATE, 24);
  let h4 = load<u64>(STATE, 32);
  h1 += h0 >> 26;
  h0 &= LIMB;
  h2 += h1 >> 26;
  h1 &= LIMB;
  h3 += h2 >> 26;
  h2 &= LIMB;
  h4 += h3 >> 26;
  h3 &= LIMB;
  h0 += (h4 >> 26) * 5;
  h4 &= LIMB;
  h1 += h0 >> 26;
  h0 &= LIMB;
  // h + 5 - 2^130 replaces h when it is not negative, chosen by a mask instead of a branch.
  let g0 = h0 + 5;
  let g1 = h1 + (g0 >> 26);
  g0 &= LIMB;
  let g2 = h2 + (g1 >> 26);
  g1 &= LIMB;
  let g3 = h3 + (g2 >> 26);
  g2 &= LIMB;
  const g4 = h4 + (g3 >> 26) - (1 << 26);
  g3 &= LIMB;
  const keep = 0 - (g4 >> 63);
  const take = ~keep;
  h0 = (h0 & keep) | (g0 & take);
  h1 = (h1 & keep) | (g1 & take);
  h2 = (h2 & keep) | (g2 & take);
  h3 = (h3 & keep) | (g3 & take);
  h4 = (h4 & keep) | (g4 & take);
  const low = h0 | (h1 << 26) | (h2 << 52);
  const high = (h2 >> 12) | (h3 << 14) | (h4 << 40);
  const tagLow = low + load<u64>(STATE + S);
  store<u64>(out16, tagLow);
  store<u64>(out16, high + load<u64>(STATE + S, 8) + u64(tagLow < low), 8);
  wipe(STATE, STATE_SIZE);
}

/** The tag of `len` bytes at `ptr` under the one-time key at `key32`. */
export function poly1305(key32: usize, ptr: usize, len: i32, out16: usize): void {
  poly1305Init(key32);
  poly1305Padded(ptr, len & ~15);
  const rest = len & 15;
  if (rest > 0) {
    v128.store(TAIL, i64x2(0, 0));
    memory.copy(TAIL, ptr + <usize>(len & ~15), <usize>rest);
    store<u8>(TAIL + <usize>rest, 1);
    poly1305Block(load<u64>(TAIL), load<u64>(TAIL, 8), 0);
  }
  poly1305Finish(out16);
}

/** h = (h + block) × r mod 2^130 - 5, limbs left a little above 26 bits. */
function poly1305Block(low: u64, high: u64, top: u64): void {
  const h0 = load<u64>(STATE) + (low & LIMB);
  const h1 = load<u64>(STATE, 8) + ((low >> 26) & LIMB);
  const h2 = load<u64>(STATE, 16) + (((low >> 52) | (high << 12)) & LIMB);
  const h3 = load<u64>(STATE, 24) + ((high >> 14) & LIMB);
  const h4 = load<u64>(STATE, 32) + ((high >> 40) | top);
  const r0 = load<u64>(STATE + R);
  const r1 = load<u64>(STATE + R, 8);
  const r2 = load<u64>(STATE + R, 16);
  const r3 = load<u64>(STATE + R, 24);
  const r4 = load<u64>(STATE + R, 32);
  const s1 = load<u64>(STATE + R5, 8);
  const s2 = load<u64>(STATE + R5, 16);
  const s3 = load<u64>(STATE + R5, 24);
  const s4 = load<u64>(STATE + R5, 32);
  let d0 = h0 * r0 + h1 * s4 + h2 * s3 + h3 * s2 + h4 * s1;
  let d1 = h0 * r1 + h1 * r0 + h2 * s4 + h3 * s3 + h4 * s2;
  let d2 = h0 * r2 + h1 * r1 + h2 * r0 + h3 * s4 + h4 * s3;
  let d3 = h0 * r3 + h1 * r2 + h2 * r1 + h3 * r0 + h4 * s4;
  let d4 = h0 * r4 + h1 * r3 + h2 * r2 + h3 * r1 + h4 * r0;
  d1 += d0 >> 26;
  d0 &= LIMB;
  d2 += d1 >> 26;
  d1 &= LIMB;
  d3 += d2 >> 26;
  d2 &= LIMB;
  d4 += d3 >> 26;
  d3 &= LIMB;
  d0 += (d4 >> 26) * 5;
  d4 &= LIMB;
  d1 += d0 >> 26;
  d0 &= LIMB;
  store<u64>(STATE, d0);
  store<u64>(STATE, d1, 8);
  store<u64>(STATE, d2, 16);
  store<u64>(STATE, d3, 24);
  store<u64>(STATE, d4, 32);
}

/** Splits a 128-bit number and the bits above it into five limbs at `at`. */
function storeLimbs(at: usize, low: u64, high: u64, top: u64): void {
  store<u64>(at, low & LIMB);
  store<u64>(at, (low >> 26) & LIMB, 8);
  store<u64>(at, ((low >> 52) | (high << 12)) & LIMB, 16);
  store<u64>(at, (high >> 14) & LIMB, 24);
  store<u64>(at, (high >> 40) | top, 32);
}
