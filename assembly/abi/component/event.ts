/**
 * Events for other languages: the engine's one event record as the variant of the contract.
 *
 * Spec       wit/endpoint.wit, `event`
 * Layer      abi (L5)
 */
import * as E from "../../connection/event.ts";
import { event } from "../control.ts";
import { endpointNextEvent } from "../endpoint.ts";
import { result, storeList } from "./memory.ts";

const KEY_SIZE: usize = 32;
const ADDRESS_SIZE: usize = 24;
/** The option's payload, and the variant's payload inside it. */
const VARIANT: usize = 8;
const PAYLOAD: usize = 16;

/** The cases of `event`, in the order of the contract, by the engine's number. */
function caseOf(kind: i32): i32 {
  switch (kind) {
    case E.EVENT_CONNECTED:
      return 0;
    case E.EVENT_AUTHENTICATE:
      return 1;
    case E.EVENT_STREAM_OPENED:
      return 2;
    case E.EVENT_READABLE:
      return 3;
    case E.EVENT_WRITABLE:
      return 4;
    case E.EVENT_STREAM_ACKNOWLEDGED:
      return 5;
    case E.EVENT_STREAM_RESET:
      return 6;
    case E.EVENT_STREAM_STOPPED:
      return 7;
    case E.EVENT_DATAGRAM:
      return 8;
    case E.EVENT_CLOSED:
      return 9;
    case E.EVENT_MESSAGE_REFUSED:
      return 10;
    default:
      return 11;
  }
}

export function endpoint_poll_event(_self: usize): usize {
  const kind = endpointNextEvent();
  memory.fill(result, 0, 64);
  if (kind == E.EVENT_NONE) return result;
  store<u8>(result, 1);
  store<u8>(result, <u8>caseOf(kind), VARIANT);
  const payload = result + PAYLOAD;
  store<i32>(payload, event.connection);
  if (kind == E.EVENT_CONNECTED) storeConnected(payload);
  else if (kind == E.EVENT_AUTHENTICATE) storeAuthenticate(payload);
  else if (kind == E.EVENT_STREAM_OPENED) storeOpened(payload);
  else if (kind == E.EVENT_DATAGRAM) storeList(payload + 4, event.data, <usize>event.dataSize);
  else if (kind == E.EVENT_CLOSED) storeClosed(payload);
  else if (kind != E.EVENT_STREAMS_AVAILABLE) {
    store<u64>(payload, event.stream, 8);
    store<u64>(payload, <u64>(<u32>event.code), 16);
  }
  return result;
}

function storeConnected(payload: usize): void {
  store<u8>(payload, (event.flags & E.FLAG_INITIATOR) != 0 ? 1 : 0, 4);
  // The engine and the wire number patterns from 1.
  store<u8>(payload, <u8>((event.flags & 0xff) - 1), 5);
  storeIdentity(payload + 8);
  store<u8>(payload, <u8>event.code, 16);
  storeList(payload + 20, event.binding, KEY_SIZE);
  storeList(payload + 28, event.remote, ADDRESS_SIZE);
}

function storeAuthenticate(payload: usize): void {
  storeIdentity(payload + 4);
  store<u64>(payload, event.value, 16);
  storeList(payload + 24, event.remote, ADDRESS_SIZE);
}

function storeIdentity(at: usize): void {
  storeList(at, event.identity, event.hasIdentity != 0 ? KEY_SIZE : 0);
}

function storeOpened(payload: usize): void {
  store<u64>(payload, event.stream, 8);
  store<u8>(payload, (event.flags & E.FLAG_MESSAGES) != 0 ? 1 : 0, 16);
  store<u8>(payload, <u8>(event.flags & 3), 17);
  storeList(payload + 20, event.data, <usize>event.dataSize);
}

function storeClosed(payload: usize): void {
  store<u8>(payload, event.code != 0 ? 1 : 0, 4);
  store<u8>(payload, <u8>(event.code - 1), 5);
  store<u8>(payload, event.flags != 0 ? 1 : 0, 6);
  store<u64>(payload, event.value, 8);
  storeList(payload + 16, event.data, <usize>event.dataSize);
}
