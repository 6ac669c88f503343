/**
 * Whether bytes are text.
 *
 * Spec       RFC 3629 §4 (the table of byte sequences: no overlong form, no surrogate, nothing
 *            above U+10FFFF)
 * Layer      certificate (L2)
 */

/** True when the `len` bytes at `ptr` are UTF-8. */
export function isUtf8(ptr: usize, len: i32): bool {
  const end = ptr + <usize>len;
  while (ptr < end) {
    const first: u32 = load<u8>(ptr++);
    if (first < 0x80) continue;
    const tail = tailSize(first);
    if (tail == 0 || <usize>tail > end - ptr) return false;
    const second: u32 = load<u8>(ptr);
    if (second < lowestSecond(first) || second > highestSecond(first)) return false;
    for (let index: i32 = 1; index < tail; index++) {
      if ((load<u8>(ptr + <usize>index) & 0xc0) != 0x80) return false;
    }
    ptr += <usize>tail;
  }
  return true;
}

/** Bytes that follow `first`, which is not ASCII; 0 when it begins nothing. */
function tailSize(first: u32): i32 {
  if (first < 0xc2 || first > 0xf4) return 0;
  return first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
}

/** After E0 and F0 a smaller second byte would spell out a shorter form. */
function lowestSecond(first: u32): u32 {
  return first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
}

/** After ED a larger second byte would be a surrogate, after F4 it would be above U+10FFFF. */
function highestSecond(first: u32): u32 {
  return first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
}
