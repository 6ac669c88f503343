/** @module Interface mxp:engine/connection@0.1.0 **/
/**
 * Begins a handshake; `connected` or `closed` follows.
 * 
 * # Typical errors
 * `argument-invalid`, `handshake-too-large`, `memory-limit`.
 */
export function connect(endpoint: Endpoint, target: Target, now: Now): ConnectionId;
/**
 * Answers the event `authenticate`.
 */
export function authenticate(endpoint: Endpoint, connection: ConnectionId, isAccepted: boolean, now: Now): void;
/**
 * Sends one datagram; it may be lost and is never sent again.
 * 
 * # Typical errors
 * `datagram-too-large`, `stream-state` (no such connection).
 */
export function sendDatagram(endpoint: Endpoint, connection: ConnectionId, payload: Uint8Array): void;
/**
 * Closes with a code and a reason (at most 256 bytes) that the peer sees.
 */
export function close(endpoint: Endpoint, connection: ConnectionId, applicationCode: bigint, reason: string, now: Now): void;
export type Address = import('./mxp-engine-types.js').Address;
export type ConnectionId = import('./mxp-engine-types.js').ConnectionId;
export type ErrorCode = import('./mxp-engine-types.js').ErrorCode;
export type Now = import('./mxp-engine-types.js').Now;
export type Pattern = import('./mxp-engine-types.js').Pattern;
export type Endpoint = import('./mxp-engine-endpoint.js').Endpoint;
export interface Target {
  remote: Address,
  pattern: Pattern,
  /**
   * The responder's X25519 key: needed for `ik` and `nk`.
   */
  remoteStatic?: Uint8Array,
  /**
   * The Ed25519 identity that the responder must prove.
   */
  expectedIdentity?: Uint8Array,
  /**
   * The name that its certificate must carry.
   */
  expectedName?: string,
  /**
   * 32 fresh bytes from the operating system.
   */
  entropy: Uint8Array,
}
