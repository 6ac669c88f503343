/**
 * SymmetricState: the chaining key, the handshake hash and the cipher that grows from them.
 *
 * Spec       Noise rev 34 §5.2 (the functions), §4.3 (HKDF: HMAC chains, the same as RFC 5869 with
 *            empty info)
 * Layer      noise (L2)
 * Memory     SYMMETRIC_STATE_SIZE = 112 bytes:
 *
 *              byte  0         32        64                 112
 *                    | ck 32   | h 32    | CipherState 48   |
 *
 * Invariant  HASHLEN = DHLEN = 32, so keys and hashes are 32 bytes throughout and nothing is
 *            truncated
 */
import { wipe } from "../crypto/constant-time.ts";
import { hkdfExpand, hkdfExtract } from "../crypto/hkdf.ts";
import { sha256, sha256Final, sha256Init, sha256Update } from "../crypto/sha256.ts";
import {
  cipherDecryptWithAd,
  cipherEncryptWithAd,
  cipherInitializeEmpty,
  cipherInitializeKey,
} from "./cipher-state.ts";

export const SYMMETRIC_STATE_SIZE: usize = 112;
export const SYMMETRIC_CK: usize = 0;
export const SYMMETRIC_H: usize = 32;
export const SYMMETRIC_CIPHER: usize = 64;

/**
 * Output of HKDF, up to three keys; then a running hash; then its pseudorandom key. All wiped after
 * use.
 */
const KEYS: usize = memory.data(96, 16);
const HASH: usize = memory.data(112, 16);
const PRK: usize = memory.data(32, 16);

/** InitializeSymmetric(protocol_name), for a name of `len` bytes. */
export function symmetricInitialize(state: usize, name: usize, len: i32): void {
  const h = state + SYMMETRIC_H;
  memory.fill(h, 0, 32);
  if (len <= 32) memory.copy(h, name, <usize>len);
  else sha256(name, len, h);
  memory.copy(state + SYMMETRIC_CK, h, 32);
  cipherInitializeEmpty(state + SYMMETRIC_CIPHER);
}

/** MixKey(input_key_material). */
export function symmetricMixKey(state: usize, material: usize, len: i32): void {
  deriveKeys(state, material, len, 2);
  memory.copy(state + SYMMETRIC_CK, KEYS, 32);
  cipherInitializeKey(state + SYMMETRIC_CIPHER, KEYS + 32);
  wipe(KEYS, 96);
}

/** MixHash(data). */
export function symmetricMixHash(state: usize, data: usize, len: i32): void {
  sha256Init(HASH);
  sha256Update(HASH, state + SYMMETRIC_H, 32);
  sha256Update(HASH, data, len);
  sha256Final(HASH, state + SYMMETRIC_H);
}

/** MixKeyAndHash(input_key_material), for pre-shared keys. */
export function symmetricMixKeyAndHash(state: usize, material: usize, len: i32): void {
  deriveKeys(state, material, len, 3);
  memory.copy(state + SYMMETRIC_CK, KEYS, 32);
  symmetricMixHash(state, KEYS + 32, 32);
  cipherInitializeKey(state + SYMMETRIC_CIPHER, KEYS + 64);
  wipe(KEYS, 96);
}

/** EncryptAndHash(plaintext), in place; returns the length of the ciphertext. */
export function symmetricEncryptAndHash(state: usize, data: usize, len: i32): i32 {
  const sealed = cipherEncryptWithAd(state + SYMMETRIC_CIPHER, state + SYMMETRIC_H, 32, data, len);
  symmetricMixHash(state, data, sealed);
  return sealed;
}

/**
 * DecryptAndHash(ciphertext): reads `len` bytes at `ciphertext`, which stay as they are, and leaves
 * the plaintext at `out`, where `len` bytes must fit. Returns the length of the plaintext or -1.
 */
export function symmetricDecryptAndHash(
  state: usize,
  ciphertext: usize,
  len: i32,
  out: usize,
): i32 {
  memory.copy(out, ciphertext, <usize>len);
  const opened = cipherDecryptWithAd(state + SYMMETRIC_CIPHER, state + SYMMETRIC_H, 32, out, len);
  if (opened < 0) return opened;
  symmetricMixHash(state, ciphertext, len);
  return opened;
}

/** Split(): the keys of the two directions, initiator to responder first. */
export function symmetricSplit(state: usize, k1: usize, k2: usize): void {
  deriveKeys(state, KEYS, 0, 2);
  memory.copy(k1, KEYS, 32);
  memory.copy(k2, KEYS + 32, 32);
  wipe(KEYS, 96);
}

/** HKDF(ck, material, count): leaves `count` keys of 32 bytes in KEYS. */
function deriveKeys(state: usize, material: usize, len: i32, count: i32): void {
  hkdfExtract(state + SYMMETRIC_CK, 32, material, len, PRK);
  hkdfExpand(PRK, 0, 0, KEYS, 32 * count);
  wipe(PRK, 32);
}
