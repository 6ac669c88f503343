/**
 * What the application must be told about a stream, each thing once, and when a stream is over.
 *
 * Layer      stream (L2)
 * Invariant  a stream is in the queue of events exactly while it has some; nothing is told before the
 *            stream was announced; a stream is freed only after its last event was taken
 */
import { fifoFirst, fifoPop, fifoPush } from "../base/fifo.ts";
import { invariant } from "../base/invariant.ts";
import { assemblerIsComplete, assemblerReadable } from "./assembler.ts";
import {
  IN_EVENTS,
  IN_FINISHED,
  IS_ANNOUNCED,
  IS_READABLE_TOLD,
  IS_STOPPED,
  LINK_EVENT,
  LINK_FINISHED,
  RECEIVE_DATA_RECVD,
  RECEIVE_RESET_READ,
  RECEIVE_RESET_RECVD,
  STREAM_EVENTS,
  STREAM_WANTED,
  streamAssembler,
  streamClearFlags,
  streamHas,
  streamIsOver,
  streamOwner,
  streamReceiveState,
  streamSetFlags,
  streamSetReceiveState,
} from "./stream.ts";
import { EVENT_FIFO, FINISHED_FIFO } from "./streams-record.ts";

/** The peer opened the stream. */
export const EVENT_OPENED: u32 = 1;
/** `wanted` bytes, or the end, can be read. */
export const EVENT_READABLE: u32 = 2;
/** A write that was cut short can go on. */
export const EVENT_WRITABLE: u32 = 4;
/** Everything written, and the end, was acknowledged. */
export const EVENT_ACKNOWLEDGED: u32 = 8;
/** The peer gave up sending. */
export const EVENT_RESET: u32 = 16;
/** The peer gave up receiving. */
export const EVENT_STOPPED: u32 = 32;

/** Notes one event. What an unannounced stream has to tell is told when it is announced. */
export function eventRaise(stream: usize, event: u32): void {
  if (!streamHas(stream, IS_ANNOUNCED)) return;
  store<u32>(stream, load<u32>(stream, STREAM_EVENTS) | event, STREAM_EVENTS);
  if (streamHas(stream, IN_EVENTS)) return;
  streamSetFlags(stream, IN_EVENTS);
  fifoPush(streamOwner(stream) + EVENT_FIFO, stream, LINK_EVENT);
}

/** Raises "readable" when enough arrived and the application does not know yet. */
export function eventCheckReadable(stream: usize): void {
  if (streamHas(stream, IS_READABLE_TOLD | IS_STOPPED)) return;
  if (streamReceiveState(stream) > RECEIVE_DATA_RECVD) return;
  const assembler = streamAssembler(stream);
  const isEnough = assemblerReadable(assembler) >= load<u64>(stream, STREAM_WANTED);
  if (!isEnough && !assemblerIsComplete(assembler)) return;
  if (!streamHas(stream, IS_ANNOUNCED)) return;
  streamSetFlags(stream, IS_READABLE_TOLD);
  eventRaise(stream, EVENT_READABLE);
}

/** A stream with something to tell, or 0. */
export function eventNext(streams: usize): usize {
  let stream = fifoFirst(streams + EVENT_FIFO);
  // An event can be withdrawn while it waits: what was readable is gone after a reset.
  while (stream != 0 && load<u32>(stream, STREAM_EVENTS) == 0) {
    leaveQueue(stream);
    stream = fifoFirst(streams + EVENT_FIFO);
  }
  return stream;
}

/** Takes the first stream out of the queue of events. */
function leaveQueue(stream: usize): void {
  streamClearFlags(stream, IN_EVENTS);
  fifoPop(streamOwner(stream) + EVENT_FIFO, LINK_EVENT);
  streamCheckOver(stream);
}

/** Takes one event of the stream that `eventNext` named: one EVENT_ bit. */
export function eventTake(stream: usize): u32 {
  invariant(fifoFirst(streamOwner(stream) + EVENT_FIFO) == stream);
  const events = load<u32>(stream, STREAM_EVENTS);
  const event = events & (0 - events);
  store<u32>(stream, events ^ event, STREAM_EVENTS);
  if (event == EVENT_RESET && streamReceiveState(stream) == RECEIVE_RESET_RECVD) {
    streamSetReceiveState(stream, RECEIVE_RESET_READ);
  }
  if (events == event) leaveQueue(stream);
  return event;
}

/** Puts a stream that is over into the queue of those to be freed. */
export function streamCheckOver(stream: usize): void {
  if (!streamIsOver(stream) || streamHas(stream, IN_FINISHED | IN_EVENTS)) return;
  streamSetFlags(stream, IN_FINISHED);
  fifoPush(streamOwner(stream) + FINISHED_FIFO, stream, LINK_FINISHED);
}
