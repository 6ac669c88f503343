/**
 * `EndpointEngine` over one instance of `engine.wasm`.
 *
 * Bytes are copied in once, into an arena, and sends go out as views into the arena. A trap in any call is
 * turned into `EngineBug`; from then on every call throws it, because the instance's state means nothing.
 */
import { errorCode, errorNumber, Failure } from "../ports/failure.ts";
import type {
  ConnectionStats,
  ConnectOptions,
  EndpointConfig,
  EndpointEngine,
  EndpointStats,
  EngineEvent,
  Message,
  MessageHeader,
  Now,
  OpenStreamOptions,
  Transmit,
} from "./contract.ts";
import { ADDRESS_SIZE } from "./contract.ts";
import { EngineBug } from "./engine-bug.ts";
import { decodeEvent, decodeMessage, patternNumber } from "./events.ts";
import type { EngineExports } from "./exports.ts";
import * as L from "./layout.ts";
import type { EngineMemory } from "./memory.ts";
import { readConnectionStats, readEndpointStats } from "./statistics.ts";

const ARGUMENT_INVALID = -errorNumber("argument-invalid");
const MESSAGE_TOO_LARGE = -errorNumber("message-too-large");
const DATAGRAM_TOO_LARGE = -errorNumber("datagram-too-large");
const encoder = new TextEncoder();

export class WasmEndpoint implements EndpointEngine {
  readonly #memory: EngineMemory;
  readonly #exports: EngineExports;
  readonly #receiveArea: number;
  readonly #receiveSize: number;
  readonly #receiveRecords: number;
  readonly #transmitRecords: number;
  readonly #input: number;
  readonly #inputSize: number;
  readonly #output: number;
  readonly #outputSize: number;
  #queuedCount = 0;
  #queuedBytes = 0;
  #bug: EngineBug | null = null;

  constructor(memory: EngineMemory, config: EndpointConfig) {
    this.#memory = memory;
    this.#exports = memory.exports;
    writeConfig(memory, config);
    const status = this.#call("endpointCreate", () => this.#exports.endpointCreate());
    if (status < 0) throw createFailure(status, config);
    this.#receiveArea = memory.u32(L.ARENA_RECEIVE);
    this.#receiveSize = memory.u32(L.ARENA_RECEIVE_SIZE);
    this.#receiveRecords = memory.u32(L.ARENA_RECEIVE_RECORDS);
    this.#transmitRecords = memory.u32(L.ARENA_TRANSMIT_RECORDS);
    this.#input = memory.u32(L.ARENA_INPUT);
    this.#inputSize = memory.u32(L.ARENA_INPUT_SIZE);
    this.#output = memory.u32(L.ARENA_OUTPUT);
    this.#outputSize = memory.u32(L.ARENA_OUTPUT_SIZE);
  }

  queueDatagram(bytes: Uint8Array, remote: Uint8Array): boolean {
    if (this.#queuedCount === L.BATCH_MAX) return false;
    // Every datagram begins at a multiple of 16, so that the frames inside lie aligned.
    const end = (this.#queuedBytes + bytes.length + 15) & ~15;
    if (end > this.#receiveSize) return false;
    const { bytes: memory, view } = this.#memory;
    const record = this.#receiveRecords + this.#queuedCount * L.RECEIVED_RECORD_SIZE;
    const data = this.#receiveArea + this.#queuedBytes;
    memory.set(bytes, data);
    memory.set(remote.subarray(0, ADDRESS_SIZE), record + L.RECEIVED_ADDRESS);
    view.setUint32(record + L.RECEIVED_DATA, data, true);
    view.setUint32(record + L.RECEIVED_SIZE, bytes.length, true);
    this.#queuedCount += 1;
    this.#queuedBytes = end;
    return true;
  }

  receive(now: Now): void {
    const count = this.#queuedCount;
    this.#queuedCount = 0;
    this.#queuedBytes = 0;
    this.#call("receive", () => this.#exports.endpointReceive(count, now.nowUs, now.wallMs));
  }

  handleTimeout(now: Now): void {
    this.#call("handleTimeout", () => this.#exports.endpointHandleTimeout(now.nowUs, now.wallMs));
  }

  nextTimeoutUs(): number {
    return this.#call("nextTimeoutUs", () => this.#exports.endpointNextTimeoutUs());
  }

  nextEvent(): EngineEvent | null {
    const kind = this.#call("nextEvent", () => this.#exports.endpointNextEvent());
    return kind === L.KIND_NONE ? null : decodeEvent(this.#memory, kind);
  }

  transmit(now: Now): readonly Transmit[] {
    const count = this.#call("transmit", () =>
      this.#exports.endpointTransmit(now.nowUs, now.wallMs),
    );
    const { bytes, view } = this.#memory;
    const sends: Transmit[] = [];
    for (let index = 0; index < count; index += 1) {
      const record = this.#transmitRecords + index * L.TRANSMIT_RECORD_SIZE;
      const data = view.getUint32(record + L.TRANSMIT_DATA, true);
      const size = view.getUint32(record + L.TRANSMIT_SIZE, true);
      sends.push({
        remote: bytes.subarray(record, record + ADDRESS_SIZE),
        bytes: bytes.subarray(data, data + size),
        segmentBytes: view.getUint32(record + L.TRANSMIT_SEGMENT, true),
      });
    }
    return sends;
  }

  addEntropy(entropy: Uint8Array): void {
    this.#memory.setBytes(L.KEY, key(entropy, "entropy"));
    this.#call("addEntropy", () => this.#exports.endpointAddEntropy());
  }

  entropyWanted(): number {
    return this.#call("entropyWanted", () => this.#exports.endpointEntropyWanted());
  }

  trustAuthority(publicKey: Uint8Array): void {
    this.#memory.setBytes(L.KEY, key(publicKey, "authority"));
    this.#full(this.#call("trustAuthority", () => this.#exports.endpointTrustAuthority()));
  }

  pinIdentity(publicKey: Uint8Array): void {
    this.#memory.setBytes(L.KEY, key(publicKey, "identity"));
    this.#full(this.#call("pinIdentity", () => this.#exports.endpointPinIdentity()));
  }

  unpinIdentity(publicKey: Uint8Array): void {
    this.#memory.setBytes(L.KEY, key(publicKey, "identity"));
    this.#call("unpinIdentity", () => this.#exports.endpointUnpinIdentity());
  }

  connect(options: ConnectOptions, now: Now): number {
    const memory = this.#memory;
    const name = encoder.encode(options.expectedName ?? "");
    if (name.length > L.NAME_MAX || options.remote.length !== ADDRESS_SIZE) return ARGUMENT_INVALID;
    memory.setBytes(L.CONNECT_REMOTE, options.remote);
    memory.setU32(L.CONNECT_PATTERN, patternNumber(options.pattern));
    memory.setU32(L.CONNECT_HAS_STATIC, options.remoteStatic === undefined ? 0 : 1);
    memory.setU32(L.CONNECT_HAS_IDENTITY, options.expectedIdentity === undefined ? 0 : 1);
    memory.setU32(L.CONNECT_NAME_SIZE, name.length);
    if (options.remoteStatic) memory.setBytes(L.CONNECT_STATIC, key(options.remoteStatic, "key"));
    if (options.expectedIdentity) {
      memory.setBytes(L.CONNECT_IDENTITY, key(options.expectedIdentity, "identity"));
    }
    memory.setBytes(L.CONNECT_NAME, name);
    memory.setBytes(L.KEY, key(options.entropy, "entropy"));
    return this.#call("connect", () => this.#exports.connectionConnect(now.nowUs, now.wallMs));
  }

  authenticate(connection: number, isAccepted: boolean, now: Now): void {
    const verdict = isAccepted ? 1 : 0;
    this.#call("authenticate", () =>
      this.#exports.connectionAuthenticate(connection, verdict, now.nowUs),
    );
  }

  close(connection: number, applicationCode: bigint, reason: string, now: Now): void {
    const size = this.#putText(reason, L.REASON_MAX);
    this.#call("close", () =>
      this.#exports.connectionClose(connection, applicationCode, size, now.nowUs),
    );
  }

  openStream(connection: number, options: OpenStreamOptions): bigint {
    const nameSize = this.#putName(options.protocol);
    if (nameSize < 0) return BigInt(ARGUMENT_INVALID);
    const kind = options.kind === "messages" ? 1 : 0;
    return this.#call("openStream", () =>
      this.#exports.streamOpen(connection, kind, options.band, nameSize),
    );
  }

  write(connection: number, stream: bigint, bytes: Uint8Array, isLast: boolean): number {
    let taken = 0;
    do {
      const part = bytes.subarray(taken, taken + this.#inputSize);
      this.#memory.bytes.set(part, this.#input);
      const isEnd = isLast && taken + part.length === bytes.length ? 1 : 0;
      const status = this.#call("write", () =>
        this.#exports.streamWrite(connection, stream, part.length, isEnd),
      );
      if (status < 0) return taken > 0 ? taken : status;
      taken += status;
      if (status < part.length) return taken;
    } while (taken < bytes.length);
    return taken;
  }

  read(connection: number, stream: bigint, target: Uint8Array): number {
    const size = Math.min(target.length, this.#outputSize);
    const count = this.#call("read", () => this.#exports.streamRead(connection, stream, size));
    if (count > 0) {
      target.set(this.#memory.bytes.subarray(this.#output, this.#output + count));
    }
    return count;
  }

  sendMessage(
    connection: number,
    stream: bigint,
    header: MessageHeader,
    payload: Uint8Array,
    isLast: boolean,
  ): number {
    const room = this.#inputSize - L.MESSAGE_OVERHEAD;
    if (payload.length > room) return MESSAGE_TOO_LARGE;
    // The engine writes the header before and the checksum behind the payload, in place.
    this.#memory.bytes.set(payload, this.#input + L.MESSAGE_HEADER);
    const typeAndFlags = (header.type & 0xff) | ((header.flags & 0xff) << 8);
    return this.#call("sendMessage", () =>
      this.#exports.messageSend(
        connection,
        stream,
        typeAndFlags,
        header.messageId,
        header.traceId,
        payload.length,
        isLast ? 1 : 0,
      ),
    );
  }

  readMessage(connection: number, stream: bigint): Message | number {
    const status = this.#call("readMessage", () => this.#exports.messageRead(connection, stream));
    return status > 0 ? decodeMessage(this.#memory) : status;
  }

  reset(connection: number, stream: bigint, code: number): number {
    return this.#call("reset", () => this.#exports.streamReset(connection, stream, BigInt(code)));
  }

  stop(connection: number, stream: bigint, code: number): number {
    return this.#call("stop", () => this.#exports.streamStop(connection, stream, BigInt(code)));
  }

  sendDatagram(connection: number, payload: Uint8Array): number {
    if (payload.length > this.#inputSize) return DATAGRAM_TOO_LARGE;
    this.#memory.bytes.set(payload, this.#input);
    return this.#call("sendDatagram", () =>
      this.#exports.connectionSendDatagram(connection, payload.length),
    );
  }

  connectionStats(connection: number): ConnectionStats {
    this.#call("connectionStats", () => this.#exports.connectionStats(connection));
    return readConnectionStats(this.#memory);
  }

  endpointStats(): EndpointStats {
    this.#call("endpointStats", () => this.#exports.endpointStats());
    return readEndpointStats(this.#memory);
  }

  dispose(): void {
    this.#call("dispose", () => this.#exports.endpointDispose());
    this.#bug = new EngineBug("dispose", new Error("the endpoint was disposed"));
  }

  /** Puts a protocol name into the input arena: its size, or -1 when it does not fit. */
  #putName(text: string): number {
    const area = this.#memory.bytes.subarray(this.#input, this.#input + L.NAME_MAX);
    const { read, written } = encoder.encodeInto(text, area);
    return read === text.length ? written : -1;
  }

  /** Puts at most `sizeMax` bytes of text into the input arena, cut between characters. */
  #putText(text: string, sizeMax: number): number {
    const area = this.#memory.bytes.subarray(this.#input, this.#input + sizeMax);
    return encoder.encodeInto(text, area).written;
  }

  #full(status: number): void {
    if (status >= 0) return;
    throw new Failure(errorCode(-status), "the trust store of the endpoint is full", {
      origin: "local",
      remedy: "Unpin identities that are not needed, or trust one authority instead of many keys.",
    });
  }

  #call<Result>(name: string, call: () => Result): Result {
    if (this.#bug !== null) throw this.#bug;
    try {
      return call();
    } catch (thrown) {
      this.#bug = new EngineBug(name, thrown);
      throw this.#bug;
    }
  }
}

/** A key or a seed must be 32 bytes, else what follows would be read from somebody else's. */
function key(bytes: Uint8Array, what: string): Uint8Array {
  if (bytes.length === 32) return bytes;
  throw new Failure("argument-invalid", `the ${what} has ${bytes.length} bytes, not 32`, {
    origin: "local",
    remedy: "Give exactly 32 bytes.",
  });
}

function writeConfig(memory: EngineMemory, config: EndpointConfig): void {
  if (config.certificate.length > L.CERTIFICATE_MAX) {
    throw new Failure("argument-invalid", "the certificate is larger than 512 bytes", {
      origin: "local",
      remedy: "Issue a certificate with fewer or shorter names.",
      context: { bytes: config.certificate.length },
    });
  }
  memory.setBytes(L.CONFIG_SEED, key(config.seed, "seed"));
  memory.setBytes(L.CONFIG_STATIC_PRIVATE, key(config.staticPrivateKey, "static private key"));
  memory.setU32(L.CONFIG_CERTIFICATE_SIZE, config.certificate.length);
  memory.setBytes(L.CONFIG_CERTIFICATE, config.certificate);
  memory.setU32(L.CONFIG_ACCEPTS, config.acceptsConnections ? 1 : 0);
  memory.setU32(L.CONFIG_ASKS, config.asksForUnknownPeers ? 1 : 0);
  memory.setU32(L.CONFIG_MAX_PACKET, config.maxPacketBytes);
  memory.setU32(L.CONFIG_BASE_PACKET, config.basePacketBytes);
  memory.setU32(L.CONFIG_CONNECTIONS_MAX, config.connectionsMax);
  const { parameters } = config;
  memory.setU64(L.CONFIG_MAX_DATA, parameters.maxData);
  memory.setU64(L.CONFIG_MAX_STREAM_DATA, parameters.maxStreamData);
  memory.setU64(L.CONFIG_MAX_STREAMS, parameters.maxStreamsBidi);
  memory.setU32(L.CONFIG_IDLE_TIMEOUT_MS, parameters.idleTimeoutMs);
  memory.setU32(L.CONFIG_MAX_DATAGRAM, parameters.maxDatagramBytes);
  memory.setU32(L.CONFIG_MAX_MESSAGE, parameters.maxMessageBytes);
  memory.setU32(L.CONFIG_MAX_ACK_DELAY_US, parameters.maxAckDelayUs);
}

function createFailure(status: number, config: EndpointConfig): Failure {
  return new Failure(errorCode(-status), "the endpoint cannot be created with this configuration", {
    origin: "local",
    remedy:
      "Grant no more data than memory holds, a message that fits the windows, packets of 1024 to 1452 " +
      "bytes, and give every endpoint that accepts connections a certificate.",
    context: {
      connectionsMax: config.connectionsMax,
      maxPacketBytes: config.maxPacketBytes,
      maxMessageBytes: config.parameters.maxMessageBytes,
    },
  });
}
