/**
 * Bytes that were written and are not acknowledged yet, and which of them to send next.
 *
 * Spec       RFC 9000 §2.2, §13.3
 * Layer      stream (L2)
 * Memory     SEND_BUFFER_SIZE bytes:
 *              0         8      16        24          32      36     40         56
 *              | written | sent | ackedTo | markedEnd | flags | pad  | chain 16 | lost: range set of 16 |
 *            The blocks' marks are the bytes acknowledged out of order; `markedEnd` is behind the last one.
 * Invariant  ackedTo <= sent <= written;  every lost range lies in [ackedTo, sent);  the byte at an offset
 *            never changes once written, so a range may be cut differently when it is sent again
 * Limits     16 lost ranges; one more joins its nearest neighbour, which only repeats bytes between them
 * Cost       O(1) for bytes in order
 * Twin       test/reference/send-buffer.ts
 */
import { invariant } from "../base/invariant.ts";
import {
  rangeSetClear,
  rangeSetCount,
  rangeSetEnd,
  rangeSetInit,
  rangeSetInsert,
  rangeSetJoinClosest,
  rangeSetRemove,
  rangeSetRemoveBelow,
  rangeSetStart,
} from "../base/range-set.ts";
import {
  blockByte,
  blockRun,
  chainCopyOut,
  chainFindOrTake,
  chainInit,
  chainMark,
  chainMarkedEnd,
  chainRelease,
  chainReleaseBelow,
} from "./block-chain.ts";

const LOST_RANGES_MAX: u32 = 16;
/** 56 + 8 + 16 * 16. */
export const SEND_BUFFER_SIZE: usize = 320;

const WRITTEN: usize = 0;
const SENT: usize = 8;
const ACKED_TO: usize = 16;
const MARKED_END: usize = 24;
const FLAGS: usize = 32;
const CHAIN: usize = 40;
const LOST: usize = 56;

const FIN_WRITTEN: u32 = 1;
const FIN_SENT: u32 = 2;
const FIN_ACKED: u32 = 4;
const FIN_LOST: u32 = 8;

export function sendBufferInit(buffer: usize): void {
  memory.fill(buffer, 0, LOST);
  chainInit(buffer + CHAIN);
  rangeSetInit(buffer + LOST, LOST_RANGES_MAX);
}

/** End of what was written: the final size once the end was written. */
export function sendBufferWritten(buffer: usize): u64 {
  return load<u64>(buffer, WRITTEN);
}

/** End of what was sent at least once. */
export function sendBufferSent(buffer: usize): u64 {
  return load<u64>(buffer, SENT);
}

/** Everything below was acknowledged. */
export function sendBufferAckedTo(buffer: usize): u64 {
  return load<u64>(buffer, ACKED_TO);
}

function has(buffer: usize, flag: u32): bool {
  return (load<u32>(buffer, FLAGS) & flag) != 0;
}

function setFlag(buffer: usize, flag: u32): void {
  store<u32>(buffer, load<u32>(buffer, FLAGS) | flag, FLAGS);
}

function clearFlag(buffer: usize, flag: u32): void {
  store<u32>(buffer, load<u32>(buffer, FLAGS) & ~flag, FLAGS);
}

export function sendBufferIsFinWritten(buffer: usize): bool {
  return has(buffer, FIN_WRITTEN);
}

/** True when the end was sent at least once, so that its loss is noticed by itself. */
export function sendBufferIsFinSent(buffer: usize): bool {
  return has(buffer, FIN_SENT);
}

/** True when all bytes and the end were acknowledged. */
export function sendBufferIsAcked(buffer: usize): bool {
  return has(buffer, FIN_ACKED) && load<u64>(buffer, ACKED_TO) == load<u64>(buffer, WRITTEN);
}

/** Appends bytes; returns how many the budget had room for. */
export function sendBufferWrite(
  buffer: usize,
  pool: usize,
  budget: usize,
  data: usize,
  length: u32,
): u32 {
  invariant(!has(buffer, FIN_WRITTEN));
  const start = load<u64>(buffer, WRITTEN);
  const end = start + length;
  let offset = start;
  while (offset < end) {
    const block = chainFindOrTake(buffer + CHAIN, pool, budget, offset, true);
    if (block == 0) break;
    const run = blockRun(offset, end);
    memory.copy(blockByte(block, offset), data, run);
    data += run;
    offset += run;
  }
  store<u64>(buffer, offset, WRITTEN);
  return <u32>(offset - start);
}

/** Writes the end: the final size is what was written up to now. */
export function sendBufferFinish(buffer: usize): void {
  setFlag(buffer, FIN_WRITTEN);
}

/** True when lost bytes wait, which need no credit. */
export function sendBufferHasLost(buffer: usize): bool {
  return rangeSetCount(buffer + LOST) > 0;
}

/** Written bytes that were never sent; these need credit. */
export function sendBufferUnsent(buffer: usize): u64 {
  return load<u64>(buffer, WRITTEN) - load<u64>(buffer, SENT);
}

/** True when nothing but the end is left to send, or to send again. */
export function sendBufferIsFinPending(buffer: usize): bool {
  if (!has(buffer, FIN_WRITTEN) || has(buffer, FIN_ACKED)) return false;
  if (has(buffer, FIN_SENT) && !has(buffer, FIN_LOST)) return false;
  return sendBufferUnsent(buffer) == 0;
}

/** Offset of the next chunk: the lowest lost byte, or else the first byte never sent. */
export function sendBufferNextOffset(buffer: usize): u64 {
  if (sendBufferHasLost(buffer)) return rangeSetStart(buffer + LOST, 0);
  return load<u64>(buffer, SENT);
}

/** Length of the next chunk when `room` bytes and `credit` new bytes are allowed; 0 when there is none. */
export function sendBufferNextLength(buffer: usize, room: u32, credit: u64): u32 {
  if (sendBufferHasLost(buffer)) {
    const lost = rangeSetEnd(buffer + LOST, 0) - rangeSetStart(buffer + LOST, 0);
    return <u32>min(lost, <u64>room);
  }
  return <u32>min(min(sendBufferUnsent(buffer), credit), <u64>room);
}

/** True when a chunk that ends at `end` carries the end of the stream. */
export function sendBufferEndsAt(buffer: usize, end: u64): bool {
  return has(buffer, FIN_WRITTEN) && !has(buffer, FIN_ACKED) && end == load<u64>(buffer, WRITTEN);
}

export function sendBufferCopy(buffer: usize, offset: u64, length: u32, target: usize): void {
  invariant(offset >= load<u64>(buffer, ACKED_TO));
  invariant(offset + length <= load<u64>(buffer, WRITTEN));
  if (length > 0) chainCopyOut(buffer + CHAIN, offset, length, target);
}

/** A chunk left in a packet. Returns how many of its bytes were new. */
export function sendBufferOnSent(buffer: usize, offset: u64, length: u32, isFin: bool): u32 {
  if (isFin) {
    setFlag(buffer, FIN_SENT);
    clearFlag(buffer, FIN_LOST);
  }
  const end = offset + length;
  const sent = load<u64>(buffer, SENT);
  if (end > sent) {
    invariant(offset == sent && end <= load<u64>(buffer, WRITTEN));
    store<u64>(buffer, end, SENT);
    return length;
  }
  // Taken from the front of the lowest range, so the set can never be too small for it.
  rangeSetRemove(buffer + LOST, offset, end);
  return 0;
}

/** A chunk was acknowledged. True when blocks were given back. */
export function sendBufferOnAcked(
  buffer: usize,
  pool: usize,
  budget: usize,
  offset: u64,
  length: u32,
  isFin: bool,
): bool {
  if (isFin) {
    setFlag(buffer, FIN_ACKED);
    clearFlag(buffer, FIN_LOST);
  }
  const end = offset + length;
  const ackedTo = load<u64>(buffer, ACKED_TO);
  const start = max(offset, ackedTo);
  if (start >= end) return false;
  // When the set is full a range stays too long, and acknowledged bytes are sent once more.
  rangeSetRemove(buffer + LOST, start, end);
  if (start > ackedTo) {
    chainMark(buffer + CHAIN, start, end);
    store<u64>(buffer, max(load<u64>(buffer, MARKED_END), end), MARKED_END);
    return false;
  }
  const markedEnd = load<u64>(buffer, MARKED_END);
  const front = markedEnd > end ? chainMarkedEnd(buffer + CHAIN, end, markedEnd) : end;
  store<u64>(buffer, front, ACKED_TO);
  rangeSetRemoveBelow(buffer + LOST, front);
  if (front == load<u64>(buffer, WRITTEN)) {
    chainRelease(buffer + CHAIN, pool, budget);
    return true;
  }
  return chainReleaseBelow(buffer + CHAIN, pool, budget, front);
}

/** A chunk was lost; what was not acknowledged otherwise will be sent again. True when something will. */
export function sendBufferOnLost(buffer: usize, offset: u64, length: u32, isFin: bool): bool {
  const isFinLost = isFin && !has(buffer, FIN_ACKED);
  if (isFinLost) setFlag(buffer, FIN_LOST);
  const end = offset + length;
  let start = max(offset, load<u64>(buffer, ACKED_TO));
  const markedEnd = load<u64>(buffer, MARKED_END);
  if (start < end && markedEnd > start) {
    start = chainMarkedEnd(buffer + CHAIN, start, min(end, markedEnd));
  }
  if (start >= end) return isFinLost;
  const lost = buffer + LOST;
  if (!rangeSetInsert(lost, start, end)) {
    rangeSetJoinClosest(lost);
    rangeSetInsert(lost, start, end);
  }
  return true;
}

/** Drops everything: the stream was reset. */
export function sendBufferDiscard(buffer: usize, pool: usize, budget: usize): void {
  chainRelease(buffer + CHAIN, pool, budget);
  rangeSetClear(buffer + LOST);
}
