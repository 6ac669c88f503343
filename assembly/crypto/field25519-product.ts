/**
 * Products in the field of integers modulo p = 2^255 - 19: multiply, square, multiply by a small
 * number.
 *
 * Spec       RFC 7748 §4.1, RFC 8032 §5.1.1 (the field); the representation is that of
 *            field25519.ts
 * Layer      crypto (L1); imports nothing
 * Memory     an element is ten i64 limbs, 80 bytes (picture in field25519.ts); results may overlap
 *            operands
 * Invariant  limb i of a result is at most 1.01 * 2^25 (even i) or 1.01 * 2^24 (odd i) in absolute
 *            value; with operands at most s * 2^26 (even), s * 2^25 (odd) and t likewise, s * t <=
 *            16 keeps every sum below 2^63, as 124.5 * s * t * 2^52 is the largest
 * Cost       100 and 55 products of 64 bits; unrolled, as a loop over limbs is about twice as slow
 * Twin       test/reference/field25519.ts
 */
const HALF_26: i64 = 1 << 25;
const HALF_25: i64 = 1 << 24;

/**
 * Carries the ten sums `h0..h9` to their neighbours, rounding to nearest so that limbs stay signed
 * and small, and stores them. The two chains (0, 1, 2, 3 and 4, 5, 6, 7) are interleaved because
 * they do not depend on each other; what leaves limb 9 has weight 2^255 and comes back into limb 0
 * as 19.
 */
function carryAndStore(
  out: usize,
  h0: i64,
  h1: i64,
  h2: i64,
  h3: i64,
  h4: i64,
  h5: i64,
  h6: i64,
  h7: i64,
  h8: i64,
  h9: i64,
): void {
  let carry: i64;
  carry = (h0 + HALF_26) >> 26;
  h1 += carry;
  h0 -= carry << 26;
  carry = (h4 + HALF_26) >> 26;
  h5 += carry;
  h4 -= carry << 26;
  carry = (h1 + HALF_25) >> 25;
  h2 += carry;
  h1 -= carry << 25;
  carry = (h5 + HALF_25) >> 25;
  h6 += carry;
  h5 -= carry << 25;
  carry = (h2 + HALF_26) >> 26;
  h3 += carry;
  h2 -= carry << 26;
  carry = (h6 + HALF_26) >> 26;
  h7 += carry;
  h6 -= carry << 26;
  carry = (h3 + HALF_25) >> 25;
  h4 += carry;
  h3 -= carry << 25;
  carry = (h7 + HALF_25) >> 25;
  h8 += carry;
  h7 -= carry << 25;
  carry = (h4 + HALF_26) >> 26;
  h5 += carry;
  h4 -= carry << 26;
  carry = (h8 + HALF_26) >> 26;
  h9 += carry;
  h8 -= carry << 26;
  carry = (h9 + HALF_25) >> 25;
  h0 += carry * 19;
  h9 -= carry << 25;
  carry = (h0 + HALF_26) >> 26;
  h1 += carry;
  h0 -= carry << 26;
  store<i64>(out, h0);
  store<i64>(out, h1, 8);
  store<i64>(out, h2, 16);
  store<i64>(out, h3, 24);
  store<i64>(out, h4, 32);
  store<i64>(out, h5, 40);
  store<i64>(out, h6, 48);
  store<i64>(out, h7, 56);
  store<i64>(out, h8, 64);
  store<i64>(out, h9, 72);
}

/**
 * `out` = `x` * `y`. Odd limbs have weight 2^(25.5 i) rounded up, so odd by odd counts twice (the
 * d's).
 */
export function fieldMultiply(out: usize, x: usize, y: usize): void {
  const a0 = load<i64>(x);
  const a1 = load<i64>(x, 8);
  const a2 = load<i64>(x, 16);
  const a3 = load<i64>(x, 24);
  const a4 = load<i64>(x, 32);
  const a5 = load<i64>(x, 40);
  const a6 = load<i64>(x, 48);
  const a7 = load<i64>(x, 56);
  const a8 = load<i64>(x, 64);
  const a9 = load<i64>(x, 72);
  const b0 = load<i64>(y);
  const b1 = load<i64>(y, 8);
  const b2 = load<i64>(y, 16);
  const b3 = load<i64>(y, 24);
  const b4 = load<i64>(y, 32);
  const b5 = load<i64>(y, 40);
  const b6 = load<i64>(y, 48);
  const b7 = load<i64>(y, 56);
  const b8 = load<i64>(y, 64);
  const b9 = load<i64>(y, 72);
  const d1 = a1 * 2;
  const d3 = a3 * 2;
  const d5 = a5 * 2;
  const d7 = a7 * 2;
  const d9 = a9 * 2;
  const n1 = b1 * 19;
  const n2 = b2 * 19;
  const n3 = b3 * 19;
  const n4 = b4 * 19;
  const n5 = b5 * 19;
  const n6 = b6 * 19;
  const n7 = b7 * 19;
  const n8 = b8 * 19;
  const n9 = b9 * 19;
  let h0 = a0 * b0 + d1 * n9 + a2 * n8 + d3 * n7 + a4 * n6;
  h0 += d5 * n5 + a6 * n4 + d7 * n3 + a8 * n2 + d9 * n1;
  let h1 = a0 * b1 + a1 * b0 + a2 * n9 + a3 * n8 + a4 * n7;
  h1 += a5 * n6 + a6 * n5 + a7 * n4 + a8 * n3 + a9 * n2;
  let h2 = a0 * b2 + d1 * b1 + a2 * b0 + d3 * n9 + a4 * n8;
  h2 += d5 * n7 + a6 * n6 + d7 * n5 + a8 * n4 + d9 * n3;
  let h3 = a0 * b3 + a1 * b2 + a2 * b1 + a3 * b0 + a4 * n9;
  h3 += a5 * n8 + a6 * n7 + a7 * n6 + a8 * n5 + a9 * n4;
  let h4 = a0 * b4 + d1 * b3 + a2 * b2 + d3 * b1 + a4 * b0;
  h4 += d5 * n9 + a6 * n8 + d7 * n7 + a8 * n6 + d9 * n5;
  let h5 = a0 * b5 + a1 * b4 + a2 * b3 + a3 * b2 + a4 * b1;
  h5 += a5 * b0 + a6 * n9 + a7 * n8 + a8 * n7 + a9 * n6;
  let h6 = a0 * b6 + d1 * b5 + a2 * b4 + d3 * b3 + a4 * b2;
  h6 += d5 * b1 + a6 * b0 + d7 * n9 + a8 * n8 + d9 * n7;
  let h7 = a0 * b7 + a1 * b6 + a2 * b5 + a3 * b4 + a4 * b3;
  h7 += a5 * b2 + a6 * b1 + a7 * b0 + a8 * n9 + a9 * n8;
  let h8 = a0 * b8 + d1 * b7 + a2 * b6 + d3 * b5 + a4 * b4;
  h8 += d5 * b3 + a6 * b2 + d7 * b1 + a8 * b0 + d9 * n9;
  let h9 = a0 * b9 + a1 * b8 + a2 * b7 + a3 * b6 + a4 * b5;
  h9 += a5 * b4 + a6 * b3 + a7 * b2 + a8 * b1 + a9 * b0;
  carryAndStore(out, h0, h1, h2, h3, h4, h5, h6, h7, h8, h9);
}

/**
 * `out` = `x`². The doubled (d) and folded (n, times 19, odd ones twice) limbs are shared between
 * sums.
 */
export function fieldSquare(out: usize, x: usize): void {
  const a0 = load<i64>(x);
  const a1 = load<i64>(x, 8);
  const a2 = load<i64>(x, 16);
  const a3 = load<i64>(x, 24);
  const a4 = load<i64>(x, 32);
  const a5 = load<i64>(x, 40);
  const a6 = load<i64>(x, 48);
  const a7 = load<i64>(x, 56);
  const a8 = load<i64>(x, 64);
  const a9 = load<i64>(x, 72);
  const d0 = a0 * 2;
  const d1 = a1 * 2;
  const d2 = a2 * 2;
  const d3 = a3 * 2;
  const d4 = a4 * 2;
  const d5 = a5 * 2;
  const d6 = a6 * 2;
  const d7 = a7 * 2;
  const n5 = a5 * 38;
  const n6 = a6 * 19;
  const n7 = a7 * 38;
  const n8 = a8 * 19;
  const n9 = a9 * 38;
  const h0 = a0 * a0 + d1 * n9 + d2 * n8 + d3 * n7 + d4 * n6 + a5 * n5;
  const h1 = d0 * a1 + a2 * n9 + d3 * n8 + a4 * n7 + d5 * n6;
  const h2 = d0 * a2 + d1 * a1 + d3 * n9 + d4 * n8 + d5 * n7 + a6 * n6;
  const h3 = d0 * a3 + d1 * a2 + a4 * n9 + d5 * n8 + a6 * n7;
  const h4 = d0 * a4 + d1 * d3 + a2 * a2 + d5 * n9 + d6 * n8 + a7 * n7;
  const h5 = d0 * a5 + d1 * a4 + d2 * a3 + a6 * n9 + d7 * n8;
  const h6 = d0 * a6 + d1 * d5 + d2 * a4 + d3 * a3 + d7 * n9 + a8 * n8;
  const h7 = d0 * a7 + d1 * a6 + d2 * a5 + d3 * a4 + a8 * n9;
  const h8 = d0 * a8 + d1 * d7 + d2 * a6 + d3 * d5 + a4 * a4 + a9 * n9;
  const h9 = d0 * a9 + d1 * a8 + d2 * a7 + d3 * a6 + d4 * a5;
  carryAndStore(out, h0, h1, h2, h3, h4, h5, h6, h7, h8, h9);
}

/** `out` = `x` to the power 2^`count`, `count` >= 1. */
export function fieldSquareTimes(out: usize, x: usize, count: i32): void {
  fieldSquare(out, x);
  for (let done = 1; done < count; done++) fieldSquare(out, out);
}

/** `out` = `x` * `factor`, where `factor` is below 2^20. */
export function fieldMultiplySmall(out: usize, x: usize, factor: i64): void {
  carryAndStore(
    out,
    load<i64>(x) * factor,
    load<i64>(x, 8) * factor,
    load<i64>(x, 16) * factor,
    load<i64>(x, 24) * factor,
    load<i64>(x, 32) * factor,
    load<i64>(x, 40) * factor,
    load<i64>(x, 48) * factor,
    load<i64>(x, 56) * factor,
    load<i64>(x, 64) * factor,
    load<i64>(x, 72) * factor,
  );
}
