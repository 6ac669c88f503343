/**
 * Frames that carry the application's bytes: STREAM_OPEN, STREAM_DATA, STREAM_FIN and DATAGRAM.
 *
 * Spec       docs/protocol.md §7.4, §7.5, §7.6, §7.7
 * Layer      wire (L1); imports base/status.ts
 * Memory     bodies, behind the 8 bytes of the frame's head:
 *
 *            STREAM_OPEN   stream id u64 | OPENING
 *            STREAM_DATA   stream id u64 | offset u64 | OPENING, when flagged OPEN | data
 *            STREAM_FIN    stream id u64 | final size u64
 *            DATAGRAM      data
 *            OPENING       band u8 | kind u8 | name length u16 | 0 u32 | name
 *                          (in STREAM_DATA the name is zero-padded to 8, since data follows)
 *
 * Limits     NAME_MAX; offset + data stays below 2^62
 */
import { FRAME_INVALID, OK } from "../base/status.ts";
import { align8, Cursor, isZero } from "./cursor.ts";
import {
  BAND_MAX,
  Frame,
  FRAME_DATAGRAM,
  FRAME_HEAD_SIZE,
  FRAME_STREAM_DATA,
  FRAME_STREAM_FIN,
  FRAME_STREAM_OPEN,
  frameSize,
  STREAM_FIN,
  STREAM_KIND_MESSAGES,
  STREAM_OPEN,
  writeFrameHead,
} from "./frame.ts";
import { INTEGER_MAX, NAME_MAX } from "./limits.ts";
import { isStreamIdValid } from "./stream-id.ts";

const OPENING_SIZE: i32 = 8;
const DATA_FIXED_SIZE: i32 = 16;
/** The length field has 16 bits: the longest body, aligned down. */
const BODY_MAX: i32 = 0xfff8;

/** Pass as `nameLength` where a STREAM_DATA frame does not open its stream. */
export const NO_OPENING: i32 = -1;

/** Bytes of a STREAM_DATA body before its data. */
function dataPrefixSize(nameLength: i32): i32 {
  return nameLength < 0 ? DATA_FIXED_SIZE : DATA_FIXED_SIZE + OPENING_SIZE + align8(nameLength);
}

/**
 * Bytes of a whole STREAM_DATA frame with `dataLength` bytes; `nameLength` is NO_OPENING or the
 * name's.
 */
export function streamDataSize(dataLength: i32, nameLength: i32): i32 {
  return frameSize(dataPrefixSize(nameLength) + dataLength);
}

/**
 * The most data that fits a STREAM_DATA frame in `space` bytes; negative when not even an empty one
 * fits.
 */
export function streamDataCapacity(space: i32, nameLength: i32): i32 {
  const body = (space & ~7) - FRAME_HEAD_SIZE;
  return (body > BODY_MAX ? BODY_MAX : body) - dataPrefixSize(nameLength);
}

/**
 * Writes a STREAM_DATA frame at `out` but for its data, and returns the distance from `out` to
 * where the caller copies `dataLength` bytes; 0 when the whole frame does not fit `space`. The
 * frame takes `streamDataSize(dataLength, nameLength)` bytes. With a name (or an empty one) the
 * frame opens the stream; pass NO_OPENING when it does not.
 */
export function writeStreamDataHead(
  out: usize,
  space: i32,
  id: u64,
  offset: u64,
  dataLength: i32,
  isFin: bool,
  band: i32,
  kind: i32,
  name: usize,
  nameLength: i32,
): i32 {
  if (dataLength > streamDataCapacity(space, nameLength)) return 0;
  const prefix = dataPrefixSize(nameLength);
  const flags = (isFin ? STREAM_FIN : 0) | (nameLength < 0 ? 0 : STREAM_OPEN);
  writeFrameHead(out, FRAME_STREAM_DATA, flags, prefix + dataLength, 0);
  store<u64>(out, id, 8);
  store<u64>(out, offset, 16);
  if (nameLength >= 0) writeOpening(out + 24, band, kind, name, nameLength);
  return FRAME_HEAD_SIZE + prefix;
}

/** Writes a STREAM_OPEN frame; returns its size, or 0 when it does not fit `space`. */
export function writeStreamOpen(
  out: usize,
  space: i32,
  id: u64,
  band: i32,
  kind: i32,
  name: usize,
  nameLength: i32,
): i32 {
  const length = 8 + OPENING_SIZE + nameLength;
  if (frameSize(length) > space) return 0;
  const size = writeFrameHead(out, FRAME_STREAM_OPEN, 0, length, 0);
  store<u64>(out, id, 8);
  writeOpening(out + 16, band, kind, name, nameLength);
  return size;
}

/** Writes band, kind and name, and zeroes the name's padding. */
function writeOpening(out: usize, band: i32, kind: i32, name: usize, nameLength: i32): void {
  store<u8>(out, band);
  store<u8>(out, kind, 1);
  store<u16>(out, nameLength, 2);
  store<u32>(out, 0, 4);
  if (nameLength == 0) return;
  store<u64>(out + <usize>align8(nameLength), 0);
  memory.copy(out + OPENING_SIZE, name, <usize>nameLength);
}

/** Writes a STREAM_FIN frame; returns its size, or 0 when it does not fit `space`. */
export function writeStreamFin(out: usize, space: i32, id: u64, finalSize: u64): i32 {
  if (frameSize(16) > space) return 0;
  const size = writeFrameHead(out, FRAME_STREAM_FIN, 0, 16, 0);
  store<u64>(out, id, 8);
  store<u64>(out, finalSize, 16);
  return size;
}

/**
 * The most bytes that a DATAGRAM frame can carry in `space`; negative when not even an empty one
 * fits.
 */
export function datagramCapacity(space: i32): i32 {
  const body = (space & ~7) - FRAME_HEAD_SIZE;
  return body > BODY_MAX ? BODY_MAX : body;
}

/**
 * Writes a DATAGRAM frame with a copy of `data`; returns its size, or 0 when it does not fit
 * `space`.
 */
export function writeDatagram(out: usize, space: i32, data: usize, dataLength: i32): i32 {
  if (dataLength > datagramCapacity(space)) return 0;
  const size = writeFrameHead(out, FRAME_DATAGRAM, 0, dataLength, 0);
  memory.copy(out + FRAME_HEAD_SIZE, data, <usize>dataLength);
  return size;
}

/** Decodes the body of STREAM_OPEN. */
export function readStreamOpen(cursor: Cursor, frame: Frame): i32 {
  frame.streamId = cursor.u64();
  if (frame.flags != 0 || !isStreamIdValid(frame.streamId)) return FRAME_INVALID;
  if (!readOpening(cursor, frame)) return FRAME_INVALID;
  return cursor.remaining() == 0 ? OK : FRAME_INVALID;
}

/** Decodes the body of STREAM_DATA; the data is what remains of it. */
export function readStreamData(cursor: Cursor, frame: Frame): i32 {
  const flags = frame.flags;
  frame.streamId = cursor.u64();
  frame.offset = cursor.u64();
  if ((flags & ~(STREAM_FIN | STREAM_OPEN)) != 0) return FRAME_INVALID;
  if (cursor.isShort || !isStreamIdValid(frame.streamId)) return FRAME_INVALID;
  frame.isFin = (flags & STREAM_FIN) != 0;
  if ((flags & STREAM_OPEN) != 0) {
    if (!readOpening(cursor, frame)) return FRAME_INVALID;
    const padding = align8(frame.nameLength) - frame.nameLength;
    const zeros = cursor.take(padding);
    if (cursor.isShort || !isZero(zeros, padding)) return FRAME_INVALID;
  }
  frame.data = cursor.at;
  frame.dataLength = cursor.remaining();
  // Both terms are checked, so that the sum cannot wrap.
  if (frame.offset > INTEGER_MAX) return FRAME_INVALID;
  return frame.offset + <u64>frame.dataLength > INTEGER_MAX ? FRAME_INVALID : OK;
}

/** Band, kind and name into `frame`; false when any of them is not allowed or not there. */
function readOpening(cursor: Cursor, frame: Frame): bool {
  const band = cursor.u8();
  const kind = cursor.u8();
  const nameLength = <i32>cursor.u16();
  const reserved = cursor.u32();
  if (band > <u32>BAND_MAX || kind > <u32>STREAM_KIND_MESSAGES || reserved != 0) return false;
  if (nameLength > NAME_MAX) return false;
  frame.isOpen = true;
  frame.band = <u8>band;
  frame.kind = <u8>kind;
  frame.name = cursor.take(nameLength);
  frame.nameLength = nameLength;
  return !cursor.isShort;
}

/** Decodes the body of STREAM_FIN. */
export function readStreamFin(cursor: Cursor, frame: Frame): i32 {
  frame.streamId = cursor.u64();
  frame.value = cursor.u64();
  frame.isFin = true;
  if (cursor.isShort || cursor.remaining() != 0 || frame.flags != 0) return FRAME_INVALID;
  return isStreamIdValid(frame.streamId) && frame.value <= INTEGER_MAX ? OK : FRAME_INVALID;
}

/** Decodes the body of DATAGRAM: all of it is data. */
export function readDatagram(cursor: Cursor, frame: Frame): i32 {
  frame.data = cursor.at;
  frame.dataLength = cursor.remaining();
  return frame.flags == 0 ? OK : FRAME_INVALID;
}
