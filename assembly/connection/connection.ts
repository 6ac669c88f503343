/**
 * One connection: orchestrates its sub-states and does nothing else. Each function is one of four kinds:
 *
 *   received   a packet that the endpoint routed here
 *   timed out  `connectionOnTimeout`
 *   commands   of the application: dial, accept, verdict, close
 *   outputs    in transmit.ts, timers.ts and events.ts
 *
 * Spec       docs/protocol.md "Connection states" · RFC 9000 §10
 * Layer      connection (L3)
 * Invariant  the application hears nothing of a responder's connection before the initiator has proved with a
 *            1-RTT packet that it holds the keys
 */
import {
  HANDSHAKE_TIMEOUT,
  IDLE_TIMEOUT,
  KEY_UNKNOWN,
  OK,
  PEER_REFUSED,
  VERSION_UNSUPPORTED,
} from "../base/status.ts";
import {
  recoveryOnTimeout,
  TIMEOUT_LOSS,
  TIMEOUT_PROBE,
  recoveryProbes,
} from "../recovery/recovery.ts";
import { HINT_USE_XX, LongPacket } from "../wire/long-header.ts";
import { versionListHas } from "../wire/version.ts";
import { drainLost, repeatOldest } from "./acknowledgements.ts";
import { authenticatePeer, VERDICT_ASK } from "./authentication.ts";
import { abandon, closeWith, endSilently, isOver, onPacketWhileClosing } from "./close.ts";
import { DROP_NONE, DROP_REPLAYED, DROP_UNAUTHENTIC } from "./drop.ts";
import {
  acceptResponder,
  isWaitingForMessage,
  onResendTimeout,
  readMessage2,
  readMessage3,
  writeMessage2,
} from "./handshake.ts";
import { startIdle } from "./idle.ts";
import { receivePacket } from "./receive.ts";
import { startPackets } from "./slot.ts";
import {
  Connection,
  NOTICE_AUTHENTICATE,
  NOTICE_CONNECTED,
  PHASE_AUTHENTICATING,
  PHASE_CLOSING,
  PHASE_CONFIRMING,
  PHASE_ESTABLISHED,
} from "./state.ts";

// --- received ---

/** A 1-RTT packet. Returns a DROP_ reason. */
export function connectionReceivePacket(
  connection: Connection,
  packet: usize,
  size: i32,
  nowUs: u64,
): i32 {
  if (connection.phase == PHASE_CLOSING) onPacketWhileClosing(connection);
  if (isOver(connection)) return DROP_NONE;
  if (connection.hasKeys == 0 || isWaitingForVerdict(connection)) return DROP_UNAUTHENTIC;
  const wasConfirmed = connection.isConfirmed;
  const drop = receivePacket(connection, packet, size, nowUs);
  if (drop != DROP_NONE || isOver(connection)) return drop;
  if (connection.isInitiator == 0 && wasConfirmed == 0) confirmInitiator(connection, nowUs);
  else if (connection.phase == PHASE_CONFIRMING && connection.isConfirmed != 0) {
    establish(connection);
  }
  return DROP_NONE;
}

/** True while the initiator has not been told whether to trust the responder. */
function isWaitingForVerdict(connection: Connection): bool {
  return connection.isInitiator != 0 && connection.phase == PHASE_AUTHENTICATING;
}

/** The initiator has proved that it holds the keys and receives at its address. */
function confirmInitiator(connection: Connection, nowUs: u64): void {
  connection.isConfirmed = 1;
  connection.isValidated = 1;
  if (connection.refusal == VERDICT_ASK) {
    connection.phase = PHASE_AUTHENTICATING;
    ask(connection);
  } else if (connection.refusal != OK) {
    closeWith(connection, connection.refusal, nowUs);
  } else {
    establish(connection);
  }
}

function ask(connection: Connection): void {
  connection.notices |= NOTICE_AUTHENTICATE;
  connection.isShown = 1;
}

function establish(connection: Connection): void {
  connection.phase = PHASE_ESTABLISHED;
  connection.handshakeDeadlineUs = 0;
  connection.notices |= NOTICE_CONNECTED;
  connection.isShown = 1;
  if (connection.isInitiator == 0) connection.owesDone = 1;
}

/** Noise message 2 or 3. Returns a DROP_ reason. */
export function connectionReceiveHandshake(
  connection: Connection,
  packet: LongPacket,
  nowUs: u64,
  wallMs: u64,
): i32 {
  if (isOver(connection)) return DROP_NONE;
  if (!isWaitingForMessage(connection)) return DROP_REPLAYED;
  // Message 2 comes to the id that the initiator named, message 3 to the responder's.
  if (packet.connectionId != connection.localId) return DROP_UNAUTHENTIC;
  const isInitiator = connection.isInitiator != 0;
  const status = isInitiator ? readMessage2(connection, packet) : readMessage3(connection, packet);
  if (connection.hasAuthentic == 0) return DROP_UNAUTHENTIC;
  const verdict = status != OK ? status : authenticatePeer(connection, wallMs);
  if (isInitiator) judgeResponder(connection, verdict, nowUs);
  else beginConfirming(connection, verdict, nowUs);
  return DROP_NONE;
}

/** Initiator: what it learned of the responder decides whether it goes on. */
function judgeResponder(connection: Connection, verdict: i32, nowUs: u64): void {
  if (connection.hasKeys != 0) startPackets(connection);
  if (verdict == OK) {
    proceed(connection, nowUs);
  } else if (verdict == VERDICT_ASK) {
    connection.phase = PHASE_AUTHENTICATING;
    ask(connection);
  } else {
    connection.phase = PHASE_CONFIRMING;
    closeWith(connection, verdict, nowUs);
  }
}

/** Initiator: the responder is accepted; the first packet goes out at once, even with nothing to say. */
function proceed(connection: Connection, nowUs: u64): void {
  const hadKeys = connection.hasKeys != 0;
  const status = acceptResponder(connection, nowUs);
  if (status != OK) return abandon(connection, status);
  if (!hadKeys) startPackets(connection);
  connection.phase = PHASE_CONFIRMING;
  connection.isValidated = 1;
  connection.owesPing = 1;
  startIdle(connection, nowUs);
}

/** Responder: the keys are there; a refusal is told once the initiator has proved itself. */
function beginConfirming(connection: Connection, verdict: i32, nowUs: u64): void {
  connection.refusal = verdict;
  connection.phase = PHASE_CONFIRMING;
  startPackets(connection);
  startIdle(connection, nowUs);
}

/**
 * The responder does not know our key, or not our version. Believed only before anything authentic, and only
 * when the same message 1, sent again, is answered so again: one flipped bit must not end a dial.
 */
export function connectionReceiveHint(connection: Connection, packet: LongPacket): i32 {
  const isExpected = connection.isInitiator != 0 && isWaitingForMessage(connection);
  if (!isExpected || packet.connectionId != connection.initialId) return DROP_UNAUTHENTIC;
  // spec: RFC 9000 §6.2, whoever lists the version that we speak did not read ours.
  const isAboutKey = packet.kind == HINT_USE_XX;
  if (!isAboutKey && versionListHas(packet.versions, packet.versionCount, connection.version)) {
    return DROP_UNAUTHENTIC;
  }
  const sends = connection.resends + 1;
  const isSecond = connection.hintedSends != 0 && connection.hintedSends < sends;
  if (isSecond) abandon(connection, isAboutKey ? KEY_UNKNOWN : VERSION_UNSUPPORTED);
  else connection.hintedSends = sends;
  return DROP_NONE;
}

/** Message 1 came again: answered with the same message 2 while the initiator may still need it. */
export function connectionReceiveInitialAgain(connection: Connection): i32 {
  if (isOver(connection) || connection.messageSize == 0) return DROP_REPLAYED;
  connection.owesMessage = 1;
  return DROP_NONE;
}

// --- timed out ---

/** Looks at every timer of the connection. */
export function connectionOnTimeout(connection: Connection, nowUs: u64): void {
  if (hasPassed(connection.closeEndsAtUs, nowUs)) return endSilently(connection);
  if (hasPassed(connection.handshakeDeadlineUs, nowUs)) {
    return abandon(connection, HANDSHAKE_TIMEOUT);
  }
  if (hasPassed(connection.idleAtUs, nowUs)) return abandon(connection, IDLE_TIMEOUT);
  if (isOver(connection)) return;
  if (hasPassed(connection.resendAtUs, nowUs)) onResendTimeout(connection, nowUs);
  if (connection.hasKeys == 0) return;
  const outcome = recoveryOnTimeout(connection.recovery, nowUs);
  if (outcome == TIMEOUT_LOSS) drainLost(connection);
  if (outcome != TIMEOUT_PROBE) return;
  connection.probedAtUs = nowUs;
  repeatOldest(connection, recoveryProbes(connection.recovery));
}

function hasPassed(atUs: u64, nowUs: u64): bool {
  return atUs != 0 && atUs <= nowUs;
}

// --- commands ---

/** Responder: message 1 was read; answers it. Not OK: the slot is given back. */
export function connectionAccept(
  connection: Connection,
  packet: LongPacket,
  nowUs: u64,
  wallMs: u64,
): i32 {
  const status = writeMessage2(connection, packet, nowUs);
  if (status != OK || connection.hasKeys == 0) return status;
  beginConfirming(connection, authenticatePeer(connection, wallMs), nowUs);
  return OK;
}

/** The application's answer to `authenticate`. */
export function connectionAuthenticate(connection: Connection, isAccepted: bool, nowUs: u64): void {
  if (connection.phase != PHASE_AUTHENTICATING) return;
  connection.notices &= ~NOTICE_AUTHENTICATE;
  if (!isAccepted) closeWith(connection, PEER_REFUSED, nowUs);
  else if (connection.isInitiator != 0) proceed(connection, nowUs);
  else establish(connection);
}
