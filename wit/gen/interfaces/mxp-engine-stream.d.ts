/** @module Interface mxp:engine/stream@0.1.0 **/
/**
 * Opens a stream. Nothing is sent until it is written.
 * 
 * # Typical errors
 * `stream-limit`, `argument-invalid` (a name above 128 bytes), `stream-state`.
 */
export function open(endpoint: Endpoint, connection: ConnectionId, kind: StreamKind, band: Band, protocol: string): StreamId;
/**
 * Takes bytes, maybe fewer than given: then wait for `writable`. `is-last` ends this direction once all are taken.
 */
export function write(endpoint: Endpoint, connection: ConnectionId, id: StreamId, data: Uint8Array, isLast: boolean): number;
/**
 * Reads at most `max` bytes and returns credit for them to the peer.
 */
export function read(endpoint: Endpoint, connection: ConnectionId, id: StreamId, max: number): ReadResult;
/**
 * Takes a whole message or nothing.
 * 
 * # Typical errors
 * `would-block` (wait for `writable`), `message-too-large`.
 */
export function sendMessage(endpoint: Endpoint, connection: ConnectionId, id: StreamId, header: Header, payload: Uint8Array, isLast: boolean): void;
/**
 * The next whole message.
 */
export function readMessage(endpoint: Endpoint, connection: ConnectionId, id: StreamId): MessageResult;
/**
 * Gives up sending.
 */
export function reset(endpoint: Endpoint, connection: ConnectionId, id: StreamId, code: bigint): void;
/**
 * Gives up receiving.
 */
export function stop(endpoint: Endpoint, connection: ConnectionId, id: StreamId, code: bigint): void;
export type Band = import('./mxp-engine-types.js').Band;
export type ConnectionId = import('./mxp-engine-types.js').ConnectionId;
export type ErrorCode = import('./mxp-engine-types.js').ErrorCode;
export type StreamId = import('./mxp-engine-types.js').StreamId;
export type StreamKind = import('./mxp-engine-types.js').StreamKind;
export type Endpoint = import('./mxp-engine-endpoint.js').Endpoint;
export type Header = import('./mxp-engine-message.js').Header;
export type Decoded = import('./mxp-engine-message.js').Decoded;
/**
 * What a read found.
 */
export type ReadResult = ReadResultData | ReadResultNone | ReadResultEnd;
export interface ReadResultData {
  tag: 'data',
  val: Uint8Array,
}
/**
 * Nothing is there now: wait for `readable`.
 */
export interface ReadResultNone {
  tag: 'none',
}
/**
 * The peer has finished.
 */
export interface ReadResultEnd {
  tag: 'end',
}
/**
 * What reading a message found.
 */
export type MessageResult = MessageResultMessage | MessageResultNone | MessageResultEnd;
export interface MessageResultMessage {
  tag: 'message',
  val: Decoded,
}
export interface MessageResultNone {
  tag: 'none',
}
export interface MessageResultEnd {
  tag: 'end',
}
