/**
 * What the application asks of streams: open, write, read, reset, stop.
 *
 * Layer      connection (L3)
 */
import { OK, STREAM_RESET, STREAM_STATE, WOULD_BLOCK } from "../base/status.ts";
import { streamRead, streamStop, streamTakeEnd } from "../stream/receive-part.ts";
import { streamFinish, streamReset, streamWrite } from "../stream/send-part.ts";
import {
  KIND_BYTES,
  RECEIVE_RESET_READ,
  RECEIVE_RESET_RECVD,
  streamKind,
  streamReceiveState,
} from "../stream/stream.ts";
import { streamsFind, streamsOpen } from "../stream/streams.ts";
import { LOCAL_LIMIT, NEXT_LOCAL } from "../stream/streams-record.ts";
import { Connection, PHASE_ESTABLISHED } from "./state.ts";

/** What a read returns at the end; statuses are told as status - 1. */
const END: i32 = -1;

function findStream(connection: Connection, id: u64): usize {
  return connection.hasStreams == 0 ? 0 : streamsFind(connection.streams, id);
}

/** Opens a stream; the peer hears of it with its first data. Returns its id or a status. */
export function openStream(
  connection: Connection,
  kind: i32,
  band: i32,
  name: usize,
  nameSize: i32,
): i64 {
  if (connection.phase != PHASE_ESTABLISHED) return WOULD_BLOCK;
  if (isAtToldLimit(connection)) return WOULD_BLOCK;
  return streamsOpen(connection.streams, <u8>kind, <u8>band, name, nameSize);
}

/**
 * True while no stream may be opened and the peer was told so at this very limit: saying it again at every try
 * would make two sides answer each other for ever.
 */
function isAtToldLimit(connection: Connection): bool {
  const streams = connection.streams;
  const limit = load<u64>(streams, LOCAL_LIMIT);
  if (load<u64>(streams, NEXT_LOCAL) < limit) return false;
  connection.wantsStreams = 1;
  const isTold = connection.blockedAtLimit == limit + 1;
  connection.blockedAtLimit = limit + 1;
  return isTold;
}

/** True once after an open was held back, when the peer permits another stream. */
export function takeStreamsAvailable(connection: Connection): bool {
  const streams = connection.streams;
  if (connection.wantsStreams == 0) return false;
  if (load<u64>(streams, NEXT_LOCAL) >= load<u64>(streams, LOCAL_LIMIT)) return false;
  connection.wantsStreams = 0;
  return true;
}

/** Writes bytes, and the end behind them when all were taken. Returns the bytes taken or a status. */
export function writeStream(
  connection: Connection,
  id: u64,
  data: usize,
  size: i32,
  isLast: bool,
): i32 {
  const stream = findStream(connection, id);
  if (stream == 0 || streamKind(stream) != KIND_BYTES) return STREAM_STATE;
  const taken = streamWrite(stream, data, size);
  if (taken < size || !isLast) return taken;
  const status = streamFinish(stream);
  return status == OK ? taken : status;
}

/** Reads bytes: how many, 0 when none are there, END at the end, or status - 1. */
export function readStream(connection: Connection, id: u64, target: usize, size: i32): i32 {
  const stream = findStream(connection, id);
  if (stream == 0 || streamKind(stream) != KIND_BYTES) return STREAM_STATE - 1;
  const state = streamReceiveState(stream);
  if (state == RECEIVE_RESET_RECVD || state == RECEIVE_RESET_READ) return STREAM_RESET - 1;
  const count = <i32>streamRead(stream, target, size);
  if (count > 0) return count;
  return streamTakeEnd(stream) ? END : 0;
}

/** Gives up sending. */
export function resetStream(connection: Connection, id: u64, code: u64): i32 {
  const stream = findStream(connection, id);
  return stream == 0 ? STREAM_STATE : streamReset(stream, code);
}

/** Gives up receiving. */
export function stopStream(connection: Connection, id: u64, code: u64): i32 {
  const stream = findStream(connection, id);
  return stream == 0 ? STREAM_STATE : streamStop(stream, code);
}
