/** Payloads of packets: sequences of frames, as they lie behind the decryption. */
import { decodeFrame, encodeFrame, type FrameValue } from "../../reference/frames.ts";
import type { Random } from "../../sim/random.ts";
import { TestModule } from "../../support/wasm.ts";
import { decodeWithEngine, encodeWithEngine, rulesOfFrame } from "../../support/wire-frames.ts";
import { anyExtension, anyFrame, anyRanges } from "../../support/wire-values.ts";
import { mutate } from "../mutate.ts";
import { judged, requireEqual, type Target } from "../target.ts";

const FRAME_INVALID = -25;
const PACKET_MAX = 1452;

/** Frames one after the other, at most a packet full. */
function anyPayload(random: Random): Uint8Array<ArrayBuffer> {
  let payload = new Uint8Array();
  for (let left = random.between(1, 5); left > 0; left--) {
    const value = random.chance(0.1) ? anyExtension(random) : anyFrame(random);
    const wire = encodeFrame(value);
    if (payload.length + wire.length > PACKET_MAX) break;
    payload = Uint8Array.from([...payload, ...wire]);
  }
  return payload;
}

/**
 * Decodes a payload to its end or to the first refusal, with both, and encodes what was accepted.
 */
function comparePayload(wasm: TestModule, payload: Uint8Array): boolean {
  let rest = payload;
  while (rest.length > 0) {
    const expected = decodeFrame(rest);
    requireEqual(decodeWithEngine(wasm, rest), expected ?? FRAME_INVALID, "decoding");
    if (expected === null) return false;
    const wire = rest.subarray(0, expected.size);
    compareRules(wasm, expected.value, wire);
    compareEncoding(wasm, expected.value, wire);
    rest = rest.subarray(expected.size);
  }
  return true;
}

/** docs/protocol.md §7: what asks for an acknowledgement, and who may receive it. */
function compareRules(wasm: TestModule, value: FrameValue, wire: Uint8Array): void {
  const isEliciting = !["padding", "ack", "close"].includes(value.type);
  const rules = [isEliciting, true, value.type !== "handshake-done"];
  requireEqual(rulesOfFrame(wasm, wire), rules, "rules of the frame");
}

/** There is one encoding of a frame, so what was accepted is what the engine would have written. */
function compareEncoding(wasm: TestModule, value: FrameValue, wire: Uint8Array): void {
  if (value.type === "extension") return;
  requireEqual(encodeWithEngine(wasm, value, wire.length), wire, "encoding what was accepted");
  const tooSmall = encodeWithEngine(wasm, value, wire.length - 1);
  if (value.type !== "ack") requireEqual(tooSmall, null, "encoding without room");
  else if (tooSmall !== null && tooSmall.length >= wire.length) throw new Error("an ACK too large");
}

export const frames: Target = {
  name: "frames",
  about: "sequences of frames against the twin, encoded again when accepted",
  entries: ["wire"],
  prepare() {
    const wasm = new TestModule("wire");
    return (random) => {
      const input = mutate(random, anyPayload(random));
      return judged(input, () => comparePayload(wasm, input));
    };
  },
};

export const ack: Target = {
  name: "ack",
  about: "ACK frames with many ranges, gaps and lengths at their limits",
  entries: ["wire"],
  prepare() {
    const wasm = new TestModule("wire");
    return (random) => {
      const ranges = anyRanges(random);
      const value = { type: "ack" as const, delayUs: random.u32(), ranges };
      const wire = encodeFrame(value);
      const input = mutate(random, wire);
      return judged(input, () => {
        compareShortened(wasm, random, value, wire.length);
        compareFar(wasm, random);
        return comparePayload(wasm, input);
      });
    };
  },
};

type AckValue = FrameValue & { readonly type: "ack" };

/** In too little space the oldest ranges are left out; what is said stays true. */
function compareShortened(wasm: TestModule, random: Random, value: AckValue, size: number): void {
  const written = encodeWithEngine(wasm, value, random.between(0, size));
  if (written !== null) compareRanges(wasm, written, value);
  const nothing = encodeWithEngine(wasm, { ...value, ranges: [] }, size);
  requireEqual(nothing, null, "an ACK of nothing");
}

/** Gaps and ranges of more than 32 bits: the ACK ends before them, or tells the newer part. */
function compareFar(wasm: TestModule, random: Random): void {
  const top = 2n ** 40n + BigInt(random.u32());
  const near = { smallest: top - BigInt(random.between(0, 9)), largest: top };
  const far = { smallest: 0n, largest: BigInt(random.between(0, 9)) };
  const value = { type: "ack" as const, delayUs: 0, ranges: [near, far] };
  compareRanges(wasm, encodeWithEngine(wasm, value, 200)!, value);
  const long = { smallest: 0n, largest: top };
  const cut = { ...value, ranges: [{ smallest: top - 0xffff_ffffn, largest: top }] };
  const written = encodeWithEngine(wasm, { ...value, ranges: [long] }, 200)!;
  compareRanges(wasm, written, cut);
  const below = { smallest: 0n, largest: near.smallest - 2n };
  const second = encodeWithEngine(wasm, { ...value, ranges: [near, below] }, 200)!;
  compareRanges(wasm, second, { ...value, ranges: [near] });
}

function compareRanges(wasm: TestModule, written: Uint8Array, value: AckValue): void {
  const decoded = decodeWithEngine(wasm, written);
  if (typeof decoded === "number" || decoded.value.type !== "ack") throw new Error("not an ACK");
  const { ranges } = decoded.value;
  requireEqual(ranges, value.ranges.slice(0, ranges.length), "ranges of a shortened ACK");
}
