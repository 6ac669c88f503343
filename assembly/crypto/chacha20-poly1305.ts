/**
 * ChaCha20-Poly1305, the packet protection of every MXP connection, in place.
 *
 * Spec       RFC 8439 §2.6, §2.8
 * Layer      crypto (L1)
 * Invariant  aeadOpen verifies before it decrypts: no byte of unverified plaintext is ever written
 * Limits     len + 16 bytes at data belong to the caller: the tag follows the ciphertext
 * Cost       one kernel makes the one-time key and the key stream of the first 448 bytes
 * Twin       test/reference/chacha20-poly1305.ts
 */
import { invariant } from "../base/invariant.ts";
import {
  BLOCK_SIZE,
  KEY_STREAM,
  chacha20Xor,
  eraseKeyStream,
  fillKeyStream,
  xorBytes,
} from "./chacha20.ts";
import { equalConstantTime, wipe } from "./constant-time.ts";
import { poly1305Finish, poly1305Init, poly1305Lengths, poly1305Padded } from "./poly1305.ts";

export const TAG_SIZE: i32 = 16;

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
  invariant(aadLen >= 0 && len >= 0);
  const prepared = fillKeyStream(key32, 0, nonce12, BLOCK_SIZE + len);
  poly1305Init(KEY_STREAM, max<i32>(aadLen, len));
  encrypt(key32, nonce12, data, len, prepared);
  authenticate(aad, aadLen, data, len, data + <usize>len);
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
  // A length that a peer chose was checked where the packet was cut out of its datagram.
  invariant(aadLen >= 0 && len >= 0);
  const prepared = fillKeyStream(key32, 0, nonce12, BLOCK_SIZE + len);
  poly1305Init(KEY_STREAM, max<i32>(aadLen, len));
  authenticate(aad, aadLen, data, len, TAG);
  const isAuthentic = equalConstantTime(TAG, data + <usize>len, TAG_SIZE);
  // The right tag of a forged packet is a secret: whoever learns it has made the forgery succeed.
  wipe(TAG, TAG_SIZE);
  if (isAuthentic) encrypt(key32, nonce12, data, len, prepared);
  else eraseKeyStream(prepared);
  return isAuthentic;
}

/** Takes block 1 on from the prepared key stream, erases that, and takes the rest from the cipher. */
function encrypt(key32: usize, nonce12: usize, data: usize, len: i32, prepared: i32): void {
  const covered = min<i32>(len, prepared - BLOCK_SIZE);
  xorBytes(data, KEY_STREAM + <usize>BLOCK_SIZE, covered);
  eraseKeyStream(prepared);
  if (len > covered) {
    const counter = <u32>(prepared / BLOCK_SIZE);
    chacha20Xor(key32, counter, nonce12, data + <usize>covered, len - covered);
  }
}

/** Writes the tag of the additional data and the ciphertext to `out16`. */
function authenticate(aad: usize, aadLen: i32, data: usize, len: i32, out16: usize): void {
  poly1305Padded(aad, aadLen);
  poly1305Padded(data, len);
  poly1305Lengths(aadLen, len);
  poly1305Finish(out16);
}
