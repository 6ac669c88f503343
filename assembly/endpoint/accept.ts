/**
 * An Initial for no known connection: everything that must hold before a handshake begins.
 *
 * Spec       docs/protocol.md §3.2, §3.4, §5
 * Layer      endpoint (L4)
 * Invariant  checks that cost nothing come before the scalar multiplications
 *            no more than half of the slots belong to initiators that have not proved themselves
 */
import { OK } from "../base/status.ts";
import { connectionAccept } from "../connection/connection.ts";
import {
  DROP_FULL,
  DROP_MALFORMED,
  DROP_NONE,
  DROP_UNAUTHENTIC,
  DROP_UNKNOWN,
} from "../connection/drop.ts";
import { keyIdOf, patternNeedsResponderKey, readMessage1 } from "../connection/handshake.ts";
import { ADDRESS_SIZE } from "../connection/state.ts";
import { LongPacket } from "../wire/long-header.ts";
import { isVersionSupported, versionListHas } from "../wire/version.ts";
import { endpoint, local } from "./endpoint.ts";
import { entropyHasAny, entropyTake } from "./entropy.ts";
import { replyUseXx, replyVersions } from "./replies.ts";
import { giveBackSlot, mayAccept, takeSlot } from "./slots.ts";

/** Begins a connection with the sender of `packet`, whose repeats come by `route`, or says why not. */
export function acceptInitial(
  packet: LongPacket,
  route: u64,
  remote: usize,
  at: usize,
  size: i32,
  nowUs: u64,
  wallMs: u64,
): i32 {
  if (local.acceptsConnections == 0) return DROP_UNKNOWN;
  // A smaller one would let its sender have three times more than it paid for.
  if (size < local.basePacketBytes) return DROP_MALFORMED;
  if (!isVersionSupported(packet.version)) {
    replyVersions(endpoint.replies, remote, packet);
    return DROP_MALFORMED;
  }
  // The version chosen is one of those that were offered, or somebody changed the list.
  if (!versionListHas(packet.versions, packet.versionCount, packet.version)) return DROP_MALFORMED;
  if (patternNeedsResponderKey(packet.kind) && packet.keyId != keyIdOf(local.staticPair + 32)) {
    replyUseXx(endpoint.replies, remote, packet);
    return DROP_UNKNOWN;
  }
  if (!mayAccept() || !entropyHasAny(endpoint.entropy)) return DROP_FULL;
  const connection = takeSlot(route);
  connection.initialId = packet.connectionId;
  memory.copy(connection.remote, remote, ADDRESS_SIZE);
  connection.unvalidatedReceived = size;
  if (readMessage1(connection, packet) != OK) {
    giveBackSlot(connection);
    return DROP_UNAUTHENTIC;
  }
  entropyTake(endpoint.entropy, local.generator);
  if (connectionAccept(connection, packet, nowUs, wallMs) != OK) {
    giveBackSlot(connection);
    return DROP_UNAUTHENTIC;
  }
  return DROP_NONE;
}
