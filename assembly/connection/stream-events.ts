/**
 * What the application is told about streams.
 *
 * Layer      connection (L3)
 */
import {
  eventNext,
  eventTake,
  EVENT_OPENED,
  EVENT_READABLE as READABLE,
  EVENT_WRITABLE as WRITABLE,
  EVENT_ACKNOWLEDGED,
  EVENT_RESET,
  EVENT_STOPPED,
} from "../stream/stream-events.ts";
import { streamsWakeWriters } from "../stream/send-part.ts";
import {
  KIND_MESSAGES,
  streamBand,
  streamId,
  streamKind,
  streamName,
  streamNameLength,
  streamResetCode,
  streamStopCode,
} from "../stream/stream.ts";
import { streamsCollect } from "../stream/streams.ts";
import {
  Event,
  EVENT_MESSAGE_REFUSED,
  EVENT_NONE,
  EVENT_READABLE,
  EVENT_STREAM_ACKNOWLEDGED,
  EVENT_STREAM_OPENED,
  EVENT_STREAM_RESET,
  EVENT_STREAM_STOPPED,
  EVENT_STREAMS_AVAILABLE,
  EVENT_WRITABLE,
  FLAG_MESSAGES,
} from "./event.ts";
import { lookForMessage } from "./messages.ts";
import { Connection } from "./state.ts";
import { takeStreamsAvailable } from "./stream-commands.ts";

/** The next event of a stream; EVENT_NONE when there is none, and then streams that are over are freed. */
export function nextStreamEvent(connection: Connection, event: Event): i32 {
  const streams = connection.streams;
  streamsWakeWriters(streams);
  for (let stream = eventNext(streams); stream != 0; stream = eventNext(streams)) {
    event.stream = streamId(stream);
    const kind = describe(connection, stream, eventTake(stream), event);
    if (kind != EVENT_NONE) return kind;
  }
  streamsCollect(streams);
  return takeStreamsAvailable(connection) ? EVENT_STREAMS_AVAILABLE : EVENT_NONE;
}

function describe(connection: Connection, stream: usize, what: u32, event: Event): i32 {
  if (what == EVENT_OPENED) {
    const isMessages = streamKind(stream) == KIND_MESSAGES;
    event.flags = <i32>streamBand(stream) | (isMessages ? FLAG_MESSAGES : 0);
    event.data = streamName(stream);
    event.dataSize = streamNameLength(stream);
    return EVENT_STREAM_OPENED;
  }
  if (what == READABLE) return readable(connection, stream, event);
  if (what == WRITABLE) return EVENT_WRITABLE;
  if (what == EVENT_ACKNOWLEDGED) return EVENT_STREAM_ACKNOWLEDGED;
  if (what == EVENT_RESET) {
    event.code = <i32>streamResetCode(stream);
    return EVENT_STREAM_RESET;
  }
  if (what == EVENT_STOPPED) {
    event.code = <i32>streamStopCode(stream);
    return EVENT_STREAM_STOPPED;
  }
  return EVENT_NONE;
}

function readable(connection: Connection, stream: usize, event: Event): i32 {
  if (streamKind(stream) != KIND_MESSAGES) return EVENT_READABLE;
  const found = lookForMessage(connection, stream);
  if (found >= 0) return found > 0 ? EVENT_READABLE : EVENT_NONE;
  event.code = -found;
  return EVENT_MESSAGE_REFUSED;
}
