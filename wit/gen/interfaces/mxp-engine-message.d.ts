/** @module Interface mxp:engine/message@0.1.0 **/
/**
 * Writes one message.
 * 
 * # Typical errors
 * `invalid-message-type`, `invalid-flags`, `payload-too-large` (above 16 MiB).
 */
export function encode(header: Header, payload: Uint8Array): Uint8Array;
/**
 * Reads one message; with `strict`, bytes behind its checksum are an error.
 * 
 * # Typical errors
 * In this order: `buffer-too-small`, `invalid-magic`, `reserved-field-non-zero`, `invalid-message-type`,
 * `invalid-flags`, `payload-too-large`, `buffer-too-small`, `checksum-mismatch`, then `trailing-bytes`.
 */
export function decode(bytes: Uint8Array, strict: boolean): Decoded;
export type ErrorCode = import('./mxp-engine-types.js').ErrorCode;
/**
 * The header's fields that a sender chooses. Magic, reserved bytes and length are the codec's.
 */
export interface Header {
  /**
   * One of the published types, such as 0x10 for Call.
   */
  messageType: number,
  /**
   * Bit 0 compressed, 1 encrypted, 2 requires an Ack, 3 final. Others are zero.
   */
  flags: number,
  messageId: bigint,
  traceId: bigint,
}
/**
 * A decoded message.
 */
export interface Decoded {
  header: Header,
  payload: Uint8Array,
}
