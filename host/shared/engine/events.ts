/** Decodes the one event record of the engine into the contract's events. Every byte array is a copy. */
import type { Band, EngineEvent, HandshakePattern, Message, Trust } from "./contract.ts";
import { ADDRESS_SIZE } from "./contract.ts";
import * as L from "./layout.ts";
import type { EngineMemory } from "./memory.ts";

const PATTERNS: readonly HandshakePattern[] = ["IK", "NK", "XX", "NX"];
const TRUSTS: readonly Trust[] = ["certified", "pinned", "unknown", "anonymous"];
const EMPTY = new Uint8Array(0);
const KEY_BYTES = 32;
const decoder = new TextDecoder();

/** The number that the engine and the wire use for a pattern: 1 for IK. */
export function patternNumber(pattern: HandshakePattern): number {
  return PATTERNS.indexOf(pattern) + 1;
}

/** The event that the engine wrote last. */
export function decodeEvent(memory: EngineMemory, kind: number): EngineEvent {
  const connection = memory.u32(L.EVENT_CONNECTION);
  if (kind === L.KIND_CONNECTED) return connected(memory, connection);
  if (kind === L.KIND_AUTHENTICATE) return authenticate(memory, connection);
  if (kind === L.KIND_STREAMS_AVAILABLE) return { kind: "streams-available", connection };
  if (kind === L.KIND_CLOSED) return closed(memory, connection);
  if (kind === L.KIND_DATAGRAM) return { kind: "datagram", connection, payload: data(memory) };
  return streamEvent(memory, kind, connection);
}

function streamEvent(memory: EngineMemory, kind: number, connection: number): EngineEvent {
  const stream = memory.u64(L.EVENT_STREAM);
  const code = memory.u32(L.EVENT_CODE);
  switch (kind) {
    case L.KIND_STREAM_OPENED: {
      const flags = memory.u32(L.EVENT_FLAGS);
      return {
        kind: "stream-opened",
        connection,
        stream,
        streamKind: (flags & 0x100) === 0 ? "bytes" : "messages",
        band: (flags & 3) as Band,
        protocol: protocolName(memory),
      };
    }
    case L.KIND_READABLE:
      return { kind: "readable", connection, stream };
    case L.KIND_WRITABLE:
      return { kind: "writable", connection, stream };
    case L.KIND_STREAM_ACKNOWLEDGED:
      return { kind: "stream-acknowledged", connection, stream };
    case L.KIND_STREAM_RESET:
      return { kind: "stream-reset", connection, stream, code };
    case L.KIND_STREAM_STOPPED:
      return { kind: "stream-stopped", connection, stream, code };
    default:
      return { kind: "message-refused", connection, stream, code };
  }
}

/** The last name and its bytes: peers mostly speak one protocol, and decoding text costs more than comparing. */
let lastName = "";
let lastNameBytes: Uint8Array = EMPTY;

function protocolName(memory: EngineMemory): string {
  const address = memory.u32(L.EVENT_DATA);
  const size = memory.u32(L.EVENT_DATA_SIZE);
  if (!isSame(memory.bytes, address, size)) {
    lastNameBytes = memory.copy(address, size);
    lastName = decoder.decode(lastNameBytes);
  }
  return lastName;
}

function isSame(bytes: Uint8Array, address: number, size: number): boolean {
  if (lastNameBytes.length !== size) return false;
  for (let index = 0; index < size; index += 1) {
    if (bytes[address + index] !== lastNameBytes[index]) return false;
  }
  return true;
}

/** The message that the engine read last. */
export function decodeMessage(memory: EngineMemory): Message {
  const flags = memory.u32(L.EVENT_FLAGS);
  return {
    header: {
      type: flags & 0xff,
      flags: (flags >>> 8) & 0xff,
      messageId: memory.u64(L.EVENT_VALUE),
      traceId: memory.u64(L.EVENT_TRACE),
    },
    payload: data(memory),
    isLast: memory.u32(L.EVENT_CODE) !== 0,
  };
}

function connected(memory: EngineMemory, connection: number): EngineEvent {
  const flags = memory.u32(L.EVENT_FLAGS);
  const hasStatic = memory.u32(L.EVENT_HAS_STATIC) !== 0;
  return {
    kind: "connected",
    connection,
    isInitiator: (flags & 0x100) !== 0,
    pattern: PATTERNS[(flags & 0xff) - 1] ?? "IK",
    identity: identity(memory),
    peerStatic: hasStatic ? memory.copy(memory.u32(L.EVENT_STATIC), KEY_BYTES) : EMPTY,
    certificate: data(memory),
    trust: TRUSTS[memory.u32(L.EVENT_CODE)] ?? "unknown",
    channelBinding: memory.copy(memory.u32(L.EVENT_BINDING), KEY_BYTES),
    remote: memory.copy(memory.u32(L.EVENT_REMOTE), ADDRESS_SIZE),
  };
}

function authenticate(memory: EngineMemory, connection: number): EngineEvent {
  return {
    kind: "authenticate",
    connection,
    identity: identity(memory),
    certificate: data(memory),
    deadlineUs: Number(memory.u64(L.EVENT_VALUE)),
    remote: memory.copy(memory.u32(L.EVENT_REMOTE), ADDRESS_SIZE),
  };
}

function closed(memory: EngineMemory, connection: number): EngineEvent {
  return {
    kind: "closed",
    connection,
    code: memory.u32(L.EVENT_CODE),
    isByPeer: memory.u32(L.EVENT_FLAGS) !== 0,
    applicationCode: memory.u64(L.EVENT_VALUE),
    reason: decoder.decode(data(memory)),
  };
}

function identity(memory: EngineMemory): Uint8Array {
  if (memory.u32(L.EVENT_HAS_IDENTITY) === 0) return EMPTY;
  return memory.copy(memory.u32(L.EVENT_IDENTITY), KEY_BYTES);
}

function data(memory: EngineMemory): Uint8Array {
  return memory.copy(memory.u32(L.EVENT_DATA), memory.u32(L.EVENT_DATA_SIZE));
}
