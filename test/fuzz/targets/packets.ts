/** Packet heads: the short header under its mask, and the long ones in a datagram. */
import * as twin from "../../reference/packets.ts";
import type { Random } from "../../sim/random.ts";
import { TestModule } from "../../support/wasm.ts";
import { putAtEnd } from "../../support/wire-frames.ts";
import {
  decodeLongPacket,
  encodeLongPacket,
  encodeShortHeader,
  versionBytes,
} from "../../support/wire-packets.ts";
import { anyLongPacket, anyShortHeader } from "../../support/wire-values.ts";
import { mutate } from "../mutate.ts";
import { judged, requireEqual, type Target } from "../target.ts";

const PACKET_INVALID = -24;

/** The reserved bits of an unmasked header, bit by bit. */
function reservedAreZero(header: Uint8Array): boolean {
  const significant = 1 + (header[9]! & 3);
  const unused = header.subarray(12 + significant, 16);
  return (header[8]! & 0xf0) === 0 && (header[9]! & 0xfc) === 0 && unused.every((one) => one === 0);
}

function compareShortHeader(wasm: TestModule, header: Uint8Array, largest: bigint): boolean {
  const { exports } = wasm;
  const at = putAtEnd(wasm, header);
  const bytes = 1 + (header[9]! & 3);
  requireEqual(exports["shortHeaderNumberBytes"]!(at), bytes, "significant bytes");
  const truncated = header
    .subarray(12, 12 + bytes)
    .reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
  const number = exports["shortHeaderNumber"]!(at) >>> 0;
  requireEqual(number, Number(truncated), "the truncated number");
  const expanded = BigInt.asUintN(64, exports["expandPacketNumber"]!(largest, number, bytes));
  requireEqual(expanded, twin.expandPacketNumber(largest, truncated, bytes), "the full number");
  const areZero = exports["reservedBitsAreZero"]!(at) === 1;
  requireEqual(areZero, reservedAreZero(header), "reserved bits");
  requireEqual(exports["isKeyPhaseOne"]!(at), (header[8]! >> 3) & 1, "the key phase");
  return areZero;
}

/** A number is sent with as many bytes as the receiver needs, whatever it has seen up to then. */
function comparePacketNumber(wasm: TestModule, random: Random): void {
  const { exports } = wasm;
  const largestAcked = random.chance(0.1) ? -1n : random.u64() >> BigInt(random.between(3, 63));
  const ahead = 1n + (BigInt(random.u32()) >> BigInt(random.between(1, 31)));
  const sent = largestAcked + ahead;
  const bytes = exports["packetNumberBytes"]!(sent, largestAcked);
  requireEqual(bytes, twin.packetNumberBytes(sent, largestAcked), "bytes of the number");
  const truncated = exports["truncatePacketNumber"]!(sent, bytes);
  const seen = largestAcked + (random.u64() % ahead);
  const expanded = BigInt.asUintN(64, exports["expandPacketNumber"]!(seen, truncated, bytes));
  requireEqual(expanded, sent, "the number after truncation");
}

export const shortHeader: Target = {
  name: "short-header",
  about: "short headers through the mask: numbers, phase and reserved bits against the twin",
  entries: ["wire"],
  prepare() {
    const wasm = new TestModule("wire");
    return (random) => {
      const value = anyShortHeader(random);
      const clear = encodeShortHeader(wasm, value);
      const input = mutate(random, clear);
      return judged(input, () => {
        requireEqual(clear, twin.encodeShortHeader(value), "encoding");
        comparePacketNumber(wasm, random);
        const length = input.length;
        const stated = 16 + (input[10] ?? 0) + 256 * (input[11] ?? 0);
        const size = length < 16 || stated > length ? PACKET_INVALID : stated;
        requireEqual(wasm.exports["packetSize"]!(putAtEnd(wasm, input), length), size, "the size");
        if (length < 16) return false;
        const header = input.slice(0, 16);
        const at = putAtEnd(wasm, header);
        const mask = wasm.put(random.bytes(8));
        wasm.exports["maskShortHeader"]!(at, mask);
        requireEqual(wasm.get(at, 8), header.slice(0, 8), "the connection id under the mask");
        requireEqual(wasm.exports["packetType"]!(at), header[8]! & 7, "the type under the mask");
        wasm.exports["maskShortHeader"]!(at, mask);
        requireEqual(wasm.get(at, 16), header, "the header after its mask was taken off");
        const largest = random.chance(0.1) ? -1n : random.u64() >> BigInt(random.between(2, 63));
        return compareShortHeader(wasm, header, largest);
      });
    };
  },
};

/** Prologue and questions about the versions of a packet that was accepted. */
function compareVersions(wasm: TestModule, random: Random, packet: twin.LongPacketValue): void {
  const { exports } = wasm;
  const versions = packet.type === "handshake" ? [] : packet.versions;
  wasm.release();
  const list = wasm.put(versionBytes(versions));
  const out = wasm.reserve(128);
  const { connectionId, version } = packet;
  const count = versions.length;
  const size = exports["writePrologue"]!(out, version, list, count, connectionId);
  const prologue = twin.encodePrologue(version, versions, connectionId);
  requireEqual(wasm.get(out, size), prologue, "the prologue");
  const wanted = random.chance(0.5) && count > 0 ? random.pick(versions) : random.u32();
  const has = exports["versionListHas"]!(list, count, wanted) === 1;
  requireEqual(has, versions.includes(wanted), "a version in the list");
  const isGrease = /^(.a){4}$/.test(wanted.toString(16).padStart(8, "0"));
  requireEqual(exports["isVersionGrease"]!(wanted) === 1, isGrease, "GREASE");
}

export const longHeader: Target = {
  name: "long-header",
  about: "Initial, Handshake and Hint packets against the twin, encoded again when accepted",
  entries: ["wire"],
  prepare() {
    const wasm = new TestModule("wire");
    return (random) => {
      const input = mutate(random, twin.encodeLongPacket(anyLongPacket(random)));
      return judged(input, () => {
        const expected = twin.decodeLongPacket(input);
        requireEqual(decodeLongPacket(wasm, input), expected ?? PACKET_INVALID, "decoding");
        if (expected === null) return false;
        const wire = encodeLongPacket(wasm, expected.packet);
        requireEqual(wire, input.slice(0, expected.size), "encoding what was accepted");
        compareVersions(wasm, random, expected.packet);
        return true;
      });
    };
  },
};
