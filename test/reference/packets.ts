/**
 * Readable twins of packet numbers, the short header and the long ones, from RFC 9000 A.2 and A.3
 * and docs/protocol.md §3 and §4.
 */
import { ByteReader, ByteWriter, orNull, refuseUnless } from "./bytes.ts";

/** Significant bytes of a packet number, by the logarithm of RFC 9000 A.2. */
export function packetNumberBytes(packetNumber: bigint, largestAcked: bigint): number {
  const unacked = packetNumber - largestAcked;
  // ceil(log2(unacked)) + 1 bits: the length of (unacked - 1) in binary, and one more.
  const bits = (unacked - 1n === 0n ? 0 : (unacked - 1n).toString(2).length) + 1;
  return Math.min(4, Math.ceil(bits / 8));
}

/** The number closest to `largest + 1` that ends in `truncated`, by trying all three candidates. */
export function expandPacketNumber(largest: bigint, truncated: bigint, bytes: number): bigint {
  const window = 2n ** BigInt(8 * bytes);
  const expected = largest + 1n;
  const middle = expected - (expected % window) + truncated;
  const distance = (candidate: bigint) =>
    candidate > expected ? candidate - expected : expected - candidate;
  const candidates = [middle, middle - window, middle + window].filter(
    (candidate) => candidate >= 0n && candidate < 2n ** 62n,
  );
  // At equal distance RFC 9000 takes the larger one.
  return candidates.reduce((best, candidate) =>
    distance(candidate) < distance(best) ||
    (distance(candidate) === distance(best) && candidate > best)
      ? candidate
      : best,
  );
}

export interface ShortHeader {
  readonly connectionId: bigint;
  readonly hasPhaseBit: boolean;
  readonly packetNumber: bigint;
  readonly numberBytes: number;
  readonly bodyLength: number;
}

export function encodeShortHeader(header: ShortHeader): Uint8Array<ArrayBuffer> {
  const modulus = 2n ** BigInt(8 * header.numberBytes);
  return new ByteWriter()
    .number(header.connectionId, 8)
    .number(4 + (header.hasPhaseBit ? 8 : 0), 1)
    .number(header.numberBytes - 1, 1)
    .number(header.bodyLength, 2)
    .number(header.packetNumber % modulus, 4)
    .finish();
}

export interface InitialPacket {
  readonly type: "initial";
  readonly connectionId: bigint;
  readonly kind: number;
  readonly version: number;
  readonly keyId: bigint;
  readonly versions: readonly number[];
  readonly token: Uint8Array;
  readonly body: Uint8Array;
}

export interface HandshakePacket {
  readonly type: "handshake";
  readonly connectionId: bigint;
  readonly kind: number;
  readonly version: number;
  readonly body: Uint8Array;
}

export interface HintPacket {
  readonly type: "hint";
  readonly connectionId: bigint;
  readonly kind: number;
  readonly version: number;
  readonly versions: readonly number[];
}

export type LongPacketValue = InitialPacket | HandshakePacket | HintPacket;

export function encodeLongPacket(packet: LongPacketValue): Uint8Array<ArrayBuffer> {
  const body = new ByteWriter();
  if (packet.type === "initial") {
    body
      .number(packet.keyId, 8)
      .number(packet.versions.length, 1)
      .zeros(1)
      .number(packet.token.length, 2)
      .zeros(4);
    for (const version of packet.versions) body.number(version, 4);
    body
      .pad(8)
      .bytes(packet.token)
      .zeros(64 - packet.token.length)
      .bytes(packet.body);
  } else if (packet.type === "handshake") {
    body.bytes(packet.body);
  } else if (packet.kind === 1) {
    body.number(packet.versions.length, 8);
    for (const version of packet.versions) body.number(version, 4);
    body.pad(8);
  }
  return new ByteWriter()
    .number(packet.connectionId, 8)
    .number({ initial: 1, handshake: 2, hint: 7 }[packet.type], 1)
    .number(packet.kind, 1)
    .number(body.length, 2)
    .number(packet.version, 4)
    .bytes(body.finish())
    .finish();
}

/** The packet at the start of `bytes` and its size; null when it is refused. */
export function decodeLongPacket(
  bytes: Uint8Array,
): { packet: LongPacketValue; size: number } | null {
  return orNull(() => {
    const reader = new ByteReader(bytes);
    const connectionId = reader.big(8);
    const type = reader.number(1);
    const kind = reader.number(1);
    const length = reader.number(2);
    const version = reader.number(4);
    const body = new ByteReader(reader.bytes(length));
    const size = 16 + length;
    if (type === 1) {
      refuseUnless(kind >= 1 && kind <= 4);
      return {
        packet: { type: "initial", connectionId, kind, version, ...initialRest(body) },
        size,
      };
    }
    if (type === 2) {
      refuseUnless(kind === 2 || kind === 3);
      return {
        packet: { type: "handshake", connectionId, kind, version, body: body.rest() },
        size,
      };
    }
    refuseUnless(type === 7 && (kind === 1 || kind === 2));
    const versions = kind === 1 ? readVersions(body, body.big(8)) : [];
    refuseUnless(body.remaining === 0);
    return { packet: { type: "hint", connectionId, kind, version, versions }, size };
  });
}

function initialRest(body: ByteReader) {
  const keyId = body.big(8);
  const count = body.big(1);
  body.zeros(1);
  const tokenLength = body.number(2);
  body.zeros(4);
  const versions = readVersions(body, count);
  refuseUnless(tokenLength <= 64);
  const token = body.bytes(tokenLength);
  body.zeros(64 - tokenLength);
  return { keyId, versions, token, body: body.rest() };
}

function readVersions(body: ByteReader, count: bigint): number[] {
  refuseUnless(count >= 1n && count <= 16n);
  const versions = Array.from({ length: Number(count) }, () => body.number(4));
  if (versions.length % 2 === 1) body.zeros(4);
  return versions;
}

export function encodePrologue(
  version: number,
  versions: readonly number[],
  connectionId: bigint,
): Uint8Array<ArrayBuffer> {
  const prologue = new ByteWriter()
    .bytes(new TextEncoder().encode("mxp1"))
    .number(version, 4)
    .number(versions.length, 1);
  for (const offered of versions) prologue.number(offered, 4);
  return prologue.number(connectionId, 8).finish();
}
