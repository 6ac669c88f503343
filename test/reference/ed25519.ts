/**
 * Ed25519 verification with BigInt: the readable twin of assembly/crypto/ed25519.ts.
 *
 * Source: RFC 8032 §5.1. Strict where the RFC leaves a choice, as the engine is.
 */
import { createHash } from "node:crypto";
import { fromLittleEndian, invert, mod, P, power, toLittleEndian } from "./field25519.ts";

export const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const D = mod(-121665n * invert(121666n));
const ROOT_OF_MINUS_ONE = power(2n, (P - 1n) / 4n);

/** A point of -x² + y² = 1 + d x² y² with x = X/Z, y = Y/Z and x y = T/Z (§5.1.4). */
export interface Point {
  readonly X: bigint;
  readonly Y: bigint;
  readonly Z: bigint;
  readonly T: bigint;
}

export const IDENTITY: Point = { X: 0n, Y: 1n, Z: 1n, T: 0n };
const BASE = decodePoint(toLittleEndian(mod(4n * invert(5n))))!;

/** §5.1.3; undefined unless the bytes are the one encoding of a point. */
export function decodePoint(bytes: Uint8Array): Point | undefined {
  const value = fromLittleEndian(bytes);
  const y = value & (2n ** 255n - 1n);
  const sign = value >> 255n;
  if (y >= P) return undefined;
  const square = mod((y * y - 1n) * invert(D * y * y + 1n));
  let x = power(square, (P + 3n) / 8n);
  if (mod(x * x) !== square) x = mod(x * ROOT_OF_MINUS_ONE);
  if (mod(x * x) !== square || (x === 0n && sign === 1n)) return undefined;
  if ((x & 1n) !== sign) x = P - x;
  return { X: x, Y: y, Z: 1n, T: mod(x * y) };
}

/** §5.1.2. */
export function encodePoint({ X, Y, Z }: Point): Uint8Array<ArrayBuffer> {
  const inverse = invert(Z);
  return toLittleEndian(mod(Y * inverse) | ((mod(X * inverse) & 1n) << 255n));
}

export function isIdentity({ X, Y, Z }: Point): boolean {
  return mod(X) === 0n && mod(Y - Z) === 0n;
}

/** §5.1.4, complete: also for equal points and for the identity. */
export function addPoints(p: Point, q: Point): Point {
  const a = (p.Y - p.X) * (q.Y - q.X);
  const b = (p.Y + p.X) * (q.Y + q.X);
  const c = 2n * D * p.T * q.T;
  const d = 2n * p.Z * q.Z;
  const [e, f, g, h] = [mod(b - a), mod(d - c), mod(d + c), mod(b + a)];
  return { X: mod(e * f), Y: mod(g * h), Z: mod(f * g), T: mod(e * h) };
}

/** [scalar] point, by doubling and adding. */
export function multiplyPoint(scalar: bigint, point: Point): Point {
  let result = IDENTITY;
  for (let rest = scalar, doubled = point; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = addPoints(result, doubled);
    doubled = addPoints(doubled, doubled);
  }
  return result;
}

/** [scalar] base. */
export function multiplyBase(scalar: bigint): Point {
  return multiplyPoint(scalar, BASE);
}

/** §5.1.7 without the cofactor, with the checks that assembly/crypto/ed25519.ts lists. */
export function verify(signature: Uint8Array, message: Uint8Array, key: Uint8Array): boolean {
  const s = fromLittleEndian(signature.subarray(32));
  const a = decodePoint(key);
  if (s >= L || a === undefined || isIdentity(multiplyPoint(8n, a))) return false;
  const hash = createHash("sha512").update(signature.subarray(0, 32)).update(key).update(message);
  const k = fromLittleEndian(hash.digest()) % L;
  const minusA = { ...a, X: -a.X, T: -a.T };
  const r = addPoints(multiplyBase(s), multiplyPoint(k, minusA));
  return Buffer.compare(encodePoint(r), signature.subarray(0, 32)) === 0;
}
