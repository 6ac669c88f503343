/**
 * Readable twin of the frame codecs of assembly/wire, written from docs/protocol.md §7 with numbers
 * of its own.
 *
 * It decodes as strictly as the engine, so that the two must agree on every input, also on garbage.
 */
import { ByteReader, ByteWriter, orNull, refuseUnless } from "./bytes.ts";

export interface Opening {
  readonly band: number;
  readonly kind: number;
  readonly name: Uint8Array;
}

export interface AckRange {
  readonly smallest: bigint;
  readonly largest: bigint;
}

export type FrameValue =
  | { readonly type: "padding"; readonly size: number }
  | { readonly type: "ping" }
  | { readonly type: "ack"; readonly delayUs: number; readonly ranges: readonly AckRange[] }
  | { readonly type: "stream-open"; readonly id: bigint; readonly opening: Opening }
  | {
      readonly type: "stream-data";
      readonly id: bigint;
      readonly offset: bigint;
      readonly isFin: boolean;
      readonly opening: Opening | null;
      readonly data: Uint8Array;
    }
  | { readonly type: "stream-fin"; readonly id: bigint; readonly finalSize: bigint }
  | { readonly type: "datagram"; readonly data: Uint8Array }
  | { readonly type: "limit"; readonly subtype: number; readonly limit: bigint }
  | {
      readonly type: "stream-limit";
      readonly subtype: number;
      readonly id: bigint;
      readonly limit: bigint;
    }
  | {
      readonly type: "reset-stream";
      readonly id: bigint;
      readonly code: bigint;
      readonly finalSize: bigint;
    }
  | { readonly type: "stop-sending"; readonly id: bigint; readonly code: bigint }
  | { readonly type: "handshake-done" }
  | {
      readonly type: "close";
      readonly code: bigint;
      readonly isByApplication: boolean;
      readonly applicationCode: bigint;
      readonly reason: Uint8Array;
    }
  | {
      readonly type: "extension";
      readonly code: number;
      readonly flags: number;
      readonly aux: number;
      readonly data: Uint8Array;
    };

const MAX_62 = 2n ** 62n - 1n;
const MAX_60 = 2n ** 60n;

/** The bytes of one frame. */
export function encodeFrame(value: FrameValue): Uint8Array<ArrayBuffer> {
  switch (value.type) {
    case "padding":
      return new Uint8Array(value.size);
    case "ping":
      return frame(1, 0, 0, new ByteWriter());
    case "ack":
      return frame(2, 0, value.delayUs, ackBody(value.ranges));
    case "stream-open":
      return frame(4, 0, 0, openingBody(new ByteWriter().number(value.id, 8), value.opening));
    case "stream-data":
      return encodeStreamData(value);
    case "stream-fin":
      return frame(6, 0, 0, numbers(value.id, value.finalSize));
    case "datagram":
      return frame(7, 0, 0, new ByteWriter().bytes(value.data));
    case "limit":
      return frame(8, value.subtype, 0, numbers(value.limit));
    case "stream-limit":
      return frame(8, value.subtype, 0, numbers(value.id, value.limit));
    case "reset-stream":
      return frame(8, 7, 0, numbers(value.id, value.code, value.finalSize));
    case "stop-sending":
      return frame(8, 8, 0, numbers(value.id, value.code));
    case "handshake-done":
      return frame(8, 9, 0, new ByteWriter());
    case "close": {
      const body = numbers(value.code, value.applicationCode).bytes(value.reason);
      return frame(8, 10, value.isByApplication ? 1 : 0, body);
    }
    default:
      return frame(value.code, value.flags, value.aux, new ByteWriter().bytes(value.data));
  }
}

function frame(type: number, flags: number, aux: number, body: ByteWriter) {
  return new ByteWriter()
    .number(type, 1)
    .number(flags, 1)
    .number(body.length, 2)
    .number(aux, 4)
    .bytes(body.finish())
    .pad(8)
    .finish();
}

function numbers(...values: bigint[]): ByteWriter {
  const body = new ByteWriter();
  for (const value of values) body.number(value, 8);
  return body;
}

function openingBody(body: ByteWriter, opening: Opening): ByteWriter {
  return body
    .number(opening.band, 1)
    .number(opening.kind, 1)
    .number(opening.name.length, 2)
    .zeros(4)
    .bytes(opening.name);
}

function encodeStreamData(value: FrameValue & { readonly type: "stream-data" }) {
  const body = numbers(value.id, value.offset);
  if (value.opening !== null) openingBody(body, value.opening).pad(8);
  const flags = (value.isFin ? 1 : 0) + (value.opening === null ? 0 : 2);
  return frame(5, flags, 0, body.bytes(value.data));
}

function ackBody(ranges: readonly AckRange[]): ByteWriter {
  const [first, ...further] = ranges;
  if (first === undefined) throw new Error("an ACK has at least one range");
  const body = new ByteWriter()
    .number(first.largest, 8)
    .number(first.largest - first.smallest, 4)
    .number(further.length, 2)
    .zeros(2);
  let previous = first;
  for (const range of further) {
    // The gap counts the missing packets less one, as in RFC 9000 §19.3.1.
    body.number(previous.smallest - range.largest - 2n, 4);
    body.number(range.largest - range.smallest, 4);
    previous = range;
  }
  return body;
}

/** The first frame of `bytes` and the bytes it takes; null when it is refused. */
export function decodeFrame(bytes: Uint8Array): { value: FrameValue; size: number } | null {
  return orNull(() => {
    const reader = new ByteReader(bytes);
    const type = reader.number(1);
    const flags = reader.number(1);
    const length = reader.number(2);
    const aux = reader.number(4);
    const body = new ByteReader(reader.bytes(length));
    reader.zeros((8 - (length % 8)) % 8);
    if (type === 0) {
      refuseUnless(flags === 0 && length === 0 && aux === 0);
      return decodePadding(bytes);
    }
    const hasAux = type === 2 || type === 8 || (type >= 0x40 && type <= 0x5f);
    refuseUnless(hasAux || aux === 0);
    refuseUnless(type === 5 || type === 8 || type >= 0x40 || flags === 0);
    const value = decodeBody(type, flags, aux, body);
    refuseUnless(body.remaining === 0);
    return { value, size: bytes.length - reader.remaining };
  });
}

/** A run of zero words is one PADDING. */
function decodePadding(bytes: Uint8Array): { value: FrameValue; size: number } {
  let size = 8;
  while (size + 8 <= bytes.length && bytes.subarray(size, size + 8).every((byte) => byte === 0)) {
    size += 8;
  }
  return { value: { type: "padding", size }, size };
}

function decodeBody(type: number, flags: number, aux: number, body: ByteReader): FrameValue {
  if (type === 1) return { type: "ping" };
  if (type === 2) return { type: "ack", delayUs: aux, ranges: decodeRanges(body) };
  if (type === 4) {
    return { type: "stream-open", id: streamId(body), opening: decodeOpening(body) };
  }
  if (type === 5) return decodeStreamData(flags, body);
  if (type === 6)
    return { type: "stream-fin", id: streamId(body), finalSize: bounded(body, MAX_62) };
  if (type === 7) return { type: "datagram", data: body.rest() };
  if (type === 8) return decodeControl(flags, aux, body);
  refuseUnless(type >= 0x40 && type <= 0x5f);
  return { type: "extension", code: type, flags, aux, data: body.rest() };
}

function bounded(body: ByteReader, largest: bigint): bigint {
  const value = body.big(8);
  refuseUnless(value <= largest);
  return value;
}

function streamId(body: ByteReader): bigint {
  const id = bounded(body, MAX_62);
  refuseUnless(id % 2n === 0n);
  return id;
}

function decodeOpening(body: ByteReader): Opening {
  const band = body.number(1);
  const kind = body.number(1);
  const nameLength = body.number(2);
  body.zeros(4);
  refuseUnless(band <= 3 && kind <= 1 && nameLength <= 128);
  return { band, kind, name: body.bytes(nameLength) };
}

function decodeStreamData(flags: number, body: ByteReader): FrameValue {
  refuseUnless(flags < 4);
  const id = streamId(body);
  const offset = bounded(body, MAX_62);
  let opening: Opening | null = null;
  if (flags >= 2) {
    opening = decodeOpening(body);
    body.zeros((8 - (opening.name.length % 8)) % 8);
  }
  const data = body.rest();
  refuseUnless(offset + BigInt(data.length) <= MAX_62);
  return { type: "stream-data", id, offset, isFin: flags % 2 === 1, opening, data };
}

function decodeRanges(body: ByteReader): AckRange[] {
  const largest = bounded(body, MAX_62);
  let smallest = largest - body.big(4);
  const ranges = [{ smallest, largest }];
  const count = body.number(2);
  body.zeros(2);
  refuseUnless(count <= 64);
  for (let index = 0; index < count; index++) {
    const top = smallest - body.big(4) - 2n;
    smallest = top - body.big(4);
    ranges.push({ smallest, largest: top });
  }
  refuseUnless(ranges.every((range) => range.smallest >= 0n));
  return ranges;
}

function decodeControl(subtype: number, aux: number, body: ByteReader): FrameValue {
  if (subtype === 10) {
    const code = body.big(8);
    const applicationCode = body.big(8);
    const reason = body.rest();
    refuseUnless(aux <= 1 && reason.length <= 256);
    return { type: "close", code, isByApplication: aux === 1, applicationCode, reason };
  }
  refuseUnless(aux === 0);
  if (subtype === 1 || subtype === 4) {
    return { type: "limit", subtype, limit: bounded(body, MAX_62) };
  }
  if (subtype === 3 || subtype === 6) {
    return { type: "limit", subtype, limit: bounded(body, MAX_60) };
  }
  if (subtype === 2 || subtype === 5) {
    return { type: "stream-limit", subtype, id: streamId(body), limit: bounded(body, MAX_62) };
  }
  if (subtype === 7) {
    const id = streamId(body);
    return { type: "reset-stream", id, code: body.big(8), finalSize: bounded(body, MAX_62) };
  }
  if (subtype === 8) return { type: "stop-sending", id: streamId(body), code: body.big(8) };
  refuseUnless(subtype === 9);
  return { type: "handshake-done" };
}
