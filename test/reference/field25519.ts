/**
 * The field modulo 2^255 - 19 with BigInt: the readable twin of assembly/crypto/field25519.ts.
 *
 * Source: RFC 7748 §4.1, §5.
 */
export const P = 2n ** 255n - 19n;

/** `value` in [0, modulus). */
export function mod(value: bigint, modulus = P): bigint {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
}

/** `base` to the power `exponent`. */
export function power(base: bigint, exponent: bigint, modulus = P): bigint {
  let result = 1n;
  for (let square = mod(base, modulus), rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

/** 1 / `value`, and 0 for 0 (Fermat). */
export function invert(value: bigint): bigint {
  return power(value, P - 2n);
}

/** The number of little-endian `bytes`. */
export function fromLittleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of [...bytes].reverse()) value = (value << 8n) | BigInt(byte);
  return value;
}

/** `value` as `size` little-endian bytes. */
export function toLittleEndian(value: bigint, size = 32): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: size }, (_, index) =>
    Number((value >> BigInt(8 * index)) & 255n),
  );
}
