/**
 * The record of one connection: where it stands, its ids, its clocks, and where its sub-states lie.
 *
 * Spec       docs/protocol.md "Connection states" · RFC 9000 §10
 * Layer      connection (L3)
 * Memory     Connection, one record for each slot, reserved when the endpoint is created (slot.ts)
 * Invariant  phase only moves forward: FREE → HANDSHAKE → (AUTHENTICATING | CONFIRMING)* → ESTABLISHED →
 *            CLOSING | DRAINING → CLOSED → FREE; any phase may close
 *            times are microseconds on the host's monotonic clock, 0 where a timer is not set
 */

import { Local } from "./local.ts";

/** The slot is not in use. */
export const PHASE_FREE: i32 = 0;
/** Noise messages go to and fro; there are no packet keys. */
export const PHASE_HANDSHAKE: i32 = 1;
/** Keys are there. The responder waits for the first packet, the initiator for HANDSHAKE_DONE. */
export const PHASE_CONFIRMING: i32 = 2;
/** The application was asked whether it knows the peer. */
export const PHASE_AUTHENTICATING: i32 = 3;
/** The application may send and receive. */
export const PHASE_ESTABLISHED: i32 = 4;
/** This side sent CLOSE and answers whatever still comes with it. */
export const PHASE_CLOSING: i32 = 5;
/** The peer sent CLOSE: nothing is sent any more. */
export const PHASE_DRAINING: i32 = 6;
/** Nothing is received; the slot waits until the application has heard of the end. */
export const PHASE_CLOSED: i32 = 7;

/** How the peer's identity became acceptable; the order is that of the contract's `Trust`. */
export const TRUST_CERTIFIED: i32 = 0;
export const TRUST_PINNED: i32 = 1;
export const TRUST_UNKNOWN: i32 = 2;
export const TRUST_ANONYMOUS: i32 = 3;

export const CONNECTION_ID_SIZE: i32 = 8;
export const ADDRESS_SIZE: i32 = 24;
export const CERTIFICATE_SIZE_MAX: i32 = 512;
export const REASON_SIZE_MAX: i32 = 256;
export const NAME_SIZE_MAX: i32 = 128;

/** What the application still has to hear. */
export const NOTICE_AUTHENTICATE: u32 = 1;
export const NOTICE_CONNECTED: u32 = 2;
export const NOTICE_CLOSED: u32 = 4;

@unmanaged
export class Connection {
  /** What all connections of the endpoint share. */
  local: Local;
  // --- identity of the slot; everything from here to the sub-states is zero while the slot is free ---
  phase: i32;
  /** Never used again while the endpoint lives. */
  handle: i32;
  isInitiator: i32;
  pattern: i32;
  trust: i32;
  notices: u32;
  /** The application knows this connection, so it will hear of its end. */
  isShown: i32;

  // --- handshake ---
  /** True when the responder saw a valid 1-RTT packet, or the initiator saw HANDSHAKE_DONE. */
  isConfirmed: i32;
  /** The responder owes the initiator a HANDSHAKE_DONE that is not in flight. */
  owesDone: i32;
  /** A refusal that is told the peer once it proved that it holds its keys; a status, 0 for none. */
  refusal: i32;
  /** The initiator has read an authentic message: hints are not believed any more. */
  hasAuthentic: i32;
  /** Split() has given the packet keys. */
  hasKeys: i32;
  /** The message in `message` must go out now. */
  owesMessage: i32;
  messageSize: i32;
  /** How often the message was repeated, and all messages together. */
  backoff: u32;
  resends: u32;
  /** How often message 1 had been sent when a hint came; 0 before the first hint. */
  hintedSends: u32;
  handshakeDeadlineUs: u64;
  resendAtUs: u64;

  // --- ids and address ---
  /** The id that the peer puts into packets to us. */
  localId: u64;
  /** The id that we put into packets to the peer. */
  remoteId: u64;
  /** The id that the client chose for its first packet. */
  initialId: u64;
  /** What leads to this slot beside `localId` (endpoint/slots.ts). */
  initialRoute: u64;
  version: u32;
  /** The version that nobody speaks, which the initiator offered beside the real one. */
  greaseVersion: u32;
  isValidated: i32;
  /** Bytes from and to an address that is not validated (RFC 9000 §8.1). */
  unvalidatedReceived: u64;
  unvalidatedSent: u64;

  // --- peer's limits (transport parameters) ---
  peerMaxData: u64;
  peerMaxStreamData: u64;
  peerMaxStreamsBidi: u64;
  peerMaxDatagram: u32;
  peerMaxMessage: u32;
  peerMaxAckDelayUs: u32;
  peerIdleTimeoutMs: u32;
  maxPacket: i32;
  /** Bit `id` is set when the peer has stated the parameter. */
  peerParameters: u32;
  /** Our certificate is part of what we tell the peer. */
  showsCertificate: i32;

  // --- packets ---
  owesPing: i32;

  // --- timers ---
  idleTimeoutUs: u64;
  idleAtUs: u64;
  /** True after an ack-eliciting packet was sent since the last one was received (RFC 9000 §10.1). */
  hasSentSinceReceived: i32;
  closeEndsAtUs: u64;
  /** When the last probe timeout was handled. */
  probedAtUs: u64;
  /** When the pacer lets the packet go that it holds back. */
  pacingAtUs: u64;

  // --- close ---
  owesClose: i32;
  /** Why the connection ended: a status, 0 when an application closed it. */
  closeStatus: i32;
  isClosedByPeer: i32;
  applicationCode: u64;
  reasonSize: i32;
  /** Packets since the last answer with CLOSE; it doubles the distance between answers. */
  closeReceived: u32;
  closeAnswerAt: u32;

  // --- counters ---
  packetsSent: u64;
  packetsReceived: u64;
  bytesSent: u64;
  bytesReceived: u64;

  // --- sizes of what lies below ---
  certificateSize: i32;
  expectedNameSize: i32;
  hasExpectedIdentity: i32;
  hasRemoteStatic: i32;
  hasPeerIdentity: i32;
  /** The limit of streams, plus one, at which the peer was told that we want more; 0 for none. */
  blockedAtLimit: u64;
  /** An open was held back; the application is told when another stream is permitted. */
  wantsStreams: i32;
  /** The streams hold memory of the endpoint. */
  hasStreams: i32;

  // --- sub-states, reserved with the slot ---
  remote: usize;
  noise: usize;
  message: usize;
  sendKeys: usize;
  receiveKeys: usize;
  peerStatic: usize;
  peerIdentity: usize;
  certificate: usize;
  channelBinding: usize;
  expectedIdentity: usize;
  expectedName: usize;
  reason: usize;
  received: usize;
  recovery: usize;
  streams: usize;
  datagramsOut: usize;
  datagramsIn: usize;
}

/** True while packets under the packet keys are sent and taken. */
export function hasPacketKeys(connection: Connection): bool {
  const phase = connection.phase;
  return connection.hasKeys != 0 && phase >= PHASE_CONFIRMING && phase <= PHASE_ESTABLISHED;
}
