/** @module Interface mxp:engine/digest@0.1.0 **/
/**
 * SHA-256 (FIPS 180-4), 32 bytes.
 */
export function sha256(data: Uint8Array): Uint8Array;
/**
 * XXH3-64 with seed 0: the checksum of MXP messages. Detects accidents, not attackers.
 */
export function xxh3(data: Uint8Array): bigint;
/**
 * CRC32C (RFC 3720 §B.4), continuing from `before`; 0 begins.
 */
export function crc32c(before: number, data: Uint8Array): number;
