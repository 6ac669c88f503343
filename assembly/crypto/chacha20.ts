/**
 * ChaCha20: single blocks, the header protection mask and the stream cipher.
 *
 * Spec       RFC 8439 §2.3, §2.4 · RFC 9001 §5.4.4 (mask)
 * Layer      crypto (L1)
 * Invariant  branches depend on lengths and counters only; key stream never outlives a call
 * Limits     a 32-bit block counter: 256 GiB under one key and nonce
 * Twin       test/reference/chacha20.ts
 */
import { wipe } from "./constant-time.ts";

const MASK_BLOCK: usize = memory.data(64, 16);

/** Writes the 64 bytes of block `counter` under `key32` and `nonce12`. */
export function chacha20Block(key32: usize, counter: u32, nonce12: usize, out64: usize): void {
  const row0 = i32x4(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574);
  const row1 = v128.load(key32);
  const row2 = v128.load(key32, 16);
  const row3 = i32x4(counter, load<i32>(nonce12), load<i32>(nonce12, 4), load<i32>(nonce12, 8));
  let a = row0;
  let b = row1;
  let c = row2;
  let d = row3;
  for (let round = 0; round < 10; round++) {
    a = i32x4.add(a, b);
    d = rotate16(v128.xor(d, a));
    c = i32x4.add(c, d);
    b = rotate12(v128.xor(b, c));
    a = i32x4.add(a, b);
    d = rotate8(v128.xor(d, a));
    c = i32x4.add(c, d);
    b = rotate7(v128.xor(b, c));
    b = v128.shuffle<i32>(b, b, 1, 2, 3, 0);
    c = v128.shuffle<i32>(c, c, 2, 3, 0, 1);
    d = v128.shuffle<i32>(d, d, 3, 0, 1, 2);
    a = i32x4.add(a, b);
    d = rotate16(v128.xor(d, a));
    c = i32x4.add(c, d);
    b = rotate12(v128.xor(b, c));
    a = i32x4.add(a, b);
    d = rotate8(v128.xor(d, a));
    c = i32x4.add(c, d);
    b = rotate7(v128.xor(b, c));
    b = v128.shuffle<i32>(b, b, 3, 0, 1, 2);
    c = v128.shuffle<i32>(c, c, 2, 3, 0, 1);
    d = v128.shuffle<i32>(d, d, 1, 2, 3, 0);
  }
  v128.store(out64, i32x4.add(a, row0));
  v128.store(out64, i32x4.add(b, row1), 16);
  v128.store(out64, i32x4.add(c, row2), 32);
  v128.store(out64, i32x4.add(d, row3), 48);
}

/** The first 8 bytes of the block that `sample16` names: its counter, then its nonce (§5.4.4). */
export function headerProtectionMask(key32: usize, sample16: usize, out8: usize): void {
  chacha20Block(key32, load<u32>(sample16), sample16 + 4, MASK_BLOCK);
  store<u64>(out8, load<u64>(MASK_BLOCK));
  wipe(MASK_BLOCK, 64);
}

/** Exclusive-ors `len` bytes at `data` with the key stream that starts at block `counter`. */
export function chacha20Xor(
  key32: usize,
  counter: u32,
  nonce12: usize,
  data: usize,
  len: i32,
): void {
  for (; len > 0; counter++) {
    chacha20Block(key32, counter, nonce12, MASK_BLOCK);
    const taken = min<i32>(len, 64);
    for (let i: usize = 0; i < <usize>taken; i++) {
      store<u8>(data + i, load<u8>(data + i) ^ load<u8>(MASK_BLOCK + i));
    }
    data += <usize>taken;
    len -= taken;
  }
  wipe(MASK_BLOCK, 64);
}

function rotate16(x: v128): v128 {
  return v128.swizzle(x, i8x16(2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13));
}

function rotate12(x: v128): v128 {
  return v128.or(i32x4.shl(x, 12), i32x4.shr_u(x, 20));
}

function rotate8(x: v128): v128 {
  return v128.swizzle(x, i8x16(3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14));
}

function rotate7(x: v128): v128 {
  return v128.or(i32x4.shl(x, 7), i32x4.shr_u(x, 25));
}
