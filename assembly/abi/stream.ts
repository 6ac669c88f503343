/**
 * wit/stream.wit over linear memory. No logic: arguments are taken apart, results put together.
 *
 * Layer      abi (L5)
 */
import { CONNECTION_CLOSED } from "../base/status.ts";
import {
  openStream,
  readStream,
  resetStream,
  stopStream,
  writeStream,
} from "../connection/stream-commands.ts";
import { connectionOf, endpoint, local } from "../endpoint/endpoint.ts";

/** Opens a stream whose name is the first bytes of the input arena. Returns its id or a status. */
export function streamOpen(handle: i32, kind: i32, band: i32, nameSize: i32): i64 {
  const connection = connectionOf(handle);
  if (connection == null) return CONNECTION_CLOSED;
  return openStream(connection, kind, band, endpoint.input, nameSize);
}

/** Writes the first `size` bytes of the input arena. Returns the bytes taken or a status. */
export function streamWrite(handle: i32, id: u64, size: i32, isLast: i32): i32 {
  const connection = connectionOf(handle);
  if (connection == null) return CONNECTION_CLOSED;
  return writeStream(connection, id, endpoint.input, size, isLast != 0);
}

/** Reads at most `size` bytes into the output arena: their number, 0, -1 at the end, or status - 1. */
export function streamRead(handle: i32, id: u64, size: i32): i32 {
  const connection = connectionOf(handle);
  if (connection == null) return CONNECTION_CLOSED - 1;
  return readStream(connection, id, local.output, size);
}

export function streamReset(handle: i32, id: u64, code: u64): i32 {
  const connection = connectionOf(handle);
  return connection == null ? CONNECTION_CLOSED : resetStream(connection, id, code);
}

export function streamStop(handle: i32, id: u64, code: u64): i32 {
  const connection = connectionOf(handle);
  return connection == null ? CONNECTION_CLOSED : stopStream(connection, id, code);
}
