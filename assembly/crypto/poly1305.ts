/**
 * Poly1305, the one-time authenticator.
 *
 * Spec       RFC 8439 §2.5
 * Layer      crypto (L1)
 * Memory     STATE, one for the engine; a number is five limbs of 26 bits, each in a u64:
 *            0    40   80   120  160  200    216
 *            | h  | r  | r² | r³ | r⁴ | s 16 | pad 8 |
 * Invariant  branches depend on lengths only; all of it is zero between messages: poly1305Finish erases it
 * Limits     reads up to seven bytes below a message that is shorter than eight, and ignores them
 * Cost       four blocks a step from BY_FOUR_MIN bytes on, one block a step below
 * Twin       test/reference/poly1305.ts
 */
import { wipe } from "./constant-time.ts";
import { absorbByFour } from "./gen/poly1305-kernels.ts";

const LIMB: u64 = 0x3ffffff;
/** 2^128 as part of the fifth limb: the bit that §2.5 sets above a full block. */
const FULL_BLOCK: u64 = 1 << 24;
/** From here on the powers of r cost less than the steps they save (bench crypto/aead). */
const BY_FOUR_MIN: i32 = 256;

const H: usize = memory.data(224, 16);
const R: usize = H + 40;
const R2: usize = H + 80;
const R3: usize = H + 120;
const R4: usize = H + 160;
const S: usize = H + 200;
const STATE_SIZE: i32 = 224;
/** A block that is not a piece of the message. */
const BLOCK: usize = memory.data(16, 16);

/** Starts an authenticator under the one-time key at `key32`; no piece of the message exceeds `longest`. */
export function poly1305Init(key32: usize, longest: i32): void {
  const low = load<u64>(key32) & 0x0ffffffc0fffffff;
  const high = load<u64>(key32, 8) & 0x0ffffffc0ffffffc;
  store<u64>(R, low & LIMB);
  store<u64>(R, (low >> 26) & LIMB, 8);
  store<u64>(R, ((low >> 52) | (high << 12)) & LIMB, 16);
  store<u64>(R, (high >> 14) & LIMB, 24);
  store<u64>(R, high >> 40, 32);
  v128.store(S, v128.load(key32, 16));
  if (longest >= BY_FOUR_MIN) preparePowers();
}

/** Absorbs `len` bytes, zero-padded to a whole block (§2.8). */
export function poly1305Padded(ptr: usize, len: i32): void {
  absorbWhole(ptr, len & ~15);
  const rest = len & 15;
  if (rest > 0) {
    loadRest(ptr + <usize>(len & ~15), rest);
    absorb(BLOCK, BLOCK + 16, FULL_BLOCK);
  }
}

/** Absorbs two lengths as 64-bit words, the last block of an AEAD (§2.8). */
export function poly1305Lengths(aadLen: i32, len: i32): void {
  store<u64>(BLOCK, <u64>aadLen);
  store<u64>(BLOCK, <u64>len, 8);
  absorb(BLOCK, BLOCK + 16, FULL_BLOCK);
}

/** Writes the tag and erases the state. */
export function poly1305Finish(out16: usize): void {
  let h0 = load<u64>(H);
  let h1 = load<u64>(H, 8);
  let h2 = load<u64>(H, 16);
  let h3 = load<u64>(H, 24);
  let h4 = load<u64>(H, 32);
  // The first pass may leave up to 40 above the lowest limb; the second cannot, as that limb is small then.
  for (let pass = 0; pass < 2; pass++) {
    h1 += h0 >> 26;
    h2 += h1 >> 26;
    h3 += h2 >> 26;
    h4 += h3 >> 26;
    h0 = (h0 & LIMB) + (h4 >> 26) * 5;
    h1 &= LIMB;
    h2 &= LIMB;
    h3 &= LIMB;
    h4 &= LIMB;
  }
  const low = h0 | (h1 << 26) | (h2 << 52);
  const high = (h2 >> 12) | (h3 << 14) | (h4 << 40);
  // h + 5 reaches 2^130 where h is not below p, and then replaces h: chosen by a mask instead of a branch.
  const over = (h4 + ((h3 + ((h2 + ((h1 + ((h0 + 5) >> 26)) >> 26)) >> 26)) >> 26)) >> 26;
  const five = (0 - over) & 5;
  const reducedLow = low + five;
  const reducedHigh = high + u64(reducedLow < low);
  const tagLow = reducedLow + load<u64>(S);
  store<u64>(out16, tagLow);
  store<u64>(out16, reducedHigh + load<u64>(S, 8) + u64(tagLow < reducedLow), 8);
  wipe(H, STATE_SIZE);
  wipe(BLOCK, 16);
}

/** The tag of `len` bytes at `ptr` under the one-time key at `key32`. */
export function poly1305(key32: usize, ptr: usize, len: i32, out16: usize): void {
  poly1305Init(key32, len);
  absorbWhole(ptr, len & ~15);
  const rest = len & 15;
  if (rest > 0) {
    loadRest(ptr + <usize>(len & ~15), rest);
    store<u8>(BLOCK + <usize>rest, 1);
    absorb(BLOCK, BLOCK + 16, 0);
  }
  poly1305Finish(out16);
}

/** r², r³ and r⁴: multiplying by r is absorbing a block of zeros without its upper bit. */
function preparePowers(): void {
  v128.store(BLOCK, i64x2(0, 0));
  copyNumber(H, R);
  for (let power = R2; power <= R4; power += 40) {
    absorb(BLOCK, BLOCK + 16, 0);
    copyNumber(power, H);
  }
  wipe(H, 40);
}

function copyNumber(to: usize, from: usize): void {
  v128.store(to, v128.load(from));
  v128.store(to, v128.load(from, 16), 16);
  store<u64>(to, load<u64>(from, 32), 32);
}

/** Absorbs `size` bytes, a multiple of a block. */
function absorbWhole(ptr: usize, size: i32): void {
  const end = ptr + <usize>size;
  if (size >= BY_FOUR_MIN) {
    const middle = ptr + <usize>(size & ~63);
    absorbByFour(H, R, R2, R3, R4, ptr, middle);
    ptr = middle;
  }
  if (ptr < end) absorb(ptr, end, FULL_BLOCK);
}

/** Copies the last 0 < `rest` < 16 bytes to BLOCK and pads them with zeros. */
function loadRest(ptr: usize, rest: i32): void {
  // Two overlapping loads and a shift by the length replace a copy byte by byte.
  if (rest >= 8) {
    const spare = (<u64>(16 - rest)) << 3;
    store<u64>(BLOCK, load<u64>(ptr));
    store<u64>(BLOCK, rest == 8 ? 0 : load<u64>(ptr + <usize>rest - 8) >> spare, 8);
  } else {
    const spare = (<u64>(8 - rest)) << 3;
    store<u64>(BLOCK, load<u64>(ptr + <usize>rest - 8) >> spare);
    store<u64>(BLOCK, 0, 8);
  }
}

/** h = (h + block) × r mod 2^130 - 5 for each block of [ptr, end); limbs stay a little above 26 bits. */
function absorb(ptr: usize, end: usize, top: u64): void {
  const r0 = load<u64>(R);
  const r1 = load<u64>(R, 8);
  const r2 = load<u64>(R, 16);
  const r3 = load<u64>(R, 24);
  const r4 = load<u64>(R, 32);
  const s1 = r1 * 5;
  const s2 = r2 * 5;
  const s3 = r3 * 5;
  const s4 = r4 * 5;
  let h0 = load<u64>(H);
  let h1 = load<u64>(H, 8);
  let h2 = load<u64>(H, 16);
  let h3 = load<u64>(H, 24);
  let h4 = load<u64>(H, 32);
  for (; ptr < end; ptr += 16) {
    const low = load<u64>(ptr);
    const high = load<u64>(ptr, 8);
    h0 += low & LIMB;
    h1 += (low >> 26) & LIMB;
    h2 += ((low >> 52) | (high << 12)) & LIMB;
    h3 += (high >> 14) & LIMB;
    h4 += (high >> 40) | top;
    const d0 = h0 * r0 + h1 * s4 + h2 * s3 + h3 * s2 + h4 * s1;
    let d1 = h0 * r1 + h1 * r0 + h2 * s4 + h3 * s3 + h4 * s2;
    let d2 = h0 * r2 + h1 * r1 + h2 * r0 + h3 * s4 + h4 * s3;
    const d3 = h0 * r3 + h1 * r2 + h2 * r1 + h3 * r0 + h4 * s4;
    let d4 = h0 * r4 + h1 * r3 + h2 * r2 + h3 * r1 + h4 * r0;
    // Two chains of carries run side by side, from d0 and from d3.
    d1 += d0 >> 26;
    d4 += d3 >> 26;
    d2 += d1 >> 26;
    h0 = (d0 & LIMB) + (d4 >> 26) * 5;
    h3 = (d3 & LIMB) + (d2 >> 26);
    h1 = (d1 & LIMB) + (h0 >> 26);
    h4 = (d4 & LIMB) + (h3 >> 26);
    h2 = d2 & LIMB;
    h0 &= LIMB;
    h3 &= LIMB;
  }
  store<u64>(H, h0);
  store<u64>(H, h1, 8);
  store<u64>(H, h2, 16);
  store<u64>(H, h3, 24);
  store<u64>(H, h4, 32);
}
