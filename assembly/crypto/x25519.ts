/**
 * X25519, the Diffie-Hellman function of the Noise handshakes.
 *
 * Spec       RFC 7748 §5 (the ladder and its masks), §6.1 (the check for an all-zero result)
 * Layer      crypto (L1)
 * Memory     ten elements of static working space, wiped before return; results may overlap
 *            operands
 * Invariant  the scalar meets only arithmetic and masks: no branch and no address depends on it
 *            (test/unit/crypto/constant-time-audit.test.ts)
 * Cost       about 2800 field products; no allocation
 * Twin       test/reference/x25519.ts
 */
import { wipe } from "./constant-time.ts";
import {
  FIELD_SIZE,
  fieldAdd,
  fieldCopy,
  fieldDecode,
  fieldEncode,
  fieldInvert,
  fieldSetSmall,
  fieldSubtract,
  fieldSwap,
  fieldWipeScratch,
} from "./field25519.ts";
import { fieldMultiply, fieldMultiplySmall, fieldSquare } from "./field25519-product.ts";

/** (486662 - 2) / 4, RFC 7748 §5. */
const A24: i64 = 121665;

/**
 * The working space: the clamped scalar, the base point, then the elements of the ladder under RFC
 * 7748's names.
 */
const SCRATCH: usize = memory.data(864, 16);
const SCRATCH_SIZE: i32 = 864;
const SCALAR: usize = SCRATCH;
const BASE_POINT: usize = SCRATCH + 32;
const X1: usize = SCRATCH + 64;
const X2: usize = X1 + FIELD_SIZE;
const Z2: usize = X2 + FIELD_SIZE;
const X3: usize = Z2 + FIELD_SIZE;
const Z3: usize = X3 + FIELD_SIZE;
const A: usize = Z3 + FIELD_SIZE;
const B: usize = A + FIELD_SIZE;
const C: usize = B + FIELD_SIZE;
const D: usize = C + FIELD_SIZE;
const E: usize = D + FIELD_SIZE;

/**
 * `out` = the u-coordinate of `scalar` times the point with u-coordinate `point`, 32 bytes each.
 * False when the result is all zero, that is when the point has small order: no secret comes of it.
 */
export function x25519(out: usize, scalar: usize, point: usize): bool {
  memory.copy(SCALAR, scalar, 32);
  store<u8>(SCALAR, load<u8>(SCALAR) & 248);
  store<u8>(SCALAR, (load<u8>(SCALAR, 31) & 127) | 64, 31);
  fieldDecode(X1, point);
  ladder();
  fieldInvert(Z2, Z2);
  fieldMultiply(X2, X2, Z2);
  fieldEncode(out, X2);
  wipe(SCRATCH, SCRATCH_SIZE);
  fieldWipeScratch();
  return (load<u64>(out) | load<u64>(out, 8) | load<u64>(out, 16) | load<u64>(out, 24)) != 0;
}

/** `out` = the public key of the private key `scalar`. */
export function x25519PublicKey(out: usize, scalar: usize): void {
  memory.fill(BASE_POINT, 0, 32);
  store<u8>(BASE_POINT, 9);
  x25519(out, scalar, BASE_POINT);
}

/** Leaves SCALAR times X1 in X2 : Z2. */
function ladder(): void {
  fieldSetSmall(X2, 1);
  fieldSetSmall(Z2, 0);
  fieldCopy(X3, X1);
  fieldSetSmall(Z3, 1);
  let swap: i64 = 0;
  for (let position: i32 = 254; position >= 0; position--) {
    const bit: i64 = (load<u8>(SCALAR + (position >> 3)) >> <u8>(position & 7)) & 1;
    fieldSwap(X2, X3, swap ^ bit);
    fieldSwap(Z2, Z3, swap ^ bit);
    swap = bit;
    ladderStep();
  }
  fieldSwap(X2, X3, swap);
  fieldSwap(Z2, Z3, swap);
}

/**
 * One doubling of X2 : Z2 and one addition to X3 : Z3 (the loop body of RFC 7748 §5, AA and BB in A
 * and B).
 */
function ladderStep(): void {
  fieldAdd(A, X2, Z2);
  fieldSubtract(B, X2, Z2);
  fieldAdd(C, X3, Z3);
  fieldSubtract(D, X3, Z3);
  fieldMultiply(D, D, A);
  fieldMultiply(C, C, B);
  fieldAdd(X3, D, C);
  fieldSquare(X3, X3);
  fieldSubtract(Z3, D, C);
  fieldSquare(Z3, Z3);
  fieldMultiply(Z3, Z3, X1);
  fieldSquare(A, A);
  fieldSquare(B, B);
  fieldMultiply(X2, A, B);
  fieldSubtract(E, A, B);
  fieldMultiplySmall(Z2, E, A24);
  fieldAdd(Z2, Z2, A);
  fieldMultiply(Z2, Z2, E);
}
