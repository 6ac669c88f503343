/**
 * The field of integers modulo p = 2^255 - 19: encoding, sums, swap, inverse, roots.
 *
 * Spec       RFC 7748 §5 (decodeUCoordinate), RFC 8032 §5.1.2, §5.1.3 (encoding, square root)
 * Layer      crypto (L1)
 * Memory     an element, FIELD_SIZE = 80 bytes, is ten signed limbs of 26 and 25 bits in turn:
 *
 *              byte  0        8        16       24              72       80
 *                    | limb 0 | limb 1 | limb 2 |      ...      | limb 9 |
 *            weight    2^0      2^26     2^51     2^77            2^230
 *
 *            one value has many forms; only `fieldEncode` makes it unique
 * Invariant  no branch and no address depends on the value of an element, except in the functions
 *            that say so
 * Limits     a sum or difference may be the operand of a product, or of one more sum, see
 *            field25519-product.ts
 * Twin       test/reference/field25519.ts
 */
import { wipe } from "./constant-time.ts";
import { fieldMultiply, fieldSquare, fieldSquareTimes } from "./field25519-product.ts";

export const FIELD_SIZE: usize = 80;

const MASK_26: u64 = (1 << 26) - 1;
const MASK_25: u64 = (1 << 25) - 1;

/** Working space for powers: four elements, then an encoded one. */
const SCRATCH: usize = memory.data(352, 16);
const SCRATCH_SIZE: i32 = 352;
const ONES: usize = SCRATCH;
const ELEVEN: usize = SCRATCH + 80;
const SPARE: usize = SCRATCH + 160;
const KEPT: usize = SCRATCH + 240;
const ENCODED: usize = SCRATCH + 320;

/** Forgets the working space; callers that compute on secrets do so when they finish. */
export function fieldWipeScratch(): void {
  wipe(SCRATCH, SCRATCH_SIZE);
}

/** `out` = `value`, a small number. */
export function fieldSetSmall(out: usize, value: i64): void {
  memory.fill(out, 0, FIELD_SIZE);
  store<i64>(out, value);
}

/** `out` = `x`. */
export function fieldCopy(out: usize, x: usize): void {
  memory.copy(out, x, FIELD_SIZE);
}

/** `out` = `x` + `y`, limb by limb and without carries. */
export function fieldAdd(out: usize, x: usize, y: usize): void {
  for (let at: usize = 0; at < FIELD_SIZE; at += 16) {
    v128.store(out + at, i64x2.add(v128.load(x + at), v128.load(y + at)));
  }
}

/** `out` = `x` - `y`, limb by limb and without carries. */
export function fieldSubtract(out: usize, x: usize, y: usize): void {
  for (let at: usize = 0; at < FIELD_SIZE; at += 16) {
    v128.store(out + at, i64x2.sub(v128.load(x + at), v128.load(y + at)));
  }
}

/** `out` = -`x`. */
export function fieldNegate(out: usize, x: usize): void {
  for (let at: usize = 0; at < FIELD_SIZE; at += 16) {
    v128.store(out + at, i64x2.neg(v128.load(x + at)));
  }
}

/**
 * Exchanges `x` and `y` when `bit` is 1 and leaves them when it is 0, with the same instructions.
 */
export function fieldSwap(x: usize, y: usize, bit: i64): void {
  const mask = i64x2.splat(-bit);
  for (let at: usize = 0; at < FIELD_SIZE; at += 16) {
    const left = v128.load(x + at);
    const right = v128.load(y + at);
    const difference = v128.and(mask, v128.xor(left, right));
    v128.store(x + at, v128.xor(left, difference));
    v128.store(y + at, v128.xor(right, difference));
  }
}

/** Reads 32 little-endian bytes; bit 255 is ignored and values from p on are taken modulo p. */
export function fieldDecode(out: usize, bytes: usize): void {
  const w0 = load<u64>(bytes);
  const w1 = load<u64>(bytes, 8);
  const w2 = load<u64>(bytes, 16);
  const w3 = load<u64>(bytes, 24);
  store<u64>(out, w0 & MASK_26);
  store<u64>(out, (w0 >> 26) & MASK_25, 8);
  store<u64>(out, ((w0 >> 51) | (w1 << 13)) & MASK_26, 16);
  store<u64>(out, (w1 >> 13) & MASK_25, 24);
  store<u64>(out, w1 >> 38, 32);
  store<u64>(out, w2 & MASK_25, 40);
  store<u64>(out, (w2 >> 25) & MASK_26, 48);
  store<u64>(out, ((w2 >> 51) | (w3 << 13)) & MASK_25, 56);
  store<u64>(out, (w3 >> 12) & MASK_26, 64);
  store<u64>(out, (w3 >> 38) & MASK_25, 72);
}

/**
 * Writes the one value in [0, p) that `x` stands for, as 32 little-endian bytes.
 * `x` is a product, or the sum or difference of two products.
 */
export function fieldEncode(bytes: usize, x: usize): void {
  // The quotient of x by p is found by running the carries once without storing them: it is the
  // carry out of limb 9 of x + 19 * 2^-255 * x, rounded, which for these bounds is exactly floor(x
  // / p).
  let quotient: i64 = (19 * load<i64>(x, 72) + (1 << 24)) >> 25;
  for (let limb: usize = 0; limb < 10; limb += 2) {
    quotient = (load<i64>(x + limb * 8) + quotient) >> 26;
    quotient = (load<i64>(x + limb * 8, 8) + quotient) >> 25;
  }
  let h0 = load<i64>(x) + 19 * quotient;
  const h1 = load<i64>(x, 8) + (h0 >> 26);
  const h2 = load<i64>(x, 16) + (h1 >> 25);
  const h3 = load<i64>(x, 24) + (h2 >> 26);
  const h4 = load<i64>(x, 32) + (h3 >> 25);
  const h5 = load<i64>(x, 40) + (h4 >> 26);
  const h6 = load<i64>(x, 48) + (h5 >> 25);
  const h7 = load<i64>(x, 56) + (h6 >> 26);
  const h8 = load<i64>(x, 64) + (h7 >> 25);
  const h9 = load<i64>(x, 72) + (h8 >> 26);
  h0 &= MASK_26;
  const l2 = <u64>h2 & MASK_26;
  const l4 = <u64>h4 & MASK_26;
  const l7 = <u64>h7 & MASK_25;
  const l9 = <u64>h9 & MASK_25;
  store<u64>(bytes, h0 | ((h1 & MASK_25) << 26) | (l2 << 51));
  store<u64>(bytes, (l2 >> 13) | ((h3 & MASK_25) << 13) | (l4 << 38), 8);
  store<u64>(bytes, (h5 & MASK_25) | ((h6 & MASK_26) << 25) | (l7 << 51), 16);
  store<u64>(bytes, (l7 >> 13) | ((h8 & MASK_26) << 12) | (l9 << 38), 24);
}

/**
 * Leaves `x` to the power 2^250 - 1 in ONES and `x` to the power 11 in ELEVEN: the common part of
 * the inverse and of the square root. A number of n ones in binary, shifted by n and added to
 * itself, has 2n ones.
 */
function powerOfManyOnes(x: usize): void {
  fieldSquare(ELEVEN, x); // 2
  fieldSquareTimes(ONES, ELEVEN, 2); // 8
  fieldMultiply(ONES, ONES, x); // 9
  fieldMultiply(ELEVEN, ELEVEN, ONES); // 11
  fieldSquare(SPARE, ELEVEN); // 22
  fieldMultiply(ONES, ONES, SPARE); // 31 = 2^5 - 1
  doubleOnes(5);
  fieldCopy(KEPT, ONES); // 2^10 - 1
  doubleOnes(10);
  doubleOnes(20);
  fieldSquareTimes(ONES, ONES, 10);
  fieldMultiply(ONES, ONES, KEPT); // 2^50 - 1
  fieldCopy(KEPT, ONES);
  doubleOnes(50);
  doubleOnes(100);
  fieldSquareTimes(ONES, ONES, 50);
  fieldMultiply(ONES, ONES, KEPT); // 2^250 - 1
}

/** From 2^`count` - 1 to 2^(2 `count`) - 1 in ONES. */
function doubleOnes(count: i32): void {
  fieldSquareTimes(SPARE, ONES, count);
  fieldMultiply(ONES, ONES, SPARE);
}

/** `out` = 1 / `x` = x^(p - 2), with p - 2 = (2^250 - 1) * 2^5 + 11; the inverse of 0 is 0. */
export function fieldInvert(out: usize, x: usize): void {
  powerOfManyOnes(x);
  fieldSquareTimes(ONES, ONES, 5);
  fieldMultiply(out, ONES, ELEVEN);
}

/**
 * `out` = x^((p - 5) / 8), with (p - 5) / 8 = (2^250 - 1) * 2^2 + 1 (RFC 8032 §5.1.3). `out` is not
 * `x`.
 */
export function fieldRootPower(out: usize, x: usize): void {
  powerOfManyOnes(x);
  fieldSquareTimes(ONES, ONES, 2);
  fieldMultiply(out, ONES, x);
}

/** True when `x` is 0 modulo p. For public values: the verdict is a branch of the caller. */
export function fieldIsZero(x: usize): bool {
  fieldEncode(ENCODED, x);
  return (
    (load<u64>(ENCODED) |
      load<u64>(ENCODED, 8) |
      load<u64>(ENCODED, 16) |
      load<u64>(ENCODED, 24)) ==
    0
  );
}

/** The lowest bit of `x` in [0, p), which RFC 8032 §5.1.2 calls its sign. */
export function fieldSign(x: usize): u32 {
  fieldEncode(ENCODED, x);
  return load<u8>(ENCODED) & 1;
}
