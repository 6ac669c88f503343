/**
 * The idle timeout: silence after which a connection is forgotten without a word.
 *
 * Spec       RFC 9000 §10.1
 * Layer      connection (L3)
 */
import { Connection } from "./state.ts";

/** A peer must have had three probe timeouts to be heard (RFC 9000 §10.1). */
const PROBE_TIMEOUTS: u64 = 3;

/** Takes the smaller of both sides' timeouts; a side that says 0 has none. */
export function startIdle(connection: Connection, nowUs: u64): void {
  const own = connection.local.idleTimeoutMs;
  const peer = connection.peerIdleTimeoutMs;
  const shorter = own == 0 ? peer : peer == 0 ? own : min(own, peer);
  connection.idleTimeoutUs = <u64>shorter * 1000;
  connection.hasSentSinceReceived = 0;
  restart(connection, nowUs, 0);
}

/** A packet was received and its frames were taken. */
export function idleOnReceived(connection: Connection, nowUs: u64, ptoUs: u64): void {
  connection.hasSentSinceReceived = 0;
  restart(connection, nowUs, ptoUs);
}

/** An ack-eliciting packet leaves: only the first one since the peer was heard counts. */
export function idleOnSent(connection: Connection, nowUs: u64, ptoUs: u64): void {
  if (connection.hasSentSinceReceived != 0) return;
  connection.hasSentSinceReceived = 1;
  restart(connection, nowUs, ptoUs);
}

function restart(connection: Connection, nowUs: u64, ptoUs: u64): void {
  if (connection.idleTimeoutUs == 0) return;
  connection.idleAtUs = nowUs + max(connection.idleTimeoutUs, PROBE_TIMEOUTS * ptoUs);
}
