/**
 * A ring for one writer and one reader, in memory that both may share.
 *
 * Spec       wit/ring.wit
 * Layer      base (L0)
 * Memory     Ring, 64 + slots × slotBytes bytes. Head and tail lie on cache lines of their own, so that writer and
 *            reader do not take turns on one line:
 *
 *              0          4          8          12                32                    64
 *              +----------+----------+----------+-----------------+---------------------+---------
 *              | slots    | slotBytes| head     | (unused)        | tail | (unused)     | slot 0 …
 *              +----------+----------+----------+-----------------+---------------------+---------
 *
 *            a slot: size u32 | reserved u32 | bytes
 * Invariant  0 <= head - tail <= slots (modulo 2^32); only the writer stores head, only the reader stores tail
 * Limits     slots is a power of two from 2 to 65,536; an entry has at most slotBytes - 8 bytes
 * Cost       O(entry) for the copy, no allocation, no lock
 * Twin       test/reference/ring.ts
 */
import { ARGUMENT_INVALID, MESSAGE_TOO_LARGE, OK, WOULD_BLOCK } from "./status.ts";

const SLOTS: usize = 0;
const SLOT_BYTES: usize = 4;
const HEAD: usize = 8;
const TAIL: usize = 32;
const FIRST_SLOT: usize = 64;
/** Bytes of a slot before its entry. */
const SLOT_HEAD: u32 = 8;

export const RING_SLOTS_MAX: u32 = 65_536;
export const RING_SLOT_BYTES_MAX: u32 = 65_536;

/** Bytes of a ring, or ARGUMENT_INVALID when a number is outside its bounds. */
export function ringSize(slots: u32, slotBytes: u32): i32 {
  const isPower = slots >= 2 && slots <= RING_SLOTS_MAX && (slots & (slots - 1)) == 0;
  const isFit = slotBytes > SLOT_HEAD && slotBytes <= RING_SLOT_BYTES_MAX && slotBytes % 8 == 0;
  if (!isPower || !isFit) return ARGUMENT_INVALID;
  const size = <u64>FIRST_SLOT + <u64>slots * <u64>slotBytes;
  return size > <u64>i32.MAX_VALUE ? ARGUMENT_INVALID : <i32>size;
}

/** Begins an empty ring at `ring`, which has `ringSize(slots, slotBytes)` bytes. */
export function ringInit(ring: usize, slots: u32, slotBytes: u32): void {
  memory.fill(ring, 0, FIRST_SLOT);
  store<u32>(ring, slots, SLOTS);
  store<u32>(ring, slotBytes, SLOT_BYTES);
}

/** Appends one entry: OK, WOULD_BLOCK when the ring is full, MESSAGE_TOO_LARGE when it never fits. */
export function ringPush(ring: usize, entry: usize, size: u32): i32 {
  const slotBytes = load<u32>(ring, SLOT_BYTES);
  if (size > slotBytes - SLOT_HEAD) return MESSAGE_TOO_LARGE;
  const head = load<u32>(ring, HEAD);
  const slots = load<u32>(ring, SLOTS);
  if (head - atomic.load<u32>(ring, TAIL) == slots) return WOULD_BLOCK;
  const slot = slotAt(ring, head, slots, slotBytes);
  store<u32>(slot, size);
  memory.copy(slot + SLOT_HEAD, entry, size);
  // The entry is complete before the reader can see it.
  atomic.store<u32>(ring, head + 1, HEAD);
  return OK;
}

/** Address of the oldest entry's bytes, or 0 when the ring is empty. Its size is at `address - 8`. */
export function ringFront(ring: usize): usize {
  const tail = load<u32>(ring, TAIL);
  if (atomic.load<u32>(ring, HEAD) == tail) return 0;
  return slotAt(ring, tail, load<u32>(ring, SLOTS), load<u32>(ring, SLOT_BYTES)) + SLOT_HEAD;
}

/** Size of the entry that `ringFront` returned. */
export function ringFrontSize(front: usize): u32 {
  return load<u32>(front - SLOT_HEAD);
}

/** Frees the oldest entry's slot. Call it only after `ringFront` returned one. */
export function ringPop(ring: usize): void {
  atomic.store<u32>(ring, load<u32>(ring, TAIL) + 1, TAIL);
}

/** Entries that wait. */
export function ringDepth(ring: usize): u32 {
  return atomic.load<u32>(ring, HEAD) - atomic.load<u32>(ring, TAIL);
}

function slotAt(ring: usize, index: u32, slots: u32, slotBytes: u32): usize {
  return ring + FIRST_SLOT + (index & (slots - 1)) * slotBytes;
}
