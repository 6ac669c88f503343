/**
 * MXP messages by the engine against codecs in TypeScript, both checksummed by XXH3-64.
 *
 * The peer to beat is written for speed: a DataView over one buffer that it keeps, and hash-wasm's checksum. The
 * readable twin, which the engine is tested against, is shown beside it. The engine is measured twice: over bytes that
 * lie in its memory, which is how it works inside a connection, and with the bytes copied in, which is what a host
 * would pay that used it as a codec. All hand out views; the readable twin copies.
 */
import { createXXHash3, type IHasher } from "hash-wasm";
import {
  decodeMessage as decodeReadable,
  encodeMessage as encodeReadable,
} from "../../test/reference/mxp-message.ts";
import { TestModule } from "../../test/support/wasm.ts";
import {
  buildEntry,
  candidate,
  type Bench,
  type BenchContext,
  type Candidate,
} from "../harness.ts";

const SIZES = [64, 1024, 16384];
const HEADER_SIZE = 32;
const OVERHEAD = 40;
const MAGIC = 0x4d585031;
const TYPE_CALL = 0x10;
const PAYLOAD_MAX = 16_777_216n;
const TYPES = new Set([1, 2, 3, 0x10, 0x11, 0x12, 0x20, 0x21, 0x22, 0xf0, 0xf1]);
const IDS = { messageId: 0x0123_4567_89ab_cdefn, traceId: 0xfedc_ba98_7654_3210n };
const PEER = "DataView + hash-wasm";
const MESSAGE_RECORD_SIZE = 64;

/** The codec that a careful TypeScript programmer writes: one buffer, one view, no objects but the result. */
class ViewCodec {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #hasher: IHasher;

  constructor(hasher: IHasher, payloadMax: number) {
    this.#bytes = new Uint8Array(payloadMax + OVERHEAD);
    this.#view = new DataView(this.#bytes.buffer);
    this.#hasher = hasher;
  }

  encode(type: number, flags: number, messageId: bigint, traceId: bigint, payload: Uint8Array) {
    const view = this.#view;
    view.setUint32(0, MAGIC, true);
    view.setUint8(4, type);
    view.setUint8(5, flags);
    view.setUint16(6, 0, true);
    view.setBigUint64(8, messageId, true);
    view.setBigUint64(16, traceId, true);
    view.setBigUint64(24, BigInt(payload.length), true);
    this.#bytes.set(payload, HEADER_SIZE);
    const end = HEADER_SIZE + payload.length;
    view.setBigUint64(end, this.#checksum(this.#bytes.subarray(0, end)), true);
    return this.#bytes.subarray(0, end + 8);
  }

  /** The payload, or the name of what is wrong, in the published order. */
  decode(bytes: Uint8Array) {
    if (bytes.length < OVERHEAD) return "BufferTooSmall";
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (view.getUint32(0, true) !== MAGIC) return "InvalidMagic";
    if (view.getUint16(6, true) !== 0) return "ReservedFieldNonZero";
    const type = view.getUint8(4);
    const flags = view.getUint8(5);
    if (!TYPES.has(type)) return "InvalidMessageType";
    if (flags > 15) return "InvalidFlags";
    const payloadLength = view.getBigUint64(24, true);
    if (payloadLength > PAYLOAD_MAX) return "PayloadTooLarge";
    const end = HEADER_SIZE + Number(payloadLength);
    if (bytes.length < end + 8) return "BufferTooSmall";
    const checksum = this.#checksum(bytes.subarray(0, end));
    if (view.getBigUint64(end, true) !== checksum) return "ChecksumMismatch";
    return {
      type,
      flags,
      messageId: view.getBigUint64(8, true),
      traceId: view.getBigUint64(16, true),
      payload: bytes.subarray(HEADER_SIZE, end),
    };
  }

  #checksum(bytes: Uint8Array): bigint {
    const digest = this.#hasher.init().update(bytes).digest("binary");
    return new DataView(digest.buffer, digest.byteOffset, 8).getBigUint64(0, false);
  }
}

/** One message in every form that a candidate wants. */
interface Sample {
  readonly payload: Uint8Array;
  readonly encoded: Uint8Array;
  readonly codec: ViewCodec;
  readonly engine: TestModule;
}

function encoding({ payload, codec, engine }: Sample): Candidate[] {
  const size = payload.length;
  const [input, out] = [engine.put(payload), engine.reserve(size + OVERHEAD)];
  const write = engine.exports["writeMessage"]!;
  const { messageId, traceId } = IDS;
  const value = { type: TYPE_CALL, flags: 0, messageId, traceId, payload };
  const encode = (from: number): number =>
    write(out, size + OVERHEAD, TYPE_CALL, 0, messageId, traceId, from, size);
  return [
    candidate(PEER, () => codec.encode(TYPE_CALL, 0, messageId, traceId, payload).at(-1)!),
    candidate("readable twin", () => encodeReadable(value).at(-1)!),
    candidate("engine", () => encode(input)),
    candidate("engine, copy in included", () => {
      engine.bytes.set(payload, out + HEADER_SIZE);
      return engine.bytes.subarray(out, out + encode(out + HEADER_SIZE)).at(-1)!;
    }),
  ];
}

function decoding({ encoded, codec, engine }: Sample): Candidate[] {
  const [input, record] = [engine.put(encoded), engine.reserve(MESSAGE_RECORD_SIZE)];
  const decode = engine.exports["decodeMessage"]!;
  return [
    candidate(PEER, () => {
      const message = codec.decode(encoded);
      return typeof message === "string" ? 0 : message.payload.length;
    }),
    candidate("readable twin", () => {
      const message = decodeReadable(encoded, false);
      return typeof message === "string" ? 0 : message.size;
    }),
    candidate("engine", () => decode(input, encoded.length, 0, record)),
    candidate("engine, copy in included", () => {
      engine.bytes.set(encoded, input);
      const end = decode(input, encoded.length, 0, record) - OVERHEAD + HEADER_SIZE;
      return encoded.subarray(HEADER_SIZE, end).length;
    }),
  ];
}

/** All candidates do the same work, or the bench says nothing. */
function assertAgreement({ payload, encoded, codec, engine }: Sample): void {
  const { messageId, traceId } = IDS;
  const readable = encodeReadable({ type: TYPE_CALL, flags: 0, messageId, traceId, payload });
  const record = engine.reserve(MESSAGE_RECORD_SIZE);
  const size = engine.exports["decodeMessage"]!(engine.put(encoded), encoded.length, 1, record);
  const isSame = Buffer.compare(readable, encoded) === 0 && size === encoded.length;
  if (!isSame || typeof codec.decode(readable) === "string") {
    throw new Error(`the codecs disagree about a message of ${payload.length} bytes`);
  }
}

async function compareAll(context: BenchContext): Promise<void> {
  buildEntry("wire");
  const engine = new TestModule("wire");
  const codec = new ViewCodec(await createXXHash3(), Math.max(...SIZES));
  const { messageId, traceId } = IDS;
  for (const size of SIZES) {
    engine.release();
    const payload = Uint8Array.from({ length: size }, (_, index) => (index * 31) & 255);
    const encoded = codec.encode(TYPE_CALL, 0, messageId, traceId, payload).slice();
    const sample = { payload, encoded, codec, engine };
    assertAgreement(sample);
    await context.compare(`encode ${size} B of payload`, PEER, encoding(sample));
    await context.compare(`decode ${size} B of payload`, PEER, decoding(sample));
  }
}

export const bench: Bench = {
  summary: "encode and decode MXP messages: engine, a DataView codec with hash-wasm, the twin",
  run: compareAll,
};
