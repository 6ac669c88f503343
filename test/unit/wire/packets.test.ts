/**
 * Goal: packet numbers, the short header and the long ones are what docs/protocol.md §3 and §4 say.
 * Method: the examples of RFC 9000 A.2 and A.3, hand-written bytes, and the readable twin on
 * random, cut and damaged packets that lie at the end of memory.
 */
import { describe, expect, test } from "vitest";
import * as twin from "../../reference/packets.ts";
import { Random } from "../../sim/random.ts";
import { hex, TestModule } from "../../support/wasm.ts";
import { putAtEnd } from "../../support/wire-frames.ts";
import {
  decodeLongPacket,
  encodeLongPacket,
  encodeShortHeader,
  versionBytes,
} from "../../support/wire-packets.ts";
import { anyBig, anyLongPacket, anyShortHeader } from "../../support/wire-values.ts";

const PACKET_INVALID = -24;
const MAX_62 = 2n ** 62n - 1n;
const wasm = new TestModule("wire");
const { exports } = wasm;
/** An i64 export gives a signed bigint. */
const unsigned = (value: bigint) => BigInt.asUintN(64, value);

describe("packet numbers", () => {
  test("the examples of RFC 9000 A.2 and A.3", () => {
    // spec-test: RFC 9000 A.2, A.3
    expect(exports["packetNumberBytes"]!(0xac5c02n, 0xabe8b3n)).toBe(2);
    expect(exports["packetNumberBytes"]!(0xace8fen, 0xabe8b3n)).toBe(3);
    expect(exports["expandPacketNumber"]!(0xa82f30ean, 0x9b32, 2)).toBe(0xa82f9b32n);
  });

  test("a number is told apart from half a window of others", () => {
    for (let seed = 0; seed < 3000; seed++) {
      const random = new Random(seed, "number");
      const largestAcked = random.chance(0.2) ? -1n : anyBig(random, MAX_62 - 2n ** 31n);
      const ahead = 1n + anyBig(random, 2n ** 31n - 1n);
      const sent = largestAcked + ahead;
      const bytes = exports["packetNumberBytes"]!(sent, largestAcked);
      expect(bytes, `seed ${seed}`).toBe(twin.packetNumberBytes(sent, largestAcked));
      const truncated = exports["truncatePacketNumber"]!(sent, bytes) >>> 0;
      expect(BigInt(truncated)).toBe(sent % 2n ** BigInt(8 * bytes));
      // Whatever the receiver has seen between the largest acknowledged and this one, it
      // understands.
      const seen = largestAcked + anyBig(random, ahead - 1n);
      expect(unsigned(exports["expandPacketNumber"]!(seen, truncated, bytes))).toBe(sent);
    }
  });

  test("any truncated number expands to the nearest candidate", () => {
    for (let seed = 0; seed < 5000; seed++) {
      const random = new Random(seed, "expand");
      const bytes = random.between(1, 4);
      const truncated = random.u64() % 2n ** BigInt(8 * bytes);
      const largest = random.chance(0.1) ? -1n : anyBig(random, MAX_62 - 1n);
      const expanded = unsigned(exports["expandPacketNumber"]!(largest, Number(truncated), bytes));
      expect(expanded, `seed ${seed}`).toBe(twin.expandPacketNumber(largest, truncated, bytes));
    }
  });
});

describe("the short header", () => {
  test("has the bytes of the specification", () => {
    const header = {
      connectionId: 0x0807060504030201n,
      hasPhaseBit: true,
      packetNumber: 0x1_2345_6789n,
      numberBytes: 3,
      bodyLength: 0x0456,
    };
    expect(encodeShortHeader(wasm, header)).toEqual(hex("0102030405060708 0c025604 89674500"));
  });

  test("comes back through the mask, and equals the twin", () => {
    for (let seed = 0; seed < 2000; seed++) {
      const random = new Random(seed, "short");
      const header = anyShortHeader(random);
      const clear = encodeShortHeader(wasm, header);
      expect(clear, `seed ${seed}`).toEqual(twin.encodeShortHeader(header));
      const at = putAtEnd(wasm, clear);
      const mask = wasm.put(random.bytes(8));
      exports["maskShortHeader"]!(at, mask);
      // Connection id, type and length stay readable.
      expect(unsigned(exports["packetConnectionId"]!(at))).toBe(header.connectionId);
      expect(exports["packetType"]!(at)).toBe(4);
      expect(wasm.get(at + 10, 2)).toEqual(clear.slice(10, 12));
      exports["maskShortHeader"]!(at, mask);
      expect(wasm.get(at, 16)).toEqual(clear);
      expect(exports["isKeyPhaseOne"]!(at)).toBe(header.hasPhaseBit ? 1 : 0);
      expect(exports["shortHeaderNumberBytes"]!(at)).toBe(header.numberBytes);
      expect(exports["shortHeaderNumber"]!(at) >>> 0).toBe(
        Number(header.packetNumber % 2n ** BigInt(8 * header.numberBytes)),
      );
      expect(exports["reservedBitsAreZero"]!(at)).toBe(1);
    }
  });

  test("the mask covers bits 3 to 7 of the flags, the number byte and the number", () => {
    const at = wasm.put(new Uint8Array(16));
    exports["maskShortHeader"]!(at, wasm.put(hex("ff02030405060708")));
    expect(wasm.get(at, 16)).toEqual(hex("0000000000000000 f8020000 03040506"));
  });

  test.each([
    ["flags bit 4", 8, 0x10],
    ["flags bit 7", 8, 0x80],
    ["number byte bit 2", 9, 0x04],
    ["number byte bit 7", 9, 0x80],
    ["an unused number byte", 13, 0x01],
    ["the last unused number byte", 15, 0x80],
  ])("a reserved bit that is set is seen: %s", (_title, offset, bit) => {
    const header = twin.encodeShortHeader({
      connectionId: 1n,
      hasPhaseBit: false,
      packetNumber: 5n,
      numberBytes: 1,
      bodyLength: 32,
    });
    header[offset]! |= bit;
    expect(exports["reservedBitsAreZero"]!(wasm.put(header))).toBe(0);
  });
});

describe("packets in a datagram", () => {
  const size = (bytes: Uint8Array) => exports["packetSize"]!(putAtEnd(wasm, bytes), bytes.length);

  test("a packet takes its head and the length that it states", () => {
    const packet = new Uint8Array(16 + 40);
    packet[10] = 40;
    expect(size(packet)).toBe(56);
    expect(size(Uint8Array.from([...packet, 1, 2, 3]))).toBe(56);
    for (let length = 0; length < 56; length++) {
      expect(size(packet.subarray(0, length))).toBe(PACKET_INVALID);
    }
  });

  test("a protected packet without 16 bytes behind its head cannot be sampled", () => {
    expect(exports["hasSample"]!(31)).toBe(0);
    expect(exports["hasSample"]!(32)).toBe(1);
  });
});

describe("long packets", () => {
  test("an Initial has the bytes of the specification", () => {
    const wire = encodeLongPacket(wasm, {
      type: "initial",
      connectionId: 0x0807060504030201n,
      kind: 1,
      version: 0x4d585001,
      keyId: 0x1817161514131211n,
      versions: [0x4d585001],
      token: hex("a1a2"),
      body: hex("e0e1e2"),
    });
    const head = "0102030405060708 01015b00 0150584d 1112131415161718 01000200 00000000";
    const versions = "0150584d 00000000";
    const tokenArea = `a1a2 ${"00".repeat(62)}`;
    expect(wire).toEqual(hex(`${head} ${versions} ${tokenArea} e0e1e2`));
    expect(exports["initialHeadSize"]!(1)).toBe(wire.length - 3);
  });

  test("every packet that is sent comes back, and has the twin's bytes", () => {
    for (let seed = 0; seed < 1000; seed++) {
      const packet = anyLongPacket(new Random(seed, "long"));
      const wire = twin.encodeLongPacket(packet);
      expect(encodeLongPacket(wasm, packet), `seed ${seed}`).toEqual(wire);
      expect(decodeLongPacket(wasm, wire), `seed ${seed}`).toEqual({ packet, size: wire.length });
    }
  });

  test("a packet cut anywhere is refused", () => {
    for (let seed = 0; seed < 60; seed++) {
      const wire = twin.encodeLongPacket(anyLongPacket(new Random(seed, "cut")));
      for (let length = 0; length < wire.length; length++) {
        expect(decodeLongPacket(wasm, wire.subarray(0, length))).toBe(PACKET_INVALID);
      }
    }
  });

  test("engine and twin agree about damaged packets and about noise", () => {
    let refused = 0;
    for (let seed = 0; seed < 6000; seed++) {
      const random = new Random(seed, "damage");
      const wire = random.chance(0.1)
        ? random.bytes(random.between(0, 140))
        : twin.encodeLongPacket(anyLongPacket(random));
      for (let count = random.between(0, 2); count >= 0 && wire.length > 0; count--) {
        const at = random.between(0, Math.min(wire.length, 110) - 1);
        wire[at] = random.chance(0.7) ? wire[at]! ^ (1 << random.between(0, 7)) : random.u32();
      }
      const expected = twin.decodeLongPacket(wire);
      refused += expected === null ? 1 : 0;
      expect(decodeLongPacket(wasm, wire), `seed ${seed}`).toEqual(expected ?? PACKET_INVALID);
    }
    expect(refused).toBeGreaterThan(1000);
    expect(refused).toBeLessThan(5000);
  });

  test("reserved packet types and kinds are refused", () => {
    for (let flags = 0; flags < 256; flags++) {
      const wire = twin.encodeLongPacket({
        type: "handshake",
        connectionId: 1n,
        kind: 2,
        version: 0x4d585001,
        body: new Uint8Array(64),
      });
      wire[8] = flags;
      const decoded = decodeLongPacket(wasm, wire);
      if (flags === 2) expect(decoded).toMatchObject({ size: 80 });
      else expect(decoded).toBe(PACKET_INVALID);
    }
    for (let kind = 0; kind < 256; kind++) {
      for (const type of ["initial", "handshake", "hint"] as const) {
        const wire = twin.encodeLongPacket({
          type,
          connectionId: 1n,
          kind: type === "hint" ? 1 : kind,
          version: 1,
          keyId: 0n,
          versions: [1],
          token: new Uint8Array(),
          body: new Uint8Array(),
        });
        wire[9] = kind;
        const least = { initial: 1, handshake: 2, hint: 1 }[type];
        const most = { initial: 4, handshake: 3, hint: 1 }[type];
        const isRefused = decodeLongPacket(wasm, wire) === PACKET_INVALID;
        expect(isRefused, `${type} ${kind}`).toBe(kind < least || kind > most);
      }
    }
  });

  test("the prologue holds label, version, versions and the client's connection id", () => {
    wasm.release();
    const versions = [0x4d585001, 0x1a2a3a4a];
    const out = wasm.reserve(100);
    const list = wasm.put(versionBytes(versions));
    const size = exports["writePrologue"]!(out, versions[0]!, list, 2, 0x0807060504030201n);
    expect(wasm.get(out, size)).toEqual(
      twin.encodePrologue(0x4d585001, versions, 0x0807060504030201n),
    );
    expect(wasm.get(out, size)).toEqual(
      hex("6d787031 0150584d 02 0150584d 4a3a2a1a 0102030405060708"),
    );
  });
});

describe("versions", () => {
  test("one is spoken, two are reserved, GREASE is neither", () => {
    expect(exports["isVersionSupported"]!(0x4d585001)).toBe(1);
    for (const version of [0x4d585002, 0x4d585003, 0x4d585000, 0, 0x1a2a3a4a]) {
      expect(exports["isVersionSupported"]!(version)).toBe(0);
    }
    expect(exports["isVersionGrease"]!(0xfaeadaca | 0)).toBe(1);
    expect(exports["isVersionGrease"]!(0x0a0a0a0a)).toBe(1);
    expect(exports["isVersionGrease"]!(0x4d585001)).toBe(0);
  });

  test("a list is searched to its end and not beyond", () => {
    wasm.release();
    const list = wasm.put(versionBytes([5, 6, 7]));
    expect(exports["versionListHas"]!(list, 3, 7)).toBe(1);
    expect(exports["versionListHas"]!(list, 2, 7)).toBe(0);
    expect(exports["versionListHas"]!(list, 0, 5)).toBe(0);
  });
});
