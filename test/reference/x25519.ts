/**
 * X25519 with BigInt, line for line as RFC 7748 §5 writes it: the readable twin of
 * assembly/crypto/x25519.ts.
 */
import { fromLittleEndian, invert, mod, toLittleEndian } from "./field25519.ts";

const A24 = 121665n;

/** The u-coordinate of `scalar` times the point with u-coordinate `point`. */
export function x25519(scalar: Uint8Array, point: Uint8Array): Uint8Array<ArrayBuffer> {
  const clamped = scalar.slice();
  clamped[0]! &= 248;
  clamped[31]! &= 127;
  clamped[31]! |= 64;
  const k = fromLittleEndian(clamped);
  const x1 = mod(fromLittleEndian(point) & (2n ** 255n - 1n));
  let [x2, z2, x3, z3] = [1n, 0n, x1, 1n];
  let swap = 0n;
  for (let t = 254n; t >= 0n; t--) {
    const bit = (k >> t) & 1n;
    if (swap !== bit) [x2, z2, x3, z3] = [x3, z3, x2, z2];
    swap = bit;
    const a = x2 + z2;
    const aa = mod(a * a);
    const b = x2 - z2;
    const bb = mod(b * b);
    const e = aa - bb;
    const da = mod((x3 - z3) * a);
    const cb = mod((x3 + z3) * b);
    x3 = mod((da + cb) ** 2n);
    z3 = mod(x1 * (da - cb) ** 2n);
    x2 = mod(aa * bb);
    z2 = mod(e * (aa + A24 * e));
  }
  if (swap === 1n) [x2, z2] = [x3, z3];
  return toLittleEndian(mod(x2 * invert(z2)));
}
