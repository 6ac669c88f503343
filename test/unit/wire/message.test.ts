/**
 * Goal: messages are written and read as docs/protocol.md §10 says, errors in the published order.
 * Method: random messages and damaged ones against the readable twin, whose checksum is another
 * implementation's.
 */
import { describe, expect, test } from "vitest";
import * as twin from "../../reference/mxp-message.ts";
import { Random } from "../../sim/random.ts";
import { TestModule } from "../../support/wasm.ts";
import { decodeMessage, encodeMessage } from "../../support/wire-packets.ts";
import { anyMessage } from "../../support/wire-values.ts";

const STATUS: Readonly<Record<string, number>> = {
  BufferTooSmall: -1,
  InvalidMagic: -2,
  ReservedFieldNonZero: -3,
  InvalidMessageType: -4,
  InvalidFlags: -5,
  PayloadTooLarge: -6,
  ChecksumMismatch: -7,
  TrailingBytes: -8,
};
const wasm = new TestModule("wire");

describe("messages", () => {
  test("every message that is sent comes back, and has the twin's bytes", () => {
    for (let seed = 0; seed < 500; seed++) {
      const message = anyMessage(new Random(seed, "round-trip"));
      const wire = twin.encodeMessage(message);
      expect(encodeMessage(wasm, message, wire.length), `seed ${seed}`).toEqual(wire);
      const decoded = { value: message, size: wire.length };
      expect(decodeMessage(wasm, wire, true), `seed ${seed}`).toEqual(decoded);
    }
  });

  test("engine and twin find the same first error in damaged messages", () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 4000; seed++) {
      const random = new Random(seed, "damage");
      let wire = twin.encodeMessage(anyMessage(random));
      for (let count = random.between(1, 2); count > 0; count--) {
        const at = random.between(0, random.chance(0.8) ? 31 : wire.length - 1);
        wire[at] = random.chance(0.7) ? wire[at]! ^ (1 << random.between(0, 7)) : random.u32();
      }
      if (random.chance(0.2)) wire = wire.slice(0, random.between(0, wire.length));
      if (random.chance(0.2)) wire = Uint8Array.from([...wire, ...random.bytes(3)]);
      const isStrict = random.chance(0.5);
      const expected = twin.decodeMessage(wire, isStrict);
      if (typeof expected === "string") seen.add(expected);
      expect(decodeMessage(wasm, wire, isStrict), `seed ${seed}`).toEqual(
        typeof expected === "string" ? STATUS[expected] : expected,
      );
    }
    expect([...seen].sort()).toEqual(Object.keys(STATUS).sort());
  });

  test("a message cut anywhere is too small, and bytes behind it are refused only strictly", () => {
    const message = anyMessage(new Random(7, "cut"));
    const wire = twin.encodeMessage(message);
    for (let length = 0; length < wire.length; length++) {
      expect(decodeMessage(wasm, wire.subarray(0, length), true)).toBe(STATUS["BufferTooSmall"]);
    }
    const followed = Uint8Array.from([...wire, 0]);
    expect(decodeMessage(wasm, followed, true)).toBe(STATUS["TrailingBytes"]);
    expect(decodeMessage(wasm, followed, false)).toEqual({ value: message, size: wire.length });
  });

  test("only the eleven published types and four flags are taken, in both directions", () => {
    const types = new Set([1, 2, 3, 0x10, 0x11, 0x12, 0x20, 0x21, 0x22, 0xf0, 0xf1]);
    const base = { messageId: 1n, traceId: 2n, payload: new Uint8Array() };
    for (let type = 0; type < 256; type++) {
      const wire = twin.encodeMessage({ ...base, type, flags: 0 });
      const expected = types.has(type) ? 40 : STATUS["InvalidMessageType"];
      const decoded = decodeMessage(wasm, wire, true);
      expect(typeof decoded === "number" ? decoded : decoded.size).toBe(expected);
      const encoded = encodeMessage(wasm, { ...base, type, flags: 0 }, 40);
      expect(typeof encoded === "number" ? encoded : encoded.length).toBe(expected);
    }
    for (let flags = 16; flags < 256; flags++) {
      const wire = twin.encodeMessage({ ...base, type: 0x10, flags });
      expect(decodeMessage(wasm, wire, true)).toBe(STATUS["InvalidFlags"]);
      expect(encodeMessage(wasm, { ...base, type: 0x10, flags }, 40)).toBe(STATUS["InvalidFlags"]);
    }
  });

  test("the encoder refuses what does not fit and what is larger than 16 MiB", () => {
    const message = { ...anyMessage(new Random(3, "space")), payload: new Uint8Array(10) };
    expect(encodeMessage(wasm, message, 49)).toBe(STATUS["BufferTooSmall"]);
    expect(encodeMessage(wasm, message, 50)).toEqual(twin.encodeMessage(message));
    const write = (payloadLength: number) =>
      wasm.exports["writeMessage"]!(4096, 64, 0x10, 0, 1n, 2n, 8192, payloadLength);
    expect(write(16 * 1024 * 1024 + 1)).toBe(STATUS["PayloadTooLarge"]);
    expect(write(-1)).toBe(STATUS["PayloadTooLarge"]);
    expect(write(16 * 1024 * 1024)).toBe(STATUS["BufferTooSmall"]);
  });
});
