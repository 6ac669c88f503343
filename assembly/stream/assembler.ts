/**
 * Bytes that arrived in any order, until they are read in order.
 *
 * Spec       RFC 9000 §2.2, §4.5
 * Layer      stream (L2)
 * Memory     ASSEMBLER_SIZE bytes:
 *              0            8            16        24          32
 *              | readOffset | contiguous | highest | finalSize | chain 16 |
 *            The blocks' marks are the bytes that arrived beyond `contiguous`.
 * Invariant  readOffset <= contiguous <= highest <= finalSize;  finalSize never changes once known
 * Limits     the receive window bounds `highest`, hence the blocks; no pattern of pieces takes more
 * Cost       O(1) for bytes in order; late ones mark 64 bytes at a time
 * Twin       test/reference/assembler.ts
 */
import { FINAL_SIZE, MEMORY_LIMIT, OK } from "../base/status.ts";
import {
  blockByte,
  blockRun,
  chainCopyOut,
  chainFind,
  chainFindOrTake,
  chainInit,
  chainIsEmpty,
  chainMark,
  chainMarkedEnd,
  chainRelease,
  chainReleaseBelow,
} from "./block-chain.ts";

export const ASSEMBLER_SIZE: usize = 48;

/** The final size is not known yet. */
export const NO_FINAL_SIZE: u64 = u64.MAX_VALUE;

const READ_OFFSET: usize = 0;
const CONTIGUOUS: usize = 8;
const HIGHEST: usize = 16;
const FINAL: usize = 24;
const CHAIN: usize = 32;

export function assemblerInit(assembler: usize): void {
  memory.fill(assembler, 0, ASSEMBLER_SIZE);
  store<u64>(assembler, NO_FINAL_SIZE, FINAL);
  chainInit(assembler + CHAIN);
}

/** Bytes below were read. */
export function assemblerReadOffset(assembler: usize): u64 {
  return load<u64>(assembler, READ_OFFSET);
}

/** End of the highest byte that arrived: what flow control counts. */
export function assemblerHighest(assembler: usize): u64 {
  return load<u64>(assembler, HIGHEST);
}

/** NO_FINAL_SIZE until the end or a reset arrived. */
export function assemblerFinalSize(assembler: usize): u64 {
  return load<u64>(assembler, FINAL);
}

/** Bytes that can be read now. */
export function assemblerReadable(assembler: usize): u64 {
  return load<u64>(assembler, CONTIGUOUS) - load<u64>(assembler, READ_OFFSET);
}

/** True when every byte up to the final size arrived. */
export function assemblerIsComplete(assembler: usize): bool {
  return load<u64>(assembler, CONTIGUOUS) == load<u64>(assembler, FINAL);
}

/** True when every byte up to the final size was read. */
export function assemblerIsAtEnd(assembler: usize): bool {
  return load<u64>(assembler, READ_OFFSET) == load<u64>(assembler, FINAL);
}

/**
 * Checks what a frame says about sizes, without storing anything.
 *
 * Typical errors: FINAL_SIZE when bytes lie beyond the final size, or it changes, or it is below what came.
 *
 * spec: RFC 9000 §4.5
 */
export function assemblerCheck(assembler: usize, end: u64, isFinal: bool): i32 {
  const finalSize = load<u64>(assembler, FINAL);
  if (end > finalSize) return FINAL_SIZE;
  if (!isFinal) return OK;
  if (finalSize != NO_FINAL_SIZE && end != finalSize) return FINAL_SIZE;
  return end < load<u64>(assembler, HIGHEST) ? FINAL_SIZE : OK;
}

/** Fixes the final size, after `assemblerCheck` allowed it. */
export function assemblerSetFinalSize(assembler: usize, finalSize: u64): void {
  store<u64>(assembler, finalSize, FINAL);
}

/** Raises `highest` without bytes, for a reset or for bytes that nobody will read. */
export function assemblerRaiseHighest(assembler: usize, end: u64): void {
  if (end > load<u64>(assembler, HIGHEST)) store<u64>(assembler, end, HIGHEST);
}

/**
 * Stores bytes that `assemblerCheck` and flow control allowed. Bytes that came before are ignored.
 *
 * Typical errors: MEMORY_LIMIT when a block is missing; the bytes do not count as received then.
 */
export function assemblerInsert(
  assembler: usize,
  pool: usize,
  budget: usize,
  offset: u64,
  data: usize,
  length: u32,
): i32 {
  const contiguous = load<u64>(assembler, CONTIGUOUS);
  const end = offset + length;
  const start = max(offset, contiguous);
  if (start >= end) {
    // An empty frame also says how far the stream reaches (RFC 9000 §4.5).
    assemblerRaiseHighest(assembler, end);
    return OK;
  }
  const chain = assembler + CHAIN;
  // Bytes behind a gap may not take the last blocks: the gap could never be filled then.
  const canWait = start > contiguous;
  let at = start;
  data += <usize>(start - offset);
  while (at < end) {
    const block = chainFindOrTake(chain, pool, budget, at, canWait);
    if (block == 0) return MEMORY_LIMIT;
    const run = blockRun(at, end);
    memory.copy(blockByte(block, at), data, run);
    data += run;
    at += run;
  }
  const highest = load<u64>(assembler, HIGHEST);
  if (canWait) {
    chainMark(chain, start, end);
  } else {
    const next = highest > end ? chainMarkedEnd(chain, end, highest) : end;
    store<u64>(assembler, next, CONTIGUOUS);
  }
  if (end > highest) store<u64>(assembler, end, HIGHEST);
  return OK;
}

/** Copies the next bytes without taking them; returns how many there were, at most `length`. */
export function assemblerPeek(assembler: usize, target: usize, length: u32): u32 {
  const count = <u32>min(<u64>length, assemblerReadable(assembler));
  if (count > 0) chainCopyOut(assembler + CHAIN, load<u64>(assembler, READ_OFFSET), count, target);
  return count;
}

/** Address of the next byte; `assemblerFrontLength` bytes lie there in one piece. */
export function assemblerFront(assembler: usize): usize {
  const offset = load<u64>(assembler, READ_OFFSET);
  const block = chainFind(assembler + CHAIN, offset);
  return block == 0 ? 0 : blockByte(block, offset);
}

export function assemblerFrontLength(assembler: usize): u32 {
  const offset = load<u64>(assembler, READ_OFFSET);
  const end = load<u64>(assembler, CONTIGUOUS);
  return offset == end ? 0 : blockRun(offset, end);
}

/** Takes `length` readable bytes and gives their blocks back. */
export function assemblerConsume(assembler: usize, pool: usize, budget: usize, length: u32): void {
  const offset = load<u64>(assembler, READ_OFFSET) + length;
  store<u64>(assembler, offset, READ_OFFSET);
  const chain = assembler + CHAIN;
  // With nothing left to read a stream holds no block, not even a half-read one.
  if (offset == load<u64>(assembler, HIGHEST)) chainRelease(chain, pool, budget);
  else chainReleaseBelow(chain, pool, budget, offset);
}

/** Drops everything that was not read, and reads nothing more. Returns how many received bytes that was. */
export function assemblerDiscard(assembler: usize, pool: usize, budget: usize): u64 {
  if (!chainIsEmpty(assembler + CHAIN)) chainRelease(assembler + CHAIN, pool, budget);
  const highest = load<u64>(assembler, HIGHEST);
  const unread = highest - load<u64>(assembler, READ_OFFSET);
  store<u64>(assembler, highest, READ_OFFSET);
  store<u64>(assembler, highest, CONTIGUOUS);
  return unread;
}
