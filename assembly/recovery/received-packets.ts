/**
 * Packet numbers that arrived: the replay window, the source of ACK frames, and when the next one is due.
 *
 * Spec       RFC 9000 §13.2, §21.4 · docs/protocol.md "Acknowledgements"
 * Layer      recovery (L2)
 * Memory     RECEIVED_PACKETS_SIZE bytes:
 *              0         8                  16             24              32           40
 *              | largest | largestTimeUs    | ackTimerUs   | maxAckDelayUs | duplicates | reorderDepth |
 *              48                 52        56             60              64
 *              | elicitingPending | ackNow  | hasReceived  | pad           | largestEliciting         |
 *              72               72 + 512
 *              | window bitmap  | range set of 65 |
 *            Bit `n mod 4096` of the bitmap says whether packet n of (largest - 4096, largest] arrived.
 * Invariant  a packet number at or below largest - 4096 counts as a duplicate: it is never opened twice
 * Limits     65 ranges; then the oldest is forgotten and is no longer acknowledged (§13.2.3)
 * Cost       O(1) for packets in order; O(ranges) for late ones
 * Twin       test/reference/received-packets.ts
 */
import {
  rangeSetClear,
  rangeSetCount,
  rangeSetCovers,
  rangeSetEnd,
  rangeSetInit,
  rangeSetInsert,
  rangeSetRemoveBelow,
  rangeSetRemoveLowest,
  rangeSetStart,
} from "../base/range-set.ts";

/** How far behind the largest packet number a new one is still accepted. */
export const REPLAY_WINDOW_PACKETS: u64 = 4096;
/** One ACK frame holds the first range and 64 further ones. */
export const ACK_RANGES_MAX: u32 = 65;
/** RFC 9000 §13.2.2: an ACK after this many ack-eliciting packets. */
export const ACK_ELICITING_THRESHOLD: u32 = 2;

const LARGEST: usize = 0;
const LARGEST_TIME: usize = 8;
const ACK_TIMER: usize = 16;
const MAX_ACK_DELAY: usize = 24;
const DUPLICATES: usize = 32;
const REORDER_DEPTH: usize = 40;
const ELICITING_PENDING: usize = 48;
const ACK_NOW: usize = 52;
const HAS_RECEIVED: usize = 56;
const LARGEST_ELICITING: usize = 64;
const WINDOW: usize = 72;
const WINDOW_BYTES: usize = <usize>(REPLAY_WINDOW_PACKETS / 8);
const RANGES: usize = WINDOW + WINDOW_BYTES;

/** 72 + 512 + 8 + 65 * 16. */
export const RECEIVED_PACKETS_SIZE: usize = RANGES + 8 + 65 * 16;

export function receivedInit(received: usize, maxAckDelayUs: u64): void {
  memory.fill(received, 0, RECEIVED_PACKETS_SIZE);
  store<u64>(received, maxAckDelayUs, MAX_ACK_DELAY);
  rangeSetInit(received + RANGES, ACK_RANGES_MAX);
  rangeSetClear(received + RANGES);
}

/** The packet number to expect next, from which truncated numbers are decoded (RFC 9000 §A.3). */
export function receivedExpected(received: usize): u64 {
  return load<u32>(received, HAS_RECEIVED) == 0 ? 0 : load<u64>(received, LARGEST) + 1;
}

export function receivedLargest(received: usize): u64 {
  return load<u64>(received, LARGEST);
}

export function receivedHasAny(received: usize): bool {
  return load<u32>(received, HAS_RECEIVED) != 0;
}

/** When the largest packet arrived, for the delay field of an ACK. */
export function receivedLargestTimeUs(received: usize): u64 {
  return load<u64>(received, LARGEST_TIME);
}

export function receivedDuplicates(received: usize): u64 {
  return load<u64>(received, DUPLICATES);
}

/** The largest distance by which a packet came late. */
export function receivedReorderDepth(received: usize): u64 {
  return load<u64>(received, REORDER_DEPTH);
}

function windowByte(received: usize, packetNumber: u64): usize {
  return received + WINDOW + <usize>((packetNumber & (REPLAY_WINDOW_PACKETS - 1)) >> 3);
}

/**
 * True when the packet was not received before. A packet behind the window cannot be told from a replay and
 * counts as one. Ask before the packet is opened; call `receivedCountDuplicate` when it is dropped.
 */
export function receivedIsNew(received: usize, packetNumber: u64): bool {
  if (load<u32>(received, HAS_RECEIVED) == 0) return true;
  const largest = load<u64>(received, LARGEST);
  if (packetNumber > largest) return true;
  if (largest - packetNumber >= REPLAY_WINDOW_PACKETS) return false;
  const bit = (<u32>1) << (<u32>(packetNumber & 7));
  return (<u32>load<u8>(windowByte(received, packetNumber)) & bit) == 0;
}

export function receivedCountDuplicate(received: usize): void {
  store<u64>(received, load<u64>(received, DUPLICATES) + 1, DUPLICATES);
}

/** Clears the bits of the packet numbers that the window moves over. */
function advanceWindow(received: usize, packetNumber: u64): void {
  const largest = load<u64>(received, LARGEST);
  const isFirst = load<u32>(received, HAS_RECEIVED) == 0;
  if (isFirst || packetNumber - largest >= REPLAY_WINDOW_PACKETS) {
    memory.fill(received + WINDOW, 0, WINDOW_BYTES);
    return;
  }
  for (let skipped = largest + 1; skipped < packetNumber; skipped++) {
    const at = windowByte(received, skipped);
    store<u8>(at, load<u8>(at) & ~((<u8>1) << (<u8>(skipped & 7))));
  }
}

function addToRanges(received: usize, packetNumber: u64): void {
  const ranges = received + RANGES;
  if (rangeSetInsert(ranges, packetNumber, packetNumber + 1)) return;
  // A number below every remembered range is not worth the place of a newer one.
  if (packetNumber < rangeSetStart(ranges, 0)) return;
  rangeSetRemoveLowest(ranges);
  rangeSetInsert(ranges, packetNumber, packetNumber + 1);
}

/** spec: RFC 9000 §13.2.1, §13.2.2 */
function scheduleAck(received: usize, packetNumber: u64, nowUs: u64): void {
  const pending = load<u32>(received, ELICITING_PENDING) + 1;
  store<u32>(received, pending, ELICITING_PENDING);
  const largestEliciting = load<u64>(received, LARGEST_ELICITING);
  const isLate = packetNumber < largestEliciting;
  if (!isLate) store<u64>(received, packetNumber, LARGEST_ELICITING);
  const ranges = received + RANGES;
  const isGap =
    !isLate &&
    !rangeSetCovers(ranges, max(largestEliciting, rangeSetStart(ranges, 0)), packetNumber + 1);
  if (isLate || isGap || pending >= ACK_ELICITING_THRESHOLD) {
    store<u32>(received, 1, ACK_NOW);
    store<u64>(received, max(nowUs, 1), ACK_TIMER);
  } else if (load<u64>(received, ACK_TIMER) == 0) {
    store<u64>(received, nowUs + load<u64>(received, MAX_ACK_DELAY), ACK_TIMER);
  }
}

/** Records a new, authentic packet whose frames were all taken. */
export function receivedRecord(
  received: usize,
  packetNumber: u64,
  isAckEliciting: bool,
  nowUs: u64,
): void {
  const largest = load<u64>(received, LARGEST);
  const isFirst = load<u32>(received, HAS_RECEIVED) == 0;
  if (isFirst || packetNumber > largest) {
    advanceWindow(received, packetNumber);
    store<u64>(received, packetNumber, LARGEST);
    store<u64>(received, nowUs, LARGEST_TIME);
    store<u32>(received, 1, HAS_RECEIVED);
  } else {
    const depth = largest - packetNumber;
    if (depth > load<u64>(received, REORDER_DEPTH)) store<u64>(received, depth, REORDER_DEPTH);
  }
  const at = windowByte(received, packetNumber);
  store<u8>(at, load<u8>(at) | ((<u8>1) << (<u8>(packetNumber & 7))));
  addToRanges(received, packetNumber);
  if (isAckEliciting) scheduleAck(received, packetNumber, nowUs);
}

/** Makes an ACK due at once, for a peer that waits for it (a handshake's end, a probe). */
export function receivedRequestAck(received: usize, nowUs: u64): void {
  if (load<u32>(received, HAS_RECEIVED) == 0) return;
  store<u32>(received, 1, ACK_NOW);
  store<u64>(received, max(nowUs, 1), ACK_TIMER);
}

/** When an ACK must have left; 0 when none is owed. */
export function receivedAckTimerUs(received: usize): u64 {
  return load<u64>(received, ACK_TIMER);
}

/** True when an ACK must be sent now, alone if need be. */
export function receivedIsAckDue(received: usize, nowUs: u64): bool {
  if (load<u32>(received, ACK_NOW) != 0) return true;
  const timer = load<u64>(received, ACK_TIMER);
  return timer != 0 && timer <= nowUs;
}

/** True when ack-eliciting packets arrived since the last ACK, so that a packet that leaves anyway should carry one. */
export function receivedIsAckUseful(received: usize): bool {
  return load<u32>(received, ELICITING_PENDING) != 0 || load<u32>(received, ACK_NOW) != 0;
}

/** How many ranges an ACK frame holds now; they are read newest first. */
export function receivedRangeCount(received: usize): u32 {
  return rangeSetCount(received + RANGES);
}

/** Smallest packet number of range `index`; 0 is the newest range. */
export function receivedRangeSmallest(received: usize, index: u32): u64 {
  const ranges = received + RANGES;
  return rangeSetStart(ranges, rangeSetCount(ranges) - 1 - index);
}

/** Largest packet number of range `index`, included; 0 is the newest range. */
export function receivedRangeLargest(received: usize, index: u32): u64 {
  const ranges = received + RANGES;
  return rangeSetEnd(ranges, rangeSetCount(ranges) - 1 - index) - 1;
}

/** How long the largest packet waited for its ACK. */
export function receivedAckDelayUs(received: usize, nowUs: u64): u64 {
  const arrived = load<u64>(received, LARGEST_TIME);
  return nowUs > arrived ? nowUs - arrived : 0;
}

/** An ACK frame with all ranges was sent. */
export function receivedOnAckSent(received: usize): void {
  store<u32>(received, 0, ELICITING_PENDING);
  store<u32>(received, 0, ACK_NOW);
  store<u64>(received, 0, ACK_TIMER);
}

/**
 * The peer has an ACK frame whose largest number was `largest`: nothing up to it need be reported again
 * (RFC 9000 §13.2.4). The replay window keeps what it knows. The newest range always stays.
 */
export function receivedOnAckAcknowledged(received: usize, largest: u64): void {
  const ranges = received + RANGES;
  if (rangeSetCount(ranges) == 0) return;
  const newest = rangeSetEnd(ranges, rangeSetCount(ranges) - 1) - 1;
  rangeSetRemoveBelow(ranges, min(largest + 1, newest));
}
