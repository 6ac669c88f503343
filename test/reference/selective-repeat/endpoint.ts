/**
 * A second, simple engine behind the same contract: selective repeat over one reliable sequence, no secrecy. It exists so
 * that the simulator can be tested without the real engine, and so that faults planted in it show which oracle
 * fires.
 */
import type {
  AddressBytes,
  ConnectionStats,
  ConnectOptions,
  EndpointConfig,
  EndpointEngine,
  EndpointStats,
  EngineEvent,
  EngineModule,
  HandshakePattern,
  Message,
  MessageHeader,
  Now,
  OpenStreamOptions,
  Transmit,
} from "../../../host/shared/engine/contract.ts";
import { errorNumber } from "../../../host/shared/ports/failure.ts";
import { ModelConnection, type ModelDefect, type PeerFacts } from "./connection.ts";
import { HEAD_SIZE, digest, openPacket, sealPacket } from "./packet.ts";
import { encodeMessage, type ModelStream } from "./stream.ts";

const TYPE_INITIAL = 1;
const TYPE_HANDSHAKE = 2;
const BATCH_MAX = 64;
const ENTROPY_STOCK = 64;
const RESEND_START_US = 300_000;
const HANDSHAKE_LIMIT_US = 12_000_000;
const INITIAL_KEY = 0x4d585031;
const WOULD_BLOCK = -errorNumber("would-block");
const STREAM_STATE = -errorNumber("stream-state");

interface Hello {
  readonly facts: PeerFacts;
  readonly pattern: HandshakePattern;
}

interface Attempt {
  readonly connection: ModelConnection;
  readonly packet: Uint8Array;
  readonly untilUs: number;
  resendUs: number;
  intervalUs: number;
}

interface Outgoing {
  readonly remote: AddressBytes;
  readonly bytes: Uint8Array;
}

function encodeHello({ facts, pattern }: Hello, sizeMin: number): Uint8Array<ArrayBuffer> {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
  const { random, certificate, parameters } = facts;
  const json = { random: hex(random), certificate: hex(certificate), parameters, pattern };
  const text = new TextEncoder().encode(JSON.stringify(json));
  const padded = new Uint8Array(Math.max(text.length, sizeMin)).fill(0x20);
  padded.set(text);
  return padded;
}

function decodeHello(bytes: Uint8Array): Hello {
  const { random, certificate, parameters, pattern } = JSON.parse(new TextDecoder().decode(bytes));
  const facts = {
    random: new Uint8Array(Buffer.from(random, "hex")),
    certificate: new Uint8Array(Buffer.from(certificate, "hex")),
    parameters,
  };
  return { facts, pattern };
}

class ModelEndpoint implements EndpointEngine {
  readonly #config: EndpointConfig;
  readonly #defect: ModelDefect | null;
  #inbox: { bytes: Uint8Array; remote: AddressBytes }[] = [];
  readonly #outgoing: Outgoing[] = [];
  readonly #connections = new Map<number, ModelConnection>();
  readonly #byId = new Map<string, ModelConnection>();
  readonly #answers = new Map<string, Uint8Array>();
  readonly #attempts = new Map<number, Attempt>();
  readonly #events: EngineEvent[] = [];
  #handles = 0;
  readonly #entropy: Uint8Array[] = [];

  constructor(config: EndpointConfig, defect: ModelDefect | null) {
    this.#config = config;
    this.#defect = defect;
  }

  queueDatagram(bytes: Uint8Array, remote: AddressBytes): boolean {
    if (this.#inbox.length === BATCH_MAX) return false;
    this.#inbox.push({ bytes, remote });
    return true;
  }

  receive(now: Now): void {
    const batch = this.#inbox;
    this.#inbox = [];
    for (const { bytes, remote } of batch) this.#receiveOne(bytes, remote, now.nowUs);
  }

  #receiveOne(bytes: Uint8Array, remote: AddressBytes, nowUs: number): void {
    if (bytes.length < HEAD_SIZE) return;
    const id = Buffer.from(bytes.subarray(0, 8)).toString("hex");
    const type = bytes[8];
    const connection = this.#byId.get(id);
    if (type === TYPE_INITIAL) return this.#receiveInitial(bytes, id, remote, nowUs);
    if (connection === undefined) return;
    if (type === TYPE_HANDSHAKE) return this.#receiveAnswer(connection, bytes, nowUs);
    if (Buffer.compare(remote, connection.remote) === 0) connection.receive(bytes, nowUs);
  }

  #receiveInitial(bytes: Uint8Array, id: string, remote: AddressBytes, nowUs: number): void {
    if (!this.#config.acceptsConnections) return;
    const isSmall = bytes.length < this.#config.basePacketBytes;
    if (isSmall && this.#defect !== "answers-small-initial") return;
    const key = `${id} ${Buffer.from(remote).toString("hex")}`;
    let answer = this.#answers.get(key);
    if (answer === undefined && isSmall) answer = [...this.#answers.values()][0];
    if (answer === undefined) {
      const opened = openPacket(bytes, INITIAL_KEY, false);
      if (opened === null) return;
      const { facts, pattern } = decodeHello(opened.plaintext);
      const random = this.#entropy.pop() ?? new Uint8Array(32);
      const own = this.#ownFacts(random);
      const connectionId = bytes.slice(0, 8);
      const connection = this.#add(false, pattern, connectionId, remote, own);
      if (!this.#byId.has(id)) this.#byId.set(id, connection);
      const hello = encodeHello({ facts: own, pattern }, 0);
      answer = sealPacket(TYPE_HANDSHAKE, connectionId, INITIAL_KEY, 0, hello);
      this.#answers.set(key, answer);
      connection.keyed(facts, nowUs);
    }
    this.#outgoing.push({ remote: remote.slice(), bytes: answer });
  }

  #receiveAnswer(connection: ModelConnection, bytes: Uint8Array, nowUs: number): void {
    const opened = openPacket(bytes, INITIAL_KEY, false);
    if (opened === null || connection.isKeyed || !this.#attempts.delete(connection.handle)) return;
    connection.keyed(decodeHello(opened.plaintext).facts, nowUs);
  }

  #ownFacts(random: Uint8Array): PeerFacts {
    const { certificate, parameters } = this.#config;
    return { random, certificate, parameters };
  }

  #add(
    isInitiator: boolean,
    pattern: HandshakePattern,
    id: Uint8Array,
    remote: AddressBytes,
    own: PeerFacts,
  ): ModelConnection {
    const handle = this.#handles++;
    const defect = this.#defect;
    const connection = new ModelConnection(
      handle,
      isInitiator,
      pattern,
      id,
      remote.slice(),
      own,
      defect,
    );
    this.#connections.set(handle, connection);
    return connection;
  }

  handleTimeout({ nowUs }: Now): void {
    for (const attempt of this.#attempts.values()) {
      const { connection, packet } = attempt;
      if (nowUs >= attempt.untilUs) {
        this.#attempts.delete(connection.handle);
        this.#events.push({
          kind: "closed",
          connection: connection.handle,
          code: errorNumber("handshake-timeout"),
          isByPeer: false,
          applicationCode: 0n,
          reason: "",
        });
      } else if (nowUs >= attempt.resendUs) {
        attempt.intervalUs *= 2;
        attempt.resendUs = nowUs + attempt.intervalUs;
        this.#outgoing.push({ remote: connection.remote, bytes: packet });
      }
    }
    for (const [handle, connection] of this.#connections) {
      if (nowUs >= connection.closingUntilUs) this.#connections.delete(handle);
      else if (nowUs >= connection.nextTimeoutUs) connection.handleTimeout(nowUs);
    }
  }

  nextTimeoutUs(): number {
    const attempts = [...this.#attempts.values()].map((one) => Math.min(one.resendUs, one.untilUs));
    const connections = [...this.#connections.values()].map((one) => one.nextTimeoutUs);
    return Math.min(Infinity, ...attempts, ...connections);
  }

  nextEvent(): EngineEvent | null {
    const own = this.#events.shift();
    if (own !== undefined) return own;
    for (const connection of this.#connections.values()) {
      const event = connection.events.shift();
      if (event !== undefined) return event;
    }
    return null;
  }

  transmit({ nowUs }: Now): readonly Transmit[] {
    const sends: Transmit[] = [];
    const add = ({ remote, bytes }: Outgoing): void => {
      sends.push({ remote, bytes, segmentBytes: bytes.length });
    };
    for (const outgoing of this.#outgoing.splice(0, BATCH_MAX)) add(outgoing);
    for (const connection of this.#connections.values()) {
      while (sends.length < BATCH_MAX) {
        const bytes = connection.transmit(nowUs);
        if (bytes === null) break;
        add({ remote: connection.remote, bytes });
      }
    }
    return sends;
  }

  addEntropy(entropy: Uint8Array): void {
    this.#entropy.push(entropy.slice());
  }

  entropyWanted(): number {
    return this.#config.acceptsConnections ? ENTROPY_STOCK - this.#entropy.length : 0;
  }

  trustAuthority(): void {}

  pinIdentity(): void {}

  unpinIdentity(): void {}

  connect(options: ConnectOptions, { nowUs }: Now): number {
    const own = this.#ownFacts(options.entropy.slice());
    const id = new Uint8Array(8);
    new DataView(id.buffer).setUint32(0, digest(options.entropy), true);
    const connection = this.#add(true, options.pattern, id, options.remote, own);
    this.#byId.set(Buffer.from(id).toString("hex"), connection);
    const size = this.#config.basePacketBytes - HEAD_SIZE - 8;
    const hello = encodeHello({ facts: own, pattern: options.pattern }, size);
    const packet = sealPacket(TYPE_INITIAL, id, INITIAL_KEY, 0, hello);
    this.#outgoing.push({ remote: connection.remote, bytes: packet });
    this.#attempts.set(connection.handle, {
      connection,
      packet,
      untilUs: nowUs + HANDSHAKE_LIMIT_US,
      resendUs: nowUs + RESEND_START_US,
      intervalUs: RESEND_START_US,
    });
    return connection.handle;
  }

  authenticate(): void {}

  close(connection: number, applicationCode: bigint, reason: string, { nowUs }: Now): void {
    this.#connections.get(connection)?.close(applicationCode, reason, nowUs);
  }

  openStream(connection: number, options: OpenStreamOptions): bigint {
    const { kind, band, protocol } = options;
    const found = this.#connections.get(connection);
    return BigInt(found?.openStream(kind, band, protocol) ?? STREAM_STATE);
  }

  #find(connection: number, stream: bigint): { one: ModelConnection; at: ModelStream } | null {
    const one = this.#connections.get(connection);
    const at = one?.streams.get(Number(stream));
    return one === undefined || at === undefined ? null : { one, at };
  }

  write(connection: number, stream: bigint, bytes: Uint8Array, isLast: boolean): number {
    const found = this.#find(connection, stream);
    if (found === null || found.at.isSendOver) return STREAM_STATE;
    return found.one.write(found.at, bytes, isLast, false);
  }

  read(connection: number, stream: bigint, target: Uint8Array): number {
    const found = this.#find(connection, stream);
    if (found === null || found.at.isReceiveOver) return STREAM_STATE - 1;
    const { one, at } = found;
    const size = at.take(target);
    const isAtEnd = at.isAtEnd && size === 0;
    if (size === 0) at.isReadableDue = true;
    if (size > 0 && !at.isAtEnd) one.afterRead(at);
    if (isAtEnd) one.afterRead(at);
    return isAtEnd ? -1 : size;
  }

  readMessage(connection: number, stream: bigint): Message | number {
    const found = this.#find(connection, stream);
    if (found === null || found.at.isReceiveOver) return STREAM_STATE - 1;
    const { one, at } = found;
    const message = at.takeMessage();
    if (message !== null) {
      if (!at.isAtEnd) one.afterRead(at);
      return message;
    }
    if (!at.isAtEnd) {
      at.isReadableDue = true;
      return 0;
    }
    one.afterRead(at);
    return -1;
  }

  sendMessage(
    connection: number,
    stream: bigint,
    header: MessageHeader,
    payload: Uint8Array,
    isLast: boolean,
  ): number {
    const found = this.#find(connection, stream);
    if (found === null || found.at.isSendOver) return STREAM_STATE;
    if (payload.length > found.one.messageBytesMax) return -errorNumber("message-too-large");
    const bytes = encodeMessage(header, payload, isLast);
    return found.one.write(found.at, bytes, isLast, true) < 0 ? WOULD_BLOCK : 0;
  }

  reset(connection: number, stream: bigint, code: number): number {
    const found = this.#find(connection, stream);
    found?.one.reset(found.at, code);
    return 0;
  }

  stop(connection: number, stream: bigint, code: number): number {
    const found = this.#find(connection, stream);
    found?.one.stop(found.at, code);
    return 0;
  }

  sendDatagram(connection: number, payload: Uint8Array): number {
    this.#connections.get(connection)?.sendDatagram(payload);
    return 0;
  }

  connectionStats(connection: number): ConnectionStats {
    const found = this.#connections.get(connection);
    if (found === undefined) throw new Error(`there is no connection ${connection}`);
    return found.statistics();
  }

  endpointStats(): EndpointStats {
    return {
      datagramsReceived: 0,
      datagramsDropped: 0,
      droppedMalformed: 0,
      droppedUnknownConnection: 0,
      droppedReplayed: 0,
      droppedUnauthentic: 0,
      droppedAmplification: 0,
      droppedFull: 0,
      connections: this.#connections.size,
    };
  }

  dispose(): void {
    this.#connections.clear();
  }
}

/** The model as an engine, with one fault planted when `defect` is given. */
export function selectiveRepeat(defect: ModelDefect | null = null): EngineModule {
  return { createEndpoint: (config) => new ModelEndpoint(config, defect) };
}
