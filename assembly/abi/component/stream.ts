/**
 * Streams for other languages.
 *
 * Spec       wit/stream.wit
 * Layer      abi (L5)
 */
import { ARGUMENT_INVALID, MESSAGE_TOO_LARGE } from "../../base/status.ts";
import { endpoint, local } from "../../endpoint/endpoint.ts";
import { event } from "../control.ts";
import * as L from "../layout.ts";
import { messageRead, messageSend } from "../message.ts";
import { streamOpen, streamRead, streamReset, streamStop, streamWrite } from "../stream.ts";
import {
  callEnd,
  result,
  resultOfError,
  resultOfNumber,
  resultOfStatus,
  storeList,
} from "./memory.ts";
import { storeDecoded } from "./message.ts";

/** Cases of `read-result` and `message-result`. */
const FOUND: u8 = 0;
const NONE: u8 = 1;
const END: u8 = 2;

export function stream_open(
  _endpoint: usize,
  connection: i32,
  kind: i32,
  band: i32,
  protocol: usize,
  protocolSize: u32,
): usize {
  const isFit = protocolSize <= <u32>L.NAME_MAX;
  if (isFit) memory.copy(endpoint.input, protocol, protocolSize);
  callEnd();
  const id = isFit ? streamOpen(connection, kind, band, <i32>protocolSize) : ARGUMENT_INVALID;
  if (id < 0) return resultOfError(<i32>id, 8);
  store<u8>(result, 0);
  store<u64>(result, <u64>id, 8);
  return result;
}

export function stream_write(
  _endpoint: usize,
  connection: i32,
  id: u64,
  data: usize,
  size: u32,
  isLast: i32,
): usize {
  // What does not fit the engine's input is a write cut short; its end is then not yet the last byte.
  const taken = min(size, <u32>endpoint.inputSize);
  memory.copy(endpoint.input, data, taken);
  callEnd();
  return resultOfNumber(streamWrite(connection, id, <i32>taken, taken == size ? isLast : 0));
}

export function stream_read(_endpoint: usize, connection: i32, id: u64, max: u32): usize {
  const size = <i32>min(max, <u32>local.outputSize);
  const count = streamRead(connection, id, size);
  if (count < -1) return resultOfError(count + 1, 4);
  store<u8>(result, 0);
  store<u8>(result, caseOf(count), 4);
  storeList(result + 8, local.output, count > 0 ? <usize>count : 0);
  return result;
}

export function stream_send_message(
  _endpoint: usize,
  connection: i32,
  id: u64,
  type: i32,
  flags: i32,
  messageId: u64,
  traceId: u64,
  payload: usize,
  size: u32,
  isLast: i32,
): usize {
  const isFit = size <= <u32>endpoint.inputSize;
  if (isFit) memory.copy(endpoint.input, payload, size);
  callEnd();
  const typeAndFlags = (type & 0xff) | ((flags & 0xff) << 8);
  const status = isFit
    ? messageSend(connection, id, typeAndFlags, messageId, traceId, <i32>size, isLast)
    : MESSAGE_TOO_LARGE;
  return resultOfStatus(status);
}

export function stream_read_message(_endpoint: usize, connection: i32, id: u64): usize {
  const status = messageRead(connection, id);
  if (status < -1) return resultOfError(status + 1, 8);
  store<u8>(result, 0);
  store<u8>(result, caseOf(status), 8);
  if (status <= 0) return result;
  storeDecoded(
    result + 16,
    event.flags & 0xff,
    (event.flags >> 8) & 0xff,
    event.value,
    event.trace,
  );
  storeList(result + 40, event.data, <usize>event.dataSize);
  return result;
}

export function stream_reset(_endpoint: usize, connection: i32, id: u64, code: u64): usize {
  return resultOfStatus(streamReset(connection, id, code));
}

export function stream_stop(_endpoint: usize, connection: i32, id: u64, code: u64): usize {
  return resultOfStatus(streamStop(connection, id, code));
}

function caseOf(count: i32): u8 {
  if (count > 0) return FOUND;
  return count == 0 ? NONE : END;
}
