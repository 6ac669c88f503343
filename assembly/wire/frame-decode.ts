/**
 * Decodes one frame, whatever it is, and writes the frames that have no body of their own.
 *
 * Spec       docs/protocol.md §7.1, §7.2, §7.9
 * Layer      wire (L1); imports base/status.ts
 * Invariant  total: any bytes give a size or FRAME_INVALID; nothing beyond the input is read
 * Twin       test/reference/frames.ts
 */
import { FRAME_INVALID, OK } from "../base/status.ts";
import { readAck } from "./ack-frame.ts";
import { Cursor, CURSOR_SIZE } from "./cursor.ts";
import {
  Frame,
  FRAME_ACK,
  FRAME_CONTROL,
  FRAME_DATAGRAM,
  FRAME_EXTENSION_FIRST,
  FRAME_EXTENSION_LAST,
  FRAME_HEAD_SIZE,
  FRAME_PADDING,
  FRAME_PING,
  FRAME_STREAM_DATA,
  FRAME_STREAM_FIN,
  FRAME_STREAM_OPEN,
  frameSize,
  writeFrameHead,
} from "./frame.ts";
import { readControl } from "./frame-control.ts";
import { readDatagram, readStreamData, readStreamFin, readStreamOpen } from "./frame-stream.ts";

const CURSOR: usize = memory.data(CURSOR_SIZE, 8);

/**
 * Decodes the frame at the start of the `length` bytes at `ptr` into `frame` and returns the bytes
 * it takes, its padding included; or FRAME_INVALID. A run of PADDING is one frame. A payload is
 * decoded by calling this until nothing is left; its length is a multiple of 8, else the last call
 * refuses the rest.
 */
export function decodeFrame(ptr: usize, length: i32, frame: Frame): i32 {
  if (length < FRAME_HEAD_SIZE) return FRAME_INVALID;
  clearFrame(frame);
  frame.type = <i32>load<u8>(ptr);
  frame.flags = <i32>load<u8>(ptr, 1);
  frame.aux = load<u32>(ptr, 4);
  const bodyLength = <i32>load<u16>(ptr, 2);
  const size = frameSize(bodyLength);
  if (size > length) return FRAME_INVALID;
  const type = frame.type;
  if (type == FRAME_PADDING) return readPadding(ptr, length);
  if (!isTailZero(ptr + <usize>size, bodyLength)) return FRAME_INVALID;
  const cursor = changetype<Cursor>(CURSOR);
  cursor.open(ptr + FRAME_HEAD_SIZE, bodyLength);
  // Only ACK and CONTROL give the aux a meaning; extension frames may give it one of their own.
  if (type < FRAME_EXTENSION_FIRST && type != FRAME_ACK && type != FRAME_CONTROL) {
    if (frame.aux != 0) return FRAME_INVALID;
  }
  return readBody(cursor, frame) == OK ? size : FRAME_INVALID;
}

/** Zeroes the record with plain stores: a bulk fill is a call out of compiled code for 80 bytes. */
function clearFrame(frame: Frame): void {
  const at = changetype<usize>(frame);
  store<u64>(at, 0);
  store<u64>(at, 0, 8);
  store<u64>(at, 0, 16);
  store<u64>(at, 0, 24);
  store<u64>(at, 0, 32);
  store<u64>(at, 0, 40);
  store<u64>(at, 0, 48);
  store<u64>(at, 0, 56);
  store<u64>(at, 0, 64);
  store<u64>(at, 0, 72);
}

function readBody(cursor: Cursor, frame: Frame): i32 {
  switch (frame.type) {
    case FRAME_PING:
      return frame.flags == 0 && cursor.remaining() == 0 ? OK : FRAME_INVALID;
    case FRAME_ACK:
      return readAck(cursor, frame);
    case FRAME_STREAM_OPEN:
      return readStreamOpen(cursor, frame);
    case FRAME_STREAM_DATA:
      return readStreamData(cursor, frame);
    case FRAME_STREAM_FIN:
      return readStreamFin(cursor, frame);
    case FRAME_DATAGRAM:
      return readDatagram(cursor, frame);
    case FRAME_CONTROL:
      return readControl(cursor, frame);
    default:
      return readExtension(cursor, frame);
  }
}

/** An extension's body is data; CRYPTO is reserved and refused like a type that nobody knows. */
function readExtension(cursor: Cursor, frame: Frame): i32 {
  frame.data = cursor.at;
  frame.dataLength = cursor.remaining();
  return isFrameExtension(frame) ? OK : FRAME_INVALID;
}

/** True for a frame that is skipped whatever it holds. */
export function isFrameExtension(frame: Frame): bool {
  return frame.type >= FRAME_EXTENSION_FIRST && frame.type <= FRAME_EXTENSION_LAST;
}

/** PADDING is a word of zeros, and so is all of the run that follows it. */
function readPadding(ptr: usize, length: i32): i32 {
  if (load<u64>(ptr) != 0) return FRAME_INVALID;
  let size = FRAME_HEAD_SIZE;
  while (size + FRAME_HEAD_SIZE <= length && load<u64>(ptr + <usize>size) == 0) {
    size += FRAME_HEAD_SIZE;
  }
  return size;
}

/** True when the bytes between the body and the end of its frame are zero. */
function isTailZero(frameEnd: usize, bodyLength: i32): bool {
  const used = bodyLength & 7;
  return used == 0 || load<u64>(frameEnd - 8) >> ((<u64>used) << 3) == 0;
}

/** Fills `length` bytes (a multiple of 8) with PADDING. */
export function writePadding(out: usize, length: i32): void {
  memory.fill(out, 0, <usize>length);
}

/** Writes PING; returns its size, or 0 when it does not fit `space`. */
export function writePing(out: usize, space: i32): i32 {
  if (FRAME_HEAD_SIZE > space) return 0;
  return writeFrameHead(out, FRAME_PING, 0, 0, 0);
}
