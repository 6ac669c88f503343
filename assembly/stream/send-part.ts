/**
 * The sending half of a stream: write, end, reset; what packets carry of it; what became of them.
 *
 * Spec       RFC 9000 §3.1, §3.5, §4.1
 * Layer      stream (L2)
 * Invariant  credit is used once for each offset; lost bytes and the end need none
 */
import { fifoFirst, fifoPop, fifoPush } from "../base/fifo.ts";
import { OK, STREAM_STATE, STREAM_STOPPED } from "../base/status.ts";
import { BLOCK_BYTES, blockPoolSpare, budgetAvailable } from "./block-pool.ts";
import {
  CONTROL_DATA_BLOCKED,
  CONTROL_OPEN,
  CONTROL_RESET_STREAM,
  CONTROL_STREAM_DATA_BLOCKED,
  controlRequest,
  controlRequestFor,
  controlWithdraw,
} from "./control.ts";
import { creditAvailable, creditNoteBlocked, creditUse } from "./flow-control.ts";
import {
  connectionCredit,
  schedulerCharge,
  schedulerEnqueue,
  schedulerUnblock,
} from "./scheduler.ts";
import {
  sendBufferAckedTo,
  sendBufferCopy,
  sendBufferDiscard,
  sendBufferEndsAt,
  sendBufferFinish,
  sendBufferHasLost,
  sendBufferIsAcked,
  sendBufferIsFinPending,
  sendBufferIsFinSent,
  sendBufferIsFinWritten,
  sendBufferNextLength,
  sendBufferNextOffset,
  sendBufferOnAcked,
  sendBufferOnLost,
  sendBufferOnSent,
  sendBufferUnsent,
  sendBufferWrite,
  sendBufferWritten,
} from "./send-buffer.ts";
import {
  EVENT_ACKNOWLEDGED,
  EVENT_STOPPED,
  EVENT_WRITABLE,
  eventRaise,
  streamCheckOver,
} from "./stream-events.ts";
import {
  IN_WRITERS,
  IS_STOPPED_BY_PEER,
  KIND_MESSAGES,
  LINK_WRITERS,
  SEND_DATA_RECVD,
  SEND_DATA_SENT,
  SEND_READY,
  SEND_RESET_SENT,
  SEND_SEND,
  STREAM_CHUNK_IS_FIN,
  STREAM_CHUNK_LENGTH,
  STREAM_CHUNK_OFFSET,
  STREAM_PEER_STOP_CODE,
  STREAM_RESET_CODE,
  STREAM_WANTED_ROOM,
  streamClearFlags,
  streamCredit,
  streamHas,
  streamIsLocal,
  streamIsSending,
  streamKind,
  streamOwner,
  streamSendBuffer,
  streamSendState,
  streamSetFlags,
  streamSetSendState,
} from "./stream.ts";
import {
  RETRANSMITTED,
  SEND_BUFFER_BYTES,
  WRITERS_FIFO,
  streamsCredit,
  streamsPool,
  streamsReserve,
  streamsReserved,
  streamsSendBudget,
  streamsUnreserve,
} from "./streams-record.ts";
import { streamsAccept, streamsAccepted, streamsAt } from "./streams.ts";

/** Bytes that `streamWrite` would take now. */
export function streamWritable(stream: usize): u64 {
  const buffer = streamSendBuffer(stream);
  if (!streamIsSending(stream) || sendBufferIsFinWritten(buffer)) return 0;
  const streams = streamOwner(stream);
  const written = sendBufferWritten(buffer);
  const held = written - sendBufferAckedTo(buffer);
  const limit = sendBufferLimit(streams, stream);
  const ofStream = limit > held ? limit - held : 0;
  const budget = budgetAvailable(streamsSendBudget(streams));
  const blocks = <u64>min(budget, blockPoolSpare(streamsPool(streams)));
  // What is left of the last block is there already, unless everything was acknowledged and given back.
  const used = written & (BLOCK_BYTES - 1);
  const rest = held == 0 || used == 0 ? 0 : BLOCK_BYTES - used;
  const room = min(ofStream, blocks * BLOCK_BYTES + rest);
  return streamKind(stream) == KIND_MESSAGES ? min(room, unreservedCredit(streams)) : room;
}

/** A message is written whole or not at all, so that its stream is bounded by budget and credit only. */
function sendBufferLimit(streams: usize, stream: usize): u64 {
  if (streamKind(stream) == KIND_MESSAGES) return u64.MAX_VALUE;
  return load<u64>(streams, SEND_BUFFER_BYTES);
}

/** Credit of the connection that no written message has been promised (scheduler.ts says why). */
function unreservedCredit(streams: usize): u64 {
  const available = creditAvailable(streamsCredit(streams));
  const reserved = streamsReserved(streams);
  return available > reserved ? available - reserved : 0;
}

/**
 * Writes bytes; returns how many were taken. When that is fewer than given, "writable" is raised once there
 * is room again.
 *
 * Typical errors: STREAM_STOPPED when the peer gave up receiving, STREAM_STATE after the end or a reset.
 */
export function streamWrite(stream: usize, data: usize, length: u32): i32 {
  if (streamHas(stream, IS_STOPPED_BY_PEER)) return STREAM_STOPPED;
  const buffer = streamSendBuffer(stream);
  if (!streamIsSending(stream) || sendBufferIsFinWritten(buffer)) return STREAM_STATE;
  const streams = streamOwner(stream);
  const allowed = <u32>min(<u64>length, streamWritable(stream));
  const pool = streamsPool(streams);
  const taken = sendBufferWrite(buffer, pool, streamsSendBudget(streams), data, allowed);
  if (taken > 0) schedulerEnqueue(stream);
  if (streamKind(stream) == KIND_MESSAGES) streamsReserve(streams, taken);
  // A cut write need not wait until all of it fits: half a buffer is worth waking the writer.
  const half = load<u64>(streams, SEND_BUFFER_BYTES) >> 1;
  if (taken < length) streamWantRoom(stream, min(<u64>(length - taken), half));
  return <i32>taken;
}

/** Asks for "writable" once `bytes` can be written at once (at most the whole send buffer). */
export function streamWantRoom(stream: usize, bytes: u64): void {
  const streams = streamOwner(stream);
  const most = sendBufferLimit(streams, stream);
  store<u64>(stream, max(min(bytes, most), 1), STREAM_WANTED_ROOM);
  tellShortOfCredit(streams, stream);
  if (streamHas(stream, IN_WRITERS)) return;
  streamSetFlags(stream, IN_WRITERS);
  fifoPush(streams + WRITERS_FIFO, stream, LINK_WRITERS);
}

/** A message waits for credit that the peer does not know to be too little: it is told, once for each limit. */
function tellShortOfCredit(streams: usize, stream: usize): void {
  if (streamKind(stream) != KIND_MESSAGES) return;
  if (unreservedCredit(streams) >= load<u64>(stream, STREAM_WANTED_ROOM)) return;
  if (creditNoteBlocked(streamsCredit(streams))) controlRequest(streams, CONTROL_DATA_BLOCKED);
}

/**
 * Raises "writable" for the streams whose room has come. The connection calls it once a turn: room also
 * comes from other streams and connections. A stream that still waits holds up no other.
 */
export function streamsWakeWriters(streams: usize): void {
  const fifo = streams + WRITERS_FIFO;
  let firstKept: usize = 0;
  let stream = fifoFirst(fifo);
  while (stream != 0 && stream != firstKept) {
    fifoPop(fifo, LINK_WRITERS);
    const isSending = streamIsSending(stream);
    if (isSending && streamWritable(stream) < load<u64>(stream, STREAM_WANTED_ROOM)) {
      fifoPush(fifo, stream, LINK_WRITERS);
      // Others may have used what a new limit gave: the peer must hear of that limit, too.
      tellShortOfCredit(streams, stream);
      if (firstKept == 0) firstKept = stream;
    } else {
      streamClearFlags(stream, IN_WRITERS);
      if (isSending) eventRaise(stream, EVENT_WRITABLE);
    }
    stream = fifoFirst(fifo);
  }
}

/** Writes the end. Typical errors: as `streamWrite`. */
export function streamFinish(stream: usize): i32 {
  if (streamHas(stream, IS_STOPPED_BY_PEER)) return STREAM_STOPPED;
  const buffer = streamSendBuffer(stream);
  if (!streamIsSending(stream) || sendBufferIsFinWritten(buffer)) return STREAM_STATE;
  sendBufferFinish(buffer);
  schedulerEnqueue(stream);
  return OK;
}

/** Announces a stream that has nothing to send yet, by a STREAM_OPEN frame. */
export function streamAnnounce(stream: usize): void {
  if (streamIsLocal(stream)) controlRequestFor(stream, CONTROL_OPEN);
}

function beginReset(stream: usize, code: u64): void {
  const streams = streamOwner(stream);
  store<u64>(stream, code, STREAM_RESET_CODE);
  streamSetSendState(stream, SEND_RESET_SENT);
  if (streamKind(stream) == KIND_MESSAGES) {
    streamsUnreserve(streams, sendBufferUnsent(streamSendBuffer(stream)));
    schedulerUnblock(streams);
  }
  sendBufferDiscard(streamSendBuffer(stream), streamsPool(streams), streamsSendBudget(streams));
  controlWithdraw(stream, CONTROL_STREAM_DATA_BLOCKED);
  controlRequestFor(stream, CONTROL_RESET_STREAM);
}

/** Gives up sending. Once everything was acknowledged there is nothing to give up, and nothing happens. */
export function streamReset(stream: usize, code: u64): i32 {
  if (streamIsSending(stream)) beginReset(stream, code);
  return OK;
}

/** spec: RFC 9000 §3.5: an endpoint that is asked to stop resets, with the code that it was given */
export function streamsOnStopSending(streams: usize, id: u64, code: u64): i32 {
  const status = streamsAccept(streams, id);
  const stream = streamsAccepted(streams);
  if (status != OK || stream == 0 || streamHas(stream, IS_STOPPED_BY_PEER)) return status;
  streamSetFlags(stream, IS_STOPPED_BY_PEER);
  if (!streamIsSending(stream)) return OK;
  store<u64>(stream, code, STREAM_PEER_STOP_CODE);
  beginReset(stream, code);
  eventRaise(stream, EVENT_STOPPED);
  return OK;
}

/** Plans the next frame of the stream that `schedulerNext` named; false when `room` is too small for one. */
export function streamChunk(stream: usize, room: u32): bool {
  const buffer = streamSendBuffer(stream);
  const ofConnection = connectionCredit(streamOwner(stream), stream);
  const credit = min(creditAvailable(streamCredit(stream)), ofConnection);
  const offset = sendBufferNextOffset(buffer);
  const length = sendBufferNextLength(buffer, room, credit);
  if (length == 0 && !sendBufferIsFinPending(buffer)) return false;
  if (length == 0 && sendBufferHasLost(buffer)) return false;
  store<u64>(stream, offset, STREAM_CHUNK_OFFSET);
  store<u32>(stream, length, STREAM_CHUNK_LENGTH);
  store<u32>(stream, sendBufferEndsAt(buffer, offset + length) ? 1 : 0, STREAM_CHUNK_IS_FIN);
  return true;
}

export function streamChunkOffset(stream: usize): u64 {
  return load<u64>(stream, STREAM_CHUNK_OFFSET);
}

export function streamChunkLength(stream: usize): u32 {
  return load<u32>(stream, STREAM_CHUNK_LENGTH);
}

export function streamChunkIsFin(stream: usize): bool {
  return load<u32>(stream, STREAM_CHUNK_IS_FIN) != 0;
}

/** True when the frame must carry the OPEN fields: whatever comes first at the peer announces the stream. */
export function streamNextHasOpen(stream: usize): bool {
  return streamIsLocal(stream) && sendBufferNextOffset(streamSendBuffer(stream)) == 0;
}

/** Copies the bytes of the planned chunk. */
export function streamCopyChunk(stream: usize, target: usize): void {
  const offset = streamChunkOffset(stream);
  sendBufferCopy(streamSendBuffer(stream), offset, streamChunkLength(stream), target);
}

/** The planned chunk was written into a packet, as a frame of `frameBytes`. */
export function streamChunkSent(stream: usize, frameBytes: u32): void {
  const streams = streamOwner(stream);
  const buffer = streamSendBuffer(stream);
  const length = streamChunkLength(stream);
  const isFin = streamChunkIsFin(stream);
  const fresh = sendBufferOnSent(buffer, streamChunkOffset(stream), length, isFin);
  creditUse(streamCredit(stream), fresh);
  creditUse(streamsCredit(streams), fresh);
  if (streamKind(stream) == KIND_MESSAGES) streamsUnreserve(streams, fresh);
  store<u64>(streams, load<u64>(streams, RETRANSMITTED) + (length - fresh), RETRANSMITTED);
  if (streamSendState(stream) == SEND_READY) streamSetSendState(stream, SEND_SEND);
  if (sendBufferIsFinSent(buffer) && sendBufferUnsent(buffer) == 0) {
    streamSetSendState(stream, SEND_DATA_SENT);
  }
  schedulerCharge(streams, stream, frameBytes);
}

/** A chunk was acknowledged. */
export function streamsOnAcked(
  streams: usize,
  slot: u32,
  generation: u32,
  offset: u64,
  length: u32,
  isFin: bool,
): void {
  const stream = streamsAt(streams, slot, generation);
  if (stream == 0 || !streamIsSending(stream)) return;
  const buffer = streamSendBuffer(stream);
  const budget = streamsSendBudget(streams);
  sendBufferOnAcked(buffer, streamsPool(streams), budget, offset, length, isFin);
  if (!sendBufferIsAcked(buffer)) return;
  streamSetSendState(stream, SEND_DATA_RECVD);
  controlWithdraw(stream, CONTROL_STREAM_DATA_BLOCKED);
  eventRaise(stream, EVENT_ACKNOWLEDGED);
  streamCheckOver(stream);
}

/** A chunk was lost, or a probe repeats it. */
export function streamsOnLost(
  streams: usize,
  slot: u32,
  generation: u32,
  offset: u64,
  length: u32,
  isFin: bool,
): void {
  const stream = streamsAt(streams, slot, generation);
  if (stream == 0 || !streamIsSending(stream)) return;
  if (sendBufferOnLost(streamSendBuffer(stream), offset, length, isFin)) schedulerEnqueue(stream);
}
