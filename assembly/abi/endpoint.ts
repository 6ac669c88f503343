/**
 * wit/endpoint.wit over linear memory. No logic: arguments are taken apart, results put together.
 *
 * Layer      abi (L5)
 */
import { invariant } from "../base/invariant.ts";
import { pinIdentity, trustAuthority, unpinIdentity } from "../certificate/trust-store.ts";
import { Event } from "../connection/event.ts";
import { wipe } from "../crypto/constant-time.ts";
import { NO_TIMER } from "../connection/timers.ts";
import { Configuration, createEndpoint, disposeEndpoint } from "../endpoint/create.ts";
import { endpoint, local } from "../endpoint/endpoint.ts";
import { entropyAdd, entropyWanted } from "../endpoint/entropy.ts";
import { handleTimeouts, nextEvent, nextTimeoutUs } from "../endpoint/poll.ts";
import { receiveDatagrams } from "../endpoint/receive.ts";
import { transmitDatagrams } from "../endpoint/transmit.ts";
import { clockTime, control, event, setCounter } from "./control.ts";
import * as L from "./layout.ts";

const config = changetype<Configuration>(memory.data(128, 8));

/** Creates the endpoint from the configuration in the control block, which is wiped. */
export function endpointCreate(): i32 {
  config.seed = control + L.CONFIG_SEED;
  config.staticPrivate = control + L.CONFIG_STATIC_PRIVATE;
  config.certificate = control + L.CONFIG_CERTIFICATE;
  config.certificateSize = load<i32>(control, L.CONFIG_CERTIFICATE_SIZE);
  config.acceptsConnections = load<i32>(control, L.CONFIG_ACCEPTS);
  config.asksForUnknownPeers = load<i32>(control, L.CONFIG_ASKS);
  config.maxPacketBytes = load<i32>(control, L.CONFIG_MAX_PACKET);
  config.basePacketBytes = load<i32>(control, L.CONFIG_BASE_PACKET);
  config.connectionsMax = load<i32>(control, L.CONFIG_CONNECTIONS_MAX);
  config.maxData = load<u64>(control, L.CONFIG_MAX_DATA);
  config.maxStreamData = load<u64>(control, L.CONFIG_MAX_STREAM_DATA);
  config.maxStreamsBidi = load<u64>(control, L.CONFIG_MAX_STREAMS);
  config.idleTimeoutMs = load<u32>(control, L.CONFIG_IDLE_TIMEOUT_MS);
  config.maxDatagramBytes = load<u32>(control, L.CONFIG_MAX_DATAGRAM);
  config.maxMessageBytes = load<u32>(control, L.CONFIG_MAX_MESSAGE);
  config.maxAckDelayUs = load<u32>(control, L.CONFIG_MAX_ACK_DELAY_US);
  const status = createEndpoint(config);
  wipe(control, L.CONFIG_SIZE);
  store<usize>(control, endpoint.receiveArea, L.ARENA_RECEIVE);
  store<i32>(control, endpoint.receiveAreaSize, L.ARENA_RECEIVE_SIZE);
  store<usize>(control, endpoint.receiveRecords, L.ARENA_RECEIVE_RECORDS);
  store<usize>(control, endpoint.transmitRecords, L.ARENA_TRANSMIT_RECORDS);
  store<usize>(control, endpoint.input, L.ARENA_INPUT);
  store<i32>(control, endpoint.inputSize, L.ARENA_INPUT_SIZE);
  store<usize>(control, local.output, L.ARENA_OUTPUT);
  store<i32>(control, local.outputSize, L.ARENA_OUTPUT_SIZE);
  return status;
}

/** Wipes every secret; no call is allowed afterwards. */
export function endpointDispose(): void {
  wipe(control, L.CONTROL_SIZE);
  disposeEndpoint();
}

/** Takes the `count` datagrams in the receive area. */
export function endpointReceive(count: i32, nowUs: f64, wallMs: f64): void {
  invariant(endpoint.isOpen != 0 && count >= 0 && count <= L.BATCH_MAX);
  receiveDatagrams(count, clockTime(nowUs), clockTime(wallMs));
}

export function endpointHandleTimeout(nowUs: f64, _wallMs: f64): void {
  invariant(endpoint.isOpen != 0);
  handleTimeouts(clockTime(nowUs));
}

/** Absolute time of the next timeout; Infinity when there is none. */
export function endpointNextTimeoutUs(): f64 {
  invariant(endpoint.isOpen != 0);
  const timeoutUs = nextTimeoutUs();
  return timeoutUs == NO_TIMER ? Infinity : <f64>timeoutUs;
}

/** Writes the next event into the control block and returns its kind, 0 when there is none. */
export function endpointNextEvent(): i32 {
  invariant(endpoint.isOpen != 0);
  memory.fill(changetype<usize>(event), 0, offsetof<Event>());
  event.kind = nextEvent(event);
  return event.kind;
}

/** Builds up to 64 datagrams and returns the number of sends. */
export function endpointTransmit(nowUs: f64, _wallMs: f64): i32 {
  invariant(endpoint.isOpen != 0);
  return transmitDatagrams(clockTime(nowUs));
}

/** Puts the 32 bytes at KEY into the stock of entropy. */
export function endpointAddEntropy(): void {
  invariant(endpoint.isOpen != 0);
  entropyAdd(endpoint.entropy, local.generator, control + L.KEY);
}

/** How many pieces of entropy the stock still takes. */
export function endpointEntropyWanted(): i32 {
  return local.acceptsConnections != 0 ? entropyWanted(endpoint.entropy) : 0;
}

export function endpointTrustAuthority(): i32 {
  return trustAuthority(local.trust, control + L.KEY);
}

export function endpointPinIdentity(): i32 {
  return pinIdentity(local.trust, control + L.KEY);
}

export function endpointUnpinIdentity(): void {
  unpinIdentity(local.trust, control + L.KEY);
}

/** Writes the endpoint's counters into the control block. */
export function endpointStats(): void {
  setCounter(0, endpoint.datagramsReceived);
  setCounter(1, endpoint.datagramsDropped);
  setCounter(2, endpoint.droppedMalformed);
  setCounter(3, endpoint.droppedUnknownConnection);
  setCounter(4, endpoint.droppedReplayed);
  setCounter(5, endpoint.droppedUnauthentic);
  setCounter(6, local.amplificationDrops);
  setCounter(7, endpoint.droppedFull);
  setCounter(8, endpoint.connectionCount);
}
