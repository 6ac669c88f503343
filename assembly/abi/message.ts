/**
 * wit/message.wit over linear memory. No logic: arguments are taken apart, results put together.
 *
 * Layer      abi (L5)
 */
import { CONNECTION_CLOSED } from "../base/status.ts";
import { Event } from "../connection/event.ts";
import { readMessage, sendMessage } from "../connection/messages.ts";
import { connectionOf, endpoint } from "../endpoint/endpoint.ts";
import { event } from "./control.ts";

/** Sends a message whose payload lies in the input arena behind 32 free bytes. Returns OK or a status. */
export function messageSend(
  handle: i32,
  id: u64,
  typeAndFlags: i32,
  messageId: u64,
  traceId: u64,
  payloadSize: i32,
  isLast: i32,
): i32 {
  const connection = connectionOf(handle);
  if (connection == null) return CONNECTION_CLOSED;
  const type = typeAndFlags & 0xff;
  const flags = typeAndFlags >> 8;
  return sendMessage(
    connection,
    id,
    endpoint.input,
    type,
    flags,
    messageId,
    traceId,
    payloadSize,
    isLast != 0,
  );
}

/** Writes the next message of a stream into the event record: 1, 0, -1 at the end, or status - 1. */
export function messageRead(handle: i32, id: u64): i32 {
  const connection = connectionOf(handle);
  if (connection == null) return CONNECTION_CLOSED - 1;
  memory.fill(changetype<usize>(event), 0, offsetof<Event>());
  return readMessage(connection, id, event);
}
