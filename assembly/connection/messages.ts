/**
 * Whole MXP messages over `messages` streams: sent as a unit, delivered as a unit, refused from the header.
 *
 * Spec       docs/protocol.md §10.5
 * Layer      connection (L3)
 * Memory     in the stream's user data: size u32 of the message whose header was read, 0 before
 * Invariant  a message is delivered once all of it arrived and its checksum was found right
 *            the reader pulls: credit goes back when a message is taken, so a slow one slows the sender
 * Limits     maxMessageBytes of payload, ours for what comes, the peer's for what goes
 */
import { invariant } from "../base/invariant.ts";
import {
  BUFFER_TOO_SMALL,
  MESSAGE_TOO_LARGE,
  OK,
  STREAM_RESET,
  STREAM_STATE,
  WOULD_BLOCK,
} from "../base/status.ts";
import {
  streamConsume,
  streamEnsureCredit,
  streamIsAtEnd,
  streamPeek,
  streamReadable,
  streamSetWanted,
  streamStop,
  streamTakeEnd,
} from "../stream/receive-part.ts";
import {
  streamFinish,
  streamReset,
  streamWantRoom,
  streamWritable,
  streamWrite,
} from "../stream/send-part.ts";
import {
  KIND_MESSAGES,
  RECEIVE_DATA_READ,
  RECEIVE_DATA_RECVD,
  RECEIVE_RESET_READ,
  RECEIVE_RESET_RECVD,
  streamKind,
  streamReceiveState,
  streamUserData,
} from "../stream/stream.ts";
import { streamsFind } from "../stream/streams.ts";
import {
  decodeMessage,
  decodeMessageHeader,
  Message,
  MESSAGE_HEADER_SIZE,
  MESSAGE_MIN,
  MESSAGE_SIZE,
  messageWireSize,
  writeMessage,
} from "../wire/message.ts";
import { Event } from "./event.ts";
import { Connection } from "./state.ts";

/** What `findMessage` found. */
const FOUND_WHOLE: i32 = 1;
const FOUND_PART: i32 = 0;
const FOUND_END: i32 = 2;
/** What the application gets at the end; a refusal is told as status - 1, so that it never looks like one. */
const END: i32 = -1;
const END_OFFSET: i32 = 1;

const SIZE_AT: usize = 0;

const message = changetype<Message>(memory.data(MESSAGE_SIZE, 8));
const header = memory.data(32, 8);

/**
 * Writes the message whose payload lies at `area + 32`. Takes all of it or nothing.
 *
 * Typical errors: WOULD_BLOCK until there is room ("writable" follows), MESSAGE_TOO_LARGE for the peer,
 * STREAM_STATE on a stream of bytes or behind its end, and what the header may not say.
 */
export function sendMessage(
  connection: Connection,
  id: u64,
  area: usize,
  type: i32,
  flags: i32,
  messageId: u64,
  traceId: u64,
  payloadSize: i32,
  isLast: bool,
): i32 {
  const stream = messageStream(connection, id);
  if (stream == 0) return STREAM_STATE;
  // spec: docs/protocol.md §6, MAX_MESSAGE counts header, payload and checksum.
  if (<u32>(MESSAGE_MIN + payloadSize) > connection.peerMaxMessage) return MESSAGE_TOO_LARGE;
  const payload = area + MESSAGE_HEADER_SIZE;
  const space = MESSAGE_MIN + payloadSize;
  const size = writeMessage(area, space, type, flags, messageId, traceId, payload, payloadSize);
  if (size < 0) return size;
  // A stopped or finished stream says so itself; only a full buffer makes the caller wait.
  const probe = streamWrite(stream, area, 0);
  if (probe < 0) return probe;
  if (streamWritable(stream) < <u64>size) {
    streamWantRoom(stream, size);
    return WOULD_BLOCK;
  }
  const taken = streamWrite(stream, area, size);
  invariant(taken == size);
  return isLast ? streamFinish(stream) : OK;
}

function messageStream(connection: Connection, id: u64): usize {
  if (connection.hasStreams == 0) return 0;
  const stream = streamsFind(connection.streams, id);
  return stream != 0 && streamKind(stream) == KIND_MESSAGES ? stream : 0;
}

/**
 * Takes the next message of a stream into the output area and describes it in `event`. Returns 1, or 0 when
 * none is there now, -1 at the end, or status - 1.
 */
export function readMessage(connection: Connection, id: u64, event: Event): i32 {
  const stream = messageStream(connection, id);
  if (stream == 0) return STREAM_STATE - END_OFFSET;
  const state = streamReceiveState(stream);
  if (state == RECEIVE_RESET_RECVD || state == RECEIVE_RESET_READ) return STREAM_RESET - END_OFFSET;
  const found = findMessage(connection, stream);
  if (found < 0) return refuse(stream, found) - END_OFFSET;
  if (found == FOUND_END) {
    streamTakeEnd(stream);
    return END;
  }
  if (found == FOUND_PART) {
    waitForRest(stream);
    return FOUND_PART;
  }
  return takeMessage(connection, stream, event);
}

function takeMessage(connection: Connection, stream: usize, event: Event): i32 {
  const output = connection.local.output;
  const size = load<u32>(streamUserData(stream), SIZE_AT);
  streamPeek(stream, output, size);
  const status = decodeMessage(output, size, true, message);
  if (status < 0) return refuse(stream, status) - END_OFFSET;
  streamConsume(stream, size);
  store<u32>(streamUserData(stream), 0, SIZE_AT);
  event.flags = message.type | (message.flags << 8);
  event.value = message.messageId;
  event.trace = message.traceId;
  event.data = message.payload;
  event.dataSize = <i32>message.payloadLength;
  // The end itself is still to be read: only then does the stream count as over.
  event.code = streamIsAtEnd(stream) ? 1 : 0;
  return FOUND_WHOLE;
}

/** Looks at what has arrived: FOUND_WHOLE, FOUND_PART, FOUND_END, or the status of a message to refuse. */
function findMessage(connection: Connection, stream: usize): i32 {
  const user = streamUserData(stream);
  const readable = streamReadable(stream);
  const isComplete = streamReceiveState(stream) == RECEIVE_DATA_RECVD;
  // The end may be taken before the event that announced it was looked at: it stays the end.
  if (streamIsAtEnd(stream) || streamReceiveState(stream) == RECEIVE_DATA_READ) return FOUND_END;
  if (streamReceiveState(stream) > RECEIVE_DATA_RECVD) return FOUND_PART;
  if (load<u32>(user, SIZE_AT) == 0) {
    if (readable < <u64>MESSAGE_HEADER_SIZE) return isComplete ? BUFFER_TOO_SMALL : FOUND_PART;
    streamPeek(stream, header, MESSAGE_HEADER_SIZE);
    const status = decodeMessageHeader(header, message);
    if (status != OK) return status;
    const max = <u64>connection.local.maxMessageBytes;
    if (message.payloadLength > max) return MESSAGE_TOO_LARGE;
    store<u32>(user, messageWireSize(message), SIZE_AT);
  }
  if (readable >= <u64>load<u32>(user, SIZE_AT)) return FOUND_WHOLE;
  return isComplete ? BUFFER_TOO_SMALL : FOUND_PART;
}

/** spec: docs/protocol.md §10.5, both halves end with the error. */
function refuse(stream: usize, status: i32): i32 {
  streamStop(stream, -status);
  streamReset(stream, -status);
  return status;
}

/**
 * Something arrived on a stream of messages: 1 when the application can read a message or the end, 0 when a
 * message is not whole yet, and the status of a message that was refused.
 */
export function lookForMessage(connection: Connection, stream: usize): i32 {
  const found = findMessage(connection, stream);
  if (found < 0) return refuse(stream, found);
  if (found != FOUND_PART) return FOUND_WHOLE;
  waitForRest(stream);
  return FOUND_PART;
}

/** The application hears of the stream again when the header, or all of the message, is there. */
function waitForRest(stream: usize): void {
  const size = load<u32>(streamUserData(stream), SIZE_AT);
  const wanted = size == 0 ? MESSAGE_HEADER_SIZE : size;
  streamEnsureCredit(stream, wanted);
  streamSetWanted(stream, wanted);
}
