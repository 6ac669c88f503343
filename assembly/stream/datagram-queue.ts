/**
 * Datagrams that wait to be sent: a ring of bytes. When it is full the oldest is dropped.
 *
 * Spec       RFC 9221 §5 · docs/protocol.md "Datagrams"
 * Layer      stream (L2)
 * Memory     datagramQueueSize(bytes) bytes:
 *              0      4      8      12      16        24
 *              | size | head | used | count | dropped | ring: { length u32, bytes padded to 8 } ... |
 *            An entry does not wrap; a length of 0xffffffff says that the next one is at the start.
 * Invariant  used <= size; entries are 8-aligned
 * Cost       O(1) but for the copy
 */
import { DATAGRAM_TOO_LARGE, OK } from "../base/status.ts";
import { invariant } from "../base/invariant.ts";

const SIZE: usize = 0;
const HEAD: usize = 4;
const USED: usize = 8;
const COUNT: usize = 12;
const DROPPED: usize = 16;
const RING: usize = 24;

const ENTRY_HEADER: u32 = 8;
const WRAP: u32 = 0xffffffff;

/** Bytes of a queue with a ring of `bytes`, a multiple of 8. */
export function datagramQueueSize(bytes: u32): usize {
  return RING + <usize>bytes;
}

export function datagramQueueInit(queue: usize, bytes: u32): void {
  invariant((bytes & 7) == 0);
  memory.fill(queue, 0, RING);
  store<u32>(queue, bytes, SIZE);
}

function entrySize(length: u32): u32 {
  return ENTRY_HEADER + ((length + 7) & ~7);
}

/** Moves over a wrap mark, so that the head is an entry. Only for a queue that is not empty. */
function headEntry(queue: usize): usize {
  const at = queue + RING + <usize>load<u32>(queue, HEAD);
  if (load<u32>(queue, HEAD) < load<u32>(queue, SIZE) && load<u32>(at) != WRAP) return at;
  const skipped = load<u32>(queue, SIZE) - load<u32>(queue, HEAD);
  store<u32>(queue, load<u32>(queue, USED) - skipped, USED);
  store<u32>(queue, 0, HEAD);
  return queue + RING;
}

/** Length of the oldest datagram; -1 when there is none. */
export function datagramQueueFrontLength(queue: usize): i32 {
  return load<u32>(queue, COUNT) == 0 ? -1 : <i32>load<u32>(headEntry(queue));
}

export function datagramQueueCopyFront(queue: usize, target: usize): void {
  invariant(load<u32>(queue, COUNT) > 0);
  const entry = headEntry(queue);
  memory.copy(target, entry + ENTRY_HEADER, load<u32>(entry));
}

/** Takes the oldest datagram out. */
export function datagramQueuePop(queue: usize): void {
  const count = load<u32>(queue, COUNT);
  invariant(count > 0);
  const size = entrySize(load<u32>(headEntry(queue)));
  store<u32>(queue, count - 1, COUNT);
  if (count == 1) {
    store<u32>(queue, 0, HEAD);
    store<u32>(queue, 0, USED);
    return;
  }
  store<u32>(queue, load<u32>(queue, HEAD) + size, HEAD);
  store<u32>(queue, load<u32>(queue, USED) - size, USED);
}

/** How many datagrams were dropped because the queue was full. */
export function datagramQueueDropped(queue: usize): u64 {
  return load<u64>(queue, DROPPED);
}

export function datagramQueueCount(queue: usize): u32 {
  return load<u32>(queue, COUNT);
}

/** Where an entry of `size` bytes goes, with a wrap mark before it when needed; -1 when it does not fit now. */
function placeFor(queue: usize, size: u32): i32 {
  const ringSize = load<u32>(queue, SIZE);
  const head = load<u32>(queue, HEAD);
  const used = load<u32>(queue, USED);
  if (load<u32>(queue, COUNT) == 0) return 0;
  const end = head + used;
  const tail = end < ringSize ? end : end - ringSize;
  if (end >= ringSize) return tail + size <= head ? <i32>tail : -1;
  if (tail + size <= ringSize) return <i32>tail;
  if (size > head) return -1;
  store<u32>(queue + RING + <usize>tail, WRAP);
  store<u32>(queue, used + (ringSize - tail), USED);
  return 0;
}

/**
 * Adds a datagram, dropping the oldest ones until it fits.
 *
 * Typical errors: DATAGRAM_TOO_LARGE when it would not fit into an empty queue.
 */
export function datagramQueuePush(queue: usize, data: usize, length: u32): i32 {
  const size = entrySize(length);
  if (length > load<u32>(queue, SIZE) || size > load<u32>(queue, SIZE)) return DATAGRAM_TOO_LARGE;
  let place = placeFor(queue, size);
  while (place < 0) {
    datagramQueuePop(queue);
    store<u64>(queue, load<u64>(queue, DROPPED) + 1, DROPPED);
    place = placeFor(queue, size);
  }
  const entry = queue + RING + <usize>place;
  store<u32>(entry, length);
  memory.copy(entry + ENTRY_HEADER, data, length);
  store<u32>(queue, load<u32>(queue, USED) + size, USED);
  store<u32>(queue, load<u32>(queue, COUNT) + 1, COUNT);
  return OK;
}
