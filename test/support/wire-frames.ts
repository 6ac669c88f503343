/** The engine's frame codecs behind the types of their readable twin (test/reference/frames.ts). */
import type { AckRange, FrameValue, Opening } from "../reference/frames.ts";
import type { TestModule } from "./wasm.ts";

const FRAME_SIZE = 80;
const NO_OPENING = -1;
const ACK_RANGES_MAX = 65;
/** What lies behind every output and must survive. */
const GUARD = 0xa5;
const GUARD_SIZE = 64;

/**
 * Encodes with the engine into exactly `space` bytes; null when the engine says that it does not
 * fit.
 */
export function encodeWithEngine(
  wasm: TestModule,
  value: FrameValue,
  space: number,
): Uint8Array<ArrayBuffer> | null {
  wasm.release();
  const out = wasm.reserve(space + GUARD_SIZE);
  wasm.bytes.fill(GUARD, out, out + space + GUARD_SIZE);
  const size = writeValue(wasm, value, out, space);
  const written = wasm.get(out + Math.max(size, 0), space + GUARD_SIZE - Math.max(size, 0));
  if (written.some((byte) => byte !== GUARD)) throw new Error("written outside the frame");
  return size === 0 ? null : wasm.get(out, size);
}

function writeValue(wasm: TestModule, value: FrameValue, out: number, space: number): number {
  const { exports } = wasm;
  switch (value.type) {
    case "padding":
      if (value.size > space) return 0;
      exports["writePadding"]!(out, value.size);
      return value.size;
    case "ping":
      return exports["writePing"]!(out, space);
    case "ack": {
      const ranges = putRanges(wasm, value.ranges);
      return exports["writeAck"]!(out, space, value.delayUs, ranges, value.ranges.length);
    }
    case "stream-open": {
      const { band, kind, name } = value.opening;
      const nameAt = wasm.put(name);
      return exports["writeStreamOpen"]!(out, space, value.id, band, kind, nameAt, name.length);
    }
    case "stream-data":
      return writeStreamData(wasm, value, out, space);
    case "stream-fin":
      return exports["writeStreamFin"]!(out, space, value.id, value.finalSize);
    case "datagram":
      return exports["writeDatagram"]!(out, space, wasm.put(value.data), value.data.length);
    default:
      return writeControl(wasm, value, out, space);
  }
}

function putRanges(wasm: TestModule, ranges: readonly AckRange[]): number {
  const at = wasm.reserve(16 * ranges.length);
  for (const [index, range] of ranges.entries()) {
    wasm.view.setBigUint64(at + 16 * index, range.smallest, true);
    wasm.view.setBigUint64(at + 16 * index + 8, range.largest, true);
  }
  return at;
}

function writeStreamData(
  wasm: TestModule,
  value: FrameValue & { readonly type: "stream-data" },
  out: number,
  space: number,
): number {
  const { data, opening } = value;
  const nameLength = opening === null ? NO_OPENING : opening.name.length;
  const dataAt = wasm.exports["writeStreamDataHead"]!(
    out,
    space,
    value.id,
    value.offset,
    data.length,
    value.isFin ? 1 : 0,
    opening?.band ?? 0,
    opening?.kind ?? 0,
    wasm.put(opening?.name ?? new Uint8Array()),
    nameLength,
  );
  if (dataAt === 0) return 0;
  wasm.bytes.set(data, out + dataAt);
  return wasm.exports["streamDataSize"]!(data.length, nameLength);
}

function writeControl(wasm: TestModule, value: FrameValue, out: number, space: number): number {
  const { exports } = wasm;
  switch (value.type) {
    case "limit":
      return exports["writeLimit"]!(out, space, value.subtype, value.limit);
    case "stream-limit":
      return exports["writeStreamLimit"]!(out, space, value.subtype, value.id, value.limit);
    case "reset-stream":
      return exports["writeResetStream"]!(out, space, value.id, value.code, value.finalSize);
    case "stop-sending":
      return exports["writeStopSending"]!(out, space, value.id, value.code);
    case "handshake-done":
      return exports["writeHandshakeDone"]!(out, space);
    case "close":
      return exports["writeClose"]!(
        out,
        space,
        value.code,
        value.isByApplication ? 1 : 0,
        value.applicationCode,
        wasm.put(value.reason),
        value.reason.length,
      );
    default:
      throw new Error(`the engine does not send ${value.type}`);
  }
}

/** Puts `bytes` at the very end of memory, so that a read past them traps. */
export function putAtEnd(wasm: TestModule, bytes: Uint8Array): number {
  const at = wasm.bytes.length - bytes.length;
  wasm.bytes.set(bytes, at);
  return at;
}

/** Reserves a red zone: nothing may be written where it lies, behind what was reserved before. */
export function reserveGuard(wasm: TestModule): number {
  const at = wasm.reserve(GUARD_SIZE);
  wasm.bytes.fill(GUARD, at, at + GUARD_SIZE);
  return at;
}

/** Throws when the red zone was written to. */
export function checkGuard(wasm: TestModule, at: number): void {
  for (let index = 0; index < GUARD_SIZE; index++) {
    if (wasm.bytes[at + index] !== GUARD) throw new Error("written behind a record");
  }
}

/** Decodes the first frame of `bytes` with the engine; a negative status when it is refused. */
export function decodeWithEngine(
  wasm: TestModule,
  bytes: Uint8Array,
): { value: FrameValue; size: number } | number {
  wasm.release();
  const record = wasm.reserve(FRAME_SIZE);
  const guard = reserveGuard(wasm);
  const at = putAtEnd(wasm, bytes);
  const size = wasm.exports["decodeFrame"]!(at, bytes.length, record);
  checkGuard(wasm, guard);
  return size < 0 ? size : { value: readValue(wasm, record, size), size };
}

/** What the engine says about a decoded frame: must it be acknowledged, and may each side receive it. */
export function rulesOfFrame(wasm: TestModule, bytes: Uint8Array): readonly boolean[] {
  wasm.release();
  const record = wasm.reserve(FRAME_SIZE);
  wasm.exports["decodeFrame"]!(putAtEnd(wasm, bytes), bytes.length, record);
  const ask = (question: string, ...rest: number[]) =>
    wasm.exports[question]!(record, ...rest) === 1;
  return [ask("isAckEliciting"), ask("isFrameForSide", 1), ask("isFrameForSide", 0)];
}

/** The fields of a Frame record, by the layout in assembly/wire/frame.ts. */
function readValue(wasm: TestModule, record: number, size: number): FrameValue {
  const { view } = wasm;
  const type = view.getInt32(record, true);
  const flags = view.getInt32(record + 4, true);
  const aux = view.getUint32(record + 8, true);
  const id = view.getBigUint64(record + 16, true);
  const finalSize = view.getBigUint64(record + 32, true);
  const data = wasm.get(view.getUint32(record + 56, true), view.getInt32(record + 60, true));
  if (type === 0) return { type: "padding", size };
  if (type === 1) return { type: "ping" };
  if (type === 2) return { type: "ack", delayUs: aux, ranges: readRanges(wasm, record) };
  const opening = readOpening(wasm, record);
  if (type === 4 && opening !== null) return { type: "stream-open", id, opening };
  if (type === 5) {
    const offset = view.getBigUint64(record + 24, true);
    const isFin = view.getUint8(record + 15) === 1;
    return { type: "stream-data", id, offset, isFin, opening, data };
  }
  if (type === 6) return { type: "stream-fin", id, finalSize };
  if (type === 7) return { type: "datagram", data };
  if (type === 8) return readControl(wasm, record, flags, data);
  return { type: "extension", code: type, flags, aux, data };
}

function readRanges(wasm: TestModule, record: number): AckRange[] {
  const at = wasm.reserve(16 * ACK_RANGES_MAX);
  const count = wasm.exports["readAckRanges"]!(record, at);
  return Array.from({ length: count }, (_, index) => ({
    smallest: wasm.view.getBigUint64(at + 16 * index, true),
    largest: wasm.view.getBigUint64(at + 16 * index + 8, true),
  }));
}

function readOpening(wasm: TestModule, record: number): Opening | null {
  const { view } = wasm;
  if (view.getUint8(record + 14) === 0) return null;
  const name = view.getUint32(record + 64, true);
  return {
    band: view.getUint8(record + 12),
    kind: view.getUint8(record + 13),
    name: wasm.get(name, view.getInt32(record + 68, true)),
  };
}

function readControl(
  wasm: TestModule,
  record: number,
  subtype: number,
  data: Uint8Array,
): FrameValue {
  const { view } = wasm;
  const id = view.getBigUint64(record + 16, true);
  const value = view.getBigUint64(record + 32, true);
  const code = view.getBigUint64(record + 40, true);
  const applicationCode = view.getBigUint64(record + 48, true);
  if (subtype === 7) return { type: "reset-stream", id, code, finalSize: value };
  if (subtype === 8) return { type: "stop-sending", id, code };
  if (subtype === 9) return { type: "handshake-done" };
  if (subtype === 10) {
    const isByApplication = wasm.exports["isCloseByApplication"]!(record) === 1;
    return { type: "close", code, isByApplication, applicationCode, reason: data };
  }
  if (subtype === 2 || subtype === 5) return { type: "stream-limit", subtype, id, limit: value };
  return { type: "limit", subtype, limit: value };
}
