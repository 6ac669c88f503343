/**
 * HMAC-SHA256, one-shot and streaming.
 *
 * Spec       RFC 2104 §2
 * Layer      crypto (L1)
 * Memory     state, HMAC_STATE_SIZE = 176 bytes:
 *            0                  112            176
 *            | inner SHA-256    | key ^ opad   |
 * Limits     a key of any length; one longer than a block is hashed first
 * Twin       test/reference/hmac.ts
 */
import { wipe } from "./constant-time.ts";
import { sha256, sha256Final, sha256Init, sha256Update } from "./sha256.ts";

export const HMAC_STATE_SIZE: i32 = 176;
const OUTER: usize = 112;
const BLOCK_SIZE: i32 = 64;
const INNER_PAD: u64 = 0x3636363636363636;
const OUTER_PAD: u64 = 0x5c5c5c5c5c5c5c5c;

const ONE_SHOT: usize = memory.data(176, 16);
const INNER_DIGEST: usize = memory.data(32, 16);

/** Starts a code under `keyLen` bytes at `key`. */
export function hmacInit(state: usize, key: usize, keyLen: i32): void {
  const block = state + OUTER;
  memory.fill(block, 0, <usize>BLOCK_SIZE);
  if (keyLen > BLOCK_SIZE) sha256(key, keyLen, block);
  else memory.copy(block, key, <usize>keyLen);
  xorBlock(block, INNER_PAD);
  sha256Init(state);
  sha256Update(state, block, BLOCK_SIZE);
  xorBlock(block, INNER_PAD ^ OUTER_PAD);
}

/** Adds `len` bytes at `ptr`. */
export function hmacUpdate(state: usize, ptr: usize, len: i32): void {
  sha256Update(state, ptr, len);
}

/** Writes the code of all bytes added and erases the state. */
export function hmacFinal(state: usize, out32: usize): void {
  sha256Final(state, INNER_DIGEST);
  sha256Init(state);
  sha256Update(state, state + OUTER, BLOCK_SIZE);
  sha256Update(state, INNER_DIGEST, 32);
  sha256Final(state, out32);
  wipe(INNER_DIGEST, 32);
  wipe(state + OUTER, BLOCK_SIZE);
}

/** HMAC-SHA256 of `dataLen` bytes at `data`; `out32` may overlap the key or the data. */
export function hmacSha256(key: usize, keyLen: i32, data: usize, dataLen: i32, out32: usize): void {
  hmacInit(ONE_SHOT, key, keyLen);
  hmacUpdate(ONE_SHOT, data, dataLen);
  hmacFinal(ONE_SHOT, out32);
}

function xorBlock(block: usize, pad: u64): void {
  for (let i: usize = 0; i < <usize>BLOCK_SIZE; i += 8) {
    store<u64>(block + i, load<u64>(block + i) ^ pad);
  }
}
