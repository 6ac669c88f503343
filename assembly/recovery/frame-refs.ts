/**
 * What each packet carried: a ring of frame references, in the order of sending.
 *
 * Spec       RFC 9000 §13.3 (frames are sent again, never packets)
 * Layer      recovery (L2)
 * Memory     frameRefsSize(capacity) bytes:
 *              0       4      8      12    16
 *              | mask  | head | next | pad | capacity x reference |
 *            one reference, FRAME_REF_SIZE bytes:
 *              0      1       2     4        8      12           16       24
 *              | kind | flags | pad | length | slot | generation | value  |
 *            `head` and `next` count references ever added and wrap at 2^32; their low bits are the place.
 * Invariant  next - head <= capacity; references leave in the order in which they came
 * Cost       O(1)
 *
 * recovery/ does not read the fields: they belong to whoever sends the frames again.
 */
import { invariant } from "../base/invariant.ts";

/** An ACK frame; `value` is its largest packet number. */
export const REF_ACK: u8 = 1;
/** Stream bytes: `slot`, `generation`, `value` = offset, `length`, flags = FIN and OPEN as sent. */
export const REF_STREAM: u8 = 2;
/** A control frame of streams: `flags` = control kind, `slot`, `generation`, `value` as the kind says. */
export const REF_CONTROL: u8 = 3;
/** A datagram: never sent again. */
export const REF_DATAGRAM: u8 = 4;
/** PING: nothing to send again. */
export const REF_PING: u8 = 5;
/** HANDSHAKE_DONE. */
export const REF_HANDSHAKE_DONE: u8 = 6;

export const FRAME_REFS_HEADER: usize = 16;
export const FRAME_REF_SIZE: usize = 24;

const MASK: usize = 0;
const HEAD: usize = 4;
const NEXT: usize = 8;

/** Bytes of a ring; `capacity` is a power of two. */
export function frameRefsSize(capacity: u32): usize {
  return FRAME_REFS_HEADER + <usize>capacity * FRAME_REF_SIZE;
}

export function frameRefsInit(refs: usize, capacity: u32): void {
  invariant(capacity > 0 && (capacity & (capacity - 1)) == 0);
  store<u32>(refs, capacity - 1, MASK);
  store<u32>(refs, 0, HEAD);
  store<u32>(refs, 0, NEXT);
}

/** How many references can still be added. */
export function frameRefsAvailable(refs: usize): u32 {
  return load<u32>(refs, MASK) + 1 - (load<u32>(refs, NEXT) - load<u32>(refs, HEAD));
}

/** Count of references ever added; the first reference of the packet that is being built. */
export function frameRefsNext(refs: usize): u32 {
  return load<u32>(refs, NEXT);
}

/** Notes one frame of the packet that is being built. Check `frameRefsAvailable` before. */
export function frameRefAdd(
  refs: usize,
  kind: u8,
  flags: u8,
  slot: u32,
  generation: u32,
  length: u32,
  value: u64,
): void {
  invariant(frameRefsAvailable(refs) > 0);
  const next = load<u32>(refs, NEXT);
  const at = frameRefAt(refs, next);
  store<u8>(at, kind);
  store<u8>(at, flags, 1);
  store<u32>(at, length, 4);
  store<u32>(at, slot, 8);
  store<u32>(at, generation, 12);
  store<u64>(at, value, 16);
  store<u32>(refs, next + 1, NEXT);
}

/** Takes back the references added since `next`, when a packet that was begun is not sent. */
export function frameRefsRewind(refs: usize, next: u32): void {
  invariant(next - load<u32>(refs, HEAD) <= load<u32>(refs, NEXT) - load<u32>(refs, HEAD));
  store<u32>(refs, next, NEXT);
}

/** Gives up the oldest references, up to `head`. */
export function frameRefsRelease(refs: usize, head: u32): void {
  invariant(head - load<u32>(refs, HEAD) <= load<u32>(refs, NEXT) - load<u32>(refs, HEAD));
  store<u32>(refs, head, HEAD);
}

/** The reference with running number `number`. */
export function frameRefAt(refs: usize, number: u32): usize {
  return refs + FRAME_REFS_HEADER + <usize>(number & load<u32>(refs, MASK)) * FRAME_REF_SIZE;
}

export function frameRefKind(ref: usize): u8 {
  return load<u8>(ref);
}

export function frameRefFlags(ref: usize): u8 {
  return load<u8>(ref, 1);
}

export function frameRefLength(ref: usize): u32 {
  return load<u32>(ref, 4);
}

export function frameRefSlot(ref: usize): u32 {
  return load<u32>(ref, 8);
}

export function frameRefGeneration(ref: usize): u32 {
  return load<u32>(ref, 12);
}

export function frameRefValue(ref: usize): u64 {
  return load<u64>(ref, 16);
}
