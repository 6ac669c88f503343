/**
 * The receiving half of a stream: data, end and reset from the peer; read and stop by the application.
 *
 * Spec       RFC 9000 §3.2, §3.5, §4, §4.5
 * Layer      stream (L2)
 * Invariant  every byte up to the highest offset counts once against both windows, and gives its credit
 *            back once: when it is read, or when it is certain that nobody will read it
 */
import { FLOW_CONTROL, FRAME_INVALID, OK, PROTOCOL_VIOLATION } from "../base/status.ts";
import {
  assemblerCheck,
  assemblerConsume,
  assemblerDiscard,
  assemblerFront,
  assemblerFrontLength,
  assemblerHighest,
  assemblerInsert,
  assemblerIsAtEnd,
  assemblerIsComplete,
  assemblerPeek,
  assemblerRaiseHighest,
  assemblerReadable,
  assemblerReadOffset,
  assemblerSetFinalSize,
} from "./assembler.ts";
import {
  CONTROL_MAX_DATA,
  CONTROL_MAX_STREAM_DATA,
  CONTROL_STOP_SENDING,
  controlRequest,
  controlRequestFor,
  controlWithdraw,
} from "./control.ts";
import {
  windowCheck,
  windowConsume,
  windowLimit,
  windowNextLimit,
  windowReceive,
} from "./flow-control.ts";
import { streamReset } from "./send-part.ts";
import {
  EVENT_OPENED,
  EVENT_READABLE,
  EVENT_RESET,
  EVENT_STOPPED,
  eventCheckReadable,
  eventRaise,
  streamCheckOver,
} from "./stream-events.ts";
import {
  BANDS,
  IS_ANNOUNCED,
  IS_READABLE_TOLD,
  IS_STOPPED,
  IS_STOPPED_BY_PEER,
  KIND_MESSAGES,
  RECEIVE_DATA_READ,
  RECEIVE_DATA_RECVD,
  RECEIVE_RECV,
  RECEIVE_RESET_READ,
  RECEIVE_RESET_RECVD,
  RECEIVE_SIZE_KNOWN,
  STREAM_EVENTS,
  STREAM_NAME_MAX,
  STREAM_PEER_RESET_CODE,
  STREAM_STOP_CODE,
  STREAM_WANTED,
  streamAssembler,
  streamBand,
  streamClearFlags,
  streamDescribe,
  streamHas,
  streamKind,
  streamName,
  streamNameLength,
  streamOwner,
  streamReceiveState,
  streamSetFlags,
  streamSetReceiveState,
  streamWindow,
} from "./stream.ts";
import {
  PEER_BLOCKED_AT,
  streamsPool,
  streamsReceiveBudget,
  streamsWindow,
} from "./streams-record.ts";
import { streamsAccept, streamsAccepted, streamsIsLocalId } from "./streams.ts";

/** RFC 9000 §4.5, §19.8: no byte of a stream lies at or beyond this offset. */
export const OFFSET_LIMIT: u64 = 1 << 62;

/** Gives credit of read or dropped bytes back. */
function returnCredit(stream: usize, bytes: u64): void {
  const streams = streamOwner(stream);
  const ofConnection = streamsWindow(streams);
  const isPeerBlocked = load<u64>(streams, PEER_BLOCKED_AT) == windowLimit(ofConnection);
  if (windowConsume(ofConnection, bytes) || isPeerBlocked) {
    controlRequest(streams, CONTROL_MAX_DATA);
  }
  const isDue = windowConsume(streamWindow(stream), bytes);
  if (!isDue || streamReceiveState(stream) != RECEIVE_RECV || streamHas(stream, IS_STOPPED)) return;
  controlRequestFor(stream, CONTROL_MAX_STREAM_DATA);
}

/**
 * DATA_BLOCKED: the peer waits at `limit`. Any credit that it does not know of yet is told now, and from then on
 * as it comes back; half a window may be less than the message that it wants to send.
 */
export function streamsOnDataBlocked(streams: usize, limit: u64): i32 {
  const window = streamsWindow(streams);
  if (limit != windowLimit(window)) return OK;
  store<u64>(streams, limit, PEER_BLOCKED_AT);
  if (windowNextLimit(window) > limit) controlRequest(streams, CONTROL_MAX_DATA);
  return OK;
}

/** A message whose size is known must fit the stream's credit, however little was read since the last limit. */
export function streamEnsureCredit(stream: usize, bytes: u64): void {
  const needed = assemblerReadOffset(streamAssembler(stream)) + bytes;
  if (windowLimit(streamWindow(stream)) >= needed) return;
  if (streamReceiveState(stream) == RECEIVE_RECV) {
    controlRequestFor(stream, CONTROL_MAX_STREAM_DATA);
  }
}

/** Drops what was not read. */
function discard(stream: usize): void {
  const streams = streamOwner(stream);
  const assembler = streamAssembler(stream);
  const pool = streamsPool(streams);
  const unread = assemblerDiscard(assembler, pool, streamsReceiveBudget(streams));
  if (unread > 0) returnCredit(stream, unread);
}

function isSameDescription(stream: usize, band: u8, kind: u8, name: usize, nameLength: u32): bool {
  return (
    streamBand(stream) == band &&
    streamKind(stream) == kind &&
    streamNameLength(stream) == nameLength &&
    memory.compare(streamName(stream), name, nameLength) == 0
  );
}

/**
 * Takes the OPEN fields of a stream, alone or with data. They may come more than once, but never differ.
 *
 * Typical errors: FRAME_INVALID for fields out of range, PROTOCOL_VIOLATION for a stream of this side or a
 * changed description, and those of `streamsAccept`.
 */
export function streamsOnOpen(
  streams: usize,
  id: u64,
  band: u8,
  kind: u8,
  name: usize,
  nameLength: u32,
): i32 {
  if (<u32>band >= BANDS || kind > KIND_MESSAGES || nameLength > STREAM_NAME_MAX) {
    return FRAME_INVALID;
  }
  if (streamsIsLocalId(streams, id)) return PROTOCOL_VIOLATION;
  const status = streamsAccept(streams, id);
  const stream = streamsAccepted(streams);
  if (status != OK || stream == 0) return status;
  if (streamHas(stream, IS_ANNOUNCED)) {
    return isSameDescription(stream, band, kind, name, nameLength) ? OK : PROTOCOL_VIOLATION;
  }
  streamDescribe(stream, band, kind, name, nameLength);
  // A stream that was reset before it was announced is over, and nobody need hear of it.
  if (streamReceiveState(stream) == RECEIVE_RESET_READ) return OK;
  eventRaise(stream, EVENT_OPENED);
  if (streamHas(stream, IS_STOPPED_BY_PEER)) eventRaise(stream, EVENT_STOPPED);
  eventCheckReadable(stream);
  return OK;
}

/** Checks sizes and both windows for a frame that ends at `end`. */
function checkArrival(stream: usize, end: u64, isFinal: bool): i32 {
  const assembler = streamAssembler(stream);
  const status = assemblerCheck(assembler, end, isFinal);
  if (status != OK) return status;
  const highest = assemblerHighest(assembler);
  if (end <= highest) return OK;
  const ofStream = windowCheck(streamWindow(stream), end - highest);
  if (ofStream != OK) return ofStream;
  return windowCheck(streamsWindow(streamOwner(stream)), end - highest);
}

/** Counts the bytes between the highest offset before and now against both windows. */
function countArrival(stream: usize, before: u64): void {
  const fresh = assemblerHighest(streamAssembler(stream)) - before;
  if (fresh == 0) return;
  windowReceive(streamWindow(stream), fresh);
  windowReceive(streamsWindow(streamOwner(stream)), fresh);
}

/** The end of the stream is known; a reader that stopped needs nothing more. */
function noteFinalSize(stream: usize, finalSize: u64): void {
  assemblerSetFinalSize(streamAssembler(stream), finalSize);
  controlWithdraw(stream, CONTROL_MAX_STREAM_DATA);
  controlWithdraw(stream, CONTROL_STOP_SENDING);
  if (streamHas(stream, IS_STOPPED)) {
    streamSetReceiveState(stream, RECEIVE_DATA_READ);
    streamCheckOver(stream);
  } else {
    streamSetReceiveState(stream, RECEIVE_SIZE_KNOWN);
  }
}

/**
 * Takes the bytes of a STREAM_DATA frame, or a STREAM_FIN frame as its final size without bytes.
 *
 * Typical errors: FLOW_CONTROL, FINAL_SIZE, those of `streamsAccept`; MEMORY_LIMIT when nothing was stored
 * and the packet must not be acknowledged.
 */
export function streamsOnData(
  streams: usize,
  id: u64,
  offset: u64,
  data: usize,
  length: u32,
  isFin: bool,
): i32 {
  if (offset > OFFSET_LIMIT - <u64>length) return FLOW_CONTROL;
  const accepted = streamsAccept(streams, id);
  const stream = streamsAccepted(streams);
  if (accepted != OK || stream == 0) return accepted;
  const end = offset + length;
  const checked = checkArrival(stream, end, isFin);
  if (checked != OK) return checked;
  const state = streamReceiveState(stream);
  if (state > RECEIVE_SIZE_KNOWN) return OK;
  const assembler = streamAssembler(stream);
  const before = assemblerHighest(assembler);
  const isStopped = streamHas(stream, IS_STOPPED);
  if (!isStopped) {
    const pool = streamsPool(streams);
    const budget = streamsReceiveBudget(streams);
    const stored = assemblerInsert(assembler, pool, budget, offset, data, length);
    if (stored != OK) return stored;
  } else {
    assemblerRaiseHighest(assembler, end);
  }
  countArrival(stream, before);
  if (isStopped) discard(stream);
  if (isFin && state == RECEIVE_RECV) noteFinalSize(stream, end);
  if (isStopped) return OK;
  if (assemblerIsComplete(assembler)) streamSetReceiveState(stream, RECEIVE_DATA_RECVD);
  eventCheckReadable(stream);
  return OK;
}

/**
 * Takes a RESET_STREAM frame.
 *
 * Typical errors: FINAL_SIZE, FLOW_CONTROL, those of `streamsAccept`.
 *
 * spec: RFC 9000 §3.2, §4.5
 */
export function streamsOnReset(streams: usize, id: u64, code: u64, finalSize: u64): i32 {
  if (finalSize > OFFSET_LIMIT) return FLOW_CONTROL;
  const accepted = streamsAccept(streams, id);
  const stream = streamsAccepted(streams);
  if (accepted != OK || stream == 0) return accepted;
  const checked = checkArrival(stream, finalSize, true);
  if (checked != OK) return checked;
  // Everything arrived already: the reset came too late to take anything away.
  if (streamReceiveState(stream) > RECEIVE_SIZE_KNOWN) return OK;
  const assembler = streamAssembler(stream);
  const before = assemblerHighest(assembler);
  assemblerRaiseHighest(assembler, finalSize);
  assemblerSetFinalSize(assembler, finalSize);
  countArrival(stream, before);
  store<u64>(stream, code, STREAM_PEER_RESET_CODE);
  streamSetReceiveState(stream, RECEIVE_RESET_RECVD);
  discard(stream);
  controlWithdraw(stream, CONTROL_MAX_STREAM_DATA);
  controlWithdraw(stream, CONTROL_STOP_SENDING);
  if (streamHas(stream, IS_ANNOUNCED) && !streamHas(stream, IS_STOPPED)) {
    withdrawReadable(stream);
    eventRaise(stream, EVENT_RESET);
    return OK;
  }
  streamSetReceiveState(stream, RECEIVE_RESET_READ);
  // Opened and given up before it was announced: the answer is the same, since no application will give one.
  if (!streamHas(stream, IS_ANNOUNCED)) streamReset(stream, code);
  streamCheckOver(stream);
  return OK;
}

/** What was readable is gone; the reset says so. */
function withdrawReadable(stream: usize): void {
  store<u32>(stream, load<u32>(stream, STREAM_EVENTS) & ~EVENT_READABLE, STREAM_EVENTS);
}

/** Bytes in order that were not read. */
export function streamReadable(stream: usize): u64 {
  return assemblerReadable(streamAssembler(stream));
}

/** True when everything up to the end was read. The stream stays until `streamTakeEnd`. */
export function streamIsAtEnd(stream: usize): bool {
  return (
    streamReceiveState(stream) == RECEIVE_DATA_RECVD && assemblerIsAtEnd(streamAssembler(stream))
  );
}

/** True when everything was read; the application now knows it, and the stream may be freed. */
export function streamTakeEnd(stream: usize): bool {
  if (!streamIsAtEnd(stream)) return false;
  streamSetReceiveState(stream, RECEIVE_DATA_READ);
  streamCheckOver(stream);
  return true;
}

/** Copies the next bytes without taking them; returns how many, at most `length`. */
export function streamPeek(stream: usize, target: usize, length: u32): u32 {
  return assemblerPeek(streamAssembler(stream), target, length);
}

/** Address of the next byte, `streamFrontLength` bytes in one piece. */
export function streamFront(stream: usize): usize {
  return assemblerFront(streamAssembler(stream));
}

/** 0 when nothing can be read. */
export function streamFrontLength(stream: usize): u32 {
  return assemblerFrontLength(streamAssembler(stream));
}

/** Takes `length` readable bytes and returns their credit to the peer. */
export function streamConsume(stream: usize, length: u32): void {
  if (length == 0) return;
  const streams = streamOwner(stream);
  const pool = streamsPool(streams);
  assemblerConsume(streamAssembler(stream), pool, streamsReceiveBudget(streams), length);
  returnCredit(stream, length);
}

/** Copies and takes the next bytes; 0 when there are none, after which "readable" will be raised again. */
export function streamRead(stream: usize, target: usize, length: u32): u32 {
  const count = streamPeek(stream, target, length);
  streamConsume(stream, count);
  if (count == 0 && length > 0) streamClearFlags(stream, IS_READABLE_TOLD);
  return count;
}

/** Raises "readable" next when `bytes` bytes, or the end, are there; at once when they are. */
export function streamSetWanted(stream: usize, bytes: u64): void {
  store<u64>(stream, bytes, STREAM_WANTED);
  streamClearFlags(stream, IS_READABLE_TOLD);
  eventCheckReadable(stream);
}

/** Gives up receiving: drops what came and asks the peer to stop. spec: RFC 9000 §3.5 */
export function streamStop(stream: usize, code: u64): i32 {
  const state = streamReceiveState(stream);
  if (streamHas(stream, IS_STOPPED) || state > RECEIVE_RESET_RECVD) return OK;
  streamSetFlags(stream, IS_STOPPED);
  withdrawReadable(stream);
  discard(stream);
  if (state == RECEIVE_RECV) {
    store<u64>(stream, code, STREAM_STOP_CODE);
    controlWithdraw(stream, CONTROL_MAX_STREAM_DATA);
    controlRequestFor(stream, CONTROL_STOP_SENDING);
    return OK;
  }
  // The final size is known: nothing is left that the peer could stop.
  streamSetReceiveState(
    stream,
    state == RECEIVE_RESET_RECVD ? RECEIVE_RESET_READ : RECEIVE_DATA_READ,
  );
  streamCheckOver(stream);
  return OK;
}
