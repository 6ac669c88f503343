/**
 * MXP messages for other languages.
 *
 * Spec       wit/message.wit
 * Layer      abi (L5)
 */
import {
  decodeMessage,
  Message,
  MESSAGE_HEADER_SIZE,
  MESSAGE_MIN,
  writeMessage,
} from "../../wire/message.ts";
import { PAYLOAD_TOO_LARGE } from "../../base/status.ts";
import { callEnd, callReserve, result, resultOfError, storeList } from "./memory.ts";

/** Larger payloads are refused before room for them is reserved. */
const PAYLOAD_MAX: u32 = 16 * 1024 * 1024;

const message = changetype<Message>(memory.data(64, 8));

export function message_encode(
  type: i32,
  flags: i32,
  messageId: u64,
  traceId: u64,
  payload: usize,
  payloadSize: u32,
): usize {
  if (payloadSize > PAYLOAD_MAX) return resultOfError(PAYLOAD_TOO_LARGE, 4);
  const space = MESSAGE_MIN + <i32>payloadSize;
  const out = callReserve(<usize>space, 8);
  const size = writeMessage(out, space, type, flags, messageId, traceId, payload, <i32>payloadSize);
  if (size < 0) return resultOfError(size, 4);
  store<u8>(result, 0);
  storeList(result + 4, out, <usize>size);
  return result;
}

export function message_encode_post(_result: usize): void {
  callEnd();
}

export function message_decode(bytes: usize, size: u32, isStrict: i32): usize {
  const limit = PAYLOAD_MAX + <u32>MESSAGE_MIN;
  // What lies behind the largest message is only looked at to be counted as trailing.
  const length = <i32>min(size, limit + 1);
  const status = decodeMessage(bytes, length, isStrict != 0, message);
  if (status < 0) return resultOfError(status, 8);
  store<u8>(result, 0);
  storeDecoded(result + 8, message.type, message.flags, message.messageId, message.traceId);
  storeList(result + 32, bytes + <usize>MESSAGE_HEADER_SIZE, <usize>message.payloadLength);
  return result;
}

export function message_decode_post(_result: usize): void {
  callEnd();
}

/** Writes the header part of the record `decoded`; its payload follows 24 bytes on. */
export function storeDecoded(at: usize, type: i32, flags: i32, id: u64, traceId: u64): void {
  store<u8>(at, <u8>type);
  store<u8>(at, <u8>flags, 1);
  store<u64>(at, id, 8);
  store<u64>(at, traceId, 16);
}
