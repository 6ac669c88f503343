/**
 * The blocks of one half of a stream, ordered by offset, with gaps where nothing is stored.
 *
 * Layer      stream (L2)
 * Memory     CHAIN_SIZE bytes:  0 head u32 | 4 tail u32 | 8 cursor u32 | 12 pad
 *            `cursor` is the block of the last search: neighbours in time are neighbours in offset.
 * Invariant  block offsets are multiples of BLOCK_BYTES and ascend strictly
 * Cost       O(1) at both ends and near the cursor, otherwise a walk over at most the window's blocks;
 *            marks are set and searched 64 at a time
 */
import {
  BLOCK_BYTES,
  BLOCK_HEADER,
  BLOCK_MARKS,
  BLOCK_NEXT,
  BLOCK_OFFSET,
  blockPoolGive,
  blockPoolTake,
} from "./block-pool.ts";

export const CHAIN_SIZE: usize = 16;

const HEAD: usize = 0;
const TAIL: usize = 4;
const CURSOR: usize = 8;
const OFFSET_MASK: u64 = <u64>BLOCK_BYTES - 1;
const ALL: u64 = u64.MAX_VALUE;

export function chainInit(chain: usize): void {
  memory.fill(chain, 0, CHAIN_SIZE);
}

export function chainIsEmpty(chain: usize): bool {
  return load<u32>(chain, HEAD) == 0;
}

/** The last block at or before `aligned`, or 0. */
function seek(chain: usize, aligned: u64): usize {
  const tail = <usize>load<u32>(chain, TAIL);
  if (tail == 0) return 0;
  if (load<u64>(tail, BLOCK_OFFSET) <= aligned) return tail;
  let block = <usize>load<u32>(chain, CURSOR);
  if (block == 0 || load<u64>(block, BLOCK_OFFSET) > aligned) {
    block = <usize>load<u32>(chain, HEAD);
    if (load<u64>(block, BLOCK_OFFSET) > aligned) return 0;
  }
  while (true) {
    const next = <usize>load<u32>(block, BLOCK_NEXT);
    if (next == 0 || load<u64>(next, BLOCK_OFFSET) > aligned) break;
    block = next;
  }
  store<u32>(chain, <u32>block, CURSOR);
  return block;
}

/** The block that holds the byte at `offset`, or 0. */
export function chainFind(chain: usize, offset: u64): usize {
  const aligned = offset & ~OFFSET_MASK;
  const block = seek(chain, aligned);
  return block != 0 && load<u64>(block, BLOCK_OFFSET) == aligned ? block : 0;
}

/** The block for the byte at `offset`, taken from the pool when it is not there; 0 when none is left. */
export function chainFindOrTake(
  chain: usize,
  pool: usize,
  budget: usize,
  offset: u64,
  canWait: bool,
): usize {
  const aligned = offset & ~OFFSET_MASK;
  const before = seek(chain, aligned);
  if (before != 0 && load<u64>(before, BLOCK_OFFSET) == aligned) return before;
  const block = blockPoolTake(pool, budget, canWait);
  if (block == 0) return 0;
  store<u64>(block, aligned, BLOCK_OFFSET);
  const next = before == 0 ? load<u32>(chain, HEAD) : load<u32>(before, BLOCK_NEXT);
  store<u32>(block, next, BLOCK_NEXT);
  if (before == 0) store<u32>(chain, <u32>block, HEAD);
  else store<u32>(before, <u32>block, BLOCK_NEXT);
  if (next == 0) store<u32>(chain, <u32>block, TAIL);
  store<u32>(chain, <u32>block, CURSOR);
  return block;
}

/** Gives back the blocks that lie wholly below `offset`. True when there were any. */
export function chainReleaseBelow(chain: usize, pool: usize, budget: usize, offset: u64): bool {
  let block = <usize>load<u32>(chain, HEAD);
  let isReleased = false;
  while (block != 0 && load<u64>(block, BLOCK_OFFSET) + BLOCK_BYTES <= offset) {
    const next = load<u32>(block, BLOCK_NEXT);
    if (load<u32>(chain, CURSOR) == <u32>block) store<u32>(chain, 0, CURSOR);
    blockPoolGive(pool, budget, block);
    block = <usize>next;
    isReleased = true;
  }
  store<u32>(chain, <u32>block, HEAD);
  if (block == 0) store<u32>(chain, 0, TAIL);
  return isReleased;
}

/** Gives all blocks back. */
export function chainRelease(chain: usize, pool: usize, budget: usize): void {
  chainReleaseBelow(chain, pool, budget, ALL);
  chainInit(chain);
}

/** Address of the byte at `offset` in its block. */
export function blockByte(block: usize, offset: u64): usize {
  return block + BLOCK_HEADER + <usize>(offset & OFFSET_MASK);
}

/** How many bytes of [offset, end) lie in the block of `offset`. */
export function blockRun(offset: u64, end: u64): u32 {
  return <u32>min(end - offset, <u64>BLOCK_BYTES - (offset & OFFSET_MASK));
}

/** Copies stored bytes out. All blocks of [offset, offset + length) must be there. */
export function chainCopyOut(chain: usize, offset: u64, length: u32, target: usize): void {
  const end = offset + length;
  let block = chainFind(chain, offset);
  while (offset < end) {
    const run = blockRun(offset, end);
    memory.copy(target, blockByte(block, offset), run);
    target += run;
    offset += run;
    block = <usize>load<u32>(block, BLOCK_NEXT);
  }
}

/** Sets the marks of [from, to) of one block. */
function setMarks(block: usize, from: u32, to: u32): void {
  const first = from >> 6;
  const last = (to - 1) >> 6;
  const startMask = ALL << (<u64>(from & 63));
  const endMask = ALL >> <u64>(63 - ((to - 1) & 63));
  const marks = block + BLOCK_MARKS;
  if (first == last) {
    const at = marks + ((<usize>first) << 3);
    store<u64>(at, load<u64>(at) | (startMask & endMask));
    return;
  }
  const start = marks + ((<usize>first) << 3);
  store<u64>(start, load<u64>(start) | startMask);
  memory.fill(start + 8, 0xff, (<usize>(last - first - 1)) << 3);
  const end = marks + ((<usize>last) << 3);
  store<u64>(end, load<u64>(end) | endMask);
}

/** Marks the bytes [start, end), all of whose blocks must be there. */
export function chainMark(chain: usize, start: u64, end: u64): void {
  if (start >= end) return;
  let block = chainFind(chain, start);
  while (start < end) {
    const run = blockRun(start, end);
    const from = <u32>(start & OFFSET_MASK);
    setMarks(block, from, from + run);
    start += run;
    block = <usize>load<u32>(block, BLOCK_NEXT);
  }
}

/** The first byte at or behind `from` that is not marked, or `limit` when all below it are. */
export function chainMarkedEnd(chain: usize, from: u64, limit: u64): u64 {
  let offset = from;
  let block = chainFind(chain, offset);
  while (offset < limit) {
    if (block == 0 || load<u64>(block, BLOCK_OFFSET) > offset) return offset;
    let index = <u32>(offset & OFFSET_MASK);
    while (index < BLOCK_BYTES) {
      const word = load<u64>(block + BLOCK_MARKS + ((<usize>(index >> 6)) << 3));
      const missing = ~word & (ALL << (<u64>(index & 63)));
      if (missing != 0) {
        const end = (offset & ~OFFSET_MASK) + <u64>(index & ~63) + ctz<u64>(missing);
        return min(end, limit);
      }
      index = (index & ~63) + 64;
    }
    offset = (offset & ~OFFSET_MASK) + BLOCK_BYTES;
    block = <usize>load<u32>(block, BLOCK_NEXT);
  }
  return limit;
}
