/**
 * The endpoint for other languages: the same calls as for our own hosts, with arguments as the canonical ABI lays
 * them out.
 *
 * Spec       wit/endpoint.wit
 * Layer      abi (L5)
 * Invariant  a component instance holds one endpoint; its handle's representation is 1
 */
import { ARGUMENT_INVALID, MEMORY_LIMIT, OK } from "../../base/status.ts";
import { endpoint } from "../../endpoint/endpoint.ts";
import { control } from "../control.ts";
import {
  endpointAddEntropy,
  endpointCreate,
  endpointDispose,
  endpointHandleTimeout,
  endpointNextTimeoutUs,
  endpointPinIdentity,
  endpointReceive,
  endpointTransmit,
  endpointTrustAuthority,
  endpointUnpinIdentity,
} from "../endpoint.ts";
import * as L from "../layout.ts";
import {
  callEnd,
  callReserve,
  result,
  resultOfError,
  resultOfStatus,
  storeList,
} from "./memory.ts";
import { resourceNewEndpoint } from "./resource.ts";

const KEY_SIZE: u32 = 32;
const ADDRESS_SIZE: u32 = 24;
/** Bytes of the records `received` and `transmit` in a list. */
const RECEIVED_SIZE: usize = 16;
const TRANSMIT_SIZE: usize = 20;

let isCreated: bool = false;

/** Copies a key of exactly 32 bytes to the control record; false for any other size. */
function setKey(at: usize, key: usize, size: u32): bool {
  if (size != KEY_SIZE) return false;
  memory.copy(control + at, key, KEY_SIZE);
  return true;
}

/** `configuration` lies at `args` as its fields come, each aligned to its size. */
export function endpoint_create(args: usize): usize {
  const status = isCreated ? MEMORY_LIMIT : configure(args);
  callEnd();
  if (status != OK) return resultOfError(status, 4);
  isCreated = true;
  store<u8>(result, 0);
  store<i32>(result, resourceNewEndpoint(1), 4);
  return result;
}

function configure(args: usize): i32 {
  const certificateSize = load<u32>(args, 20);
  if (certificateSize > <u32>L.CERTIFICATE_MAX) return ARGUMENT_INVALID;
  if (!setKey(L.CONFIG_SEED, load<usize>(args), load<u32>(args, 4))) return ARGUMENT_INVALID;
  if (!setKey(L.CONFIG_STATIC_PRIVATE, load<usize>(args, 8), load<u32>(args, 12))) {
    return ARGUMENT_INVALID;
  }
  store<u32>(control, certificateSize, L.CONFIG_CERTIFICATE_SIZE);
  memory.copy(control + L.CONFIG_CERTIFICATE, load<usize>(args, 16), certificateSize);
  store<u32>(control, load<u8>(args, 24), L.CONFIG_ACCEPTS);
  store<u32>(control, load<u8>(args, 25), L.CONFIG_ASKS);
  store<u64>(control, load<u64>(args, 32), L.CONFIG_MAX_DATA);
  store<u64>(control, load<u64>(args, 40), L.CONFIG_MAX_STREAM_DATA);
  store<u64>(control, load<u64>(args, 48), L.CONFIG_MAX_STREAMS);
  store<u32>(control, load<u32>(args, 56), L.CONFIG_IDLE_TIMEOUT_MS);
  store<u32>(control, load<u32>(args, 60), L.CONFIG_MAX_DATAGRAM);
  store<u32>(control, load<u32>(args, 64), L.CONFIG_MAX_MESSAGE);
  store<u32>(control, load<u32>(args, 68), L.CONFIG_MAX_ACK_DELAY_US);
  store<u32>(control, load<u16>(args, 72), L.CONFIG_MAX_PACKET);
  store<u32>(control, load<u16>(args, 74), L.CONFIG_BASE_PACKET);
  store<u32>(control, load<u16>(args, 76), L.CONFIG_CONNECTIONS_MAX);
  return endpointCreate();
}

export function endpoint_dtor(_self: usize): void {
  endpointDispose();
}

export function endpoint_trust_authority(_self: usize, key: usize, size: u32): usize {
  const status = setKey(L.KEY, key, size) ? endpointTrustAuthority() : ARGUMENT_INVALID;
  callEnd();
  return resultOfStatus(status);
}

export function endpoint_pin_identity(_self: usize, key: usize, size: u32): usize {
  const status = setKey(L.KEY, key, size) ? endpointPinIdentity() : ARGUMENT_INVALID;
  callEnd();
  return resultOfStatus(status);
}

export function endpoint_unpin_identity(_self: usize, key: usize, size: u32): usize {
  const isKey = setKey(L.KEY, key, size);
  if (isKey) endpointUnpinIdentity();
  callEnd();
  return resultOfStatus(isKey ? OK : ARGUMENT_INVALID);
}

export function endpoint_add_entropy(_self: usize, entropy: usize, size: u32): usize {
  const isPiece = setKey(L.KEY, entropy, size);
  if (isPiece) endpointAddEntropy();
  callEnd();
  return resultOfStatus(isPiece ? OK : ARGUMENT_INVALID);
}

export function endpoint_receive(
  _self: usize,
  list: usize,
  count: u32,
  nowUs: u64,
  wallMs: u64,
): void {
  let queued: i32 = 0;
  let used: usize = 0;
  for (let index: u32 = 0; index < count; index++) {
    const element = list + <usize>index * RECEIVED_SIZE;
    const size = load<u32>(element, 4);
    // An address of another size names nobody, and a datagram larger than the area is none.
    if (load<u32>(element, 12) != ADDRESS_SIZE || size > <u32>endpoint.receiveAreaSize) continue;
    if (queued == L.BATCH_MAX || used + size > <usize>endpoint.receiveAreaSize) {
      endpointReceive(queued, <f64>nowUs, <f64>wallMs);
      queued = 0;
      used = 0;
    }
    const record = endpoint.receiveRecords + <usize>queued * L.RECEIVED_RECORD_SIZE;
    const target = endpoint.receiveArea + used;
    memory.copy(record + L.RECEIVED_ADDRESS, load<usize>(element, 8), ADDRESS_SIZE);
    memory.copy(target, load<usize>(element), size);
    store<usize>(record, target, L.RECEIVED_DATA);
    store<u32>(record, size, L.RECEIVED_SIZE);
    used += (<usize>size + 15) & ~15;
    queued += 1;
  }
  if (queued > 0) endpointReceive(queued, <f64>nowUs, <f64>wallMs);
  callEnd();
}

export function endpoint_handle_timeout(_self: usize, nowUs: u64, wallMs: u64): void {
  endpointHandleTimeout(<f64>nowUs, <f64>wallMs);
}

export function endpoint_next_timeout(_self: usize): usize {
  const timeoutUs = endpointNextTimeoutUs();
  const isArmed = timeoutUs != Infinity;
  store<u8>(result, isArmed ? 1 : 0);
  store<u64>(result, isArmed ? <u64>timeoutUs : 0, 8);
  return result;
}

export function endpoint_transmit(_self: usize, nowUs: u64, wallMs: u64): usize {
  const count = <u32>endpointTransmit(<f64>nowUs, <f64>wallMs);
  const list = callReserve(<usize>count * TRANSMIT_SIZE, 4);
  for (let index: u32 = 0; index < count; index++) {
    const record = endpoint.transmitRecords + <usize>index * L.TRANSMIT_RECORD_SIZE;
    const element = list + <usize>index * TRANSMIT_SIZE;
    storeList(element, load<usize>(record, L.TRANSMIT_DATA), load<u32>(record, L.TRANSMIT_SIZE));
    store<u16>(element, load<u16>(record, L.TRANSMIT_SEGMENT), 8);
    storeList(element + 12, record + L.TRANSMIT_ADDRESS, ADDRESS_SIZE);
  }
  storeList(result, list, count);
  return result;
}

export function endpoint_transmit_post(_result: usize): void {
  callEnd();
}
