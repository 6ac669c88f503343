/**
 * Goal: the record before a call's payload survives the wire, and nothing else is taken for one.
 * Method: property tests both ways, every truncation, and each byte of the fixed part changed.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Failure } from "../../../host/shared/ports/failure.ts";
import type { CallRecord } from "../../../host/shared/ports/lane.ts";
import { decodeCall, encodeCall } from "../../../host/shared/transport/call-record.ts";

const RECORD: CallRecord = {
  version: 1,
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  tenant: "acme",
  auditId: "audit-1",
  correlationId: "call-1",
  timeoutMs: 5_000,
  idempotencyKey: "",
  depth: 1,
};
const PAYLOAD = Uint8Array.of(1, 2, 3);

const hexText = (size: number): fc.Arbitrary<string> =>
  fc
    .uint8Array({ minLength: size, maxLength: size })
    .map((bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(""));
const shortText = fc
  .string({ unit: "grapheme", maxLength: 60 })
  .filter((text) => new TextEncoder().encode(text).length <= 255);

const records: fc.Arbitrary<CallRecord> = fc
  .record({
    trace: hexText(16),
    span: hexText(8),
    flags: hexText(1),
    tenant: shortText,
    auditId: shortText,
    correlationId: shortText,
    idempotencyKey: shortText,
    timeoutMs: fc.integer({ min: 0, max: 0xffffffff }),
    depth: fc.integer({ min: 1, max: 255 }),
  })
  .map(({ trace, span, flags, ...rest }) => ({
    version: 1,
    traceparent: `00-${trace}-${span}-${flags}`,
    ...rest,
  }));

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return Failure.from(error).code;
  }
  return "none";
};

test("every record and payload comes back as it was", () => {
  fc.assert(
    fc.property(records, shortText, fc.uint8Array({ maxLength: 200 }), (record, agent, payload) => {
      const decoded = decodeCall(encodeCall(agent, record, payload));
      expect(decoded).toEqual({ agent, record, payload });
    }),
  );
});

test("the payload begins on a multiple of eight bytes", () => {
  fc.assert(
    fc.property(records, shortText, (record, agent) => {
      expect((encodeCall(agent, record, PAYLOAD).length - PAYLOAD.length) % 8).toBe(0);
    }),
  );
});

test("a record that is cut anywhere is refused", () => {
  const message = encodeCall("tools", RECORD, new Uint8Array(0));
  for (let length = 0; length < message.length; length++) {
    expect(codeOf(() => decodeCall(message.subarray(0, length)))).toBe("protocol-violation");
  }
});

test("arbitrary bytes give a record or a failure, never anything else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
      expect(["none", "protocol-violation"]).toContain(codeOf(() => decodeCall(bytes)));
    }),
  );
});

test.each([
  ["another version", 0, 2],
  ["a size that does not fit its texts", 2, 1],
  ["depth zero", 32, 0],
  ["reserved bytes", 38, 1],
  ["text that is not UTF-8", 40, 0xff],
  ["padding that is not zero", -1, 1],
])("%s is refused", (_name, at, value) => {
  const message = encodeCall("tools", RECORD, new Uint8Array(0));
  message[at < 0 ? message.length + at : at] = value;
  expect(codeOf(() => decodeCall(message))).toBe("protocol-violation");
});

test.each<[string, string, Partial<CallRecord>]>([
  ["a malformed traceparent", "tools", { traceparent: "00-xyz" }],
  ["an agent of 256 bytes", "a".repeat(256), {}],
  ["a tenant of 256 bytes", "tools", { tenant: "é".repeat(128) }],
  ["a negative timeout", "tools", { timeoutMs: -1 }],
  ["a fractional timeout", "tools", { timeoutMs: 0.5 }],
  ["depth zero", "tools", { depth: 0 }],
  ["depth 256", "tools", { depth: 256 }],
])("%s cannot be encoded", (_name, agent, change) => {
  expect(codeOf(() => encodeCall(agent, { ...RECORD, ...change }, PAYLOAD))).toBe(
    "argument-invalid",
  );
});
