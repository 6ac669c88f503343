/**
 * Random but valid values of everything on the wire, with edges (zero, limits, limits + 1 byte of
 * padding) far more likely than a uniform draw would make them. Property tests and fuzzers draw
 * from the same source.
 */
import type { MessageValue } from "../reference/mxp-message.ts";
import type { AckRange, FrameValue, Opening } from "../reference/frames.ts";
import type { LongPacketValue, ShortHeader } from "../reference/packets.ts";
import type { WireParameter } from "../reference/parameters.ts";
import { ByteWriter } from "../reference/bytes.ts";
import type { Random } from "../sim/random.ts";

const MAX_62 = 2n ** 62n - 1n;
const MAX_60 = 2n ** 60n;
const MESSAGE_TYPES = [1, 2, 3, 0x10, 0x11, 0x12, 0x20, 0x21, 0x22, 0xf0, 0xf1];

/** A number in [0, most]: an edge, a power of two, or anything. */
export function anyBig(random: Random, most: bigint): bigint {
  const kind = random.between(0, 4);
  if (kind === 0) return 0n;
  if (kind === 1) return most;
  if (kind === 2) return (1n << BigInt(random.between(0, 63))) % (most + 1n);
  if (kind === 3) return BigInt(random.between(0, 1000)) % (most + 1n);
  return random.u64() % (most + 1n);
}

/** A byte string of at most `most` bytes; every remainder by 8 is about as likely. */
export function anyBytes(random: Random, most: number): Uint8Array<ArrayBuffer> {
  if (random.chance(0.1)) return random.bytes(most);
  return random.bytes(random.between(0, Math.min(most, random.chance(0.5) ? 16 : most)));
}

/** An even id below 2^62: bidirectional. */
function anyStreamId(random: Random): bigint {
  return anyBig(random, MAX_62) & ~1n;
}

function anyOpening(random: Random): Opening {
  const name = anyBytes(random, 128);
  return { band: random.between(0, 3), kind: random.between(0, 1), name };
}

/** Descending ranges with at least one packet missing between them. */
export function anyRanges(random: Random): AckRange[] {
  const count = random.pick([1, 1, 2, 3, 10, 64, 65]);
  const ranges: AckRange[] = [];
  let largest = random.chance(0.2) ? MAX_62 : BigInt(random.between(0, 1_000_000));
  for (let index = 0; index < count; index++) {
    const most = largest < 0xffff_ffffn ? largest : 0xffff_ffffn;
    const smallest =
      largest - (random.chance(0.05) ? most : BigInt(random.between(0, 40)) % (most + 1n));
    ranges.push({ smallest, largest });
    const gap = random.chance(0.02) ? 0xffff_ffffn : BigInt(random.between(0, 40));
    if (smallest < gap + 2n) break;
    largest = smallest - gap - 2n;
  }
  return ranges;
}

const FRAMES: readonly ((random: Random) => FrameValue)[] = [
  (random) => ({ type: "padding", size: 8 * random.between(1, 5) }),
  () => ({ type: "ping" }),
  (random) => ({ type: "ack", delayUs: random.u32(), ranges: anyRanges(random) }),
  (random) => ({ type: "stream-open", id: anyStreamId(random), opening: anyOpening(random) }),
  anyStreamData,
  (random) => ({ type: "stream-fin", id: anyStreamId(random), finalSize: anyBig(random, MAX_62) }),
  (random) => ({ type: "datagram", data: anyBytes(random, 1150) }),
  (random) => ({ type: "limit", subtype: random.pick([1, 4]), limit: anyBig(random, MAX_62) }),
  (random) => ({ type: "limit", subtype: random.pick([3, 6]), limit: anyBig(random, MAX_60) }),
  (random) => ({
    type: "stream-limit",
    subtype: random.pick([2, 5]),
    id: anyStreamId(random),
    limit: anyBig(random, MAX_62),
  }),
  (random) => ({
    type: "reset-stream",
    id: anyStreamId(random),
    code: random.u64(),
    finalSize: anyBig(random, MAX_62),
  }),
  (random) => ({ type: "stop-sending", id: anyStreamId(random), code: random.u64() }),
  () => ({ type: "handshake-done" }),
  (random) => ({
    type: "close",
    code: anyBig(random, 200n),
    isByApplication: random.chance(0.5),
    applicationCode: random.u64(),
    reason: anyBytes(random, 256),
  }),
];

function anyStreamData(random: Random): FrameValue {
  const data = anyBytes(random, 1000);
  const offset = anyBig(random, MAX_62 - BigInt(data.length));
  const opening = random.chance(0.4) ? anyOpening(random) : null;
  return {
    type: "stream-data",
    id: anyStreamId(random),
    offset,
    isFin: random.chance(0.3),
    opening,
    data,
  };
}

/** A frame that the engine can send. */
export function anyFrame(random: Random): FrameValue {
  return random.pick(FRAMES)(random);
}

/** A frame of a peer with extensions: the engine skips it. */
export function anyExtension(random: Random): FrameValue {
  return {
    type: "extension",
    code: random.between(0x40, 0x5f),
    flags: random.between(0, 255),
    aux: random.u32(),
    data: anyBytes(random, 200),
  };
}

export function anyShortHeader(random: Random): ShortHeader {
  return {
    connectionId: random.u64(),
    hasPhaseBit: random.chance(0.5),
    packetNumber: anyBig(random, MAX_62),
    numberBytes: random.between(1, 4),
    bodyLength: random.between(16, 1436),
  };
}

function anyVersions(random: Random): number[] {
  return Array.from({ length: random.between(1, 16) }, () => random.u32());
}

export function anyLongPacket(random: Random): LongPacketValue {
  const connectionId = random.u64();
  const version = random.u32();
  const kindOfPacket = random.between(0, 2);
  if (kindOfPacket === 0) {
    return {
      type: "initial",
      connectionId,
      kind: random.between(1, 4),
      version,
      keyId: random.u64(),
      versions: anyVersions(random),
      token: anyBytes(random, 64),
      body: anyBytes(random, 1000),
    };
  }
  if (kindOfPacket === 1) {
    const body = anyBytes(random, 1000);
    return { type: "handshake", connectionId, kind: random.between(2, 3), version, body };
  }
  const kind = random.between(1, 2);
  const versions = kind === 1 ? anyVersions(random) : [];
  return { type: "hint", connectionId, kind, version, versions };
}

/** The number parameters: id, bytes, least and most. */
const NUMBER_PARAMETERS: readonly (readonly [number, number, bigint, bigint])[] = [
  [1, 8, 0n, MAX_62],
  [2, 8, 16_777_256n, MAX_62],
  [3, 8, 0n, MAX_60],
  [4, 4, 0n, 0xffff_ffffn],
  [5, 4, 0n, 0xffff_ffffn],
  [6, 4, 0n, 16_777_256n],
  [7, 4, 0n, 16_384_000n],
  [8, 8, 0n, 2n ** 64n - 1n],
  [9, 2, 1024n, 65_535n],
];

/** Parameters in the order of their ids, each at most once. */
export function anyParameters(random: Random): WireParameter[] {
  const parameters: WireParameter[] = [];
  for (const [id, size, least, most] of NUMBER_PARAMETERS) {
    if (random.chance(0.3)) continue;
    const number = least + anyBig(random, most - least);
    parameters.push({ id, value: new ByteWriter().number(number, size).finish() });
  }
  if (random.chance(0.7)) {
    parameters.push({ id: 10, value: random.bytes(4 * random.between(2, 17)) });
  }
  if (random.chance(0.5)) parameters.push({ id: 11, value: random.bytes(random.between(1, 512)) });
  if (random.chance(0.5)) parameters.push({ id: 13, value: random.bytes(random.between(1, 128)) });
  return parameters;
}

/** Parameters that are ignored: GREASE, reserved and unknown ids. */
export function anyIgnoredParameter(random: Random): WireParameter {
  const id = random.pick([
    12,
    14,
    15,
    16,
    27,
    58,
    89,
    31 * random.between(1, 2000) + 27,
    999,
    65_535,
  ]);
  return { id, value: anyBytes(random, 64) };
}

export function anyMessage(random: Random): MessageValue {
  return {
    type: random.pick(MESSAGE_TYPES),
    flags: random.between(0, 15),
    messageId: random.u64(),
    traceId: random.u64(),
    payload: anyBytes(random, random.pick([64, 300, 3000])),
  };
}
