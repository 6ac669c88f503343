/**
 * Which stream sends next: four bands by deficit round robin in bytes, streams of a band in turn.
 *
 * Spec       docs/protocol.md "Bands"
 * Layer      stream (L2)
 * Memory     in the Streams record: for each band a queue of ready streams and its deficit (i32)
 * Invariant  a stream is in its band's queue exactly while IN_READY is set; a band with bytes to send waits
 *            for at most the other bands' quanta, one frame each beyond
 * Limits     weights 8:4:2:1; a band without ready streams leaves its share to the others and saves nothing
 * Cost       O(1) for each frame, plus once for each stream that ran out of credit
 * Twin       test/reference/scheduler.ts
 */
import { fifoFirst, fifoPop, fifoPush } from "../base/fifo.ts";
import { invariant } from "../base/invariant.ts";
import {
  CONTROL_DATA_BLOCKED,
  CONTROL_STREAM_DATA_BLOCKED,
  controlRequest,
  controlRequestFor,
} from "./control.ts";
import { creditAvailable, creditNoteBlocked } from "./flow-control.ts";
import { sendBufferHasLost, sendBufferIsFinPending, sendBufferUnsent } from "./send-buffer.ts";
import {
  BANDS,
  KIND_MESSAGES,
  IN_BLOCKED,
  IN_READY,
  LINK_BLOCKED,
  LINK_READY,
  streamBand,
  streamClearFlags,
  streamCredit,
  streamHas,
  streamIsSending,
  streamKind,
  streamOwner,
  streamSendBuffer,
  streamSetFlags,
} from "./stream.ts";
import {
  BAND_DEFICIT,
  BLOCKED_FIFO,
  CURRENT_BAND,
  streamsBand,
  streamsCredit,
  streamsReserved,
} from "./streams-record.ts";

/** Bytes that a band of weight 1 may send in one round: one packet of the base size. */
export const QUANTUM_BYTES: i32 = 1200;

const NOTHING: u32 = 0;
const SENDABLE: u32 = 1;
const NEEDS_CONNECTION_CREDIT: u32 = 2;
const NEEDS_STREAM_CREDIT: u32 = 3;

/** 8:4:2:1. */
function quantum(band: u32): i32 {
  return QUANTUM_BYTES << (3 - <i32>band);
}

/**
 * Credit of the connection that a stream may use. A message is only written when there is credit for all of it
 * (send-part.ts), and then nobody else may take that: a receiver that delivers messages whole could otherwise
 * fill its window with parts of many, none of which can ever be completed.
 */
export function connectionCredit(streams: usize, stream: usize): u64 {
  const available = creditAvailable(streamsCredit(streams));
  if (streamKind(stream) == KIND_MESSAGES) return available;
  const reserved = streamsReserved(streams);
  return available > reserved ? available - reserved : 0;
}

function sendability(streams: usize, stream: usize): u32 {
  if (!streamIsSending(stream)) return NOTHING;
  const buffer = streamSendBuffer(stream);
  if (sendBufferHasLost(buffer)) return SENDABLE;
  if (sendBufferUnsent(buffer) > 0) {
    if (creditAvailable(streamCredit(stream)) == 0) return NEEDS_STREAM_CREDIT;
    if (connectionCredit(streams, stream) == 0) return NEEDS_CONNECTION_CREDIT;
    return SENDABLE;
  }
  return sendBufferIsFinPending(buffer) ? SENDABLE : NOTHING;
}

/** Puts a stream in its band's queue; `schedulerNext` finds out what it can send. */
export function schedulerEnqueue(stream: usize): void {
  if (streamHas(stream, IN_READY)) return;
  streamSetFlags(stream, IN_READY);
  fifoPush(streamsBand(streamOwner(stream), <u32>streamBand(stream)), stream, LINK_READY);
}

/** The connection has credit again: the streams that waited for it are ready. */
export function schedulerUnblock(streams: usize): void {
  let stream = fifoPop(streams + BLOCKED_FIFO, LINK_BLOCKED);
  while (stream != 0) {
    streamClearFlags(stream, IN_BLOCKED);
    schedulerEnqueue(stream);
    stream = fifoPop(streams + BLOCKED_FIFO, LINK_BLOCKED);
  }
}

/** Takes the first stream of a band out of its queue and notes what it waits for. */
function park(streams: usize, band: usize, stream: usize, reason: u32): void {
  fifoPop(band, LINK_READY);
  streamClearFlags(stream, IN_READY);
  if (reason == NEEDS_STREAM_CREDIT) {
    if (creditNoteBlocked(streamCredit(stream))) {
      controlRequestFor(stream, CONTROL_STREAM_DATA_BLOCKED);
    }
  } else if (reason == NEEDS_CONNECTION_CREDIT) {
    if (creditNoteBlocked(streamsCredit(streams))) controlRequest(streams, CONTROL_DATA_BLOCKED);
    if (streamHas(stream, IN_BLOCKED)) return;
    streamSetFlags(stream, IN_BLOCKED);
    fifoPush(streams + BLOCKED_FIFO, stream, LINK_BLOCKED);
  }
}

/** The first stream of a band that can send; parks those before it. 0 when the band has none. */
function firstSendable(streams: usize, band: usize): usize {
  let stream = fifoFirst(band);
  while (stream != 0) {
    const reason = sendability(streams, stream);
    if (reason == SENDABLE) return stream;
    park(streams, band, stream, reason);
    stream = fifoFirst(band);
  }
  return 0;
}

/** The stream to serve now, or 0. The answer stays the same until `schedulerCharge`. */
export function schedulerNext(streams: usize): usize {
  let current = load<u32>(streams, CURRENT_BAND);
  let idleBands: u32 = 0;
  while (idleBands < BANDS) {
    const band = streamsBand(streams, current);
    const stream = firstSendable(streams, band);
    if (stream == 0) {
      store<i32>(band, 0, BAND_DEFICIT);
      idleBands++;
    } else if (load<i32>(band, BAND_DEFICIT) > 0) {
      store<u32>(streams, current, CURRENT_BAND);
      return stream;
    } else {
      idleBands = 0;
    }
    current = (current + 1) & (BANDS - 1);
    const next = streamsBand(streams, current);
    store<i32>(next, load<i32>(next, BAND_DEFICIT) + quantum(current), BAND_DEFICIT);
  }
  store<u32>(streams, current, CURRENT_BAND);
  return 0;
}

/** The stream that `schedulerNext` named sent a frame of `bytes`; the next one of its band has its turn. */
export function schedulerCharge(streams: usize, stream: usize, bytes: u32): void {
  const band = streamsBand(streams, <u32>streamBand(stream));
  invariant(fifoFirst(band) == stream);
  store<i32>(band, load<i32>(band, BAND_DEFICIT) - <i32>bytes, BAND_DEFICIT);
  fifoPop(band, LINK_READY);
  fifoPush(band, stream, LINK_READY);
}
