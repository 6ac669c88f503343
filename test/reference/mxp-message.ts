/**
 * Readable twin of assembly/wire/message.ts, from docs/protocol.md §10. The checksum comes from
 * hash-wasm, which has nothing in common with the engine's.
 */
import { createXXHash3 } from "hash-wasm";
import { ByteReader, ByteWriter } from "./bytes.ts";

export interface MessageValue {
  readonly type: number;
  readonly flags: number;
  readonly messageId: bigint;
  readonly traceId: bigint;
  readonly payload: Uint8Array;
}

const hasher = await createXXHash3();
const TYPES = new Set([1, 2, 3, 0x10, 0x11, 0x12, 0x20, 0x21, 0x22, 0xf0, 0xf1]);

/** XXH3-64 with seed 0. */
export function checksum(bytes: Uint8Array): bigint {
  return BigInt(`0x${hasher.init().update(bytes).digest("hex")}`);
}

export function encodeMessage(message: MessageValue): Uint8Array<ArrayBuffer> {
  const header = new ByteWriter()
    .bytes(new TextEncoder().encode("1PXM"))
    .number(message.type, 1)
    .number(message.flags, 1)
    .zeros(2)
    .number(message.messageId, 8)
    .number(message.traceId, 8)
    .number(message.payload.length, 8)
    .finish();
  const whole = new Uint8Array(header.length + message.payload.length + 8);
  whole.set(header);
  whole.set(message.payload, 32);
  const sum = checksum(whole.subarray(0, whole.length - 8));
  whole.set(new ByteWriter().number(sum, 8).finish(), whole.length - 8);
  return whole;
}

/** The message and its size, or the name of the first error in the published order. */
export function decodeMessage(
  bytes: Uint8Array,
  isStrict: boolean,
): { value: MessageValue; size: number } | string {
  if (bytes.length < 40) return "BufferTooSmall";
  const reader = new ByteReader(bytes);
  const magic = String.fromCharCode(...reader.bytes(4));
  const type = reader.number(1);
  const flags = reader.number(1);
  const reserved = reader.number(2);
  const messageId = reader.big(8);
  const traceId = reader.big(8);
  const payloadLength = reader.big(8);
  if (magic !== "1PXM") return "InvalidMagic";
  if (reserved !== 0) return "ReservedFieldNonZero";
  if (!TYPES.has(type)) return "InvalidMessageType";
  if (flags > 15) return "InvalidFlags";
  if (payloadLength > 16_777_216n) return "PayloadTooLarge";
  const size = 40 + Number(payloadLength);
  if (bytes.length < size) return "BufferTooSmall";
  const payload = reader.bytes(Number(payloadLength));
  if (reader.big(8) !== checksum(bytes.subarray(0, size - 8))) return "ChecksumMismatch";
  if (isStrict && bytes.length > size) return "TrailingBytes";
  return { value: { type, flags, messageId, traceId, payload }, size };
}
