/**
 * A message that arrives in slices: header first, then payload as it comes, the checksum's verdict
 * last. For messages that are too large to be held whole.
 *
 * Spec       docs/protocol.md §10.4
 * Layer      wire (L1); imports base/status.ts, base/xxh3.ts
 * Memory     MESSAGE_SLICES_SIZE bytes:
 *
 *            0          8       12             16       24          56          64           128
 *            | received | slice | slice length | unused | header 32 | trailer 8 | Message 64 | XXH3
 *
 * Invariant  0 <= received <= 40 + payload length; nothing is complete before the checksum held
 * Cost       every byte is hashed once, as it passes
 */
import { CHECKSUM_MISMATCH, OK } from "../base/status.ts";
import { XXH3_STATE_SIZE, xxh3Final, xxh3Init, xxh3Update } from "../base/xxh3.ts";
import {
  decodeMessageHeader,
  Message,
  MESSAGE_HEADER_SIZE,
  MESSAGE_TRAILER_SIZE,
} from "./message.ts";

const RECEIVED: usize = 0;
const SLICE: usize = 8;
const SLICE_LENGTH: usize = 12;
const HEADER: usize = 24;
const TRAILER: usize = 56;
const MESSAGE: usize = 64;
const HASH: usize = 128;

/** Bytes of the state, aligned to 8. */
export const MESSAGE_SLICES_SIZE: i32 = 128 + XXH3_STATE_SIZE;

/** Begins a message. */
export function messageSlicesReset(state: usize): void {
  memory.fill(state, 0, HASH);
  xxh3Init(state + HASH);
}

/** The header; its fields are set once 32 bytes have arrived. */
export function messageSlicesMessage(state: usize): Message {
  return changetype<Message>(state + MESSAGE);
}

/** True once the last byte has arrived and the checksum held. */
export function messageSlicesIsComplete(state: usize): bool {
  const received = load<u64>(state, RECEIVED);
  return received >= messageEnd(state) && received > <u64>MESSAGE_HEADER_SIZE;
}

/** The payload bytes in the last push; they lie in the caller's input. */
export function messageSlicesPayload(state: usize): usize {
  return load<u32>(state, SLICE);
}

export function messageSlicesPayloadLength(state: usize): i32 {
  return load<i32>(state, SLICE_LENGTH);
}

/**
 * Takes the next bytes of the message, which is not complete yet, and returns how many it took:
 * fewer than `length` when the message ends before. Or a status of the header, at its last byte, or
 * CHECKSUM_MISMATCH, at the last byte of all; after either the state is only good for a reset.
 */
export function messageSlicesPush(state: usize, ptr: usize, length: i32): i32 {
  const end = ptr + <usize>length;
  let at = ptr;
  store<u32>(state, 0, SLICE);
  store<i32>(state, 0, SLICE_LENGTH);
  if (load<u64>(state, RECEIVED) < <u64>MESSAGE_HEADER_SIZE) {
    at = takeInto(state, state + HEADER, 0, MESSAGE_HEADER_SIZE, at, end);
    if (load<u64>(state, RECEIVED) < <u64>MESSAGE_HEADER_SIZE) return length;
    const status = decodeMessageHeader(state + HEADER, messageSlicesMessage(state));
    if (status != OK) return status;
    xxh3Update(state + HASH, state + HEADER, <usize>MESSAGE_HEADER_SIZE);
  }
  at = takePayload(state, at, end);
  const trailerAt = messageEnd(state) - <u64>MESSAGE_TRAILER_SIZE;
  if (load<u64>(state, RECEIVED) >= trailerAt) {
    at = takeInto(state, state + TRAILER, trailerAt, MESSAGE_TRAILER_SIZE, at, end);
  }
  if (messageSlicesIsComplete(state)) {
    const message = messageSlicesMessage(state);
    message.expected = xxh3Final(state + HASH);
    message.found = load<u64>(state, TRAILER);
    if (message.expected != message.found) return CHECKSUM_MISMATCH;
  }
  return <i32>(at - ptr);
}

/** Position behind the last byte of the message, known once the header is. */
function messageEnd(state: usize): u64 {
  const payloadLength = messageSlicesMessage(state).payloadLength;
  return <u64>(MESSAGE_HEADER_SIZE + MESSAGE_TRAILER_SIZE) + payloadLength;
}

/** Copies into a field of `size` bytes that begins at position `start`; returns the input left. */
function takeInto(state: usize, field: usize, start: u64, size: i32, at: usize, end: usize): usize {
  const received = load<u64>(state, RECEIVED);
  const have = <usize>(received - start);
  const taken = min(<usize>size - have, end - at);
  memory.copy(field + have, at, taken);
  store<u64>(state, received + <u64>taken, RECEIVED);
  return at + taken;
}

/** Hashes what is payload and notes where it lies; returns the input left. */
function takePayload(state: usize, at: usize, end: usize): usize {
  const received = load<u64>(state, RECEIVED);
  const payloadEnd = messageEnd(state) - <u64>MESSAGE_TRAILER_SIZE;
  if (received >= payloadEnd) return at;
  const taken = min(<usize>(payloadEnd - received), end - at);
  xxh3Update(state + HASH, at, taken);
  store<u32>(state, <u32>at, SLICE);
  store<i32>(state, <i32>taken, SLICE_LENGTH);
  store<u64>(state, received + <u64>taken, RECEIVED);
  return at + taken;
}
