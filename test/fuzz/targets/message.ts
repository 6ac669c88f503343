/** MXP messages, whole and in slices. */
import * as twin from "../../reference/mxp-message.ts";
import type { Random } from "../../sim/random.ts";
import { TestModule } from "../../support/wasm.ts";
import { decodeMessage, encodeMessage } from "../../support/wire-packets.ts";
import { anyMessage } from "../../support/wire-values.ts";
import { mutate } from "../mutate.ts";
import { judged, requireEqual, type Target } from "../target.ts";

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

/**
 * After damage to the header or payload the checksum is made right again, to get behind its check.
 */
function repairChecksum(random: Random, bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (bytes.length < 40 || random.chance(0.4)) return bytes;
  const view = new DataView(bytes.buffer);
  const payloadLength = view.getBigUint64(24, true);
  if (payloadLength > BigInt(bytes.length - 40)) return bytes;
  const at = 32 + Number(payloadLength);
  view.setBigUint64(at, twin.checksum(bytes.subarray(0, at)), true);
  return bytes;
}

/**
 * Feeds the input in random slices: the size of the message, the first error, or null when
 * unfinished.
 */
function receiveInSlices(wasm: TestModule, random: Random, input: Uint8Array): number | null {
  const { exports } = wasm;
  wasm.release();
  const state = wasm.reserve(1024);
  const at = wasm.put(input);
  exports["messageSlicesReset"]!(state);
  let taken = 0;
  while (taken < input.length) {
    const step = random.chance(0.3) ? random.between(1, 4) : random.between(0, 1500);
    const length = Math.min(step, input.length - taken);
    const status = exports["messageSlicesPush"]!(state, at + taken, length);
    if (status < 0) return status;
    const payload = exports["messageSlicesPayloadLength"]!(state);
    if (payload > status) throw new Error("more payload than was taken");
    taken += status;
    if (exports["messageSlicesIsComplete"]!(state) === 1) return taken;
    if (status !== length) throw new Error("bytes were left before the end of the message");
  }
  return null;
}

/** What a decoder would refuse is not written, and the reason is the decoder's. */
function compareRefusals(
  wasm: TestModule,
  random: Random,
  value: twin.MessageValue,
  size: number,
): void {
  const type = random.between(0, 255);
  const flags = random.between(0, 31);
  const other = { ...value, type, flags };
  const decoded = twin.decodeMessage(twin.encodeMessage(other), true);
  const encoded = encodeMessage(wasm, other, size);
  if (typeof decoded === "string") requireEqual(encoded, STATUS[decoded], "refusing to encode");
  const tooLarge = 16_777_217n + (random.u64() % 2n ** 40n);
  const out = wasm.reserve(64);
  const status = wasm.exports["writeMessageHeader"]!(out, 0x10, 0, 1n, 2n, tooLarge);
  requireEqual(status, STATUS["PayloadTooLarge"], "a payload that is too large");
  const whole = wasm.exports["writeMessage"]!(out, 64, 0x10, 0, 1n, 2n, out, 16_777_217);
  requireEqual(whole, STATUS["PayloadTooLarge"], "a message that is too large");
}

function compare(wasm: TestModule, random: Random, input: Uint8Array): boolean {
  const isStrict = random.chance(0.5);
  const expected = twin.decodeMessage(input, isStrict);
  const status = typeof expected === "string" ? STATUS[expected]! : expected;
  requireEqual(decodeMessage(wasm, input, isStrict), status, "decoding");
  const lenient = twin.decodeMessage(input, false);
  const sliced = receiveInSlices(wasm, random, input);
  if (typeof lenient !== "string") requireEqual(sliced, lenient.size, "decoding in slices");
  else if (lenient === "BufferTooSmall" && input.length >= 40) requireEqual(sliced, null, "slices");
  else if (lenient !== "BufferTooSmall") requireEqual(sliced, STATUS[lenient], "error in slices");
  if (typeof expected === "string") return false;
  const { value, size } = expected;
  requireEqual(
    encodeMessage(wasm, value, size),
    input.slice(0, size),
    "encoding what was accepted",
  );
  requireEqual(encodeMessage(wasm, value, size - 1), -1, "encoding without room");
  compareRefusals(wasm, random, value, size);
  return true;
}

export const message: Target = {
  name: "message",
  about: "MXP messages whole and in slices against the twin, with the checksum repaired",
  entries: ["wire"],
  prepare() {
    const wasm = new TestModule("wire");
    return (random) => {
      const damaged = mutate(random, twin.encodeMessage(anyMessage(random)));
      const input = repairChecksum(random, damaged);
      return judged(input, () => compare(wasm, random, input));
    };
  },
};
