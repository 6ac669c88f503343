/**
 * Sizes and bounds that both sides of the wire rely on.
 *
 * Spec       docs/protocol.md §14
 * Layer      wire (L1); imports nothing
 * Invariant  test/unit/wire/specification.test.ts compares them with the tables of docs/protocol.md
 */

/** Bytes of a connection id. */
export const CONNECTION_ID_SIZE: i32 = 8;
/** Bytes of the short header and of the head of a long one. */
export const PACKET_HEADER_SIZE: i32 = 16;
/** Bytes of the authentication tag behind every ciphertext. */
export const TAG_SIZE: i32 = 16;
/** The header-protection sample: the first bytes of the ciphertext, so no packet is shorter. */
export const SAMPLE_SIZE: i32 = 16;
/** The smallest base size that a carrier may have. */
export const BASE_PACKET_MIN: i32 = 1024;
/** Base size on UDP: what every path is taken to carry. */
export const BASE_PACKET_BYTES: i32 = 1200;
/** Largest packet that can be configured (1500 less IPv6 and UDP headers). */
export const PACKET_MAX: i32 = 1452;
/**
 * Packet numbers, offsets, limits and stream ids stay below 2^62 (RFC 9000 §16 has the same bound).
 */
export const INTEGER_MAX: u64 = (1 << 62) - 1;
/** Streams of one kind and one initiator: the index must leave room for two bits. */
export const STREAMS_MAX: u64 = 1 << 60;
/** Bytes of a stream's protocol name. */
export const NAME_MAX: i32 = 128;
/** Ranges of an ACK behind the first. */
export const ACK_FURTHER_RANGES_MAX: i32 = 64;
/** Bytes of the reason of a CLOSE. */
export const REASON_MAX: i32 = 256;
/** Versions in one list. */
export const VERSIONS_MAX: i32 = 16;
/**
 * Bytes of the token area of an Initial; it is always there, so that a token never changes the
 * size.
 */
export const TOKEN_AREA_SIZE: i32 = 64;
/** Bytes of a certificate. */
export const CERTIFICATE_MAX: i32 = 512;
/** Bytes of an MXP message's payload: 16 MiB. */
export const PAYLOAD_MAX: u64 = 16 * 1024 * 1024;
