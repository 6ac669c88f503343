/**
 * MXP messages: 32 bytes of header, payload, 8 bytes of checksum; exactly the published format.
 *
 * Spec       docs/protocol.md §10
 * Layer      wire (L1); imports base/status.ts, base/xxh3.ts
 * Memory     on the wire, nothing is padded:
 *
 *            0           4      5       6       8               16              24              32
 *            +-----------+------+-------+-------+---------------+---------------+---------------+
 *            | magic u32 | type | flags | 0 u16 | message id    | trace id      | payload bytes |
 *            +-----------+------+-------+-------+---------------+---------------+---------------+
 *            | payload ...                                      | XXH3-64 of all before it u64  |
 *            +--------------------------------------------------+-------------------------------+
 *
 * Invariant  errors are found in the published order; the checksum is the last word
 * Limits     PAYLOAD_MAX, 16 MiB
 * Twin       test/reference/mxp-message.ts
 */
import {
  BUFFER_TOO_SMALL,
  CHECKSUM_MISMATCH,
  INVALID_FLAGS,
  INVALID_MAGIC,
  INVALID_MESSAGE_TYPE,
  OK,
  PAYLOAD_TOO_LARGE,
  RESERVED_FIELD_NON_ZERO,
  TRAILING_BYTES,
} from "../base/status.ts";
import { xxh3 } from "../base/xxh3.ts";
import { PAYLOAD_MAX } from "./limits.ts";

/** Bytes "31 50 58 4D" on the wire. */
export const MESSAGE_MAGIC: u32 = 0x4d585031;
export const MESSAGE_HEADER_SIZE: i32 = 32;
export const MESSAGE_TRAILER_SIZE: i32 = 8;
/** The smallest message: header and checksum. */
export const MESSAGE_MIN: i32 = 40;

/** Message types. */
export const MESSAGE_AGENT_REGISTER: i32 = 0x01;
export const MESSAGE_AGENT_DISCOVER: i32 = 0x02;
export const MESSAGE_AGENT_HEARTBEAT: i32 = 0x03;
export const MESSAGE_CALL: i32 = 0x10;
export const MESSAGE_RESPONSE: i32 = 0x11;
export const MESSAGE_EVENT: i32 = 0x12;
export const MESSAGE_STREAM_OPEN: i32 = 0x20;
export const MESSAGE_STREAM_CHUNK: i32 = 0x21;
export const MESSAGE_STREAM_CLOSE: i32 = 0x22;
export const MESSAGE_ACK: i32 = 0xf0;
export const MESSAGE_ERROR: i32 = 0xf1;

/** Message flags. COMPRESSED and ENCRYPTED are carried and mean nothing to the engine. */
export const MESSAGE_COMPRESSED: i32 = 1;
export const MESSAGE_ENCRYPTED: i32 = 2;
export const MESSAGE_REQUIRES_ACK: i32 = 4;
export const MESSAGE_FINAL: i32 = 8;
const FLAGS_KNOWN: i32 = 0x0f;

/** Bytes of a Message record. */
export const MESSAGE_SIZE: i32 = 64;

/**
 * A decoded message. `payload` leads into the input.
 *
 *  0 type i32 | 4 flags i32 | 8 messageId u64 | 16 traceId u64 | 24 payloadLength u64
 * 32 payload usize | 36 unused
 * 40 needed u64: bytes that BUFFER_TOO_SMALL asks for
 * 48 expected u64, 56 found u64: checksum of the bytes, checksum in the trailer; set with
 * CHECKSUM_MISMATCH
 */
@unmanaged
export class Message {
  type: i32;
  flags: i32;
  messageId: u64;
  traceId: u64;
  payloadLength: u64;
  payload: usize;
  unused: u32;
  needed: u64;
  expected: u64;
  found: u64;
}

/**
 * True for the eleven published types; 0x80 to 0xEF are refused as the published decoder refuses
 * them.
 */
export function isMessageType(type: i32): bool {
  switch (type) {
    case MESSAGE_AGENT_REGISTER:
    case MESSAGE_AGENT_DISCOVER:
    case MESSAGE_AGENT_HEARTBEAT:
    case MESSAGE_CALL:
    case MESSAGE_RESPONSE:
    case MESSAGE_EVENT:
    case MESSAGE_STREAM_OPEN:
    case MESSAGE_STREAM_CHUNK:
    case MESSAGE_STREAM_CLOSE:
    case MESSAGE_ACK:
    case MESSAGE_ERROR:
      return true;
    default:
      return false;
  }
}

/**
 * Decodes the 32 header bytes at `ptr`, which must be there; `payload` stays 0. For a message that
 * arrives in slices. Returns OK, INVALID_MAGIC, RESERVED_FIELD_NON_ZERO, INVALID_MESSAGE_TYPE,
 * INVALID_FLAGS or PAYLOAD_TOO_LARGE, the first that applies in this order.
 */
export function decodeMessageHeader(ptr: usize, message: Message): i32 {
  memory.fill(changetype<usize>(message), 0, <usize>MESSAGE_SIZE);
  message.type = <i32>load<u8>(ptr, 4);
  message.flags = <i32>load<u8>(ptr, 5);
  message.messageId = load<u64>(ptr, 8);
  message.traceId = load<u64>(ptr, 16);
  message.payloadLength = load<u64>(ptr, 24);
  if (load<u32>(ptr) != MESSAGE_MAGIC) return INVALID_MAGIC;
  if (load<u16>(ptr, 6) != 0) return RESERVED_FIELD_NON_ZERO;
  if (!isMessageType(message.type)) return INVALID_MESSAGE_TYPE;
  if ((message.flags & ~FLAGS_KNOWN) != 0) return INVALID_FLAGS;
  return message.payloadLength > PAYLOAD_MAX ? PAYLOAD_TOO_LARGE : OK;
}

/** All bytes of a message whose header was decoded. */
export function messageWireSize(message: Message): i32 {
  return MESSAGE_MIN + <i32>message.payloadLength;
}

/**
 * Decodes the message at the start of the `length` bytes at `ptr`. Returns its size, or a negative
 * status in the published order: BUFFER_TOO_SMALL (under 40 bytes), those of the header,
 * BUFFER_TOO_SMALL (of the whole), CHECKSUM_MISMATCH. Bytes behind the checksum are left alone as
 * the published decoder does; when `isStrict` they are TRAILING_BYTES.
 */
export function decodeMessage(ptr: usize, length: i32, isStrict: bool, message: Message): i32 {
  if (length < MESSAGE_MIN) {
    memory.fill(changetype<usize>(message), 0, <usize>MESSAGE_SIZE);
    message.needed = <u64>MESSAGE_MIN;
    return BUFFER_TOO_SMALL;
  }
  const status = decodeMessageHeader(ptr, message);
  if (status != OK) return status;
  const size = messageWireSize(message);
  if (length < size) {
    message.needed = <u64>size;
    return BUFFER_TOO_SMALL;
  }
  const checksumAt = <usize>(size - MESSAGE_TRAILER_SIZE);
  const expected = xxh3(ptr, checksumAt);
  const found = load<u64>(ptr + checksumAt);
  if (expected != found) {
    message.expected = expected;
    message.found = found;
    return CHECKSUM_MISMATCH;
  }
  message.payload = ptr + MESSAGE_HEADER_SIZE;
  return isStrict && length > size ? TRAILING_BYTES : size;
}

/**
 * Writes the 32 header bytes. Returns OK, INVALID_MESSAGE_TYPE, INVALID_FLAGS or PAYLOAD_TOO_LARGE:
 * what the decoder would refuse is never sent.
 */
export function writeMessageHeader(
  out: usize,
  type: i32,
  flags: i32,
  messageId: u64,
  traceId: u64,
  payloadLength: u64,
): i32 {
  if (!isMessageType(type)) return INVALID_MESSAGE_TYPE;
  if ((flags & ~FLAGS_KNOWN) != 0) return INVALID_FLAGS;
  if (payloadLength > PAYLOAD_MAX) return PAYLOAD_TOO_LARGE;
  store<u32>(out, MESSAGE_MAGIC);
  store<u8>(out, type, 4);
  store<u8>(out, flags, 5);
  store<u16>(out, 0, 6);
  store<u64>(out, messageId, 8);
  store<u64>(out, traceId, 16);
  store<u64>(out, payloadLength, 24);
  return OK;
}

/**
 * Writes a whole message into the `space` bytes at `out` and returns its size; or what
 * `writeMessageHeader` returns; or BUFFER_TOO_SMALL. `payload` may already lie at `out + 32`: then
 * nothing is moved.
 */
export function writeMessage(
  out: usize,
  space: i32,
  type: i32,
  flags: i32,
  messageId: u64,
  traceId: u64,
  payload: usize,
  payloadLength: i32,
): i32 {
  if (<u64>(<u32>payloadLength) > PAYLOAD_MAX) return PAYLOAD_TOO_LARGE;
  const size = MESSAGE_MIN + payloadLength;
  if (size > space) return BUFFER_TOO_SMALL;
  const length = <u64>payloadLength;
  const status = writeMessageHeader(out, type, flags, messageId, traceId, length);
  if (status != OK) return status;
  memory.copy(out + MESSAGE_HEADER_SIZE, payload, <usize>payloadLength);
  const checksumAt = <usize>(size - MESSAGE_TRAILER_SIZE);
  store<u64>(out + checksumAt, xxh3(out, checksumAt));
  return size;
}
