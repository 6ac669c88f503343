/**
 * The short header of protected packets, and what every packet has in one place: id, type, length.
 *
 * Spec       docs/protocol.md §3.1, §4 · RFC 9001 §5.4 (the mask and how it is applied)
 * Layer      wire (L1); imports base/status.ts
 * Memory     16 bytes; it is the AAD before it is masked:
 *
 *            0                               8       9       10              12              16
 *            +-------------------------------+-------+-------+---------------+---------------+
 *            | destination connection id     | flags | number| length        | packet number |
 *            |                               |       | byte  | (body + tag)  | (low 4 bytes) |
 *            +-------------------------------+-------+-------+---------------+---------------+
 *                                              ^^^^^ ^^^^^^^                 ^^^^^^^^^^^^^^^
 *            masked: bits 3-7 of flags, the number byte, the packet number
 *
 * Invariant  reserved bits are read only after the AEAD has accepted the packet
 * Twin       test/reference/packets.ts
 */
import { PACKET_INVALID } from "../base/status.ts";
import { PACKET_HEADER_SIZE, SAMPLE_SIZE } from "./limits.ts";
import { truncatePacketNumber } from "./packet-number.ts";

/** Packet types: bits 0 to 2 of the flags, never masked. 0 means nothing. */
export const PACKET_INITIAL: i32 = 1;
export const PACKET_HANDSHAKE: i32 = 2;
/** Reserved: early data has no packet type of its own. */
export const PACKET_ZERO_RTT: i32 = 3;
export const PACKET_ONE_RTT: i32 = 4;
/** Reserved: a probe of another path. */
export const PACKET_PROBE: i32 = 5;
/** Reserved: a stateless retry with a token. */
export const PACKET_RETRY: i32 = 6;
export const PACKET_HINT: i32 = 7;

const AT_FLAGS: usize = 8;
const AT_NUMBER_BYTE: usize = 9;
const AT_LENGTH: usize = 10;
const AT_NUMBER: usize = 12;

const TYPE_MASK: u32 = 0x07;
const KEY_PHASE: u32 = 0x08;
const FLAGS_RESERVED: u32 = 0xf0;
const NUMBER_BYTE_RESERVED: u32 = 0xfc;

/** The destination connection id of the packet at `ptr`; the 16 bytes of its head must be there. */
export function packetConnectionId(ptr: usize): u64 {
  return load<u64>(ptr);
}

/** The packet type of the packet at `ptr`; the 16 bytes of its head must be there. */
export function packetType(ptr: usize): i32 {
  return <i32>(<u32>load<u8>(ptr, AT_FLAGS) & TYPE_MASK);
}

/**
 * All bytes of the first packet in a datagram's remaining `length` bytes at `ptr`, head included;
 * or PACKET_INVALID when there is no whole packet: then the rest of the datagram is dropped.
 */
export function packetSize(ptr: usize, length: i32): i32 {
  if (length < PACKET_HEADER_SIZE) return PACKET_INVALID;
  const size = PACKET_HEADER_SIZE + <i32>load<u16>(ptr, AT_LENGTH);
  return size > length ? PACKET_INVALID : size;
}

/**
 * True when a 1-RTT packet of `size` bytes (as of `packetSize`) has enough ciphertext to be
 * sampled.
 */
export function hasSample(size: i32): bool {
  return size >= PACKET_HEADER_SIZE + SAMPLE_SIZE;
}

/**
 * Writes the unmasked short header of a 1-RTT packet: the AAD. `bodyLength` counts ciphertext and
 * tag, `numberBytes` is what `packetNumberBytes` says.
 */
export function writeShortHeader(
  out: usize,
  connectionId: u64,
  hasPhaseBit: bool,
  packetNumber: u64,
  numberBytes: i32,
  bodyLength: i32,
): void {
  store<u64>(out, connectionId);
  store<u8>(out, <u32>PACKET_ONE_RTT | (hasPhaseBit ? KEY_PHASE : 0), AT_FLAGS);
  store<u8>(out, numberBytes - 1, AT_NUMBER_BYTE);
  store<u16>(out, bodyLength, AT_LENGTH);
  store<u32>(out, truncatePacketNumber(packetNumber, numberBytes), AT_NUMBER);
}

/**
 * Masks or unmasks the short header in place (the operation is its own inverse). `mask` points to
 * the 8 bytes that the header-protection key gives for the sample; six of them are used.
 */
export function maskShortHeader(header: usize, mask: usize): void {
  const flags = <u32>load<u8>(header, AT_FLAGS) ^ (<u32>load<u8>(mask) & ~TYPE_MASK);
  store<u8>(header, flags, AT_FLAGS);
  store<u8>(header, load<u8>(header, AT_NUMBER_BYTE) ^ load<u8>(mask, 1), AT_NUMBER_BYTE);
  store<u32>(header, load<u32>(header, AT_NUMBER) ^ load<u32>(mask, 2), AT_NUMBER);
}

/** The key phase bit of an unmasked header. */
export function isKeyPhaseOne(header: usize): bool {
  return (<u32>load<u8>(header, AT_FLAGS) & KEY_PHASE) != 0;
}

/** Significant bytes (1 to 4) of the packet number of an unmasked header. */
export function shortHeaderNumberBytes(header: usize): i32 {
  return 1 + <i32>(<u32>load<u8>(header, AT_NUMBER_BYTE) & 3);
}

/** The truncated packet number of an unmasked header: its significant bytes only. */
export function shortHeaderNumber(header: usize): u32 {
  return truncatePacketNumber(load<u32>(header, AT_NUMBER), shortHeaderNumberBytes(header));
}

/**
 * True when every reserved bit of an unmasked header is zero. Asked only after the AEAD has
 * accepted the packet, else the answer would tell an attacker about bits under the mask (RFC 9001
 * §9.5).
 */
export function reservedBitsAreZero(header: usize): bool {
  if ((<u32>load<u8>(header, AT_FLAGS) & FLAGS_RESERVED) != 0) return false;
  if ((<u32>load<u8>(header, AT_NUMBER_BYTE) & NUMBER_BYTE_RESERVED) != 0) return false;
  return load<u32>(header, AT_NUMBER) == shortHeaderNumber(header);
}
