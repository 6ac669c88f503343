/**
 * Control frames of streams that must be sent: window, blocked, reset and stop, until superseded.
 *
 * Spec       RFC 9000 §4, §13.3, §19.4 – §19.14
 * Layer      stream (L2)
 * Invariant  one pending bit for each kind and stream (or connection); the value is taken from the state
 *            when the frame is written, so a frame that was overtaken is never sent
 * Limits     no queue of frames: a peer cannot make this side remember more than one of each kind
 */
import { fifoFirst, fifoPop, fifoPush } from "../base/fifo.ts";
import { invariant } from "../base/invariant.ts";
import {
  creditIsBlockedAt,
  creditLimit,
  windowAdvertise,
  windowLimit,
  windowNextLimit,
} from "./flow-control.ts";
import { sendBufferSent } from "./send-buffer.ts";
import { slabAt, slabIndex } from "../base/slab.ts";
import { streamCheckOver } from "./stream-events.ts";
import {
  IN_CONTROL,
  LINK_CONTROL,
  RECEIVE_RECV,
  SEND_RESET_RECVD,
  SEND_RESET_SENT,
  STREAM_CONTROL,
  STREAM_RESET_CODE,
  STREAM_STOP_CODE,
  streamClearFlags,
  streamCredit,
  streamGeneration,
  streamHas,
  streamId,
  streamOwner,
  streamReceiveState,
  streamSendBuffer,
  streamSendState,
  streamSetFlags,
  streamSetSendState,
  streamWindow,
} from "./stream.ts";
import {
  CONTROL_FIFO,
  LOCAL_LIMIT,
  MAX_STREAMS_BIDI,
  NEXT_CODE,
  NEXT_ID,
  NEXT_KIND,
  NEXT_LOCAL,
  NEXT_STREAM,
  NEXT_VALUE,
  PEER_CLOSED,
  PEER_LIMIT,
  PENDING_CONTROL,
  streamsCredit,
  streamsSlab,
  streamsWindow,
} from "./streams-record.ts";

/** Kinds: the subtypes of the CONTROL frame. */
export const CONTROL_MAX_DATA: u8 = 1;
export const CONTROL_MAX_STREAM_DATA: u8 = 2;
export const CONTROL_MAX_STREAMS: u8 = 3;
export const CONTROL_DATA_BLOCKED: u8 = 4;
export const CONTROL_STREAM_DATA_BLOCKED: u8 = 5;
export const CONTROL_STREAMS_BLOCKED: u8 = 6;
export const CONTROL_RESET_STREAM: u8 = 7;
export const CONTROL_STOP_SENDING: u8 = 8;
/** A STREAM_OPEN frame, for a stream that is announced before it has data. */
export const CONTROL_OPEN: u8 = 31;

/** Asks for a frame of the connection. */
export function controlRequest(streams: usize, kind: u8): void {
  store<u32>(streams, load<u32>(streams, PENDING_CONTROL) | (1 << (<u32>kind)), PENDING_CONTROL);
}

/** Asks for a frame of one stream. */
export function controlRequestFor(stream: usize, kind: u8): void {
  store<u32>(stream, load<u32>(stream, STREAM_CONTROL) | (1 << (<u32>kind)), STREAM_CONTROL);
  if (streamHas(stream, IN_CONTROL)) return;
  streamSetFlags(stream, IN_CONTROL);
  fifoPush(streamOwner(stream) + CONTROL_FIFO, stream, LINK_CONTROL);
}

/** Withdraws a frame of one stream that has lost its purpose. */
export function controlWithdraw(stream: usize, kind: u8): void {
  store<u32>(stream, load<u32>(stream, STREAM_CONTROL) & ~(1 << (<u32>kind)), STREAM_CONTROL);
}

function describe(streams: usize, kind: u8, stream: usize, id: u64, value: u64, code: u64): void {
  store<u32>(streams, <u32>kind, NEXT_KIND);
  store<usize>(streams, stream, NEXT_STREAM);
  store<u64>(streams, id, NEXT_ID);
  store<u64>(streams, value, NEXT_VALUE);
  store<u64>(streams, code, NEXT_CODE);
}

function describeForConnection(streams: usize, kind: u8): void {
  let value: u64 = 0;
  if (kind == CONTROL_MAX_DATA) value = windowNextLimit(streamsWindow(streams));
  else if (kind == CONTROL_MAX_STREAMS) value = nextPeerLimit(streams);
  else if (kind == CONTROL_DATA_BLOCKED) value = creditLimit(streamsCredit(streams));
  else value = load<u64>(streams, LOCAL_LIMIT);
  describe(streams, kind, 0, 0, value, 0);
}

function describeForStream(streams: usize, stream: usize, kind: u8): void {
  let value: u64 = 0;
  let code: u64 = 0;
  if (kind == CONTROL_MAX_STREAM_DATA) {
    value = windowNextLimit(streamWindow(stream));
  } else if (kind == CONTROL_STREAM_DATA_BLOCKED) {
    value = creditLimit(streamCredit(stream));
  } else if (kind == CONTROL_RESET_STREAM) {
    // The final size is what was sent: the peer has counted at most that (RFC 9000 §4.5).
    value = sendBufferSent(streamSendBuffer(stream));
    code = load<u64>(stream, STREAM_RESET_CODE);
  } else if (kind == CONTROL_STOP_SENDING) {
    code = load<u64>(stream, STREAM_STOP_CODE);
  }
  describe(streams, kind, stream, streamId(stream), value, code);
}

/** How many streams the peer may have opened in all, by what is closed now. */
export function nextPeerLimit(streams: usize): u64 {
  return load<u64>(streams, PEER_CLOSED) + load<u64>(streams, MAX_STREAMS_BIDI);
}

/** Finds the next frame to write and describes it for the getters below; false when there is none. */
export function controlNext(streams: usize): bool {
  const pending = load<u32>(streams, PENDING_CONTROL);
  if (pending != 0) {
    describeForConnection(streams, <u8>ctz<u32>(pending));
    return true;
  }
  let stream = fifoFirst(streams + CONTROL_FIFO);
  while (stream != 0) {
    const wanted = load<u32>(stream, STREAM_CONTROL);
    if (wanted != 0) {
      describeForStream(streams, stream, <u8>ctz<u32>(wanted));
      return true;
    }
    fifoPop(streams + CONTROL_FIFO, LINK_CONTROL);
    streamClearFlags(stream, IN_CONTROL);
    stream = fifoFirst(streams + CONTROL_FIFO);
  }
  return false;
}

/** A CONTROL_ kind. */
export function controlKind(streams: usize): u8 {
  return <u8>load<u32>(streams, NEXT_KIND);
}

/** The stream of the frame; 0 for frames of the connection. */
export function controlStream(streams: usize): usize {
  return load<usize>(streams, NEXT_STREAM);
}

export function controlId(streams: usize): u64 {
  return load<u64>(streams, NEXT_ID);
}

/** The limit, or the final size of a reset. */
export function controlValue(streams: usize): u64 {
  return load<u64>(streams, NEXT_VALUE);
}

/** The code of a reset or stop. */
export function controlCode(streams: usize): u64 {
  return load<u64>(streams, NEXT_CODE);
}

/** Slot of the stream, for the frame reference; 0 for frames of the connection. */
export function controlSlot(streams: usize): u32 {
  const stream = controlStream(streams);
  return stream == 0 ? 0 : slabIndex(streamsSlab(streams), stream);
}

export function controlGeneration(streams: usize): u32 {
  const stream = controlStream(streams);
  return stream == 0 ? 0 : streamGeneration(stream);
}

/** The frame that `controlNext` described was written. */
export function controlTake(streams: usize): void {
  const kind = controlKind(streams);
  const stream = controlStream(streams);
  const value = controlValue(streams);
  if (stream != 0) {
    controlWithdraw(stream, kind);
    if (kind == CONTROL_MAX_STREAM_DATA) windowAdvertise(streamWindow(stream), value);
    return;
  }
  const bit: u32 = 1 << (<u32>kind);
  invariant((load<u32>(streams, PENDING_CONTROL) & bit) != 0);
  store<u32>(streams, load<u32>(streams, PENDING_CONTROL) & ~bit, PENDING_CONTROL);
  if (kind == CONTROL_MAX_DATA) windowAdvertise(streamsWindow(streams), value);
  else if (kind == CONTROL_MAX_STREAMS) store<u64>(streams, value, PEER_LIMIT);
}

function findLive(streams: usize, slot: u32, generation: u32): usize {
  const stream = slabAt(streamsSlab(streams), slot);
  const isLive = streamOwner(stream) == streams && streamGeneration(stream) == generation;
  return isLive ? stream : 0;
}

/** A frame that was noted as REF_CONTROL was acknowledged. */
export function streamsOnControlAcked(streams: usize, kind: u8, slot: u32, generation: u32): void {
  if (kind != CONTROL_RESET_STREAM) return;
  const stream = findLive(streams, slot, generation);
  if (stream == 0 || streamSendState(stream) != SEND_RESET_SENT) return;
  controlWithdraw(stream, CONTROL_RESET_STREAM);
  streamSetSendState(stream, SEND_RESET_RECVD);
  streamCheckOver(stream);
}

/** A frame that was noted as REF_CONTROL was lost: it is asked for again unless a newer one overtook it. */
export function streamsOnControlLost(
  streams: usize,
  kind: u8,
  slot: u32,
  generation: u32,
  value: u64,
): void {
  if (kind == CONTROL_MAX_DATA) {
    if (value == windowLimit(streamsWindow(streams))) controlRequest(streams, kind);
  } else if (kind == CONTROL_MAX_STREAMS) {
    if (value == load<u64>(streams, PEER_LIMIT)) controlRequest(streams, kind);
  } else if (kind == CONTROL_DATA_BLOCKED) {
    // A message can wait although some credit is left (send-part.ts), so only a new limit makes it obsolete.
    if (value == creditLimit(streamsCredit(streams))) controlRequest(streams, kind);
  } else if (kind == CONTROL_STREAMS_BLOCKED) {
    const isBlocked = load<u64>(streams, NEXT_LOCAL) >= load<u64>(streams, LOCAL_LIMIT);
    if (isBlocked && value == load<u64>(streams, LOCAL_LIMIT)) controlRequest(streams, kind);
  } else {
    const stream = findLive(streams, slot, generation);
    if (stream != 0 && isStillNeeded(stream, kind, value)) controlRequestFor(stream, kind);
  }
}

/** spec: RFC 9000 §13.3 */
function isStillNeeded(stream: usize, kind: u8, value: u64): bool {
  if (kind == CONTROL_MAX_STREAM_DATA) {
    const isOpen = streamReceiveState(stream) == RECEIVE_RECV;
    return isOpen && value == windowLimit(streamWindow(stream));
  }
  if (kind == CONTROL_STREAM_DATA_BLOCKED) return creditIsBlockedAt(streamCredit(stream), value);
  if (kind == CONTROL_RESET_STREAM) return streamSendState(stream) == SEND_RESET_SENT;
  if (kind == CONTROL_STOP_SENDING) return streamReceiveState(stream) == RECEIVE_RECV;
  return kind == CONTROL_OPEN;
}
