/**
 * The memory of one connection: reserved once with its slot, used by every connection that the slot holds.
 *
 * Layer      connection (L3)
 * Memory     one block for each slot, in the order of `connectionInit`; sizes of the parts are those of the
 *            layers below
 * Cost       no allocation after the endpoint is created
 */
import { HANDSHAKE_STATE_SIZE } from "../noise/handshake-state.ts";
import { RECEIVED_PACKETS_SIZE, receivedInit } from "../recovery/received-packets.ts";
import { recoveryInit, recoverySetPeer, recoverySize } from "../recovery/recovery.ts";
import { BASE_PACKET_MIN, PACKET_MAX } from "../wire/limits.ts";
import { PACKET_KEYS_SIZE } from "./keys.ts";
import { Local } from "./local.ts";
import {
  ADDRESS_SIZE,
  CERTIFICATE_SIZE_MAX,
  Connection,
  NAME_SIZE_MAX,
  PHASE_FREE,
  REASON_SIZE_MAX,
} from "./state.ts";
import { endStreams, initStreams, startStreams, streamsMemorySize } from "./streams-start.ts";

/** Packets and frames that can be in flight: more than the largest window that the endpoint's memory allows. */
export const SENT_PACKETS_MAX: u32 = 2048;
const FRAME_REFS_MAX: u32 = 4096;
/** spec: RFC 9002 §6.1.2, the granularity of the hosts' timers. */
const GRANULARITY_US: u64 = 1000;
const KEY_SIZE: i32 = 32;
const MESSAGE_SIZE_MAX: i32 = PACKET_MAX + 4;

function align16(size: usize): usize {
  return (size + 15) & ~15;
}

/** Bytes of one slot. */
export function connectionSize(streamsMax: i32): usize {
  return (
    align16(offsetof<Connection>()) +
    align16(ADDRESS_SIZE) +
    align16(HANDSHAKE_STATE_SIZE) +
    align16(MESSAGE_SIZE_MAX) +
    2 * align16(PACKET_KEYS_SIZE) +
    4 * align16(KEY_SIZE) +
    align16(CERTIFICATE_SIZE_MAX) +
    align16(NAME_SIZE_MAX) +
    align16(REASON_SIZE_MAX) +
    align16(RECEIVED_PACKETS_SIZE) +
    align16(recoverySize(SENT_PACKETS_MAX, FRAME_REFS_MAX)) +
    align16(streamsMemorySize(streamsMax))
  );
}

/** Where the next part of the slot begins. */
let cursor: usize = 0;

function part(size: usize): usize {
  const at = cursor;
  cursor += align16(size);
  return at;
}

/** Lays the parts of a slot out in the zeroed `connectionSize` bytes at `at`. */
export function connectionInit(at: usize, local: Local, streamsMax: i32): Connection {
  cursor = at;
  const connection = changetype<Connection>(part(offsetof<Connection>()));
  connection.local = local;
  connection.remote = part(ADDRESS_SIZE);
  connection.noise = part(HANDSHAKE_STATE_SIZE);
  connection.message = part(MESSAGE_SIZE_MAX);
  connection.sendKeys = part(PACKET_KEYS_SIZE);
  connection.receiveKeys = part(PACKET_KEYS_SIZE);
  connection.peerStatic = part(KEY_SIZE);
  connection.peerIdentity = part(KEY_SIZE);
  connection.channelBinding = part(KEY_SIZE);
  connection.expectedIdentity = part(KEY_SIZE);
  connection.certificate = part(CERTIFICATE_SIZE_MAX);
  connection.expectedName = part(NAME_SIZE_MAX);
  connection.reason = part(REASON_SIZE_MAX);
  connection.received = part(RECEIVED_PACKETS_SIZE);
  connection.recovery = part(recoverySize(SENT_PACKETS_MAX, FRAME_REFS_MAX));
  connection.streams = part(streamsMemorySize(streamsMax));
  initStreams(connection, streamsMax);
  return connection;
}

/** Prepares what 1-RTT packets need, once the peer's limits are known. */
export function startPackets(connection: Connection): void {
  const local = connection.local;
  // A peer whose parameters were refused is told so in a packet that every path takes.
  if (connection.maxPacket == 0) connection.maxPacket = BASE_PACKET_MIN;
  receivedInit(connection.received, local.maxAckDelayUs);
  recoveryInit(
    connection.recovery,
    SENT_PACKETS_MAX,
    FRAME_REFS_MAX,
    connection.maxPacket,
    GRANULARITY_US,
  );
  recoverySetPeer(connection.recovery, connection.peerMaxAckDelayUs);
  startStreams(connection);
}

/**
 * Makes the slot as if it had never been used. Every field and key is zeroed; what recovery and the streams
 * keep is set anew by `startPackets`, and holds no secrets.
 */
export function connectionClear(connection: Connection): void {
  endStreams(connection);
  const first = changetype<usize>(connection) + offsetof<Connection>("phase");
  const end = changetype<usize>(connection) + offsetof<Connection>("remote");
  memory.fill(first, 0, end - first);
  memory.fill(connection.remote, 0, connection.received - connection.remote);
  connection.phase = PHASE_FREE;
}
