/**
 * The next datagram of a connection: a Noise message, a CLOSE, or a packet of frames.
 *
 * Spec       docs/protocol.md §3, §4, §5.4 · RFC 9000 §8.1, §10.2, §13.2 · RFC 9002 §7
 * Layer      connection (L3)
 * Invariant  a packet number is used once: it is taken from recovery, which remembers the packet
 *            to an address that is not validated at most three times the bytes that came from it are sent
 *            without window or pacer credit nothing leaves but acknowledgements
 */
import { AEAD_LIMIT } from "../base/status.ts";
import {
  frameRefAdd,
  frameRefsNext,
  REF_ACK,
  REF_HANDSHAKE_DONE,
  REF_PING,
} from "../recovery/frame-refs.ts";
import {
  receivedAckDelayUs,
  receivedIsAckDue,
  receivedIsAckUseful,
  receivedLargest,
  receivedOnAckSent,
  receivedRangeCount,
  receivedRangeLargest,
  receivedRangeSmallest,
} from "../recovery/received-packets.ts";
import {
  recoveryHasRoom,
  recoveryLargestAcked,
  recoveryNextPacketNumber,
  recoveryOnPacketSent,
  recoveryPacingTimeUs,
  recoveryProbes,
  recoveryPtoUs,
  recoveryRefs,
  recoverySendableBytes,
  recoverySent,
  recoverySetAppLimited,
} from "../recovery/recovery.ts";
import {
  NO_PACKET,
  SENT_ACK_ELICITING,
  SENT_IN_FLIGHT,
  sentPacketsNext,
  sentPacketsOldest,
} from "../recovery/sent-packets.ts";
import { writeAck } from "../wire/ack-frame.ts";
import { errorNumber } from "../wire/error-number.ts";
import { writeClose, writeHandshakeDone } from "../wire/frame-control.ts";
import { writePing } from "../wire/frame-decode.ts";
import { PACKET_HEADER_SIZE, TAG_SIZE } from "../wire/limits.ts";
import { writeShortHeader } from "../wire/packet-header.ts";
import { packetNumberBytes } from "../wire/packet-number.ts";
import { closeWith, wipeSecrets } from "./close.ts";
import { idleOnSent } from "./idle.ts";
import { keysMaySeal, sealPacket } from "./keys.ts";
import { SENT_PACKETS_MAX } from "./slot.ts";
import {
  Connection,
  PHASE_AUTHENTICATING,
  PHASE_CLOSING,
  PHASE_CONFIRMING,
  PHASE_ESTABLISHED,
} from "./state.ts";
import { FRAMES_PER_PACKET_MAX, hasStreamFrames, writeStreamFrames } from "./stream-frames.ts";

/** spec: RFC 9000 §8.1 */
const AMPLIFICATION_FACTOR: u64 = 3;
/** Beside the streams' frames: ACK, HANDSHAKE_DONE, PING. */
const REFS_PER_PACKET: u32 = <u32>FRAMES_PER_PACKET_MAX + 3;
/** What data leaves free, so that a path that has fallen silent can still be probed. */
const PROBE_PACKETS: u64 = 256;
const PROBE_REFS: u32 = 512;
const RANGE_SIZE: usize = 16;
const RANGES_MAX: u32 = 65;

const ranges = memory.data(1040, 8);

/** Writes the next datagram to `out` and returns its size; 0 when nothing may or need leave now. */
export function connectionTransmit(connection: Connection, out: usize, nowUs: u64): i32 {
  if (connection.owesMessage != 0) {
    connection.owesMessage = 0;
    const size = sendMessage(connection, out);
    if (size != 0) return size;
  }
  if (connection.phase == PHASE_CLOSING) return sendClose(connection, out);
  return maySendPackets(connection) ? sendPacket(connection, out, nowUs) : 0;
}

function maySendPackets(connection: Connection): bool {
  if (connection.hasKeys == 0) return false;
  const phase = connection.phase;
  if (phase == PHASE_CONFIRMING) return connection.isInitiator != 0;
  // Before the verdict the responder acknowledges, and the initiator is silent.
  if (phase == PHASE_AUTHENTICATING) return connection.isInitiator == 0;
  return phase == PHASE_ESTABLISHED;
}

/** The Noise message that is kept for repeats, when the 3× budget allows it. */
function sendMessage(connection: Connection, out: usize): i32 {
  const size = connection.messageSize;
  if (!isWithinBudget(connection, size)) {
    connection.local.amplificationDrops += 1;
    return 0;
  }
  memory.copy(out, connection.message, size);
  noteSent(connection, size);
  return size;
}

function isWithinBudget(connection: Connection, size: i32): bool {
  if (connection.isInitiator != 0 || connection.isValidated != 0) return true;
  const allowed = AMPLIFICATION_FACTOR * connection.unvalidatedReceived;
  return connection.unvalidatedSent + size <= allowed;
}

function noteSent(connection: Connection, size: i32): void {
  connection.packetsSent += 1;
  connection.bytesSent += size;
  if (connection.isValidated == 0) connection.unvalidatedSent += size;
}

/** The CLOSE packet: sealed once, and then repeated as it is. */
function sendClose(connection: Connection, out: usize): i32 {
  if (connection.owesClose == 0) return 0;
  connection.owesClose = 0;
  if (connection.hasKeys != 0) {
    const payload = connection.message + PACKET_HEADER_SIZE;
    const size = writeClose(
      payload,
      connection.maxPacket - PACKET_HEADER_SIZE - TAG_SIZE,
      errorNumber(connection.closeStatus),
      connection.closeStatus == 0,
      connection.applicationCode,
      connection.reason,
      connection.reasonSize,
    );
    connection.messageSize = sealPayload(connection, connection.message, size);
    wipeSecrets(connection);
  }
  return sendMessage(connection, out);
}

/** Header, encryption and header protection of a packet whose payload is written. Returns its size. */
export function sealPayload(connection: Connection, packet: usize, payloadSize: i32): i32 {
  const number = recoveryNextPacketNumber(connection.recovery);
  const acked = recoveryLargestAcked(connection.recovery);
  const bytes = packetNumberBytes(number, acked == NO_PACKET ? -1 : <i64>acked);
  const bodySize = payloadSize + TAG_SIZE;
  writeShortHeader(packet, connection.remoteId, false, number, bytes, bodySize);
  return sealPacket(connection.sendKeys, number, packet, payloadSize);
}

function sendPacket(connection: Connection, out: usize, nowUs: u64): i32 {
  const recovery = connection.recovery;
  const isAckDue = receivedIsAckDue(connection.received, nowUs);
  const hasFrames =
    connection.owesDone != 0 || connection.owesPing != 0 || hasStreamFrames(connection);
  connection.pacingAtUs = 0;
  let mayElicit = false;
  if (hasFrames) {
    mayElicit = recoverySendableBytes(recovery, nowUs) > 0 && hasRoomToElicit(recovery);
    if (!mayElicit) {
      recoverySetAppLimited(recovery, false);
      const pacedUs = recoveryPacingTimeUs(recovery, nowUs);
      // A time that has come already would make the host's timer fire without end.
      if (pacedUs != 0) connection.pacingAtUs = max(pacedUs, nowUs + 1);
    }
  } else {
    recoverySetAppLimited(recovery, true);
  }
  if (!isAckDue && !mayElicit) return 0;
  if (!keysMaySeal(connection.sendKeys)) {
    closeWith(connection, AEAD_LIMIT, nowUs);
    return sendClose(connection, out);
  }
  if (!mayElicit && !recoveryHasRoom(recovery, 1)) {
    // The peer acknowledges nothing; it will ask again when it misses this acknowledgement.
    receivedOnAckSent(connection.received);
    return 0;
  }
  return writePacket(connection, out, mayElicit, nowUs);
}

/** True when one more packet can be remembered, and behind it, unless it is a probe itself, the probes. */
function hasRoomToElicit(recovery: usize): bool {
  if (recoveryProbes(recovery) > 0) return recoveryHasRoom(recovery, REFS_PER_PACKET);
  // Asking for room makes recovery forget what is settled, so that only then the count means something.
  if (!recoveryHasRoom(recovery, REFS_PER_PACKET + PROBE_REFS)) return false;
  const sent = recoverySent(recovery);
  const remembered = sentPacketsNext(sent) - sentPacketsOldest(sent);
  return remembered < SENT_PACKETS_MAX - PROBE_PACKETS;
}

function writePacket(connection: Connection, out: usize, mayElicit: bool, nowUs: u64): i32 {
  const recovery = connection.recovery;
  const firstRef = frameRefsNext(recoveryRefs(recovery));
  const payload = out + PACKET_HEADER_SIZE;
  const end = payload + <usize>(connection.maxPacket - PACKET_HEADER_SIZE - TAG_SIZE);
  let at = payload + <usize>writeAckFrame(connection, payload, <i32>(end - payload), nowUs);
  const elicitingFrom = at;
  if (mayElicit) at = writeElicitingFrames(connection, at, end);
  if (at == payload) return 0;
  const isEliciting = at > elicitingFrom;
  const size = sealPayload(connection, out, <i32>(at - payload));
  const flags = isEliciting ? SENT_ACK_ELICITING | SENT_IN_FLIGHT : 0;
  recoveryOnPacketSent(recovery, firstRef, size, flags, nowUs);
  if (isEliciting) idleOnSent(connection, nowUs, recoveryPtoUs(recovery));
  noteSent(connection, size);
  return size;
}

/** An ACK of everything received, when it is due or rides along for free. */
function writeAckFrame(connection: Connection, out: usize, space: i32, nowUs: u64): i32 {
  const received = connection.received;
  if (!receivedIsAckUseful(received) && !receivedIsAckDue(received, nowUs)) return 0;
  const count = min(receivedRangeCount(received), RANGES_MAX);
  for (let index: u32 = 0; index < count; index += 1) {
    const range = ranges + <usize>index * RANGE_SIZE;
    store<u64>(range, receivedRangeSmallest(received, index));
    store<u64>(range, receivedRangeLargest(received, index), 8);
  }
  const delayUs = min<u64>(receivedAckDelayUs(received, nowUs), u32.MAX_VALUE);
  const size = writeAck(out, space, <u32>delayUs, ranges, count);
  if (size == 0) return 0;
  receivedOnAckSent(received);
  addRef(connection, REF_ACK, receivedLargest(received));
  return size;
}

function writeElicitingFrames(connection: Connection, from: usize, end: usize): usize {
  let at = from;
  if (connection.owesDone != 0) {
    const size = writeHandshakeDone(at, <i32>(end - at));
    if (size > 0) {
      connection.owesDone = 0;
      addRef(connection, REF_HANDSHAKE_DONE, 0);
      at += <usize>size;
    }
  }
  at = writeStreamFrames(connection, at, end);
  // Any frame above asks for an acknowledgement as well as a PING does.
  if (connection.owesPing != 0 && at == from) {
    at += <usize>writePing(at, <i32>(end - at));
    addRef(connection, REF_PING, 0);
  }
  connection.owesPing = 0;
  return at;
}

function addRef(connection: Connection, kind: u8, value: u64): void {
  frameRefAdd(recoveryRefs(connection.recovery), kind, 0, 0, 0, 0, value);
}
