/**
 * What the application is told, one event at a time. Nothing is queued: every event is a flag on the
 * connection, on one of its streams, or on its datagram queue, so that there is nothing to overflow.
 *
 * Layer      connection (L3)
 * Invariant  between `connected` and `closed` lie all events of streams and datagrams
 */
import {
  Connection,
  NOTICE_AUTHENTICATE,
  NOTICE_CLOSED,
  NOTICE_CONNECTED,
  PHASE_ESTABLISHED,
} from "./state.ts";
import {
  Event,
  EVENT_AUTHENTICATE,
  EVENT_CLOSED,
  EVENT_CONNECTED,
  EVENT_NONE,
  FLAG_INITIATOR,
} from "./event.ts";
import { nextDatagramEvent } from "./datagrams.ts";
import { nextStreamEvent } from "./stream-events.ts";

/** spec: docs/protocol.md "Authentication", the verdict must come before the handshake times out. */
const VERDICT_MARGIN_US: u64 = 500_000;

/** Writes the next event of `connection` to `event` and returns its kind; EVENT_NONE when there is none. */
export function nextConnectionEvent(connection: Connection, event: Event): i32 {
  event.connection = connection.handle;
  if ((connection.notices & NOTICE_AUTHENTICATE) != 0) return authenticate(connection, event);
  if ((connection.notices & NOTICE_CONNECTED) != 0) return connected(connection, event);
  if (connection.phase == PHASE_ESTABLISHED) {
    const kind = nextStreamEvent(connection, event);
    return kind != EVENT_NONE ? kind : nextDatagramEvent(connection, event);
  }
  if ((connection.notices & NOTICE_CLOSED) != 0) return closed(connection, event);
  return EVENT_NONE;
}

function describePeer(connection: Connection, event: Event): void {
  event.identity = connection.peerIdentity;
  event.hasIdentity = connection.hasPeerIdentity;
  event.data = connection.certificate;
  event.dataSize = connection.certificateSize;
  event.remote = connection.remote;
}

function authenticate(connection: Connection, event: Event): i32 {
  connection.notices &= ~NOTICE_AUTHENTICATE;
  describePeer(connection, event);
  const deadlineUs = connection.handshakeDeadlineUs;
  event.value = deadlineUs > VERDICT_MARGIN_US ? deadlineUs - VERDICT_MARGIN_US : deadlineUs;
  return EVENT_AUTHENTICATE;
}

function connected(connection: Connection, event: Event): i32 {
  connection.notices &= ~NOTICE_CONNECTED;
  describePeer(connection, event);
  event.flags = connection.pattern | (connection.isInitiator != 0 ? FLAG_INITIATOR : 0);
  event.code = connection.trust;
  event.peerStatic = connection.peerStatic;
  event.hasStatic = connection.hasRemoteStatic;
  event.binding = connection.channelBinding;
  return EVENT_CONNECTED;
}

function closed(connection: Connection, event: Event): i32 {
  connection.notices &= ~NOTICE_CLOSED;
  event.code = -connection.closeStatus;
  event.flags = connection.isClosedByPeer;
  event.value = connection.applicationCode;
  event.data = connection.reason;
  event.dataSize = connection.reasonSize;
  return EVENT_CLOSED;
}
