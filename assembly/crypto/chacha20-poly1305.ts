/**
 * ChaCha20-Poly1305, the packet protection of every MXP connection, in place.
 *
 * Spec       RFC 8439 §2.6, §2.8
 * Layer      crypto (L1)
 * Invariant  aeadOpen verifies before it decrypts: no byte of unverified plaintext is ever written
 * Limits     len + 16 bytes at data belong to the caller: the tag follows the ciphertext
 * Twin       test/reference/chacha20-poly1305.ts
 */
import { chacha20Block, chacha20Xor } from "./chacha20.ts";
import { equalConstantTime, wipe } from "./constant-time.ts";
import { poly1305Finish, poly1305Init, poly1305Lengths, poly1305Padded } from "./poly1305.ts";

export const TAG_SIZE: i32 = 16;

const ONE_TIME_KEY: usize = memory.data(64, 16);
const TAG: usize = memory.data(16, 16);

/** Encrypts `len` bytes at `data` in place and writes the tag behind them. */
export function aeadSeal(
  key32: usize,
  nonce12: usize,
  aad: usize,
  aadLen: i32,
  data: usize,
  len: i32,
): void {
  chacha20Xor(key32, 1, nonce12, data, len);
  authenticate(key32, nonce12, aad, aadLen, data, len, data + <usize>len);
}

/**
 * Verifies the tag at `data + len` and only then decrypts `len` bytes in place.
 * False leaves `data` as it was.
 */
export function aeadOpen(
  key32: usize,
  nonce12: usize,
  aad: usize,
  aadLen: i32,
  data: usize,
  len: i32,
): bool {
  authenticate(key32, nonce12, aad, aadLen, data, len, TAG);
  const isAuthentic = equalConstantTime(TAG, data + <usize>len, TAG_SIZE);
  // The right tag of a forged packet is a secret: whoever learns it has made the forgery succeed.
  wipe(TAG, TAG_SIZE);
  if (isAuthentic) chacha20Xor(key32, 1, nonce12, data, len);
  return isAuthentic;
}

/** Writes the tag of the additional data and the ciphertext to `out16`. */
function authenticate(
  key32: usize,
  nonce12: usize,
  aad: usize,
  aadLen: i32,
  data: usize,
  len: i32,
  out16: usize,
): void {
  chacha20Block(key32, 0, nonce12, ONE_TIME_KEY);
  poly1305Init(ONE_TIME_KEY);
  wipe(ONE_TIME_KEY, 64);
  poly1305Padded(aad, aadLen);
  poly1305Padded(data, len);
  poly1305Lengths(aadLen, len);
  poly1305Finish(out16);
}
