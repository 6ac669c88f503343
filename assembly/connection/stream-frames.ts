/**
 * Streams and datagrams of one connection, on their way into packets and out of them.
 *
 * Spec       docs/protocol.md §7.4 to §7.8 · RFC 9000 §13.3 · RFC 9221 §5
 * Layer      connection (L3)
 * Invariant  every frame that is written is noted in recovery's references, so that its loss is seen
 *            control frames precede datagrams, and both precede all bands
 */
import { OK } from "../base/status.ts";
import {
  frameRefAdd,
  frameRefFlags,
  frameRefGeneration,
  frameRefLength,
  frameRefSlot,
  frameRefValue,
  REF_CONTROL,
  REF_DATAGRAM,
  REF_STREAM,
} from "../recovery/frame-refs.ts";
import { recoveryRefs } from "../recovery/recovery.ts";
import {
  CONTROL_OPEN,
  controlCode,
  controlGeneration,
  controlId,
  controlKind,
  controlNext,
  controlSlot,
  controlStream,
  controlTake,
  controlValue,
  streamsOnControlAcked,
  streamsOnControlLost,
} from "../stream/control.ts";
import {
  datagramQueueCopyFront,
  datagramQueueFrontLength,
  datagramQueuePop,
} from "../stream/datagram-queue.ts";
import {
  streamsOnData,
  streamsOnDataBlocked,
  streamsOnOpen,
  streamsOnReset,
} from "../stream/receive-part.ts";
import { schedulerNext } from "../stream/scheduler.ts";
import {
  streamChunk,
  streamChunkIsFin,
  streamChunkLength,
  streamChunkOffset,
  streamChunkSent,
  streamCopyChunk,
  streamNextHasOpen,
  streamsOnAcked,
  streamsOnLost,
  streamsOnStopSending,
} from "../stream/send-part.ts";
import {
  streamBand,
  streamGeneration,
  streamId,
  streamKind,
  streamName,
  streamNameLength,
} from "../stream/stream.ts";
import {
  streamSlot,
  streamsOnMaxData,
  streamsOnMaxStreamData,
  streamsOnMaxStreams,
  streamsOnStreamBlocked,
} from "../stream/streams.ts";
import {
  writeLimit,
  writeResetStream,
  writeStopSending,
  writeStreamLimit,
} from "../wire/frame-control.ts";
import {
  datagramCapacity,
  NO_OPENING,
  streamDataCapacity,
  streamDataSize,
  writeDatagram,
  writeStreamDataHead,
  writeStreamOpen,
} from "../wire/frame-stream.ts";
import {
  CONTROL_DATA_BLOCKED,
  CONTROL_MAX_DATA,
  CONTROL_MAX_STREAM_DATA,
  CONTROL_MAX_STREAMS,
  CONTROL_RESET_STREAM,
  CONTROL_STOP_SENDING,
  CONTROL_STREAM_DATA_BLOCKED,
  Frame,
  FRAME_HEAD_SIZE,
  FRAME_STREAM_FIN,
  FRAME_STREAM_OPEN,
} from "../wire/frame.ts";
import { Connection } from "./state.ts";

/** Frames of streams in one packet; more small ones go into the next. */
export const FRAMES_PER_PACKET_MAX: i32 = 48;
/** A chunk this small is only worth its head when it ends a stream or the packet is empty. */
const CHUNK_MIN: i32 = 64;

let frameCount: i32 = 0;

// --- received ---

/** STREAM_OPEN, STREAM_DATA or STREAM_FIN. OK, or a status that closes the connection. */
export function takeStreamFrame(connection: Connection, frame: Frame): i32 {
  const streams = connection.streams;
  const id = frame.streamId;
  if (frame.isOpen) {
    const nameLength = frame.nameLength;
    const opened = streamsOnOpen(streams, id, frame.band, frame.kind, frame.name, nameLength);
    if (opened != OK || frame.type == FRAME_STREAM_OPEN) return opened;
  }
  if (frame.type == FRAME_STREAM_FIN) return streamsOnData(streams, id, frame.value, 0, 0, true);
  return streamsOnData(streams, id, frame.offset, frame.data, frame.dataLength, frame.isFin);
}

/** A CONTROL frame about streams. OK, or a status that closes the connection. */
export function takeStreamControl(connection: Connection, frame: Frame): i32 {
  const streams = connection.streams;
  switch (frame.flags) {
    case CONTROL_MAX_DATA:
      return streamsOnMaxData(streams, frame.value);
    case CONTROL_MAX_STREAM_DATA:
      return streamsOnMaxStreamData(streams, frame.streamId, frame.value);
    case CONTROL_MAX_STREAMS:
      return streamsOnMaxStreams(streams, frame.value);
    case CONTROL_DATA_BLOCKED:
      return streamsOnDataBlocked(streams, frame.value);
    case CONTROL_STREAM_DATA_BLOCKED:
      return streamsOnStreamBlocked(streams, frame.streamId);
    case CONTROL_RESET_STREAM:
      return streamsOnReset(streams, frame.streamId, frame.code, frame.value);
    case CONTROL_STOP_SENDING:
      return streamsOnStopSending(streams, frame.streamId, frame.code);
    default:
      // STREAMS_BLOCKED asks for nothing: the limit grows by the streams that end.
      return OK;
  }
}

// --- acknowledged and lost ---

export function streamAcked(connection: Connection, ref: usize): void {
  const isFin = frameRefFlags(ref) != 0;
  streamsOnAcked(
    connection.streams,
    frameRefSlot(ref),
    frameRefGeneration(ref),
    frameRefValue(ref),
    frameRefLength(ref),
    isFin,
  );
}

export function streamLost(connection: Connection, ref: usize): void {
  const isFin = frameRefFlags(ref) != 0;
  streamsOnLost(
    connection.streams,
    frameRefSlot(ref),
    frameRefGeneration(ref),
    frameRefValue(ref),
    frameRefLength(ref),
    isFin,
  );
}

export function controlAcked(connection: Connection, ref: usize): void {
  const kind = frameRefFlags(ref);
  streamsOnControlAcked(connection.streams, kind, frameRefSlot(ref), frameRefGeneration(ref));
}

export function controlLost(connection: Connection, ref: usize): void {
  streamsOnControlLost(
    connection.streams,
    frameRefFlags(ref),
    frameRefSlot(ref),
    frameRefGeneration(ref),
    frameRefValue(ref),
  );
}

// --- sent ---

/** True when there is something that `writeStreamFrames` would write. */
export function hasStreamFrames(connection: Connection): bool {
  if (datagramQueueFrontLength(connection.datagramsOut) >= 0) return true;
  // The scheduler goes first: a stream without credit turns into a BLOCKED frame.
  return schedulerNext(connection.streams) != 0 || controlNext(connection.streams);
}

/** Fills [from, end) with frames and returns where they end. */
export function writeStreamFrames(connection: Connection, from: usize, end: usize): usize {
  frameCount = 0;
  let at = writeControls(connection, from, end);
  at = writeDatagrams(connection, at, end);
  return writeChunks(connection, at, from, end);
}

function writeControls(connection: Connection, from: usize, end: usize): usize {
  const streams = connection.streams;
  let at = from;
  // A stream without credit asks for a BLOCKED frame while the scheduler looks at it.
  schedulerNext(streams);
  while (frameCount < FRAMES_PER_PACKET_MAX && controlNext(streams)) {
    const size = writeControl(streams, at, <i32>(end - at));
    if (size == 0) break;
    const kind = controlKind(streams);
    note(
      connection,
      REF_CONTROL,
      kind,
      controlSlot(streams),
      controlGeneration(streams),
      0,
      controlValue(streams),
    );
    controlTake(streams);
    at += <usize>size;
  }
  return at;
}

function writeControl(streams: usize, at: usize, space: i32): i32 {
  const kind = controlKind(streams);
  const id = controlId(streams);
  const value = controlValue(streams);
  switch (<i32>kind) {
    case CONTROL_MAX_STREAM_DATA:
    case CONTROL_STREAM_DATA_BLOCKED:
      return writeStreamLimit(at, space, kind, id, value);
    case CONTROL_RESET_STREAM:
      return writeResetStream(at, space, id, controlCode(streams), value);
    case CONTROL_STOP_SENDING:
      return writeStopSending(at, space, id, controlCode(streams));
    case <i32>CONTROL_OPEN: {
      const stream = controlStream(streams);
      return writeStreamOpen(
        at,
        space,
        id,
        streamBand(stream),
        streamKind(stream),
        streamName(stream),
        streamNameLength(stream),
      );
    }
    default:
      return writeLimit(at, space, kind, value);
  }
}

function writeDatagrams(connection: Connection, from: usize, end: usize): usize {
  const queue = connection.datagramsOut;
  let at = from;
  while (frameCount < FRAMES_PER_PACKET_MAX) {
    const length = datagramQueueFrontLength(queue);
    if (length < 0 || length > datagramCapacity(<i32>(end - at))) break;
    const target = at + FRAME_HEAD_SIZE;
    // The head zeroes the padding; the data follow it into place.
    const size = writeDatagram(at, <i32>(end - at), target, length);
    datagramQueueCopyFront(queue, target);
    datagramQueuePop(queue);
    note(connection, REF_DATAGRAM, 0, 0, 0, length, 0);
    at += <usize>size;
  }
  return at;
}

function writeChunks(connection: Connection, from: usize, packet: usize, end: usize): usize {
  const streams = connection.streams;
  let at = from;
  while (frameCount < FRAMES_PER_PACKET_MAX) {
    const stream = schedulerNext(streams);
    if (stream == 0) break;
    const nameLength = streamNextHasOpen(stream) ? <i32>streamNameLength(stream) : NO_OPENING;
    const space = <i32>(end - at);
    const room = streamDataCapacity(space, nameLength);
    if (room < 0 || (room < CHUNK_MIN && at != packet)) break;
    if (!streamChunk(stream, room)) break;
    const length = streamChunkLength(stream);
    const offset = streamChunkOffset(stream);
    const isFin = streamChunkIsFin(stream);
    const dataAt = writeStreamDataHead(
      at,
      space,
      streamId(stream),
      offset,
      length,
      isFin,
      streamBand(stream),
      streamKind(stream),
      streamName(stream),
      nameLength,
    );
    streamCopyChunk(stream, at + <usize>dataAt);
    note(
      connection,
      REF_STREAM,
      isFin ? 1 : 0,
      streamSlot(stream),
      streamGeneration(stream),
      length,
      offset,
    );
    const size = streamDataSize(length, nameLength);
    streamChunkSent(stream, size);
    at += <usize>size;
  }
  return at;
}

function note(
  connection: Connection,
  kind: u8,
  flags: u8,
  slot: u32,
  generation: u32,
  length: u32,
  value: u64,
): void {
  frameCount += 1;
  frameRefAdd(recoveryRefs(connection.recovery), kind, flags, slot, generation, length, value);
}
