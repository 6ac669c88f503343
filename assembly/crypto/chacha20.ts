/**
 * ChaCha20: single blocks, the header protection mask, key stream and the stream cipher.
 *
 * Spec       RFC 8439 §2.3, §2.4 · RFC 9001 §5.4.4 (mask)
 * Layer      crypto (L1)
 * Memory     KEY_STREAM, 8 blocks of 64 bytes
 * Invariant  branches depend on lengths and counters only; KEY_STREAM is zero between calls, so that a kernel
 *            that exclusive-ors into it leaves the key stream itself
 * Limits     a 32-bit block counter: 256 GiB under one key and nonce
 * Twin       test/reference/chacha20.ts
 */
import { wipe } from "./constant-time.ts";
import {
  SPILL,
  SPILL_SIZE,
  keyStream1,
  keyStream2,
  keyStream3,
  xorKeyStream4,
  xorKeyStream8,
} from "./gen/chacha20-kernels.ts";

export const BLOCK_SIZE: i32 = 64;
const TWO_BLOCKS: i32 = 128;
const THREE_BLOCKS: i32 = 192;
const FOUR_BLOCKS: i32 = 256;
const EIGHT_BLOCKS: i32 = 512;

export const KEY_STREAM: usize = memory.data(512, 16);
const MASK_BLOCK: usize = memory.data(64, 16);

/** Writes the 64 bytes of block `counter` under `key32` and `nonce12`. */
export function chacha20Block(key32: usize, counter: u32, nonce12: usize, out64: usize): void {
  keyStream1(key32, counter, nonce12, out64);
}

/** The first 8 bytes of the block that `sample16` names: its counter, then its nonce (§5.4.4). */
export function headerProtectionMask(key32: usize, sample16: usize, out8: usize): void {
  keyStream1(key32, load<u32>(sample16), sample16 + 4, MASK_BLOCK);
  store<u64>(out8, load<u64>(MASK_BLOCK));
  wipe(MASK_BLOCK, BLOCK_SIZE);
}

/**
 * Fills KEY_STREAM from block `counter` on with the least that covers `len` bytes, at most all of it, and returns
 * how many it wrote. Whoever calls it calls eraseKeyStream afterwards.
 */
export function fillKeyStream(key32: usize, counter: u32, nonce12: usize, len: i32): i32 {
  if (len <= BLOCK_SIZE) {
    keyStream1(key32, counter, nonce12, KEY_STREAM);
    return BLOCK_SIZE;
  }
  if (len <= TWO_BLOCKS) {
    keyStream2(key32, counter, nonce12, KEY_STREAM);
    return TWO_BLOCKS;
  }
  if (len <= THREE_BLOCKS) {
    keyStream3(key32, counter, nonce12, KEY_STREAM);
    return THREE_BLOCKS;
  }
  if (len <= FOUR_BLOCKS) {
    xorKeyStream4(key32, counter, nonce12, KEY_STREAM);
    return FOUR_BLOCKS;
  }
  xorKeyStream8(key32, counter, nonce12, KEY_STREAM);
  return EIGHT_BLOCKS;
}

/** Erases `size` bytes of KEY_STREAM, and what a kernel spilled when it made that many. */
export function eraseKeyStream(size: i32): void {
  wipe(KEY_STREAM, size);
  if (size > FOUR_BLOCKS) wipe(SPILL, SPILL_SIZE);
}

/** Exclusive-ors `len` bytes at `data` with the key stream that starts at block `counter`. */
export function chacha20Xor(
  key32: usize,
  counter: u32,
  nonce12: usize,
  data: usize,
  len: i32,
): void {
  const rest = len & (EIGHT_BLOCKS - 1);
  const end = data + <usize>(len - rest);
  if (data < end) {
    for (; data < end; data += <usize>EIGHT_BLOCKS, counter += 8) {
      xorKeyStream8(key32, counter, nonce12, data);
    }
    wipe(SPILL, SPILL_SIZE);
  }
  if (rest > 0) {
    const made = fillKeyStream(key32, counter, nonce12, rest);
    xorBytes(data, KEY_STREAM, rest);
    eraseKeyStream(made);
  }
}

/** Exclusive-ors `len` bytes at `other` into those at `data`. */
export function xorBytes(data: usize, other: usize, len: i32): void {
  const end = data + <usize>len;
  for (; data + 16 <= end; data += 16, other += 16) {
    v128.store(data, v128.xor(v128.load(data), v128.load(other)));
  }
  if (data + 8 <= end) {
    store<u64>(data, load<u64>(data) ^ load<u64>(other));
    data += 8;
    other += 8;
  }
  for (; data < end; data++, other++) store<u8>(data, load<u8>(data) ^ load<u8>(other));
}
