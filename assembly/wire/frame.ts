/**
 * Frames: their codes, the record into which they are decoded, and the head that all of them share.
 *
 * Spec       docs/protocol.md §7
 * Layer      wire (L1); imports nothing
 * Memory     on the wire; `length` counts the body without its padding:
 *
 *            0       1       2               4                               8
 *            +-------+-------+---------------+-------------------------------+------ ~ ------+
 *            | type  | flags | length        | aux                           | body, padded  |
 *            |       |       |               |                               | to 8 by zeros |
 *            +-------+-------+---------------+-------------------------------+------ ~ ------+
 *
 * Invariant  every frame begins and ends on a multiple of 8 bytes from the start of the payload
 * Twin       test/reference/frames.ts
 */
import { align8 } from "./cursor.ts";

/** Frame types. */
export const FRAME_PADDING: i32 = 0x00;
export const FRAME_PING: i32 = 0x01;
export const FRAME_ACK: i32 = 0x02;
/** Reserved: its body is fixed, no state takes it. */
export const FRAME_CRYPTO: i32 = 0x03;
export const FRAME_STREAM_OPEN: i32 = 0x04;
export const FRAME_STREAM_DATA: i32 = 0x05;
export const FRAME_STREAM_FIN: i32 = 0x06;
export const FRAME_DATAGRAM: i32 = 0x07;
export const FRAME_CONTROL: i32 = 0x08;
/**
 * Types from here to FRAME_EXTENSION_LAST are skipped by their length: GREASE, and room for
 * extensions.
 */
export const FRAME_EXTENSION_FIRST: i32 = 0x40;
export const FRAME_EXTENSION_LAST: i32 = 0x5f;

/** Flags of STREAM_DATA. */
export const STREAM_FIN: i32 = 1;
export const STREAM_OPEN: i32 = 2;

/** Subtypes of CONTROL, in its flags. */
export const CONTROL_MAX_DATA: i32 = 1;
export const CONTROL_MAX_STREAM_DATA: i32 = 2;
export const CONTROL_MAX_STREAMS: i32 = 3;
export const CONTROL_DATA_BLOCKED: i32 = 4;
export const CONTROL_STREAM_DATA_BLOCKED: i32 = 5;
export const CONTROL_STREAMS_BLOCKED: i32 = 6;
export const CONTROL_RESET_STREAM: i32 = 7;
export const CONTROL_STOP_SENDING: i32 = 8;
export const CONTROL_HANDSHAKE_DONE: i32 = 9;
export const CONTROL_CLOSE: i32 = 10;
/** Reserved subtypes: named, and refused. */
export const CONTROL_PATH_CHALLENGE: i32 = 11;
export const CONTROL_PATH_RESPONSE: i32 = 12;
export const CONTROL_NEW_CONNECTION_ID: i32 = 13;
export const CONTROL_RETIRE_CONNECTION_ID: i32 = 14;
export const CONTROL_DRAIN: i32 = 15;
export const CONTROL_TICKET: i32 = 16;
export const CONTROL_REKEY: i32 = 17;
export const CONTROL_MIGRATION_TOKEN: i32 = 18;

/** Stream kinds: plain bytes, or whole MXP messages. */
export const STREAM_KIND_BYTES: i32 = 0;
export const STREAM_KIND_MESSAGES: i32 = 1;
/** Bands are 0 (critical) to 3 (background). */
export const BAND_MAX: i32 = 3;

/** Bytes of the head of every frame. */
export const FRAME_HEAD_SIZE: i32 = 8;
/** Bytes of a Frame record. */
export const FRAME_SIZE: i32 = 80;

/**
 * One decoded frame. Fields that the type does not have are zero. Pointers lead into the packet's
 * payload and hold as long as it does.
 *
 *  0 type i32 | 4 flags i32 | 8 aux u32 | 12 band u8 | 13 kind u8 | 14 isOpen u8 | 15 isFin u8
 * 16 streamId u64 | 24 offset u64 | 32 value u64 | 40 code u64 | 48 applicationCode u64
 * 56 data usize | 60 dataLength i32 | 64 name usize | 68 nameLength i32
 * 72 rangeCount i32 | 76 unused
 *
 * | type | fields |
 * |---|---|
 * | ACK | aux: delay in µs; offset: largest; rangeCount; ranges by `readAckRanges` |
 * | STREAM_OPEN | streamId, band, kind, name; isOpen |
 * | STREAM_DATA | streamId, offset, data, isFin; isOpen and then band, kind, name |
 * | STREAM_FIN | streamId, value: final size; isFin |
 * | DATAGRAM | data |
 * | CONTROL | flags: subtype; streamId; code; value: limit or final size |
 * | CLOSE | code, applicationCode, data: reason |
 */
@unmanaged
export class Frame {
  type: i32;
  flags: i32;
  aux: u32;
  band: u8;
  kind: u8;
  isOpen: bool;
  isFin: bool;
  streamId: u64;
  offset: u64;
  value: u64;
  code: u64;
  applicationCode: u64;
  data: usize;
  dataLength: i32;
  name: usize;
  nameLength: i32;
  rangeCount: i32;
}

/** Bytes on the wire of a frame whose body has `bodyLength` bytes. */
export function frameSize(bodyLength: i32): i32 {
  return FRAME_HEAD_SIZE + align8(bodyLength);
}

/**
 * Writes the head at `out` and zeroes the padding behind the body; returns the bytes of the whole
 * frame.
 */
export function writeFrameHead(out: usize, type: i32, flags: i32, bodyLength: i32, aux: u32): i32 {
  const size = frameSize(bodyLength);
  // The last word is zeroed whole, so a body with padding is written after its head.
  if ((bodyLength & 7) != 0) store<u64>(out + <usize>(size - 8), 0);
  store<u8>(out, type);
  store<u8>(out, flags, 1);
  store<u16>(out, bodyLength, 2);
  store<u32>(out, aux, 4);
  return size;
}

/** True when the peer must acknowledge the packet that carries this frame (RFC 9002 §2). */
export function isAckEliciting(frame: Frame): bool {
  if (frame.type == FRAME_PADDING || frame.type == FRAME_ACK) return false;
  return !(frame.type == FRAME_CONTROL && frame.flags == CONTROL_CLOSE);
}

/**
 * True when the side that receives this frame may receive it at all. HANDSHAKE_DONE is the
 * responder's word to the initiator; everything else goes both ways.
 */
export function isFrameForSide(frame: Frame, receiverIsInitiator: bool): bool {
  const isHandshakeDone = frame.type == FRAME_CONTROL && frame.flags == CONTROL_HANDSHAKE_DONE;
  return receiverIsInitiator || !isHandshakeDone;
}
