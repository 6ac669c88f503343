/**
 * CONTROL frames: limits, blocked, reset and stop, end of the handshake, end of the connection.
 *
 * Spec       docs/protocol.md §7.8
 * Layer      wire (L1); imports base/status.ts
 * Memory     bodies, behind the 8 bytes of the frame's head, whose flags are the subtype:
 *
 *            MAX_DATA, MAX_STREAMS, DATA_BLOCKED, STREAMS_BLOCKED       limit u64
 *            MAX_STREAM_DATA, STREAM_DATA_BLOCKED                       stream id u64 | limit u64
 *            RESET_STREAM                               stream id u64 | code u64 | final size u64
 *            STOP_SENDING                               stream id u64 | code u64
 *            HANDSHAKE_DONE                             nothing
 *            CLOSE, aux 1 when by the application       code u64 | application code u64 | reason
 *
 * Limits     REASON_MAX; limits and sizes below 2^62, MAX_STREAMS at most 2^60
 */
import { FRAME_INVALID, OK } from "../base/status.ts";
import { Cursor } from "./cursor.ts";
import {
  CONTROL_CLOSE,
  CONTROL_DATA_BLOCKED,
  CONTROL_HANDSHAKE_DONE,
  CONTROL_MAX_DATA,
  CONTROL_MAX_STREAM_DATA,
  CONTROL_MAX_STREAMS,
  CONTROL_RESET_STREAM,
  CONTROL_STOP_SENDING,
  CONTROL_STREAM_DATA_BLOCKED,
  CONTROL_STREAMS_BLOCKED,
  Frame,
  FRAME_CONTROL,
  FRAME_HEAD_SIZE,
  frameSize,
  writeFrameHead,
} from "./frame.ts";
import { INTEGER_MAX, REASON_MAX, STREAMS_MAX } from "./limits.ts";
import { isStreamIdValid } from "./stream-id.ts";

/** The aux of a CLOSE that the application asked for. */
const CLOSE_BY_APPLICATION: u32 = 1;
const CLOSE_FIXED_SIZE: i32 = 16;

/**
 * Writes a CONTROL frame with one number: MAX_DATA, MAX_STREAMS, DATA_BLOCKED or STREAMS_BLOCKED.
 * Returns its size, or 0 when it does not fit `space`.
 */
export function writeLimit(out: usize, space: i32, subtype: i32, limit: u64): i32 {
  if (frameSize(8) > space) return 0;
  store<u64>(out, limit, 8);
  return writeFrameHead(out, FRAME_CONTROL, subtype, 8, 0);
}

/**
 * Writes MAX_STREAM_DATA or STREAM_DATA_BLOCKED; returns its size, or 0 when it does not fit
 * `space`.
 */
export function writeStreamLimit(out: usize, space: i32, subtype: i32, id: u64, limit: u64): i32 {
  if (frameSize(16) > space) return 0;
  store<u64>(out, id, 8);
  store<u64>(out, limit, 16);
  return writeFrameHead(out, FRAME_CONTROL, subtype, 16, 0);
}

/** Writes RESET_STREAM; returns its size, or 0 when it does not fit `space`. */
export function writeResetStream(out: usize, space: i32, id: u64, code: u64, finalSize: u64): i32 {
  if (frameSize(24) > space) return 0;
  store<u64>(out, id, 8);
  store<u64>(out, code, 16);
  store<u64>(out, finalSize, 24);
  return writeFrameHead(out, FRAME_CONTROL, CONTROL_RESET_STREAM, 24, 0);
}

/** Writes STOP_SENDING; returns its size, or 0 when it does not fit `space`. */
export function writeStopSending(out: usize, space: i32, id: u64, code: u64): i32 {
  if (frameSize(16) > space) return 0;
  store<u64>(out, id, 8);
  store<u64>(out, code, 16);
  return writeFrameHead(out, FRAME_CONTROL, CONTROL_STOP_SENDING, 16, 0);
}

/** Writes HANDSHAKE_DONE; returns its size, or 0 when it does not fit `space`. */
export function writeHandshakeDone(out: usize, space: i32): i32 {
  if (FRAME_HEAD_SIZE > space) return 0;
  return writeFrameHead(out, FRAME_CONTROL, CONTROL_HANDSHAKE_DONE, 0, 0);
}

/**
 * Writes CLOSE; returns its size, or 0 when it does not fit `space`. `code` is an error number (0:
 * none), the application code means something only when `isByApplication`. A reason is cut to
 * REASON_MAX bytes.
 */
export function writeClose(
  out: usize,
  space: i32,
  code: u64,
  isByApplication: bool,
  applicationCode: u64,
  reason: usize,
  reasonLength: i32,
): i32 {
  const length = CLOSE_FIXED_SIZE + min(reasonLength, REASON_MAX);
  if (frameSize(length) > space) return 0;
  const aux = isByApplication ? CLOSE_BY_APPLICATION : 0;
  const size = writeFrameHead(out, FRAME_CONTROL, CONTROL_CLOSE, length, aux);
  store<u64>(out, code, 8);
  store<u64>(out, applicationCode, 16);
  memory.copy(out + 24, reason, <usize>(length - CLOSE_FIXED_SIZE));
  return size;
}

/**
 * Decodes the body of a CONTROL frame by its subtype; reserved and unknown subtypes are refused.
 */
export function readControl(cursor: Cursor, frame: Frame): i32 {
  const subtype = frame.flags;
  if (subtype == CONTROL_CLOSE) return readClose(cursor, frame);
  if (frame.aux != 0) return FRAME_INVALID;
  switch (subtype) {
    case CONTROL_MAX_DATA:
    case CONTROL_DATA_BLOCKED:
      return readLimit(cursor, frame, INTEGER_MAX);
    case CONTROL_MAX_STREAMS:
    case CONTROL_STREAMS_BLOCKED:
      return readLimit(cursor, frame, STREAMS_MAX);
    case CONTROL_MAX_STREAM_DATA:
    case CONTROL_STREAM_DATA_BLOCKED:
      frame.streamId = cursor.u64();
      return checkStream(frame, readLimit(cursor, frame, INTEGER_MAX));
    case CONTROL_RESET_STREAM:
      frame.streamId = cursor.u64();
      frame.code = cursor.u64();
      return checkStream(frame, readLimit(cursor, frame, INTEGER_MAX));
    case CONTROL_STOP_SENDING:
      frame.streamId = cursor.u64();
      frame.code = cursor.u64();
      return checkStream(frame, finish(cursor));
    case CONTROL_HANDSHAKE_DONE:
      return finish(cursor);
    default:
      return FRAME_INVALID;
  }
}

/** Reads the last number of a body into `value`. */
function readLimit(cursor: Cursor, frame: Frame, largest: u64): i32 {
  frame.value = cursor.u64();
  return frame.value > largest ? FRAME_INVALID : finish(cursor);
}

/** A body must end exactly where its last field does. */
function finish(cursor: Cursor): i32 {
  return cursor.isShort || cursor.remaining() != 0 ? FRAME_INVALID : OK;
}

function checkStream(frame: Frame, status: i32): i32 {
  return isStreamIdValid(frame.streamId) ? status : FRAME_INVALID;
}

function readClose(cursor: Cursor, frame: Frame): i32 {
  frame.code = cursor.u64();
  frame.applicationCode = cursor.u64();
  frame.data = cursor.at;
  frame.dataLength = cursor.remaining();
  if (cursor.isShort || frame.aux > CLOSE_BY_APPLICATION) return FRAME_INVALID;
  return frame.dataLength > REASON_MAX ? FRAME_INVALID : OK;
}

/** True when a decoded CLOSE was asked for by the application. */
export function isCloseByApplication(frame: Frame): bool {
  return frame.aux == CLOSE_BY_APPLICATION;
}
