/**
 * Payload that can be checked without being kept: the byte at an offset follows from a salt and the offset.
 *
 * One block of random bytes with a prime period is repeated for ever; the salt chooses where it begins. A slip
 * by any power of two, the natural slip of buffers, therefore shows.
 */
import { Random } from "./random.ts";

const PERIOD = 65_521;
const BLOCK = doubled(new Random(1, "content").bytes(PERIOD));

/** The block twice, so that every slice up to one period long lies in one piece. */
function doubled(block: Uint8Array): Uint8Array<ArrayBuffer> {
  const twice = new Uint8Array(block.length * 2);
  twice.set(block, 0);
  twice.set(block, block.length);
  return twice;
}

/** Up to one period of the content at `offset`, as a view: shorter than `size` when that is longer. */
export function contentView(salt: number, offset: number, size: number): Uint8Array<ArrayBuffer> {
  const start = (salt + offset) % PERIOD;
  return BLOCK.subarray(start, start + Math.min(size, PERIOD));
}

/** A copy of the first `size` bytes of the content. */
export function contentBytes(salt: number, size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let offset = 0; offset < size; offset += PERIOD) {
    bytes.set(contentView(salt, offset, size - offset), offset);
  }
  return bytes;
}

/** The index of the first byte that differs from the content at `offset`; -1 when none does. */
export function mismatchIndex(salt: number, offset: number, bytes: Uint8Array): number {
  for (let done = 0; done < bytes.length; done += PERIOD) {
    const piece = bytes.subarray(done, done + PERIOD);
    const expected = contentView(salt, offset + done, piece.length);
    if (Buffer.compare(piece, expected) !== 0) {
      return done + piece.findIndex((byte, index) => byte !== expected[index]);
    }
  }
  return -1;
}
