/**
 * Disjoint half-open ranges of u64, ascending, in a record of fixed capacity.
 *
 * Layer      base (L0)
 * Memory     rangeSetSize(capacity) bytes:
 *              0        4          8
 *              | count  | capacity | capacity x { start u64, end u64 } |
 * Invariant  start < end; each range ends before the next one starts (touching ranges are joined)
 * Limits     an insertion that would need one range too many changes nothing and says so
 * Cost       O(log count) to look up, O(count) to move what lies behind; at either end O(1)
 * Twin       test/reference/range-set.ts
 */
import { invariant } from "./invariant.ts";

const COUNT: usize = 0;
const CAPACITY: usize = 4;
const RANGES: usize = 8;
const RANGE_SHIFT: usize = 4;

/** Bytes of a set of at most `capacity` ranges. */
export function rangeSetSize(capacity: u32): usize {
  return RANGES + ((<usize>capacity) << RANGE_SHIFT);
}

export function rangeSetInit(set: usize, capacity: u32): void {
  store<u32>(set, 0, COUNT);
  store<u32>(set, capacity, CAPACITY);
}

export function rangeSetClear(set: usize): void {
  store<u32>(set, 0, COUNT);
}

export function rangeSetCount(set: usize): u32 {
  return load<u32>(set, COUNT);
}

/** True when one more separate range still fits. */
export function rangeSetHasRoom(set: usize): bool {
  return load<u32>(set, COUNT) < load<u32>(set, CAPACITY);
}

/** First value of the range at `index` (0 is the lowest). */
export function rangeSetStart(set: usize, index: u32): u64 {
  return load<u64>(set + ((<usize>index) << RANGE_SHIFT), RANGES);
}

/** First value behind the range at `index`. */
export function rangeSetEnd(set: usize, index: u32): u64 {
  return load<u64>(set + ((<usize>index) << RANGE_SHIFT), RANGES + 8);
}

function setRange(set: usize, index: u32, start: u64, end: u64): void {
  const at = set + ((<usize>index) << RANGE_SHIFT);
  store<u64>(at, start, RANGES);
  store<u64>(at, end, RANGES + 8);
}

/** Index of the first range whose end is at or behind `value`; `count` when there is none. */
function firstEndingFrom(set: usize, value: u64): u32 {
  let high = load<u32>(set, COUNT);
  // Packets and bytes mostly arrive in order, so the answer is mostly the last range or none.
  if (high == 0 || rangeSetEnd(set, high - 1) < value) return high;
  if (high == 1 || rangeSetEnd(set, high - 2) < value) return high - 1;
  let low: u32 = 0;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rangeSetEnd(set, middle) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Moves the ranges from `from` on so that they begin at `to`, and sets the new count. */
function moveRanges(set: usize, to: u32, from: u32): void {
  const count = load<u32>(set, COUNT);
  memory.copy(
    set + RANGES + ((<usize>to) << RANGE_SHIFT),
    set + RANGES + ((<usize>from) << RANGE_SHIFT),
    (<usize>(count - from)) << RANGE_SHIFT,
  );
  store<u32>(set, count + to - from, COUNT);
}

/** Adds [start, end). False, and no change, when the set is full. An empty range is already there. */
export function rangeSetInsert(set: usize, start: u64, end: u64): bool {
  if (start >= end) return true;
  const count = load<u32>(set, COUNT);
  const first = firstEndingFrom(set, start);
  if (first == count || rangeSetStart(set, first) > end) {
    if (count == load<u32>(set, CAPACITY)) return false;
    moveRanges(set, first + 1, first);
    setRange(set, first, start, end);
    return true;
  }
  let last = first;
  while (last + 1 < count && rangeSetStart(set, last + 1) <= end) last++;
  const joinedStart = min(start, rangeSetStart(set, first));
  const joinedEnd = max(end, rangeSetEnd(set, last));
  if (last > first) moveRanges(set, first + 1, last + 1);
  setRange(set, first, joinedStart, joinedEnd);
  return true;
}

/** Takes [start, end) out. False, and no change, when a range would have to be cut in two and none is free. */
export function rangeSetRemove(set: usize, start: u64, end: u64): bool {
  if (start >= end) return true;
  let index = firstEndingFrom(set, start);
  let count = load<u32>(set, COUNT);
  if (index < count && rangeSetEnd(set, index) == start) index++;
  if (index == count || rangeSetStart(set, index) >= end) return true;
  const left = rangeSetStart(set, index);
  if (left < start) {
    const right = rangeSetEnd(set, index);
    if (right > end) {
      if (count == load<u32>(set, CAPACITY)) return false;
      moveRanges(set, index + 1, index);
      setRange(set, index, left, start);
      setRange(set, index + 1, end, right);
      return true;
    }
    setRange(set, index, left, start);
    index++;
  }
  let behind = index;
  count = load<u32>(set, COUNT);
  while (behind < count && rangeSetEnd(set, behind) <= end) behind++;
  if (behind < count && rangeSetStart(set, behind) < end) {
    setRange(set, behind, end, rangeSetEnd(set, behind));
  }
  if (behind > index) moveRanges(set, index, behind);
  return true;
}

/** Forgets everything below `value`. */
export function rangeSetRemoveBelow(set: usize, value: u64): void {
  const count = load<u32>(set, COUNT);
  let behind: u32 = 0;
  while (behind < count && rangeSetEnd(set, behind) <= value) behind++;
  if (behind > 0) moveRanges(set, 0, behind);
  if (behind < count && rangeSetStart(set, 0) < value) {
    setRange(set, 0, value, rangeSetEnd(set, 0));
  }
}

/** Forgets the lowest range. */
export function rangeSetRemoveLowest(set: usize): void {
  invariant(load<u32>(set, COUNT) > 0);
  moveRanges(set, 0, 1);
}

/** Forgets the highest range. */
export function rangeSetRemoveHighest(set: usize): void {
  const count = load<u32>(set, COUNT);
  invariant(count > 0);
  store<u32>(set, count - 1, COUNT);
}

/** True when every value of [start, end) is in the set. */
export function rangeSetCovers(set: usize, start: u64, end: u64): bool {
  if (start >= end) return true;
  const index = firstEndingFrom(set, start + 1);
  if (index == load<u32>(set, COUNT)) return false;
  return rangeSetStart(set, index) <= start && end <= rangeSetEnd(set, index);
}

/**
 * Makes room for one range by joining the two neighbours with the smallest gap between them, so that the
 * set holds more than was put in. Only for sets where too much is harmless.
 */
export function rangeSetJoinClosest(set: usize): void {
  const count = load<u32>(set, COUNT);
  invariant(count > 1);
  let closest: u32 = 0;
  let smallestGap = u64.MAX_VALUE;
  for (let index: u32 = 0; index + 1 < count; index++) {
    const gap = rangeSetStart(set, index + 1) - rangeSetEnd(set, index);
    if (gap < smallestGap) {
      smallestGap = gap;
      closest = index;
    }
  }
  setRange(set, closest, rangeSetStart(set, closest), rangeSetEnd(set, closest + 1));
  moveRanges(set, closest + 1, closest + 2);
}
