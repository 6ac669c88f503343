/**
 * CipherState: a key and its nonce counter, for the handshake and for the transport messages after
 * it.
 *
 * Spec       Noise rev 34 §5.1 (the functions), §12.3 (nonce of ChaChaPoly: 32 zero bits, then n
 *            little-endian)
 * Layer      noise (L2)
 * Memory     CIPHER_STATE_SIZE = 48 bytes:
 *
 *              byte  0                 32      40          44      48
 *                    | k 32            | n u64 | hasKey u32| zero  |
 *
 * Invariant  n counts the messages under k and never comes back; n = 2^64 - 1 is reserved (§5.1),
 *            so it is never used: reaching it is a bug of the caller, as the packet layer changes
 *            keys long before
 */
import { invariant } from "../base/invariant.ts";
import { aeadOpen, aeadSeal } from "../crypto/chacha20-poly1305.ts";
import { wipe } from "../crypto/constant-time.ts";

export const CIPHER_STATE_SIZE: usize = 48;
/** Bytes that encryption adds. */
export const TAG_SIZE: i32 = 16;

const N: usize = 32;
const HAS_KEY: usize = 40;

/** The nonce of the message at hand; public, so it needs no wiping. */
const NONCE: usize = memory.data(16, 16);

/** InitializeKey(k): takes the 32-byte key at `key` and starts counting at 0. */
export function cipherInitializeKey(state: usize, key: usize): void {
  memory.copy(state, key, 32);
  store<u64>(state, 0, N);
  store<u32>(state, 1, HAS_KEY);
}

/** InitializeKey(empty): from here on messages pass in the clear. */
export function cipherInitializeEmpty(state: usize): void {
  wipe(state, <i32>CIPHER_STATE_SIZE);
}

/** HasKey(). */
export function cipherHasKey(state: usize): bool {
  return load<u32>(state, HAS_KEY) != 0;
}

/**
 * EncryptWithAd(ad, plaintext), in place: the `len` bytes at `data` become the ciphertext, the tag
 * follows them when there is a key. Returns the length of the result.
 */
export function cipherEncryptWithAd(
  state: usize,
  ad: usize,
  adLen: i32,
  data: usize,
  len: i32,
): i32 {
  if (!cipherHasKey(state)) return len;
  aeadSeal(state, nonceOf(state), ad, adLen, data, len);
  store<u64>(state, load<u64>(state, N) + 1, N);
  return len + TAG_SIZE;
}

/**
 * DecryptWithAd(ad, ciphertext), in place: `len` counts the tag when there is a key. Returns the
 * length of the plaintext, or -1 when the message is not authentic or too short for a tag; then
 * nothing has changed.
 */
export function cipherDecryptWithAd(
  state: usize,
  ad: usize,
  adLen: i32,
  data: usize,
  len: i32,
): i32 {
  if (!cipherHasKey(state)) return len;
  const plainLen = len - TAG_SIZE;
  if (plainLen < 0) return -1;
  if (!aeadOpen(state, nonceOf(state), ad, adLen, data, plainLen)) return -1;
  store<u64>(state, load<u64>(state, N) + 1, N);
  return plainLen;
}

/** Writes the nonce of the next message and returns its address. */
function nonceOf(state: usize): usize {
  const n = load<u64>(state, N);
  invariant(n != u64.MAX_VALUE);
  store<u32>(NONCE, 0);
  store<u64>(NONCE, n, 4);
  return NONCE;
}
