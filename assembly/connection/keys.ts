/**
 * Packet protection of one direction: the keys that Split() gives, sealing, opening, header protection.
 *
 * Spec       docs/protocol.md "Packet protection" · RFC 9001 §5.3, §5.4.4, §6.6 · RFC 5869
 * Layer      connection (L3)
 * Memory     PacketKeys, 128 bytes:
 *              0 key 32 | 32 iv 12 | 44 zero 4 | 48 header key 32 | 80 secret 32 | 112 sealed u64 |
 *              120 forged u64
 * Invariant  a packet number is sealed at most once under a key: the builder only ever counts upwards
 * Limits     SEALED_MAX packets per key, FORGED_MAX failed openings per key (RFC 9001 §6.6, §B.2)
 */
import { aeadOpen, aeadSeal } from "../crypto/chacha20-poly1305.ts";
import { headerProtectionMask } from "../crypto/chacha20.ts";
import { wipe } from "../crypto/constant-time.ts";
import { hkdfExpand } from "../crypto/hkdf.ts";
import { PACKET_HEADER_SIZE, TAG_SIZE } from "../wire/limits.ts";
import { maskShortHeader } from "../wire/packet-header.ts";

export const PACKET_KEYS_SIZE: i32 = 128;

const KEY: usize = 0;
const IV: usize = 32;
const HEADER_KEY: usize = 48;
const SECRET: usize = 80;
const SEALED: usize = 112;
const FORGED: usize = 120;

/** The packet number is 62 bits wide, which ends the key long before ChaCha20 does. */
const SEALED_MAX: u64 = 1 << 62;
/** spec: RFC 9001 §6.6, 2^36 forgeries bound an attacker's advantage by 2^-57. */
const FORGED_MAX: u64 = 1 << 36;

// "mxp key", "mxp iv", "mxp hp"
const LABEL_KEY = memory.data<u8>([0x6d, 0x78, 0x70, 0x20, 0x6b, 0x65, 0x79]);
const LABEL_IV = memory.data<u8>([0x6d, 0x78, 0x70, 0x20, 0x69, 0x76]);
const LABEL_HEADER = memory.data<u8>([0x6d, 0x78, 0x70, 0x20, 0x68, 0x70]);

const nonce = memory.data(16, 16);
const mask = memory.data(16, 16);

/** Takes one of the two secrets of Split() and derives everything that this direction needs. */
export function keysDerive(keys: usize, secret: usize): void {
  memory.fill(keys, 0, PACKET_KEYS_SIZE);
  memory.copy(keys + SECRET, secret, 32);
  hkdfExpand(keys + SECRET, LABEL_KEY, 7, keys + KEY, 32);
  hkdfExpand(keys + SECRET, LABEL_IV, 6, keys + IV, 12);
  hkdfExpand(keys + SECRET, LABEL_HEADER, 6, keys + HEADER_KEY, 32);
}

export function keysWipe(keys: usize): void {
  wipe(keys, PACKET_KEYS_SIZE);
  wipe(nonce, 16);
  wipe(mask, 16);
}

/** True while one more packet may be sealed under these keys. */
export function keysMaySeal(keys: usize): bool {
  return load<u64>(keys, SEALED) < SEALED_MAX;
}

/** True when so many forgeries came that the key must not be used for opening any more. */
export function keysAreForged(keys: usize): bool {
  return load<u64>(keys, FORGED) >= FORGED_MAX;
}

/** Nonce = iv xor packet number, the number in the last eight bytes, most significant first. */
function makeNonce(keys: usize, packetNumber: u64): void {
  store<u32>(nonce, load<u32>(keys, IV));
  store<u64>(nonce + 4, load<u64>(keys, IV + 4) ^ bswap<u64>(packetNumber));
}

function protectHeader(keys: usize, packet: usize): void {
  headerProtectionMask(keys + HEADER_KEY, packet + PACKET_HEADER_SIZE, mask);
  maskShortHeader(packet, mask);
}

/**
 * Seals a packet in place: 16 bytes of clear header, then `payloadSize` bytes, then room for the tag.
 * Returns the size of the packet.
 */
export function sealPacket(keys: usize, packetNumber: u64, packet: usize, payloadSize: i32): i32 {
  const payload = packet + PACKET_HEADER_SIZE;
  makeNonce(keys, packetNumber);
  aeadSeal(keys + KEY, nonce, packet, PACKET_HEADER_SIZE, payload, payloadSize);
  protectHeader(keys, packet);
  store<u64>(keys, load<u64>(keys, SEALED) + 1, SEALED);
  return PACKET_HEADER_SIZE + payloadSize + TAG_SIZE;
}

/** Takes the header protection off. `packet` must hold 16 bytes of header and a sample of 16. */
export function unmaskPacket(keys: usize, packet: usize): void {
  protectHeader(keys, packet);
}

/** Opens an unmasked packet in place. False leaves the payload as it was and counts a forgery. */
export function openPacket(keys: usize, packetNumber: u64, packet: usize, payloadSize: i32): bool {
  makeNonce(keys, packetNumber);
  const payload = packet + PACKET_HEADER_SIZE;
  const isAuthentic = aeadOpen(keys + KEY, nonce, packet, PACKET_HEADER_SIZE, payload, payloadSize);
  if (!isAuthentic) store<u64>(keys, load<u64>(keys, FORGED) + 1, FORGED);
  return isAuthentic;
}
