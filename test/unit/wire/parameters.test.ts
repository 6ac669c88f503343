/**
 * Goal: transport parameters are read as docs/protocol.md §6 says: known ids once and in range, all
 * others ignored. Method: hand-written payloads, and the readable twin on random, cut and damaged
 * ones.
 */
import { describe, expect, test } from "vitest";
import * as twin from "../../reference/parameters.ts";
import type { WireParameter } from "../../reference/parameters.ts";
import { ByteWriter } from "../../reference/bytes.ts";
import { Random } from "../../sim/random.ts";
import { hex, TestModule } from "../../support/wasm.ts";
import { addParameters, decodeParameters, reencodeParameters } from "../../support/wire-packets.ts";
import { anyIgnoredParameter, anyParameters } from "../../support/wire-values.ts";

const PARAMETER_INVALID = -23;
const wasm = new TestModule("wire");

const number = (id: number, value: number | bigint, size: number): WireParameter => ({
  id,
  value: new ByteWriter().number(value, size).finish(),
});
const decode = (parameters: readonly WireParameter[], isEncrypted = true) =>
  decodeParameters(wasm, twin.encodeParameters(parameters, 3), isEncrypted);

describe("parameters", () => {
  test("have the bytes of the specification", () => {
    const wire = hex("0400 0400 30750000  0800 0800 0102030405060708  0900 0200 b004  0000000000");
    const decoded = decodeParameters(wasm, wire, true);
    expect(decoded).toEqual({
      numbers: new Map([
        [4, 30_000n],
        [8, 0x0807060504030201n],
        [9, 1200n],
      ]),
      strings: new Map(),
    });
  });

  test("every payload that is sent comes back, and is encoded as the twin does", () => {
    for (let seed = 0; seed < 1000; seed++) {
      const random = new Random(seed, "round-trip");
      const parameters = anyParameters(random);
      const wire = twin.encodeParameters(parameters, 0);
      expect(reencodeParameters(wasm, wire), `seed ${seed}`).toEqual(wire);
      const padded = twin.encodeParameters(parameters, random.between(0, 20));
      expect(decodeParameters(wasm, padded, true)).toEqual(twin.decodeParameters(padded, true));
    }
  });

  test("ignored ids may stand anywhere, and twice", () => {
    for (let seed = 0; seed < 500; seed++) {
      const random = new Random(seed, "ignored");
      const known = anyParameters(random);
      const ignored = anyIgnoredParameter(random);
      const mixed = [...known, ignored, ignored].sort(() => random.float() - 0.5);
      const plain = decodeParameters(wasm, twin.encodeParameters(known, 0), true);
      expect(decode(mixed), `seed ${seed}`).toEqual(plain);
    }
  });

  test("engine and twin agree about damaged payloads", () => {
    let refused = 0;
    for (let seed = 0; seed < 6000; seed++) {
      const random = new Random(seed, "damage");
      const parameters = [...anyParameters(random), anyIgnoredParameter(random)];
      let wire = twin.encodeParameters(parameters, random.between(0, 9));
      if (random.chance(0.3)) wire = wire.slice(0, random.between(0, wire.length));
      for (let count = random.between(0, 2); count > 0 && wire.length > 0; count--) {
        const at = random.between(0, Math.min(wire.length, 90) - 1);
        wire[at] = random.chance(0.7) ? wire[at]! ^ (1 << random.between(0, 7)) : random.u32();
      }
      const isEncrypted = random.chance(0.7);
      const expected = twin.decodeParameters(wire, isEncrypted);
      refused += expected === null ? 1 : 0;
      expect(decodeParameters(wasm, wire, isEncrypted), `seed ${seed}`).toEqual(
        expected ?? PARAMETER_INVALID,
      );
    }
    expect(refused).toBeGreaterThan(1000);
    expect(refused).toBeLessThan(5500);
  });

  test.each([
    ["a duplicate", [number(4, 1, 4), number(4, 1, 4)]],
    ["a number that is too short", [number(1, 1, 4)]],
    ["a number that is too long", [number(9, 1200, 4)]],
    ["max-data of 2^62", [number(1, 2n ** 62n, 8)]],
    ["max-stream-data of 2^62", [number(2, 2n ** 62n, 8)]],
    ["max-streams-bidi above 2^60", [number(3, 2n ** 60n + 1n, 8)]],
    ["max-message above 16 MiB and its frame", [number(6, 16_777_257, 4)]],
    ["max-message above max-stream-data", [number(2, 999, 8), number(6, 1000, 4)]],
    ["max-ack-delay-us above 2^14 ms", [number(7, 16_384_001, 4)]],
    ["max-packet below 1024", [number(9, 1023, 2)]],
    ["an empty certificate", [{ id: 11, value: new Uint8Array() }]],
    ["a certificate of 513 bytes", [{ id: 11, value: new Uint8Array(513) }]],
    ["an empty expected name", [{ id: 13, value: new Uint8Array() }]],
    ["an expected name of 129 bytes", [{ id: 13, value: new Uint8Array(129) }]],
    ["no version offered", [number(10, 1, 4)]],
    ["17 versions offered", [{ id: 10, value: new Uint8Array(4 * 18) }]],
    ["half a version", [{ id: 10, value: new Uint8Array(10) }]],
  ])("%s is refused", (_title, parameters) => {
    expect(decode(parameters)).toBe(PARAMETER_INVALID);
  });

  test.each([
    ["bytes behind the padding", "0000 00 01"],
    ["a single byte that is not zero", "01"],
    ["a head cut short", "040004"],
    ["a value cut short", "0400040001"],
  ])("%s is refused", (_title, wire) => {
    expect(decodeParameters(wasm, hex(wire), true)).toBe(PARAMETER_INVALID);
  });

  test("certificates, names and what is reserved stay out of payloads in clear", () => {
    for (const id of [11, 12, 13, 14, 15]) {
      expect(decode([{ id, value: new Uint8Array(16) }], false)).toBe(PARAMETER_INVALID);
    }
    const limits = [number(1, 5, 8), number(8, 5, 8), { id: 27, value: new Uint8Array(5) }];
    expect(decode(limits, false)).toEqual({
      numbers: new Map([
        [1, 5n],
        [8, 5n],
      ]),
      strings: new Map(),
    });
  });

  test("two payloads of one side add up, and a duplicate across them is refused", () => {
    wasm.release();
    const record = wasm.reserve(88);
    wasm.exports["resetParameters"]!(record);
    const first = twin.encodeParameters([number(1, 5, 8)], 0);
    const second = twin.encodeParameters([number(2, 6, 8)], 0);
    expect(addParameters(wasm, record, first, true)).toMatchObject({ numbers: new Map([[1, 5n]]) });
    const both = new Map([
      [1, 5n],
      [2, 6n],
    ]);
    expect(addParameters(wasm, record, second, true)).toMatchObject({ numbers: both });
    expect(addParameters(wasm, record, first, true)).toBe(PARAMETER_INVALID);
  });

  test("a silent side grants nothing, and takes packets of the base size", () => {
    wasm.release();
    const record = wasm.reserve(88);
    wasm.bytes.fill(0xff, record, record + 88);
    wasm.exports["resetParameters"]!(record);
    const fields = [...new Uint32Array(wasm.get(record, 88).buffer)];
    expect(fields.filter((field) => field !== 0)).toEqual([25_000, 1200]);
    for (let id = 0; id < 16; id++) expect(wasm.exports["hasParameter"]!(record, id)).toBe(0);
  });

  test("ids of the form 31 n + 27 are GREASE", () => {
    expect(wasm.exports["isParameterGrease"]!(27)).toBe(1);
    expect(wasm.exports["isParameterGrease"]!(31 * 40 + 27)).toBe(1);
    for (let id = 0; id < 27; id++) expect(wasm.exports["isParameterGrease"]!(id)).toBe(0);
  });
});

test("a reserved parameter is never written, whatever the record says is present", () => {
  const record = new Uint8Array(96);
  const view = new DataView(record.buffer);
  const [idleTimeoutMs, resetToken] = [4, 12];
  view.setUint32(0, (1 << idleTimeoutMs) | (1 << resetToken), true);
  view.setUint32(4, 30_000, true);
  const out = wasm.reserve(256);
  const end = wasm.exports["writeParameters"]!(out, wasm.put(record));
  expect(wasm.get(out, end - out)).toEqual(hex("0400 0400 30750000"));
});
