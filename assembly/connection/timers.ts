/**
 * The timers of a connection, as a table: each is a time that a sub-state keeps, 0 when it is not set.
 *
 * Spec       RFC 9002 §6.2 · RFC 9000 §10, §13.2
 * Layer      connection (L3)
 *
 * | timer             | When to …                                                          |
 * |-------------------|--------------------------------------------------------------------|
 * | handshakeDeadline | give up on a handshake that is not confirmed                        |
 * | resend            | send the initiator's Noise message again                            |
 * | idle              | forget a connection on which nothing was heard                      |
 * | closeEnds         | forget a connection that was closed                                 |
 * | acknowledgement   | acknowledge what arrived, if no other packet has done it by then    |
 * | recovery          | declare packets lost, or probe for an acknowledgement               |
 * | pacing            | send the packet that the pacer holds back                           |
 */
import { receivedAckTimerUs } from "../recovery/received-packets.ts";
import { recoveryTimerUs } from "../recovery/recovery.ts";
import { Connection, hasPacketKeys } from "./state.ts";

/** No timer is set. */
export const NO_TIMER: u64 = u64.MAX_VALUE;
const PROBE_RETRY_US: u64 = 100_000;

function earlier(timerUs: u64, nextUs: u64): u64 {
  return timerUs != 0 && timerUs < nextUs ? timerUs : nextUs;
}

/**
 * Recovery's timer counts from the last packet that asked for an acknowledgement. When a probe could not be sent,
 * that time stands still, and a timer that has passed would fire without end.
 */
function recoveryDeadlineUs(connection: Connection): u64 {
  const timerUs = recoveryTimerUs(connection.recovery);
  if (timerUs == 0 || timerUs > connection.probedAtUs) return timerUs;
  return connection.probedAtUs + PROBE_RETRY_US;
}

/** The earliest timer, or NO_TIMER. */
export function connectionTimeoutUs(connection: Connection): u64 {
  let nextUs = earlier(connection.handshakeDeadlineUs, NO_TIMER);
  nextUs = earlier(connection.resendAtUs, nextUs);
  nextUs = earlier(connection.idleAtUs, nextUs);
  nextUs = earlier(connection.closeEndsAtUs, nextUs);
  if (!hasPacketKeys(connection)) return nextUs;
  nextUs = earlier(receivedAckTimerUs(connection.received), nextUs);
  nextUs = earlier(recoveryDeadlineUs(connection), nextUs);
  return earlier(connection.pacingAtUs, nextUs);
}
