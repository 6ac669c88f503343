/**
 * Points of the curve edwards25519: decoding, sums, and [a]A + [b]B for verification.
 *
 * Spec       RFC 8032 §5.1.3 (decoding), §5.1.4 (addition and doubling, the letters A to H are its
 *            own)
 * Layer      crypto (L1)
 * Memory     a point, POINT_SIZE = 320 bytes, is four field elements with x = X/Z, y = Y/Z, x y =
 *            T/Z:
 *
 *              byte  0      80     160    240    320
 *                    | X    | Y    | Z    | T    |
 *
 *            a multiple, prepared for addition, has the same size:  | Y + X | Y - X | 2 Z | 2 d T |
 * Limits     for public values only: time depends on them. Verification has no secrets
 * Twin       test/reference/ed25519.ts
 */
import { invariant } from "../base/invariant.ts";
import {
  fieldAdd,
  fieldDecode,
  fieldEncode,
  fieldInvert,
  fieldIsZero,
  fieldNegate,
  fieldRootPower,
  fieldSetSmall,
  fieldSign,
  fieldSubtract,
} from "./field25519.ts";
import { fieldMultiply, fieldSquare } from "./field25519-product.ts";
import { DIGIT_COUNT, MULTIPLE_COUNT, scalarDigits } from "./scalar25519.ts";

export const POINT_SIZE: usize = 320;
const X: usize = 0;
const Y: usize = 80;
const Z: usize = 160;
const T: usize = 240;
const SUM: usize = 0;
const DIFFERENCE: usize = 80;
const DOUBLE_Z: usize = 160;
const DOUBLE_DT: usize = 240;

/**
 * d = -121665/121666, 2d and a square root of -1, as 32 little-endian bytes (RFC 8032 §5.1,
 * §5.1.3).
 */
const D_BYTES: usize = memory.data<u64>([
  0x75eb4dca135978a3, 0x00700a4d4141d8ab, 0x8cc740797779e898, 0x52036cee2b6ffe73,
]);
const DOUBLE_D_BYTES: usize = memory.data<u64>([
  0xebd69b9426b2f159, 0x00e0149a8283b156, 0x198e80f2eef3d130, 0x2406d9dc56dffce7,
]);
const ROOT_BYTES: usize = memory.data<u64>([
  0xc4ee1b274a0ea0b0, 0x2f431806ad2fe478, 0x2b4d00993dfbd7a7, 0x2b8324804fc1df0b,
]);
/** The base point: y = 4/5 and x is even (RFC 8032 §5.1). */
const BASE_BYTES: usize = memory.data<u64>([
  0x6666666666666658, 0x6666666666666666, 0x6666666666666666, 0x6666666666666666,
]);

/** Elements A to H of a sum or doubling, then y and v of a decoding. */
const SCRATCH: usize = memory.data(800, 16);
const A: usize = SCRATCH;
const B: usize = SCRATCH + 80;
const C: usize = SCRATCH + 160;
const D: usize = SCRATCH + 240;
const E: usize = SCRATCH + 320;
const F: usize = SCRATCH + 400;
const G: usize = SCRATCH + 480;
const H: usize = SCRATCH + 560;
const U: usize = SCRATCH + 640;
const V: usize = SCRATCH + 720;

/** Digits of the two scalars; the odd multiples of the two points, then points at work. */
const DIGITS_A: usize = memory.data(256, 16);
const DIGITS_B: usize = memory.data(256, 16);
const MULTIPLES_A: usize = memory.data(2560, 16);
const MULTIPLES_B: usize = memory.data(2560, 16);
const SPARE: usize = memory.data(320, 16);
const TWICE: usize = memory.data(320, 16);
const BASE: usize = memory.data(320, 16);
const IS_BASE_READY: usize = memory.data(8, 8);

/**
 * Reads a point from its 32-byte encoding; false unless it is the one encoding of a point of the
 * curve.
 */
export function pointDecode(out: usize, bytes: usize): bool {
  if (!isBelowP(bytes)) return false;
  const y = out + Y;
  const x = out + X;
  fieldDecode(y, bytes);
  // x² = (y² - 1) / (d y² + 1) = u / v.
  fieldSetSmall(A, 1);
  fieldSquare(B, y);
  fieldSubtract(U, B, A);
  fieldDecode(V, D_BYTES);
  fieldMultiply(V, V, B);
  fieldAdd(V, V, A);
  if (!root(x)) return false;
  const sign: u32 = load<u8>(bytes, 31) >> 7;
  if (fieldIsZero(x) && sign != 0) return false;
  if (fieldSign(x) != sign) fieldNegate(x, x);
  fieldSetSmall(out + Z, 1);
  fieldMultiply(out + T, x, y);
  return true;
}

/** Leaves a square root of U / V in `x`; false when there is none. */
function root(x: usize): bool {
  // The candidate is u v³ (u v⁷)^((p - 5) / 8); it is a root of u / v or of -u / v.
  fieldSquare(C, V);
  fieldMultiply(C, C, V); // v³
  fieldSquare(D, C);
  fieldMultiply(D, D, V); // v⁷
  fieldMultiply(D, D, U);
  fieldRootPower(E, D);
  fieldMultiply(E, E, C);
  fieldMultiply(x, E, U);
  fieldSquare(F, x);
  fieldMultiply(F, F, V);
  fieldMultiply(U, U, A); // carried, so that the comparisons are of carried values
  fieldSubtract(G, F, U);
  if (fieldIsZero(G)) return true;
  fieldAdd(G, F, U);
  if (!fieldIsZero(G)) return false;
  fieldDecode(H, ROOT_BYTES);
  fieldMultiply(x, x, H);
  return true;
}

/** True when the 255 low bits at `bytes` are a number below p = 2^255 - 19. */
function isBelowP(bytes: usize): bool {
  const isTopFull =
    load<u64>(bytes, 8) == u64.MAX_VALUE &&
    load<u64>(bytes, 16) == u64.MAX_VALUE &&
    (load<u64>(bytes, 24) | (1 << 63)) == u64.MAX_VALUE;
  return !isTopFull || load<u64>(bytes) < u64.MAX_VALUE - 18;
}

/** Writes the 32-byte encoding of `point`. */
export function pointEncode(bytes: usize, point: usize): void {
  fieldInvert(A, point + Z);
  fieldMultiply(B, point + X, A);
  fieldMultiply(C, point + Y, A);
  fieldEncode(bytes, C);
  store<u8>(bytes, load<u8>(bytes, 31) | <u8>(fieldSign(B) << 7), 31);
}

/** `point` = -`point`. */
export function pointNegate(point: usize): void {
  fieldNegate(point + X, point + X);
  fieldNegate(point + T, point + T);
}

/** True when the order of `point` is 1, 2, 4 or 8: no key of an honest signer is such a point. */
export function pointIsSmallOrder(point: usize): bool {
  pointDouble(SPARE, point, false);
  pointDouble(SPARE, SPARE, false);
  pointDouble(SPARE, SPARE, false);
  fieldSubtract(A, SPARE + Y, SPARE + Z);
  return fieldIsZero(SPARE + X) && fieldIsZero(A);
}

/**
 * `out` = 2 `point`; another doubling does not read T, so it is left out unless an addition
 * follows.
 */
function pointDouble(out: usize, point: usize, hasT: bool): void {
  fieldSquare(A, point + X);
  fieldSquare(B, point + Y);
  fieldSquare(C, point + Z);
  fieldAdd(C, C, C);
  fieldAdd(H, A, B);
  fieldAdd(E, point + X, point + Y);
  fieldSquare(E, E);
  fieldSubtract(E, H, E);
  fieldSubtract(G, A, B);
  fieldAdd(F, C, G);
  finish(out, hasT);
}

/** `out` = `point` + `multiple`, or `point` - `multiple`. */
function pointAdd(out: usize, point: usize, multiple: usize, isNegative: bool): void {
  // -(x, y) = (-x, y): Y + X and Y - X change places, and the sign of T turns around.
  fieldSubtract(A, point + Y, point + X);
  fieldMultiply(A, A, multiple + (isNegative ? SUM : DIFFERENCE));
  fieldAdd(B, point + Y, point + X);
  fieldMultiply(B, B, multiple + (isNegative ? DIFFERENCE : SUM));
  fieldMultiply(C, point + T, multiple + DOUBLE_DT);
  fieldMultiply(D, point + Z, multiple + DOUBLE_Z);
  fieldSubtract(E, B, A);
  fieldAdd(H, B, A);
  fieldSubtract(isNegative ? G : F, D, C);
  fieldAdd(isNegative ? F : G, D, C);
  finish(out, true);
}

/** The products that end a sum and a doubling. */
function finish(out: usize, hasT: bool): void {
  fieldMultiply(out + X, E, F);
  fieldMultiply(out + Y, G, H);
  fieldMultiply(out + Z, F, G);
  if (hasT) fieldMultiply(out + T, E, H);
}

/** Prepares `point` for additions. */
function prepare(multiple: usize, point: usize): void {
  fieldAdd(multiple + SUM, point + Y, point + X);
  fieldSubtract(multiple + DIFFERENCE, point + Y, point + X);
  fieldAdd(multiple + DOUBLE_Z, point + Z, point + Z);
  fieldDecode(A, DOUBLE_D_BYTES);
  fieldMultiply(multiple + DOUBLE_DT, point + T, A);
}

/** Writes the odd multiples 1, 3, … 15 of `point` to `multiples`. */
function prepareMultiples(multiples: usize, point: usize): void {
  pointDouble(SPARE, point, true);
  prepare(TWICE, SPARE);
  memory.copy(SPARE, point, POINT_SIZE);
  prepare(multiples, SPARE);
  for (let index: i32 = 1; index < MULTIPLE_COUNT; index++) {
    pointAdd(SPARE, SPARE, TWICE, false);
    prepare(multiples + <usize>index * POINT_SIZE, SPARE);
  }
}

/** Prepares the multiples of the base point, once for each instance of the engine. */
function prepareBaseMultiples(): void {
  if (load<u8>(IS_BASE_READY) != 0) return;
  invariant(pointDecode(BASE, BASE_BYTES));
  prepareMultiples(MULTIPLES_B, BASE);
  store<u8>(IS_BASE_READY, 1);
}

/**
 * `out` = [a] `point` + [b] base, for scalars below 2^253, each followed by four readable bytes.
 * The doublings are shared (Straus), and signed windows of five bits leave about 43 additions for
 * each scalar.
 */
export function pointMultiplyTwo(out: usize, a: usize, point: usize, b: usize): void {
  prepareBaseMultiples();
  prepareMultiples(MULTIPLES_A, point);
  scalarDigits(DIGITS_A, a);
  scalarDigits(DIGITS_B, b);
  memory.fill(out, 0, POINT_SIZE);
  fieldSetSmall(out + Y, 1);
  fieldSetSmall(out + Z, 1);
  for (let position: i32 = DIGIT_COUNT - 1; position >= 0; position--) {
    const digitA: i32 = load<i8>(DIGITS_A + <usize>position);
    const digitB: i32 = load<i8>(DIGITS_B + <usize>position);
    pointDouble(out, out, (digitA | digitB) != 0);
    addDigit(out, MULTIPLES_A, digitA);
    addDigit(out, MULTIPLES_B, digitB);
  }
}

/** Adds the multiple that `digit` names, 0 or odd. */
function addDigit(out: usize, multiples: usize, digit: i32): void {
  if (digit == 0) return;
  const index = <usize>(abs<i32>(digit) >> 1);
  pointAdd(out, out, multiples + index * POINT_SIZE, digit < 0);
}
