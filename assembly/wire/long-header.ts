/**
 * Packets with a long head (Initial, Handshake, Hint) and the prologue that binds the clear part.
 *
 * Spec       docs/protocol.md §3
 * Layer      wire (L1); imports base/status.ts
 * Memory     the head, 16 bytes; the length counts what follows it:
 *
 *            0                               8       9       10              12              16
 *            +-------------------------------+-------+-------+---------------+---------------+
 *            | destination connection id     | flags | kind  | length        | version       |
 *            +-------------------------------+-------+-------+---------------+---------------+
 *
 *            an Initial goes on, from 16:
 *
 *            +-------------------------------+-------+-------+---------------+---------------+
 *            | key id 8                      | count | 0     | token length  | 0             |
 *            +-------------------------------+-------+-------+---------------+---------------+
 *            | versions, 4 x count, zero-padded to 8                                         |
 *            +-------------------------------------------------------------------------------+
 *            | token area, 64 bytes, zero behind the token                                   |
 *            +-------------------------------------------------------------------------------+
 *            | Noise message 1 ...                                                           |
 *
 * Limits     VERSIONS_MAX, TOKEN_AREA_SIZE
 * Twin       test/reference/packets.ts
 */
import { PACKET_INVALID } from "../base/status.ts";
import { align8, Cursor, CURSOR_SIZE, isZero } from "./cursor.ts";
import { PACKET_HEADER_SIZE, TOKEN_AREA_SIZE, VERSIONS_MAX } from "./limits.ts";
import { PACKET_HANDSHAKE, PACKET_HINT, PACKET_INITIAL, packetSize } from "./packet-header.ts";

/** Kinds of an Initial: the Noise pattern. 5 (NNpsk0) is reserved. */
export const INITIAL_IK: i32 = 1;
export const INITIAL_NK: i32 = 2;
export const INITIAL_XX: i32 = 3;
export const INITIAL_NX: i32 = 4;
export const INITIAL_NNPSK0: i32 = 5;

/** Kinds of a Handshake: the index of the Noise message that it carries. */
export const HANDSHAKE_MESSAGE_2: i32 = 2;
export const HANDSHAKE_MESSAGE_3: i32 = 3;

/**
 * Kinds of a Hint: the versions that the responder speaks; or its key is another, so use XX or NX.
 */
export const HINT_VERSIONS: i32 = 1;
export const HINT_USE_XX: i32 = 2;

/** Bytes of the fixed part of an Initial behind the head. */
const INITIAL_FIXED_SIZE: i32 = 16;
/** Largest prologue that `writePrologue` makes. */
export const PROLOGUE_MAX: i32 = 17 + 4 * VERSIONS_MAX;
/** "mxp1", the first bytes of the prologue, as a little-endian number. */
const PROLOGUE_LABEL: u32 = 0x3170786d;

/** Bytes of a LongPacket. */
export const LONG_PACKET_SIZE: i32 = 56;

/**
 * A decoded Initial, Handshake or Hint. Pointers lead into the datagram and live as long as it.
 *
 *  0 connectionId u64 | 8 keyId u64 | 16 type i32 | 20 kind i32 | 24 version u32
 * 28 versionCount i32 | 32 versions usize | 36 token usize | 40 tokenLength i32
 * 44 body usize | 48 bodyLength i32 | 52 unused
 *
 * `body` is the Noise message of an Initial or a Handshake; a Hint has none.
 */
@unmanaged
export class LongPacket {
  connectionId: u64;
  keyId: u64;
  type: i32;
  kind: i32;
  version: u32;
  versionCount: i32;
  versions: usize;
  token: usize;
  tokenLength: i32;
  body: usize;
  bodyLength: i32;
}

const CURSOR: usize = memory.data(CURSOR_SIZE, 8);

/** Bytes of an Initial before its Noise message. */
export function initialHeadSize(versionCount: i32): i32 {
  return PACKET_HEADER_SIZE + INITIAL_FIXED_SIZE + align8(4 * versionCount) + TOKEN_AREA_SIZE;
}

/** Writes the 16 bytes that every packet with a long head begins with. */
export function writeLongHead(
  out: usize,
  connectionId: u64,
  type: i32,
  kind: i32,
  length: i32,
  version: u32,
): void {
  store<u64>(out, connectionId);
  store<u8>(out, type, 8);
  store<u8>(out, kind, 9);
  store<u16>(out, length, 10);
  store<u32>(out, version, 12);
}

/**
 * Writes an Initial up to its Noise message, of which `noiseLength` bytes follow, and returns the
 * bytes written (`initialHeadSize`). `keyId` is 0 for XX and NX. The token, at most 64 bytes, is
 * not part of the prologue.
 */
export function writeInitialHead(
  out: usize,
  connectionId: u64,
  kind: i32,
  version: u32,
  keyId: u64,
  versions: usize,
  versionCount: i32,
  token: usize,
  tokenLength: i32,
  noiseLength: i32,
): i32 {
  const size = initialHeadSize(versionCount);
  const length = size - PACKET_HEADER_SIZE + noiseLength;
  writeLongHead(out, connectionId, PACKET_INITIAL, kind, length, version);
  store<u64>(out, keyId, 16);
  store<u8>(out, versionCount, 24);
  store<u8>(out, 0, 25);
  store<u16>(out, tokenLength, 26);
  store<u32>(out, 0, 28);
  const list = out + <usize>(PACKET_HEADER_SIZE + INITIAL_FIXED_SIZE);
  memory.fill(list, 0, <usize>(align8(4 * versionCount) + TOKEN_AREA_SIZE));
  memory.copy(list, versions, <usize>(4 * versionCount));
  memory.copy(list + <usize>align8(4 * versionCount), token, <usize>tokenLength);
  return size;
}

/**
 * Writes the head of a Handshake that carries Noise message `kind` of `noiseLength` bytes; returns
 * 16.
 */
export function writeHandshakeHead(
  out: usize,
  connectionId: u64,
  kind: i32,
  version: u32,
  noiseLength: i32,
): i32 {
  writeLongHead(out, connectionId, PACKET_HANDSHAKE, kind, noiseLength, version);
  return PACKET_HEADER_SIZE;
}

/** Writes a Hint with the versions that this side speaks; returns its size. */
export function writeVersionsHint(
  out: usize,
  connectionId: u64,
  version: u32,
  versions: usize,
  versionCount: i32,
): i32 {
  const listSize = align8(4 * versionCount);
  writeLongHead(out, connectionId, PACKET_HINT, HINT_VERSIONS, 8 + listSize, version);
  store<u64>(out, <u64>versionCount, 16);
  memory.fill(out + 24, 0, <usize>listSize);
  memory.copy(out + 24, versions, <usize>(4 * versionCount));
  return PACKET_HEADER_SIZE + 8 + listSize;
}

/** Writes a Hint that the key id is not known here; returns its size. */
export function writeUseXxHint(out: usize, connectionId: u64, version: u32): i32 {
  writeLongHead(out, connectionId, PACKET_HINT, HINT_USE_XX, 0, version);
  return PACKET_HEADER_SIZE;
}

/**
 * Decodes the Initial, Handshake or Hint at `ptr` into `out`. Returns its size in the datagram, or
 * PACKET_INVALID for anything else: reserved types and kinds, reserved bits, lists that are too
 * long or do not fit.
 */
export function decodeLongPacket(ptr: usize, length: i32, out: LongPacket): i32 {
  const size = packetSize(ptr, length);
  if (size < 0) return PACKET_INVALID;
  const cursor = changetype<Cursor>(CURSOR);
  cursor.open(ptr, size);
  out.connectionId = cursor.u64();
  // The whole byte: bits 3 to 7 are reserved and nothing masks them here.
  out.type = <i32>cursor.u8();
  out.kind = <i32>cursor.u8();
  cursor.u16();
  out.version = cursor.u32();
  out.keyId = 0;
  out.versions = 0;
  out.versionCount = 0;
  out.token = 0;
  out.tokenLength = 0;
  if (!readRest(cursor, out) || cursor.isShort) return PACKET_INVALID;
  out.body = cursor.at;
  out.bodyLength = cursor.remaining();
  return size;
}

/** What lies between the head and the Noise message. */
function readRest(cursor: Cursor, out: LongPacket): bool {
  switch (out.type) {
    case PACKET_INITIAL:
      return readInitial(cursor, out);
    case PACKET_HANDSHAKE:
      return readHandshake(out);
    case PACKET_HINT:
      return readHint(cursor, out);
    default:
      return false;
  }
}

function readInitial(cursor: Cursor, out: LongPacket): bool {
  if (out.kind < INITIAL_IK || out.kind > INITIAL_NX) return false;
  out.keyId = cursor.u64();
  out.versionCount = <i32>cursor.u8();
  const reservedByte = cursor.u8();
  out.tokenLength = <i32>cursor.u16();
  const reservedWord = cursor.u32();
  if (reservedByte != 0 || reservedWord != 0) return false;
  if (out.tokenLength > TOKEN_AREA_SIZE) return false;
  if (!readVersions(cursor, out)) return false;
  out.token = cursor.take(TOKEN_AREA_SIZE);
  if (out.token == 0) return false;
  const padding = out.token + <usize>out.tokenLength;
  return isZero(padding, TOKEN_AREA_SIZE - out.tokenLength);
}

function readHandshake(out: LongPacket): bool {
  return out.kind == HANDSHAKE_MESSAGE_2 || out.kind == HANDSHAKE_MESSAGE_3;
}

function readHint(cursor: Cursor, out: LongPacket): bool {
  if (out.kind == HINT_VERSIONS) {
    const count = cursor.u64();
    if (count > <u64>VERSIONS_MAX) return false;
    out.versionCount = <i32>count;
    if (!readVersions(cursor, out)) return false;
  } else if (out.kind != HINT_USE_XX) {
    return false;
  }
  return cursor.remaining() == 0;
}

/** A list of at least one version, zero-padded to 8. */
function readVersions(cursor: Cursor, out: LongPacket): bool {
  const count = out.versionCount;
  if (count == 0 || count > VERSIONS_MAX) return false;
  out.versions = cursor.take(4 * count);
  const padding = align8(4 * count) - 4 * count;
  const zeros = cursor.take(padding);
  return !cursor.isShort && isZero(zeros, padding);
}

/**
 * Writes the prologue of the Noise handshake: "mxp1" ‖ version ‖ count ‖ versions offered ‖ the
 * connection id that the client chose. Returns its size. Both sides build it from the Initial as
 * sent and as received.
 */
export function writePrologue(
  out: usize,
  version: u32,
  versions: usize,
  versionCount: i32,
  clientConnectionId: u64,
): i32 {
  store<u32>(out, PROLOGUE_LABEL);
  store<u32>(out, version, 4);
  store<u8>(out, versionCount, 8);
  const listSize = <usize>(4 * versionCount);
  memory.copy(out + 9, versions, listSize);
  store<u64>(out + 9 + listSize, clientConnectionId);
  return 17 + 4 * versionCount;
}
