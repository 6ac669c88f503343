/**
 * Packets that were sent and are neither acknowledged nor given up: a ring by packet number, and the lists
 * of newly acknowledged and newly lost packets that the caller drains.
 *
 * Spec       RFC 9002 §A.1
 * Layer      recovery (L2)
 * Memory     sentPacketsSize(capacity) bytes:
 *              0        8      16             24              32     36     40      48     56         64
 *              | oldest | next | largestAcked | bytesInFlight | mask | refs | acked | lost | eliciting | packets |
 *            `acked` and `lost` are queues (base/fifo.ts).
 *            one packet, SENT_PACKET_SIZE bytes:
 *              0        8            16        20      24      28        30      31
 *              | number | sentTimeUs | refs at | next  | bytes | ref count | state | flags |
 * Invariant  oldest <= next <= oldest + capacity; every packet of [oldest, next) has its place at
 *            `number mod capacity`; bytesInFlight is the sum over outstanding packets in flight
 * Limits     when the ring or the references are full, nothing can be sent (sentPacketsHasRoom)
 * Cost       O(1) to add; an ACK costs what it newly covers plus what lies between oldest and largest,
 *            which the packet threshold keeps short
 * Twin       test/reference/recovery.ts
 */
import { fifoBehind, fifoFirst, fifoPop, fifoPush } from "../base/fifo.ts";
import { invariant } from "../base/invariant.ts";
import { frameRefsAvailable, frameRefsNext, frameRefsRelease } from "./frame-refs.ts";

/** Outstanding: neither acknowledged nor lost. */
export const SENT_OUTSTANDING: u8 = 1;
export const SENT_ACKED: u8 = 2;
export const SENT_LOST: u8 = 3;
/** A packet number that was left out on purpose; whoever acknowledges it lies (RFC 9000 §21.4). */
export const SENT_SKIPPED: u8 = 4;

/** Flags of a packet (RFC 9002 §2). */
export const SENT_ACK_ELICITING: u8 = 1;
export const SENT_IN_FLIGHT: u8 = 2;

/** What stands for "no packet number", for instance before the first acknowledgement. */
export const NO_PACKET: u64 = u64.MAX_VALUE;

export const SENT_PACKET_SIZE: usize = 32;
const PACKETS: usize = 64;

const OLDEST: usize = 0;
const NEXT: usize = 8;
const LARGEST_ACKED: usize = 16;
const IN_FLIGHT: usize = 24;
const MASK: usize = 32;
const REFS: usize = 36;
const ACKED: usize = 40;
const LOST: usize = 48;
const ELICITING: usize = 56;

const PACKET_TIME: usize = 8;
const PACKET_REFS: usize = 16;
const PACKET_LINK: usize = 20;
const PACKET_BYTES: usize = 24;
const PACKET_REF_COUNT: usize = 28;
const PACKET_STATE: usize = 30;
const PACKET_FLAGS: usize = 31;

/** Bytes of a ring; `capacity` is a power of two. */
export function sentPacketsSize(capacity: u32): usize {
  return PACKETS + <usize>capacity * SENT_PACKET_SIZE;
}

/** `refs` is an initialised ring of frame references that serves this ring only. */
export function sentPacketsInit(sent: usize, capacity: u32, refs: usize): void {
  invariant(capacity > 0 && (capacity & (capacity - 1)) == 0);
  memory.fill(sent, 0, PACKETS);
  store<u64>(sent, NO_PACKET, LARGEST_ACKED);
  store<u32>(sent, capacity - 1, MASK);
  store<usize>(sent, refs, REFS);
}

/** The number of the next packet. */
export function sentPacketsNext(sent: usize): u64 {
  return load<u64>(sent, NEXT);
}

/** The lowest number that is still remembered. */
export function sentPacketsOldest(sent: usize): u64 {
  return load<u64>(sent, OLDEST);
}

/** NO_PACKET before the first acknowledgement. */
export function sentPacketsLargestAcked(sent: usize): u64 {
  return load<u64>(sent, LARGEST_ACKED);
}

export function sentPacketsBytesInFlight(sent: usize): u64 {
  return load<u64>(sent, IN_FLIGHT);
}

/** How many ack-eliciting packets are outstanding; the probe timer runs only while there are some. */
export function sentPacketsElicitingInFlight(sent: usize): u32 {
  return load<u32>(sent, ELICITING);
}

/** The ring of frame references. */
export function sentPacketsRefs(sent: usize): usize {
  return load<usize>(sent, REFS);
}

/** The record of a packet of [oldest, next). */
export function sentPacketAt(sent: usize, packetNumber: u64): usize {
  const index = <usize>(packetNumber & <u64>load<u32>(sent, MASK));
  return sent + PACKETS + index * SENT_PACKET_SIZE;
}

export function sentPacketNumber(packet: usize): u64 {
  return load<u64>(packet);
}

export function sentPacketTimeUs(packet: usize): u64 {
  return load<u64>(packet, PACKET_TIME);
}

export function sentPacketBytes(packet: usize): u32 {
  return load<u32>(packet, PACKET_BYTES);
}

export function sentPacketState(packet: usize): u8 {
  return load<u8>(packet, PACKET_STATE);
}

export function sentPacketFlags(packet: usize): u8 {
  return load<u8>(packet, PACKET_FLAGS);
}

/** Running number of the packet's first frame reference. */
export function sentPacketFirstRef(packet: usize): u32 {
  return load<u32>(packet, PACKET_REFS);
}

export function sentPacketRefCount(packet: usize): u32 {
  return <u32>load<u16>(packet, PACKET_REF_COUNT);
}

/** Forgets the settled packets at the old end, and with them their frame references. */
export function sentPacketsTrim(sent: usize): void {
  // Drained lists only: a listed packet must stay where it is.
  if (isListed(sent)) return;
  while (load<u64>(sent, OLDEST) < load<u64>(sent, NEXT)) {
    const number = load<u64>(sent, OLDEST);
    const packet = sentPacketAt(sent, number);
    const state = sentPacketState(packet);
    if (state == SENT_OUTSTANDING) return;
    // A trap stays until a later number was acknowledged: only then can the peer no longer fall into it.
    const largestAcked = load<u64>(sent, LARGEST_ACKED);
    if (state == SENT_SKIPPED && (largestAcked == NO_PACKET || number > largestAcked)) return;
    forgetOldest(sent, packet);
  }
}

function isListed(sent: usize): bool {
  return fifoFirst(sent + ACKED) != 0 || fifoFirst(sent + LOST) != 0;
}

function forgetOldest(sent: usize, packet: usize): void {
  frameRefsRelease(sentPacketsRefs(sent), sentPacketFirstRef(packet) + sentPacketRefCount(packet));
  store<u64>(sent, load<u64>(sent, OLDEST) + 1, OLDEST);
}

/**
 * True when one more packet with `refCount` frames can be remembered. Packets at the old end that ask for
 * no acknowledgement (bare ACKs) are forgotten to make room: nothing depends on them.
 */
export function sentPacketsHasRoom(sent: usize, refCount: u32): bool {
  sentPacketsTrim(sent);
  const refs = sentPacketsRefs(sent);
  const capacity = <u64>load<u32>(sent, MASK) + 1;
  while (
    load<u64>(sent, NEXT) - load<u64>(sent, OLDEST) == capacity ||
    frameRefsAvailable(refs) < refCount
  ) {
    if (load<u64>(sent, OLDEST) == load<u64>(sent, NEXT)) return false;
    if (isListed(sent)) return false;
    const packet = sentPacketAt(sent, load<u64>(sent, OLDEST));
    const isNeeded = (sentPacketFlags(packet) & (SENT_ACK_ELICITING | SENT_IN_FLIGHT)) != 0;
    if (sentPacketState(packet) == SENT_OUTSTANDING && isNeeded) return false;
    forgetOldest(sent, packet);
  }
  return true;
}

/**
 * Remembers the next packet. Its frame references are those added since `firstRef`, which is what
 * `frameRefsNext` said when the packet was begun.
 */
export function sentPacketsAdd(
  sent: usize,
  firstRef: u32,
  bytes: u32,
  flags: u8,
  nowUs: u64,
): void {
  const number = load<u64>(sent, NEXT);
  invariant(number - load<u64>(sent, OLDEST) <= <u64>load<u32>(sent, MASK));
  const refCount = frameRefsNext(sentPacketsRefs(sent)) - firstRef;
  invariant(refCount <= 0xffff);
  const packet = sentPacketAt(sent, number);
  store<u64>(packet, number);
  store<u64>(packet, nowUs, PACKET_TIME);
  store<u32>(packet, firstRef, PACKET_REFS);
  store<u32>(packet, 0, PACKET_LINK);
  store<u32>(packet, bytes, PACKET_BYTES);
  store<u16>(packet, <u16>refCount, PACKET_REF_COUNT);
  store<u8>(packet, SENT_OUTSTANDING, PACKET_STATE);
  store<u8>(packet, flags, PACKET_FLAGS);
  store<u64>(sent, number + 1, NEXT);
  if ((flags & SENT_IN_FLIGHT) != 0) {
    store<u64>(sent, load<u64>(sent, IN_FLIGHT) + bytes, IN_FLIGHT);
  }
  if ((flags & SENT_ACK_ELICITING) != 0) {
    store<u32>(sent, load<u32>(sent, ELICITING) + 1, ELICITING);
  }
}

/** Leaves one packet number out, as a trap for a peer that acknowledges what it has not received. */
export function sentPacketsSkip(sent: usize): void {
  sentPacketsAdd(sent, frameRefsNext(sentPacketsRefs(sent)), 0, 0, 0);
  store<u8>(sentPacketAt(sent, load<u64>(sent, NEXT) - 1), SENT_SKIPPED, PACKET_STATE);
}

/** Raises the largest acknowledged number. */
export function sentPacketsRaiseLargestAcked(sent: usize, largest: u64): void {
  const before = load<u64>(sent, LARGEST_ACKED);
  if (before == NO_PACKET || largest > before) store<u64>(sent, largest, LARGEST_ACKED);
}

function settle(sent: usize, packet: usize, state: u8): void {
  store<u8>(packet, state, PACKET_STATE);
  const flags = sentPacketFlags(packet);
  if ((flags & SENT_IN_FLIGHT) != 0) {
    const inFlight = load<u64>(sent, IN_FLIGHT);
    invariant(inFlight >= <u64>sentPacketBytes(packet));
    store<u64>(sent, inFlight - sentPacketBytes(packet), IN_FLIGHT);
  }
  if ((flags & SENT_ACK_ELICITING) != 0) {
    store<u32>(sent, load<u32>(sent, ELICITING) - 1, ELICITING);
  }
}

/** Moves an outstanding packet to the list of acknowledged ones. */
export function sentPacketsMarkAcked(sent: usize, packet: usize): void {
  settle(sent, packet, SENT_ACKED);
  fifoPush(sent + ACKED, packet, PACKET_LINK);
}

/** Moves an outstanding packet to the list of lost ones. */
export function sentPacketsMarkLost(sent: usize, packet: usize): void {
  settle(sent, packet, SENT_LOST);
  fifoPush(sent + LOST, packet, PACKET_LINK);
}

/** The first packet of the list of acknowledged ones, which stays there; 0 when the list is empty. */
export function sentPacketsFirstAcked(sent: usize): usize {
  return fifoFirst(sent + ACKED);
}

/** The first packet of the list of lost ones, which stays there; 0 when the list is empty. */
export function sentPacketsFirstLost(sent: usize): usize {
  return fifoFirst(sent + LOST);
}

/** The packet behind `packet` in its list, or 0. */
export function sentPacketsBehind(packet: usize): usize {
  return fifoBehind(packet, PACKET_LINK);
}

/** The next newly acknowledged packet, or 0; its references are valid until the next packet is sent. */
export function sentPacketsTakeAcked(sent: usize): usize {
  return fifoPop(sent + ACKED, PACKET_LINK);
}

/** The next newly lost packet, or 0; its references are valid until the next packet is sent. */
export function sentPacketsTakeLost(sent: usize): usize {
  return fifoPop(sent + LOST, PACKET_LINK);
}
