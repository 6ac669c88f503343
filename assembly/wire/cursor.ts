/**
 * The one checked reader: every length and field that a peer controls is read through it.
 *
 * Spec       docs/protocol.md §1.2
 * Layer      wire (L1); imports nothing
 * Memory     Cursor, 12 bytes:  at usize | end usize | isShort u32; callers keep it in statics
 * Invariant  at <= end; once a read went past the end, isShort stays set and every read gives 0
 * Cost       one comparison a read, no allocation
 */

/** Bytes of a Cursor. */
export const CURSOR_SIZE: i32 = 12;

/**
 * Reads forward over [at, end). A read past the end gives 0 and sets `isShort`, so that a decoder
 * checks once, after its last read, and can never act on memory that is not its own.
 */
@unmanaged
export class Cursor {
  at: usize;
  end: usize;
  isShort: bool;

  /** Begins at `ptr`; a negative length is an empty input. */
  open(ptr: usize, length: i32): void {
    this.at = ptr;
    this.end = ptr + <usize>(length < 0 ? 0 : length);
    this.isShort = false;
  }

  /** Bytes not read yet. */
  remaining(): i32 {
    return <i32>(this.end - this.at);
  }

  u8(): u32 {
    const at = this.take(1);
    return at == 0 ? 0 : <u32>load<u8>(at);
  }

  u16(): u32 {
    const at = this.take(2);
    return at == 0 ? 0 : <u32>load<u16>(at);
  }

  u32(): u32 {
    const at = this.take(4);
    return at == 0 ? 0 : load<u32>(at);
  }

  u64(): u64 {
    const at = this.take(8);
    return at == 0 ? 0 : load<u64>(at);
  }

  /** The address of the next `length` bytes, which are skipped; 0 when they are not all there. */
  take(length: i32): usize {
    const at = this.at;
    if (length < 0 || <usize>length > this.end - at) {
      this.isShort = true;
      this.at = this.end;
      return 0;
    }
    this.at = at + <usize>length;
    return at;
  }

  /** True when every byte that is left is zero: what padding must be. */
  restIsZero(): bool {
    return isZero(this.at, this.remaining());
  }
}

/** True when the `length` bytes at `ptr` are all zero. */
export function isZero(ptr: usize, length: i32): bool {
  const end = ptr + <usize>length;
  const wordsEnd = ptr + (<usize>length & ~7);
  let at = ptr;
  while (at < wordsEnd) {
    if (load<u64>(at) != 0) return false;
    at += 8;
  }
  while (at < end) {
    if (load<u8>(at) != 0) return false;
    at += 1;
  }
  return true;
}

/** `length` rounded up to the next multiple of 8, the alignment of everything on the wire. */
export function align8(length: i32): i32 {
  return (length + 7) & ~7;
}
