/**
 * One protected packet: unmasked, checked against replay, opened, and its frames taken.
 *
 * Spec       docs/protocol.md §4 · RFC 9001 §5.4, §6.6, §9.5 · RFC 9000 §10.1, §13.1
 * Layer      connection (L3)
 * Invariant  a packet number is recorded as received only when every frame of its packet was taken
 *            reserved bits are looked at only after the AEAD has accepted the packet
 */
import { AEAD_LIMIT, MEMORY_LIMIT, OK, PACKET_INVALID } from "../base/status.ts";
import {
  receivedCountDuplicate,
  receivedHasAny,
  receivedIsNew,
  receivedLargest,
  receivedRecord,
} from "../recovery/received-packets.ts";
import { recoveryPtoUs } from "../recovery/recovery.ts";
import { PACKET_HEADER_SIZE, TAG_SIZE } from "../wire/limits.ts";
import {
  hasSample,
  isKeyPhaseOne,
  reservedBitsAreZero,
  shortHeaderNumber,
  shortHeaderNumberBytes,
} from "../wire/packet-header.ts";
import { expandPacketNumber } from "../wire/packet-number.ts";
import { closeWith } from "./close.ts";
import { DROP_FULL, DROP_MALFORMED, DROP_NONE, DROP_REPLAYED, DROP_UNAUTHENTIC } from "./drop.ts";
import { takeFrames, wasAckEliciting } from "./frames.ts";
import { forgetMessage } from "./handshake.ts";
import { idleOnReceived } from "./idle.ts";
import { keysAreForged, openPacket, unmaskPacket } from "./keys.ts";
import { Connection } from "./state.ts";

/** Opens the packet of `size` bytes and takes its frames. Returns a DROP_ reason. */
export function receivePacket(connection: Connection, packet: usize, size: i32, nowUs: u64): i32 {
  if (!hasSample(size)) return DROP_MALFORMED;
  const keys = connection.receiveKeys;
  const received = connection.received;
  if (keysAreForged(keys)) {
    closeWith(connection, AEAD_LIMIT, nowUs);
    return DROP_UNAUTHENTIC;
  }
  unmaskPacket(keys, packet);
  const largest: i64 = receivedHasAny(received) ? <i64>receivedLargest(received) : -1;
  const bytes = shortHeaderNumberBytes(packet);
  const number = expandPacketNumber(largest, shortHeaderNumber(packet), bytes);
  if (!receivedIsNew(received, number)) {
    receivedCountDuplicate(received);
    return DROP_REPLAYED;
  }
  const payloadSize = size - PACKET_HEADER_SIZE - TAG_SIZE;
  if (!openPacket(keys, number, packet, payloadSize)) return DROP_UNAUTHENTIC;
  connection.packetsReceived += 1;
  connection.bytesReceived += size;
  connection.hasAuthentic = 1;
  forgetMessage(connection);
  // The other key phase has no keys, so no honest peer can have sealed a packet that claims it.
  if (!reservedBitsAreZero(packet) || isKeyPhaseOne(packet)) {
    closeWith(connection, PACKET_INVALID, nowUs);
    return DROP_MALFORMED;
  }
  const status = takeFrames(connection, packet + PACKET_HEADER_SIZE, payloadSize, nowUs);
  if (status == MEMORY_LIMIT) return DROP_FULL;
  if (status != OK) {
    closeWith(connection, status, nowUs);
    return DROP_MALFORMED;
  }
  receivedRecord(received, number, wasAckEliciting(), nowUs);
  idleOnReceived(connection, nowUs, recoveryPtoUs(connection.recovery));
  return DROP_NONE;
}
