/**
 * Goal: byte-exact with the published MXP message format, errors included, up to the largest
 * message. Method: all vectors of test/vectors/origin-vectors-mxp.json, sections mxp_message and
 * mxp_message_negative: each is encoded, decoded, and for the negative ones refused with the
 * published error.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { encodeMessage as encodeWithTwin } from "../reference/mxp-message.ts";
import { hex, TestModule, toHex } from "../support/wasm.ts";
import { decodeMessage, encodeMessage } from "../support/wire-packets.ts";

interface PositiveCase {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly message_id: string;
  readonly trace_id: string;
  readonly payload_len: number;
  readonly payload_hex?: string;
  readonly payload_desc?: string;
  readonly checksum_le_hex: string;
  readonly wire_hex?: string;
  readonly header_hex?: string;
  readonly wire_sha256?: string;
}

interface NegativeCase {
  readonly name: string;
  readonly hex: string;
  readonly upstream: string;
}

const VECTORS = JSON.parse(
  readFileSync(join(import.meta.dirname, "../vectors/origin-vectors-mxp.json"), "utf8"),
) as {
  mxp_message: { cases: PositiveCase[] };
  mxp_message_negative: { cases: NegativeCase[] };
};

/** Published error names and our status numbers. */
const STATUS: Readonly<Record<string, number>> = {
  BufferTooSmall: -1,
  InvalidMagic: -2,
  ReservedFieldNonZero: -3,
  InvalidMessageType: -4,
  InvalidFlags: -5,
  PayloadTooLarge: -6,
  ChecksumMismatch: -7,
};
const TRAILING_BYTES = -8;
const wasm = new TestModule("wire");

/** The payload of a case: written out, or described by the vector file's two generators. */
function payloadOf(vector: PositiveCase): Uint8Array<ArrayBuffer> {
  if (vector.payload_hex !== undefined) return hex(vector.payload_hex);
  if (vector.payload_desc === "byte i = i & 255") {
    return Uint8Array.from({ length: vector.payload_len }, (_, index) => index);
  }
  expect(vector.payload_desc).toBe(`${vector.payload_len} bytes of 00`);
  return new Uint8Array(vector.payload_len);
}

/**
 * Encodes in place: the payload already lies where the message wants it, so 16 MiB fit the arena.
 */
function encodeInPlace(vector: PositiveCase, payload: Uint8Array): number {
  wasm.release();
  const size = 40 + payload.length;
  const out = wasm.reserve(size);
  wasm.bytes.set(payload, out + 32);
  const written = wasm.exports["writeMessage"]!(
    out,
    size,
    vector.type,
    vector.flags,
    BigInt(vector.message_id),
    BigInt(vector.trace_id),
    out + 32,
    payload.length,
  );
  expect(written).toBe(size);
  return out;
}

describe("published messages", () => {
  test("there are 54 of them and 15 that must be refused", () => {
    expect(VECTORS.mxp_message.cases).toHaveLength(54);
    expect(VECTORS.mxp_message_negative.cases).toHaveLength(15);
  });

  test.each(VECTORS.mxp_message.cases)("$name is encoded and decoded", (vector) => {
    const payload = payloadOf(vector);
    const size = 40 + payload.length;
    const out = encodeInPlace(vector, payload);
    const wire = wasm.bytes.subarray(out, out + size);
    expect(toHex(wire.subarray(size - 8))).toBe(vector.checksum_le_hex);
    if (vector.wire_hex !== undefined) expect(toHex(wire)).toBe(vector.wire_hex);
    if (vector.header_hex !== undefined) {
      expect(toHex(wire.subarray(0, 32))).toBe(vector.header_hex);
      expect(createHash("sha256").update(wire).digest("hex")).toBe(vector.wire_sha256);
    }
    const record = wasm.reserve(64);
    expect(wasm.exports["decodeMessage"]!(out, size, 1, record)).toBe(size);
    expect(wasm.view.getInt32(record, true)).toBe(vector.type);
    expect(wasm.view.getInt32(record + 4, true)).toBe(vector.flags);
    expect(wasm.view.getBigUint64(record + 8, true)).toBe(BigInt(vector.message_id));
    expect(wasm.view.getBigUint64(record + 16, true)).toBe(BigInt(vector.trace_id));
    expect(wasm.view.getBigUint64(record + 24, true)).toBe(BigInt(payload.length));
    expect(wasm.view.getUint32(record + 32, true)).toBe(out + 32);
  });

  test.each(VECTORS.mxp_message.cases)("$name is accepted in slices", (vector) => {
    const payload = payloadOf(vector);
    const size = 40 + payload.length;
    const out = encodeInPlace(vector, payload);
    for (const step of size > 100_000 ? [65_536] : [1, 7, 1024, size]) {
      expect(receiveInSlices(out, size, step)).toEqual({ status: size, payload: payload.length });
    }
    // The last payload byte is wrong, or the last byte of the checksum when there is no payload.
    const at = out + (payload.length > 0 ? 31 + payload.length : size - 1);
    wasm.bytes[at]! ^= 1;
    expect(receiveInSlices(out, size, 65_536).status).toBe(STATUS["ChecksumMismatch"]);
  });
});

/** Feeds `size` bytes in steps: the bytes taken in all, or the first error. */
function receiveInSlices(at: number, size: number, step: number) {
  const { exports } = wasm;
  const state = wasm.reserve(1024);
  exports["messageSlicesReset"]!(state);
  let payload = 0;
  let taken = 0;
  while (taken < size) {
    expect(exports["messageSlicesIsComplete"]!(state)).toBe(0);
    const length = Math.min(step, size - taken);
    const status = exports["messageSlicesPush"]!(state, at + taken, length);
    if (status < 0) return { status, payload };
    const sliceLength = exports["messageSlicesPayloadLength"]!(state);
    if (sliceLength > 0) {
      expect(exports["messageSlicesPayload"]!(state)).toBe(at + 32 + payload);
    }
    payload += sliceLength;
    taken += status;
  }
  expect(exports["messageSlicesIsComplete"]!(state)).toBe(1);
  return { status: taken, payload };
}

describe("published errors", () => {
  test.each(VECTORS.mxp_message_negative.cases)("$name: $upstream", (vector) => {
    const wire = hex(vector.hex);
    const isTrailing = vector.name === "trailing-bytes";
    const expected = STATUS[vector.upstream.split(" ")[0]!];
    const lenient = decodeMessage(wasm, wire, false);
    const strict = decodeMessage(wasm, wire, true);
    if (isTrailing) {
      expect(lenient).toMatchObject({ size: wire.length - 2 });
      expect(strict).toBe(TRAILING_BYTES);
      return;
    }
    expect(expected).toBeLessThan(0);
    expect(lenient).toBe(expected);
    expect(strict).toBe(expected);
  });

  test.each([
    ["empty", 40n],
    ["39-bytes", 40n],
    ["payload-len-longer-than-buffer", 45n],
  ])("%s says how many bytes it needs", (name, needed) => {
    const wire = hex(VECTORS.mxp_message_negative.cases.find((one) => one.name === name)!.hex);
    wasm.release();
    const record = wasm.reserve(64);
    wasm.exports["decodeMessage"]!(wasm.put(wire), wire.length, 1, record);
    expect(wasm.view.getBigUint64(record + 40, true)).toBe(needed);
  });

  test("a wrong checksum is shown beside the right one", () => {
    const message = { type: 16, flags: 0, messageId: 1n, traceId: 2n, payload: hex("0102") };
    const wire = encodeMessage(wasm, message, 42) as Uint8Array<ArrayBuffer>;
    expect(wire).toEqual(encodeWithTwin(message));
    const right = new DataView(wire.buffer).getBigUint64(34, true);
    wire[34]! ^= 1;
    wasm.release();
    const record = wasm.reserve(64);
    wasm.exports["decodeMessage"]!(wasm.put(wire), wire.length, 1, record);
    expect(wasm.view.getBigUint64(record + 48, true)).toBe(right);
    expect(wasm.view.getBigUint64(record + 56, true)).toBe(right ^ 1n);
  });
});
