/**
 * Goal: every frame is encoded as docs/protocol.md §7 says, decodes to what it was, and nothing
 * else decodes. Method: the engine's codecs against their readable twin, on random valid frames, on
 * those frames cut and damaged, and on noise. Inputs lie at the end of memory, so that a read past
 * them traps.
 */
import { describe, expect, test } from "vitest";
import { decodeFrame, encodeFrame, type FrameValue } from "../../reference/frames.ts";
import { Random } from "../../sim/random.ts";
import { hex, TestModule, toHex } from "../../support/wasm.ts";
import { decodeWithEngine, encodeWithEngine } from "../../support/wire-frames.ts";
import { anyExtension, anyFrame } from "../../support/wire-values.ts";

const FRAME_INVALID = -25;
const SEEDS = 1500;
const wasm = new TestModule("wire");
const name = new TextEncoder().encode("tool");

/** Frames written down by hand, field by field. */
const EXAMPLES: readonly (readonly [string, FrameValue, string])[] = [
  ["PADDING", { type: "padding", size: 8 }, "0000000000000000"],
  ["PING", { type: "ping" }, "0100000000000000"],
  [
    "ACK of 10..12 and 4..5, 1000 µs late",
    {
      type: "ack",
      delayUs: 1000,
      ranges: [
        { smallest: 10n, largest: 12n },
        { smallest: 4n, largest: 5n },
      ],
    },
    "02001800 e8030000 0c00000000000000 02000000 0100 0000 03000000 01000000",
  ],
  [
    "STREAM_OPEN",
    { type: "stream-open", id: 4n, opening: { band: 1, kind: 1, name } },
    "04001400 00000000 0400000000000000 01 01 0400 00000000 746f6f6c 00000000",
  ],
  [
    "STREAM_DATA with FIN",
    {
      type: "stream-data",
      id: 2n,
      offset: 256n,
      isFin: true,
      opening: null,
      data: hex("aabbcc"),
    },
    "05011300 00000000 0200000000000000 0001000000000000 aabbcc 0000000000",
  ],
  [
    "STREAM_DATA that opens its stream",
    {
      type: "stream-data",
      id: 0n,
      offset: 0n,
      isFin: false,
      opening: { band: 0, kind: 0, name },
      data: hex("ff"),
    },
    "05022100 00000000 0000000000000000 0000000000000000" +
      "00 00 0400 00000000 746f6f6c 00000000 ff 00000000000000",
  ],
  [
    "STREAM_FIN",
    { type: "stream-fin", id: 8n, finalSize: 3n },
    "06001000 00000000 0800000000000000 0300000000000000",
  ],
  ["DATAGRAM", { type: "datagram", data: hex("0102") }, "07000200 00000000 0102 000000000000"],
  ["MAX_DATA", { type: "limit", subtype: 1, limit: 7n }, "08010800 00000000 0700000000000000"],
  [
    "RESET_STREAM",
    { type: "reset-stream", id: 4n, code: 39n, finalSize: 5n },
    "08071800 00000000 0400000000000000 2700000000000000 0500000000000000",
  ],
  ["HANDSHAKE_DONE", { type: "handshake-done" }, "08090000 00000000"],
  [
    "CLOSE by the application",
    {
      type: "close",
      code: 35n,
      isByApplication: true,
      applicationCode: 9n,
      reason: new TextEncoder().encode("bye"),
    },
    "080a1300 01000000 2300000000000000 0900000000000000 627965 0000000000",
  ],
];

describe("frames", () => {
  test.each(EXAMPLES)("%s has the bytes of the specification", (_title, value, wire) => {
    expect(toHex(encodeWithEngine(wasm, value, 1200)!)).toBe(wire.replace(/\s/g, ""));
    expect(decodeWithEngine(wasm, hex(wire))).toEqual({ value, size: hex(wire).length });
  });

  test("every frame that is sent comes back, and has the twin's bytes", () => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const value = anyFrame(new Random(seed, "round-trip"));
      const wire = encodeFrame(value);
      const encoded = encodeWithEngine(wasm, value, wire.length);
      expect(encoded, `seed ${seed}`).toEqual(wire);
      expect(decodeWithEngine(wasm, wire), `seed ${seed}`).toEqual({ value, size: wire.length });
    }
  });

  test("nothing is written when the frame does not fit", () => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const random = new Random(seed, "space");
      const value = anyFrame(random);
      const size = encodeFrame(value).length;
      const space = random.chance(0.5) ? size - 1 : random.between(0, size - 1);
      const encoded = encodeWithEngine(wasm, value, space);
      // An ACK leaves out its oldest ranges; every other frame is whole or not at all.
      if (value.type !== "ack" || space < 24) expect(encoded, `seed ${seed}`).toBeNull();
      else expect(encoded!.length).toBeLessThan(size);
    }
  });

  test("an extension frame is skipped, whatever it holds", () => {
    for (let seed = 0; seed < 200; seed++) {
      const value = anyExtension(new Random(seed, "extension"));
      const wire = encodeFrame(value);
      expect(decodeWithEngine(wasm, wire)).toEqual({ value, size: wire.length });
    }
  });

  test("a frame cut anywhere is refused, and one followed by others is not", () => {
    for (let seed = 0; seed < 150; seed++) {
      const random = new Random(seed, "cut");
      const value = anyFrame(random);
      if (value.type === "padding") continue;
      const wire = encodeFrame(value);
      for (let length = 0; length < wire.length; length++) {
        expect(decodeWithEngine(wasm, wire.subarray(0, length))).toBe(FRAME_INVALID);
      }
      const followed = Uint8Array.from([...wire, ...random.bytes(16)]);
      expect(decodeWithEngine(wasm, followed)).toEqual({ value, size: wire.length });
    }
  });

  test("engine and twin agree about damaged frames", () => {
    let refused = 0;
    for (let seed = 0; seed < 4 * SEEDS; seed++) {
      const random = new Random(seed, "damage");
      const wire = encodeFrame(anyFrame(random));
      const flips = random.between(1, 3);
      for (let count = 0; count < flips; count++) {
        // The first 40 bytes hold all lengths, codes and reserved fields.
        const at = random.between(0, Math.min(wire.length, 40) - 1);
        wire[at] = random.chance(0.5)
          ? wire[at]! ^ (1 << random.between(0, 7))
          : random.between(0, 255);
      }
      const expected = decodeFrame(wire);
      refused += expected === null ? 1 : 0;
      expect(decodeWithEngine(wasm, wire), `seed ${seed}`).toEqual(expected ?? FRAME_INVALID);
    }
    expect(refused).toBeGreaterThan(SEEDS);
    expect(refused).toBeLessThan(4 * SEEDS);
  });

  test("engine and twin agree about noise", () => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const random = new Random(seed, "noise");
      const noise = random.bytes(random.between(0, 80));
      if (random.chance(0.5) && noise.length > 3)
        noise.set([random.between(0, 9), random.between(0, 12), random.between(0, 60), 0]);
      expect(decodeWithEngine(wasm, noise), `seed ${seed}`).toEqual(
        decodeFrame(noise) ?? FRAME_INVALID,
      );
    }
  });
});

describe("reserved and unknown codes", () => {
  test("CRYPTO and every type without a meaning is refused", () => {
    for (let type = 0; type < 256; type++) {
      const isExtension = type >= 0x40 && type <= 0x5f;
      if (type <= 8 && type !== 3) continue;
      const frame = hex(`${type.toString(16).padStart(2, "0")}00080000000000${"00".repeat(8)}`);
      const decoded = decodeWithEngine(wasm, frame);
      if (isExtension) expect(decoded).toMatchObject({ size: 16 });
      else expect(decoded).toBe(FRAME_INVALID);
    }
  });

  test("CONTROL subtypes 0 and 11 to 255 are refused with any body", () => {
    for (let subtype = 0; subtype < 256; subtype++) {
      if (subtype >= 1 && subtype <= 10) continue;
      for (const words of [0, 1, 2, 3]) {
        const head = Uint8Array.from([8, subtype, 8 * words, 0, 0, 0, 0, 0]);
        const frame = Uint8Array.from([...head, ...new Uint8Array(8 * words)]);
        expect(decodeWithEngine(wasm, frame)).toBe(FRAME_INVALID);
      }
    }
  });

  test.each([
    ["flags of PING", "0101000000000000"],
    ["flags of ACK", "0201100000000000 0500000000000000 0000000000000000"],
    ["flags of STREAM_FIN", "0601100000000000 0400000000000000 0000000000000000"],
    ["flags of DATAGRAM", "0701000000000000"],
    ["bit 2 of the flags of STREAM_DATA", "0504100000000000 0400000000000000 0000000000000000"],
    ["aux of STREAM_FIN", "0600100001000000 0400000000000000 0000000000000000"],
    ["aux of MAX_DATA", "0801080001000000 0400000000000000"],
    ["aux of CLOSE beyond 1", "080a100002000000 0000000000000000 0000000000000000"],
    ["reserved field of ACK", "0200100000000000 0500000000000000 00000000 0000 0100"],
    ["reserved field of an opening", "0400100000000000 0400000000000000 00 00 0000 01000000"],
    ["padding behind a body", "0700010000000000 ff00000000000001"],
    [
      "padding behind a name",
      "0502190000000000 0000000000000000 0000000000000000 00000100000000 00 41 00000000000001",
    ],
    ["a length of PADDING", "0000080000000000 0000000000000000"],
    ["an aux of PADDING", "0000000001000000"],
  ])("%s", (_title, wire) => {
    expect(decodeWithEngine(wasm, hex(wire))).toBe(FRAME_INVALID);
  });

  test.each([
    ["a unidirectional stream", "0600100000000000 0500000000000000 0000000000000000"],
    ["a stream id of 2^62", "0600100000000000 0000000000000040 0000000000000000"],
    ["a final size of 2^62", "0600100000000000 0400000000000000 0000000000000040"],
    ["band 4", "0400100000000000 0400000000000000 04 00 0000 00000000"],
    ["stream kind 2", "0400100000000000 0400000000000000 00 02 0000 00000000"],
    [
      "data that ends at 2^62",
      "0500110000000000 0400000000000000 ffffffffffffff3f aa00000000000000",
    ],
    ["an ACK below packet 0", "0200100000000000 0500000000000000 06000000 0000 0000"],
    ["more ACK ranges than the body has", "0200100000000000 0500000000000000 00000000 0100 0000"],
    ["a stream limit of 2^60 + 1", "0803080000000000 0100000000000010"],
  ])("%s is refused", (_title, wire) => {
    expect(decodeWithEngine(wasm, hex(wire))).toBe(FRAME_INVALID);
  });

  test("a name of 129 bytes, a reason of 257 and a 66th range are refused", () => {
    const opening = { band: 0, kind: 0, name: new Uint8Array(129) };
    const ranges = Array.from({ length: 66 }, (_, index) => ({
      smallest: BigInt(1000 - 2 * index),
      largest: BigInt(1000 - 2 * index),
    }));
    const code = { code: 0n, applicationCode: 0n, isByApplication: false };
    const tooLong: FrameValue[] = [
      { type: "stream-open", id: 0n, opening },
      { type: "close", ...code, reason: new Uint8Array(257) },
      { type: "ack", delayUs: 0, ranges },
    ];
    for (const value of tooLong) {
      expect(decodeWithEngine(wasm, encodeFrame(value))).toBe(FRAME_INVALID);
    }
    // What the engine sends of them stays within the limits.
    expect(encodeWithEngine(wasm, tooLong[2]!, 1200)!.length).toBe(8 + 16 + 64 * 8);
    expect(encodeWithEngine(wasm, tooLong[1]!, 1200)!.length).toBe(8 + 16 + 256);
  });
});

describe("rules about frames", () => {
  const ask = (question: string, type: number, flags: number, ...rest: number[]) => {
    wasm.release();
    const record = wasm.reserve(80);
    wasm.view.setInt32(record, type, true);
    wasm.view.setInt32(record + 4, flags, true);
    return wasm.exports[question]!(record, ...rest) === 1;
  };

  test("all frames but PADDING, ACK and CLOSE ask for an acknowledgement", () => {
    for (const type of [1, 4, 5, 6, 7, 8, 0x40]) expect(ask("isAckEliciting", type, 0)).toBe(true);
    expect(ask("isAckEliciting", 0, 0)).toBe(false);
    expect(ask("isAckEliciting", 2, 0)).toBe(false);
    expect(ask("isAckEliciting", 8, 10)).toBe(false);
    expect(ask("isAckEliciting", 7, 10)).toBe(true);
  });

  test("only the initiator may be told HANDSHAKE_DONE", () => {
    expect(ask("isFrameForSide", 8, 9, 1)).toBe(true);
    expect(ask("isFrameForSide", 8, 9, 0)).toBe(false);
    expect(ask("isFrameForSide", 8, 8, 0)).toBe(true);
    expect(ask("isFrameForSide", 7, 9, 0)).toBe(true);
  });

  test("an ACK of nothing is not written, and neither are datagrams beyond the length field", () => {
    const nothing: FrameValue = { type: "ack", delayUs: 0, ranges: [] };
    expect(encodeWithEngine(wasm, nothing, 1200)).toBeNull();
    expect(wasm.exports["datagramCapacity"]!(1200)).toBe(1192);
    expect(wasm.exports["datagramCapacity"]!(80_000)).toBe(0xfff8);
    const cut = Uint8Array.from([5, 0, 8, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0]);
    expect(decodeWithEngine(wasm, cut)).toBe(FRAME_INVALID);
  });

  test("a gap or range that needs more than 32 bits ends the ACK", () => {
    const far: FrameValue = {
      type: "ack",
      delayUs: 0,
      ranges: [
        { smallest: 2n ** 40n, largest: 2n ** 40n },
        { smallest: 5n, largest: 6n },
      ],
    };
    const wire = encodeWithEngine(wasm, far, 1200)!;
    expect(decodeWithEngine(wasm, wire)).toMatchObject({ value: { ranges: [far.ranges[0]] } });
    const long: FrameValue = {
      type: "ack",
      delayUs: 0,
      ranges: [{ smallest: 0n, largest: 2n ** 40n }],
    };
    const cut = { smallest: 2n ** 40n - 0xffff_ffffn, largest: 2n ** 40n };
    expect(decodeWithEngine(wasm, encodeWithEngine(wasm, long, 1200)!)).toMatchObject({
      value: { ranges: [cut] },
    });
  });

  test("a STREAM_DATA frame can be filled to the last byte that is allowed", () => {
    for (const nameLength of [-1, 0, 1, 8, 128]) {
      for (const space of [64, 200, 201, 207, 1200, 70_000]) {
        const most = wasm.exports["streamDataCapacity"]!(space, nameLength);
        if (most < 0) continue;
        expect(wasm.exports["streamDataSize"]!(most, nameLength)).toBeLessThanOrEqual(space);
        if (space < 60_000) {
          expect(wasm.exports["streamDataSize"]!(most + 1, nameLength)).toBeGreaterThan(space);
        } else {
          expect(wasm.exports["streamDataSize"]!(most, nameLength)).toBeLessThanOrEqual(65_536);
        }
      }
    }
  });
});
