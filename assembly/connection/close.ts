/**
 * The end of a connection: CLOSE, the closing and draining periods, and what the application is told.
 *
 * Spec       RFC 9000 §10.2 · docs/protocol.md "Closing"
 * Layer      connection (L3)
 * Invariant  the CLOSE packet is sealed once and repeated byte for byte; after it is sealed no key is needed,
 *            so that every secret of the connection is wiped then
 */
import { invariant } from "../base/invariant.ts";
import { handshakeWipe } from "../noise/handshake-state.ts";
import { recoveryPtoUs } from "../recovery/recovery.ts";
import { keysWipe } from "./keys.ts";
import {
  Connection,
  hasPacketKeys,
  NOTICE_AUTHENTICATE,
  NOTICE_CLOSED,
  NOTICE_CONNECTED,
  PHASE_CLOSED,
  PHASE_CLOSING,
  PHASE_DRAINING,
  REASON_SIZE_MAX,
} from "./state.ts";
import { endStreams } from "./streams-start.ts";

/** spec: RFC 9000 §10.2, closing and draining last at least three probe timeouts. */
const CLOSE_PROBE_TIMEOUTS: u64 = 3;

/** True from the moment when the connection is over for the application. */
export function isOver(connection: Connection): bool {
  return connection.phase >= PHASE_CLOSING;
}

/**
 * Ends the connection from this side. `status` is 0 when the application asked for it. The peer is told when
 * there are keys to tell it under.
 */
export function closeLocally(
  connection: Connection,
  status: i32,
  applicationCode: u64,
  reason: usize,
  reasonSize: i32,
  nowUs: u64,
): void {
  if (isOver(connection)) return;
  noteEnd(connection, status, false, applicationCode, reason, reasonSize);
  if (hasPacketKeys(connection)) {
    connection.phase = PHASE_CLOSING;
    connection.owesClose = 1;
    connection.closeAnswerAt = 1;
    connection.closeEndsAtUs = nowUs + CLOSE_PROBE_TIMEOUTS * recoveryPtoUs(connection.recovery);
  } else {
    endSilently(connection);
  }
}

/** Ends the connection because of `status`, which the peer is told. */
export function closeWith(connection: Connection, status: i32, nowUs: u64): void {
  closeLocally(connection, status, 0, 0, 0, nowUs);
}

/** The peer's CLOSE came: nothing is sent any more (RFC 9000 §10.2.2). */
export function closeByPeer(
  connection: Connection,
  status: i32,
  applicationCode: u64,
  reason: usize,
  reasonSize: i32,
  nowUs: u64,
): void {
  if (isOver(connection)) return;
  noteEnd(connection, status, true, applicationCode, reason, reasonSize);
  connection.phase = PHASE_DRAINING;
  connection.closeEndsAtUs = nowUs + CLOSE_PROBE_TIMEOUTS * recoveryPtoUs(connection.recovery);
  wipeSecrets(connection);
}

/** Ends without a word: timeouts, and handshakes that never had keys. */
export function abandon(connection: Connection, status: i32): void {
  if (isOver(connection)) return;
  noteEnd(connection, status, false, 0, 0, 0);
  endSilently(connection);
}

/** The closing or draining period is over. */
export function endSilently(connection: Connection): void {
  connection.phase = PHASE_CLOSED;
  connection.closeEndsAtUs = 0;
  connection.owesClose = 0;
  connection.owesMessage = 0;
  wipeSecrets(connection);
}

/** Another packet came while closing: answered at the 1st, 2nd, 4th … one (RFC 9000 §10.2.1). */
export function onPacketWhileClosing(connection: Connection): void {
  connection.closeReceived += 1;
  if (connection.closeReceived < connection.closeAnswerAt) return;
  connection.closeAnswerAt *= 2;
  connection.owesClose = 1;
}

function noteEnd(
  connection: Connection,
  status: i32,
  isByPeer: bool,
  applicationCode: u64,
  reason: usize,
  reasonSize: i32,
): void {
  invariant(status <= 0);
  connection.closeStatus = status;
  connection.isClosedByPeer = isByPeer ? 1 : 0;
  connection.applicationCode = applicationCode;
  connection.reasonSize = min(reasonSize, REASON_SIZE_MAX);
  memory.copy(connection.reason, reason, connection.reasonSize);
  endStreams(connection);
  connection.handshakeDeadlineUs = 0;
  connection.resendAtUs = 0;
  connection.idleAtUs = 0;
  connection.owesMessage = 0;
  // What the application never heard of needs no end; what it has heard of gets exactly one.
  connection.notices &= ~(NOTICE_AUTHENTICATE | NOTICE_CONNECTED);
  if (connection.isShown != 0) connection.notices |= NOTICE_CLOSED;
}

/** Forgets every key of the connection. */
export function wipeSecrets(connection: Connection): void {
  handshakeWipe(connection.noise);
  keysWipe(connection.sendKeys);
  keysWipe(connection.receiveKeys);
  connection.hasKeys = 0;
}
