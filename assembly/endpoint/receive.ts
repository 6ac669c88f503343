/**
 * Received datagrams: cut into packets, each routed by its connection id.
 *
 * Spec       docs/protocol.md §3.1 (packets in a datagram), §3.4 (Hint)
 * Layer      endpoint (L4)
 * Invariant  nothing that can arrive traps; whatever is not taken is dropped and counted by its reason
 */
import { idTableGet, ID_ABSENT } from "../base/id-table.ts";
import {
  connectionReceiveHandshake,
  connectionReceiveHint,
  connectionReceiveInitialAgain,
  connectionReceivePacket,
} from "../connection/connection.ts";
import {
  DROP_FULL,
  DROP_MALFORMED,
  DROP_NONE,
  DROP_REPLAYED,
  DROP_UNAUTHENTIC,
  DROP_UNKNOWN,
} from "../connection/drop.ts";
import { ADDRESS_SIZE, Connection } from "../connection/state.ts";
import { SHA256_STATE_SIZE, sha256Final, sha256Init, sha256Update } from "../crypto/sha256.ts";
import { decodeLongPacket, LONG_PACKET_SIZE, LongPacket } from "../wire/long-header.ts";
import {
  PACKET_HINT,
  PACKET_INITIAL,
  PACKET_ONE_RTT,
  packetConnectionId,
  packetSize,
  packetType,
} from "../wire/packet-header.ts";
import { acceptInitial } from "./accept.ts";
import { connectionAt, endpoint } from "./endpoint.ts";
import { reclaim } from "./slots.ts";

const RECORD_SIZE: usize = 32;
const RECORD_DATA: usize = 24;
const RECORD_SIZE_AT: usize = 28;

const state = memory.data(SHA256_STATE_SIZE, 16);
const digest = memory.data(32, 16);
const long = changetype<LongPacket>(memory.data(LONG_PACKET_SIZE, 8));

/** Takes the `count` datagrams that lie in the receive area. */
export function receiveDatagrams(count: i32, nowUs: u64, wallMs: u64): void {
  for (let index = 0; index < count; index += 1) {
    const record = endpoint.receiveRecords + <usize>index * RECORD_SIZE;
    const data = load<usize>(record, RECORD_DATA);
    receiveDatagram(record, data, load<i32>(record, RECORD_SIZE_AT), nowUs, wallMs);
  }
}

function receiveDatagram(remote: usize, data: usize, size: i32, nowUs: u64, wallMs: u64): void {
  endpoint.datagramsReceived += 1;
  let at = data;
  let left = size;
  while (left > 0) {
    const used = packetSize(at, left);
    if (used < 0) {
      // Behind a wrong length nothing can be found again.
      countDrop(DROP_MALFORMED);
      return;
    }
    countDrop(receivePacket(remote, at, used, nowUs, wallMs));
    at += <usize>used;
    left -= used;
  }
  if (size == 0) countDrop(DROP_MALFORMED);
}

function receivePacket(remote: usize, at: usize, size: i32, nowUs: u64, wallMs: u64): i32 {
  if (packetType(at) == PACKET_ONE_RTT) {
    const connection = routeOf(packetConnectionId(at));
    if (connection == null) return DROP_UNKNOWN;
    noteReceived(connection, remote, size);
    const drop = connectionReceivePacket(connection, at, size, nowUs);
    reclaim(connection);
    return drop;
  }
  // Reserved types, kinds and bits end here.
  if (decodeLongPacket(at, size, long) < 0) return DROP_MALFORMED;
  if (long.type == PACKET_INITIAL) return receiveInitial(remote, at, size, nowUs, wallMs);
  const connection = routeOf(long.connectionId);
  if (connection == null) return DROP_UNKNOWN;
  noteReceived(connection, remote, size);
  const isHint = long.type == PACKET_HINT;
  const drop = isHint
    ? connectionReceiveHint(connection, long)
    : connectionReceiveHandshake(connection, long, nowUs, wallMs);
  reclaim(connection);
  return drop;
}

function routeOf(id: u64): Connection | null {
  const slot = idTableGet(endpoint.routes, id);
  if (slot == ID_ABSENT) return null;
  return connectionAt(<i32>slot);
}

/**
 * spec: docs/protocol.md §5.4: the same Initial from the same address is a repeat; any other begins a handshake
 * of its own. Whoever copies or damages the first packet on its way thereby takes nothing from its sender.
 */
function receiveInitial(remote: usize, at: usize, size: i32, nowUs: u64, wallMs: u64): i32 {
  const route = initialRouteOf(remote, at, size);
  const connection = routeOf(route);
  if (connection == null) return acceptInitial(long, route, remote, at, size, nowUs, wallMs);
  noteReceived(connection, remote, size);
  return connectionReceiveInitialAgain(connection);
}

function initialRouteOf(remote: usize, at: usize, size: i32): u64 {
  sha256Init(state);
  sha256Update(state, remote, ADDRESS_SIZE);
  sha256Update(state, at, size);
  sha256Final(state, digest);
  return load<u64>(digest);
}

/** Of the bytes from an address that is not validated, three times as many may be sent to it. */
function noteReceived(connection: Connection, remote: usize, size: i32): void {
  if (connection.isValidated != 0) return;
  const isSame = memory.compare(remote, connection.remote, ADDRESS_SIZE) == 0;
  if (isSame) connection.unvalidatedReceived += size;
}

export function countDrop(drop: i32): void {
  if (drop == DROP_NONE) return;
  endpoint.datagramsDropped += 1;
  if (drop == DROP_MALFORMED) endpoint.droppedMalformed += 1;
  else if (drop == DROP_UNKNOWN) endpoint.droppedUnknownConnection += 1;
  else if (drop == DROP_REPLAYED) endpoint.droppedReplayed += 1;
  else if (drop == DROP_UNAUTHENTIC) endpoint.droppedUnauthentic += 1;
  else if (drop == DROP_FULL) endpoint.droppedFull += 1;
}
