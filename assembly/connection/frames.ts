/**
 * The frames of one opened packet: each is taken to the sub-state that it belongs to.
 *
 * Spec       docs/protocol.md §7 · RFC 9000 §13.1, §13.3
 * Layer      connection (L3)
 * Invariant  total: whatever an authentic peer sends gives OK or a status that closes the connection
 *            taking the same frame twice is harmless, because a packet whose last frame found no memory is
 *            not acknowledged and comes again
 */
import { FRAME_INVALID, OK, PROTOCOL_VIOLATION } from "../base/status.ts";
import { statusOfErrorNumber } from "../wire/error-number.ts";
import { decodeFrame } from "../wire/frame-decode.ts";
import {
  CONTROL_CLOSE,
  CONTROL_HANDSHAKE_DONE,
  Frame,
  FRAME_ACK,
  FRAME_CONTROL,
  FRAME_DATAGRAM,
  FRAME_SIZE,
  FRAME_STREAM_DATA,
  FRAME_STREAM_FIN,
  FRAME_STREAM_OPEN,
  isAckEliciting,
  isFrameForSide,
} from "../wire/frame.ts";
import { takeAck } from "./acknowledgements.ts";
import { closeByPeer, isOver } from "./close.ts";
import { takeDatagram } from "./datagrams.ts";
import { Connection } from "./state.ts";
import { takeStreamControl, takeStreamFrame } from "./stream-frames.ts";

const frame = changetype<Frame>(memory.data(FRAME_SIZE, 8));

let isEliciting = false;

/** True when the payload that was taken last asks for an acknowledgement. */
export function wasAckEliciting(): bool {
  return isEliciting;
}

/** Takes every frame of the payload; the first one that is wrong ends it. */
export function takeFrames(connection: Connection, payload: usize, size: i32, nowUs: u64): i32 {
  isEliciting = false;
  // spec: RFC 9000 §12.4, a packet without frames is a violation.
  if (size == 0) return PROTOCOL_VIOLATION;
  let at = payload;
  let left = size;
  while (left > 0) {
    const used = decodeFrame(at, left, frame);
    if (used < 0) return FRAME_INVALID;
    if (isAckEliciting(frame)) isEliciting = true;
    const status = takeFrame(connection, nowUs);
    if (status != OK) return status;
    // Behind a CLOSE nothing of the packet matters.
    if (isOver(connection)) return OK;
    at += <usize>used;
    left -= used;
  }
  return OK;
}

function takeFrame(connection: Connection, nowUs: u64): i32 {
  if (!isFrameForSide(frame, connection.isInitiator != 0)) return PROTOCOL_VIOLATION;
  switch (frame.type) {
    case FRAME_ACK:
      return takeAck(connection, frame, nowUs);
    case FRAME_STREAM_OPEN:
    case FRAME_STREAM_DATA:
    case FRAME_STREAM_FIN:
      return takeStreamFrame(connection, frame);
    case FRAME_DATAGRAM:
      return takeDatagram(connection, frame);
    case FRAME_CONTROL:
      return takeControl(connection, nowUs);
    default:
      // PING and PADDING say nothing more, and extension frames are for those who know them.
      return OK;
  }
}

function takeControl(connection: Connection, nowUs: u64): i32 {
  switch (frame.flags) {
    case CONTROL_HANDSHAKE_DONE:
      connection.isConfirmed = 1;
      return OK;
    case CONTROL_CLOSE:
      closeByPeer(
        connection,
        statusOfErrorNumber(frame.code),
        frame.applicationCode,
        frame.data,
        frame.dataLength,
        nowUs,
      );
      return OK;
    default:
      return takeStreamControl(connection, frame);
  }
}
