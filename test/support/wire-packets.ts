/** The engine's packet, parameter and message codecs behind the types of their readable twins. */
import type { MessageValue } from "../reference/mxp-message.ts";
import type { LongPacketValue, ShortHeader } from "../reference/packets.ts";
import type { ParametersValue } from "../reference/parameters.ts";
import { checkGuard, putAtEnd, reserveGuard } from "./wire-frames.ts";
import type { TestModule } from "./wasm.ts";

const LONG_PACKET_SIZE = 56;
const PARAMETERS_SIZE = 88;
const MESSAGE_SIZE = 64;

export function encodeShortHeader(wasm: TestModule, header: ShortHeader): Uint8Array<ArrayBuffer> {
  wasm.release();
  const out = wasm.reserve(16);
  wasm.exports["writeShortHeader"]!(
    out,
    header.connectionId,
    header.hasPhaseBit ? 1 : 0,
    header.packetNumber,
    header.numberBytes,
    header.bodyLength,
  );
  return wasm.get(out, 16);
}

/** The list of versions as it lies in memory. */
export function versionBytes(versions: readonly number[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Uint32Array.from(versions).buffer);
}

export function encodeLongPacket(
  wasm: TestModule,
  packet: LongPacketValue,
): Uint8Array<ArrayBuffer> {
  wasm.release();
  const { exports } = wasm;
  const out = wasm.reserve(2048);
  // The engine must write every byte of a head itself.
  wasm.bytes.fill(0xa5, out, out + 2048);
  const { connectionId, kind, version } = packet;
  if (packet.type === "hint") {
    const size =
      kind === 2
        ? exports["writeUseXxHint"]!(out, connectionId, version)
        : exports["writeVersionsHint"]!(
            out,
            connectionId,
            version,
            wasm.put(versionBytes(packet.versions)),
            packet.versions.length,
          );
    return wasm.get(out, size);
  }
  const { body } = packet;
  const headSize =
    packet.type === "handshake"
      ? exports["writeHandshakeHead"]!(out, connectionId, kind, version, body.length)
      : exports["writeInitialHead"]!(
          out,
          connectionId,
          kind,
          version,
          packet.keyId,
          wasm.put(versionBytes(packet.versions)),
          packet.versions.length,
          wasm.put(packet.token),
          packet.token.length,
          body.length,
        );
  wasm.bytes.set(body, out + headSize);
  return wasm.get(out, headSize + body.length);
}

/** Decodes with the engine; a negative status when the packet is refused. */
export function decodeLongPacket(
  wasm: TestModule,
  bytes: Uint8Array,
): { packet: LongPacketValue; size: number } | number {
  wasm.release();
  const { view } = wasm;
  const record = wasm.reserve(LONG_PACKET_SIZE);
  const guard = reserveGuard(wasm);
  const at = putAtEnd(wasm, bytes);
  const size = wasm.exports["decodeLongPacket"]!(at, bytes.length, record);
  checkGuard(wasm, guard);
  if (size < 0) return size;
  const connectionId = view.getBigUint64(record, true);
  const kind = view.getInt32(record + 20, true);
  const version = view.getUint32(record + 24, true);
  const list = view.getUint32(record + 32, true);
  const versions = Array.from({ length: view.getInt32(record + 28, true) }, (_, index) =>
    view.getUint32(list + 4 * index, true),
  );
  const body = wasm.get(view.getUint32(record + 44, true), view.getInt32(record + 48, true));
  const type = view.getInt32(record + 16, true);
  if (type === 2) return { packet: { type: "handshake", connectionId, kind, version, body }, size };
  if (type === 7) return { packet: { type: "hint", connectionId, kind, version, versions }, size };
  const keyId = view.getBigUint64(record + 8, true);
  const token = wasm.get(view.getUint32(record + 36, true), view.getInt32(record + 40, true));
  const packet = { type: "initial", connectionId, kind, version, keyId, versions, token, body };
  return { packet: packet as LongPacketValue, size };
}

/** Where the numbers of a Parameters record lie: id, offset, bytes. */
const NUMBER_FIELDS: readonly (readonly [id: number, offset: number, size: number])[] = [
  [1, 8, 8],
  [2, 16, 8],
  [3, 24, 8],
  [4, 4, 4],
  [5, 32, 4],
  [6, 36, 4],
  [7, 40, 4],
  [8, 48, 8],
  [9, 44, 4],
];

/** Decodes one payload into a fresh record; a negative status when it is refused. */
export function decodeParameters(
  wasm: TestModule,
  bytes: Uint8Array,
  isEncrypted: boolean,
): ParametersValue | number {
  wasm.release();
  const record = wasm.reserve(PARAMETERS_SIZE);
  const guard = reserveGuard(wasm);
  wasm.exports["resetParameters"]!(record);
  const decoded = addParameters(wasm, record, bytes, isEncrypted);
  checkGuard(wasm, guard);
  return decoded;
}

/** Adds one payload to `record`. */
export function addParameters(
  wasm: TestModule,
  record: number,
  bytes: Uint8Array,
  isEncrypted: boolean,
): ParametersValue | number {
  const { view } = wasm;
  const at = putAtEnd(wasm, bytes);
  const flag = isEncrypted ? 1 : 0;
  const status = wasm.exports["decodeParameters"]!(at, bytes.length, flag, record);
  if (status !== 0) return status;
  const present = view.getUint32(record, true);
  const has = (id: number) => ((present >>> id) & 1) === 1;
  const numbers = new Map<number, bigint>();
  for (const [id, offset, size] of NUMBER_FIELDS) {
    if (!has(id)) continue;
    const number = size === 8 ? view.getBigUint64(record + offset, true) : null;
    numbers.set(id, number ?? BigInt(view.getUint32(record + offset, true)));
  }
  const strings = new Map<number, Uint8Array>();
  if (has(10)) {
    const offered = wasm.get(
      view.getUint32(record + 64, true),
      4 * view.getInt32(record + 60, true),
    );
    const chosen = wasm.get(record + 56, 4);
    strings.set(10, Uint8Array.from([...chosen, ...offered]));
  }
  for (const [id, offset] of [
    [11, 68],
    [13, 76],
  ] as const) {
    if (!has(id)) continue;
    const address = view.getUint32(record + offset, true);
    strings.set(id, wasm.get(address, view.getInt32(record + offset + 4, true)));
  }
  return { numbers, strings };
}

/** Decodes a payload into a record and encodes that record again. */
export function reencodeParameters(wasm: TestModule, encoded: Uint8Array): Uint8Array<ArrayBuffer> {
  wasm.release();
  const record = wasm.reserve(PARAMETERS_SIZE);
  wasm.exports["resetParameters"]!(record);
  const status = wasm.exports["decodeParameters"]!(wasm.put(encoded), encoded.length, 1, record);
  if (status < 0) throw new Error(`valid parameters were refused with status ${Number(status)}`);
  const out = wasm.reserve(2048);
  return wasm.get(out, wasm.exports["writeParameters"]!(out, record) - out);
}

/** Decodes with the engine; a negative status for an error. */
export function decodeMessage(
  wasm: TestModule,
  bytes: Uint8Array,
  isStrict: boolean,
): { value: MessageValue; size: number } | number {
  wasm.release();
  const { view } = wasm;
  const record = wasm.reserve(MESSAGE_SIZE);
  const guard = reserveGuard(wasm);
  const at = putAtEnd(wasm, bytes);
  const size = wasm.exports["decodeMessage"]!(at, bytes.length, isStrict ? 1 : 0, record);
  checkGuard(wasm, guard);
  if (size < 0) return size;
  const payloadLength = Number(view.getBigUint64(record + 24, true));
  const value = {
    type: view.getInt32(record, true),
    flags: view.getInt32(record + 4, true),
    messageId: view.getBigUint64(record + 8, true),
    traceId: view.getBigUint64(record + 16, true),
    payload: wasm.get(view.getUint32(record + 32, true), payloadLength),
  };
  return { value, size };
}

/** Encodes with the engine into `space` bytes; a negative status for an error. */
export function encodeMessage(
  wasm: TestModule,
  message: MessageValue,
  space: number,
): Uint8Array<ArrayBuffer> | number {
  wasm.release();
  const out = wasm.reserve(space);
  const size = wasm.exports["writeMessage"]!(
    out,
    space,
    message.type,
    message.flags,
    message.messageId,
    message.traceId,
    wasm.put(message.payload),
    message.payload.length,
  );
  return size < 0 ? size : wasm.get(out, size);
}
