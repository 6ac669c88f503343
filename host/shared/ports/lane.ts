/**
 * A lane: the way to one named peer, whatever carries it. The services (fabric, gateway, mesh) are written against
 * this port; the MXP transport implements it.
 */
import type { Failure } from "./failure.ts";

/** What every call carries before its payload. The version is fixed, so that no later part invents its own. */
export interface CallRecord {
  readonly version: 1;
  /** W3C Trace Context, 55 characters. */
  readonly traceparent: string;
  readonly tenant: string;
  /** Names the audit entry that this call belongs to. */
  readonly auditId: string;
  /** Names this call; equal in every record, frame and receipt of it. */
  readonly correlationId: string;
  /** How long the caller waits, counted from the moment of sending. */
  readonly timeoutMs: number;
  /** Empty: the call must not be repeated. */
  readonly idempotencyKey: string;
  /** How many calls deep this one is; 1 for a call that no other call made. */
  readonly depth: number;
}

/** Whom a lane leads to and how it is protected. */
export interface LanePeer {
  /** The peer's id: its libp2p PeerId, from its Ed25519 key. Empty when anonymous. */
  readonly id: string;
  /** The peer's Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly trust: "certified" | "pinned" | "unknown" | "anonymous";
  /** "udp", later others. */
  readonly carrier: string;
  /** The Noise protocol name, such as "Noise_IK_25519_ChaChaPoly_SHA256". */
  readonly handshake: string;
  /** 32 bytes, equal on both sides and never repeated. */
  readonly channelBinding: Uint8Array;
  readonly remote: string;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** A call that arrived. */
export interface IncomingCall {
  readonly peer: LanePeer;
  readonly agent: string;
  readonly record: CallRecord;
  readonly payload: Uint8Array;
  /** Aborted when the caller cancels, its deadline passes or the lane dies. */
  readonly signal: AbortSignal;
}

/** Answers a call: yields any number of payloads; the last one ends the call. A thrown failure reaches the caller. */
export type CallHandler = (call: IncomingCall) => AsyncIterable<Uint8Array>;

export interface Lane {
  readonly peer: LanePeer;
  /** Smoothed round-trip time. */
  readonly rttUs: number;
  /**
   * Calls `agent` on the peer and yields each payload of the answer. Fails with the peer's failure,
   * `deadline-exceeded`, `cancelled`, or `outcome-unknown` when the lane died while the call was in flight.
   */
  call(
    agent: string,
    record: CallRecord,
    payload: Uint8Array,
    options?: CallOptions,
  ): AsyncIterable<Uint8Array>;
  /** Ends the lane. */
  close(reason: string): Promise<void>;
  /** Resolves once, with why the lane ended; null for a clean close. */
  readonly closed: Promise<Failure | null>;
}
