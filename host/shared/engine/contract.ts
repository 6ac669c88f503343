/**
 * What a host sees of the engine. `engine.ts` implements it over `engine.wasm`; the simulator, the driver and
 * the tests are written against these types only.
 *
 * The order of calls is always the same (a mutation, then all outputs):
 *   1. `queueDatagram` up to 64 times and `receive` once, or `handleTimeout`, or application calls;
 *   2. `nextEvent` until it returns null;
 *   3. `transmit` and hand every transmit to the carrier, until it returns 0;
 *   4. arm one timer for `nextTimeoutUs`.
 *
 * Times: `nowUs` is monotonic microseconds, `wallMs` is milliseconds since 1970. Both are whole numbers.
 */

/** The two clocks of an input. */
export interface Now {
  readonly nowUs: number;
  readonly wallMs: number;
}

/**
 * A carrier address as the engine keeps it: 24 bytes, opaque but for equality and prefix.
 * `family u16 (4 or 6; 0 for carriers without addresses) | port u16 | flow u32 | ip 16 bytes`, little-endian.
 */
export type AddressBytes = Uint8Array;
export const ADDRESS_SIZE = 24;

/** Noise patterns of a connection; NNpsk0 (resumption) is reserved. */
export type HandshakePattern = "IK" | "NK" | "XX" | "NX";

/** Scheduling bands, first served first weighted (8:4:2:1). The band belongs to the stream. */
export const BAND = { critical: 0, control: 1, streaming: 2, background: 3 } as const;
export type Band = 0 | 1 | 2 | 3;

/** What a stream carries: bytes, or whole MXP messages. */
export type StreamKind = "bytes" | "messages";

/** How the peer's identity became acceptable. */
export type Trust = "certified" | "pinned" | "unknown" | "anonymous";

/** Limits that this side grants to its peer, sent in the handshake. */
export interface TransportParameters {
  readonly maxData: number;
  readonly maxStreamData: number;
  readonly maxStreamsBidi: number;
  readonly idleTimeoutMs: number;
  readonly maxDatagramBytes: number;
  readonly maxMessageBytes: number;
  readonly maxAckDelayUs: number;
}

export interface EndpointConfig {
  /** 32 bytes from the operating system, fresh for each endpoint. */
  readonly seed: Uint8Array;
  /** X25519 private key, 32 bytes. The engine derives the public key. */
  readonly staticPrivateKey: Uint8Array;
  /** This node's certificate (at most 512 bytes), or empty for a client that stays anonymous. */
  readonly certificate: Uint8Array;
  readonly acceptsConnections: boolean;
  /** True: a peer whose key is neither pinned nor certified raises `authenticate`; false: it is refused. */
  readonly asksForUnknownPeers: boolean;
  readonly parameters: TransportParameters;
  /** Largest datagram that the carrier takes, and the size to which first messages are padded. */
  readonly maxPacketBytes: number;
  readonly basePacketBytes: number;
  readonly connectionsMax: number;
}

export interface ConnectOptions {
  readonly remote: AddressBytes;
  readonly pattern: HandshakePattern;
  /** X25519 public key of the responder, for IK and NK. */
  readonly remoteStatic?: Uint8Array;
  /** The Ed25519 identity that the responder must prove, when it is known. */
  readonly expectedIdentity?: Uint8Array;
  /** The name that the responder's certificate must carry, when given. */
  readonly expectedName?: string;
  /** 32 fresh bytes from the operating system. */
  readonly entropy: Uint8Array;
}

export interface OpenStreamOptions {
  readonly kind: StreamKind;
  readonly band: Band;
  /** Protocol name, at most 128 bytes of UTF-8. */
  readonly protocol: string;
}

/** The 32-byte header of an MXP message, without magic and reserved bytes. */
export interface MessageHeader {
  readonly type: number;
  readonly flags: number;
  readonly messageId: bigint;
  readonly traceId: bigint;
}

/** One whole message of a `messages` stream. */
export interface Message {
  readonly header: MessageHeader;
  /** A copy. */
  readonly payload: Uint8Array;
  /** The peer sends nothing after it on this stream. */
  readonly isLast: boolean;
}

export type EngineEvent =
  /** The handshake is complete and confirmed. `identity` is the peer's Ed25519 key; empty when anonymous. */
  | {
      readonly kind: "connected";
      readonly connection: number;
      readonly isInitiator: boolean;
      readonly pattern: HandshakePattern;
      readonly identity: Uint8Array;
      readonly peerStatic: Uint8Array;
      readonly certificate: Uint8Array;
      readonly trust: Trust;
      /** h of the Noise handshake, 32 bytes; equal on both sides. */
      readonly channelBinding: Uint8Array;
      readonly remote: AddressBytes;
    }
  /** Answer with `authenticate` before `deadlineUs`. */
  | {
      readonly kind: "authenticate";
      readonly connection: number;
      readonly identity: Uint8Array;
      readonly certificate: Uint8Array;
      readonly deadlineUs: number;
      readonly remote: AddressBytes;
    }
  | {
      readonly kind: "stream-opened";
      readonly connection: number;
      readonly stream: bigint;
      readonly streamKind: StreamKind;
      readonly band: Band;
      readonly protocol: string;
    }
  /**
   * Something can be read: bytes or the end of a `bytes` stream, a whole message or the end of a `messages`
   * stream. Raised again only after `read` or `readMessage` found nothing.
   */
  | { readonly kind: "readable"; readonly connection: number; readonly stream: bigint }
  /** A write that was cut short can go on. */
  | { readonly kind: "writable"; readonly connection: number; readonly stream: bigint }
  /** Everything written, and the end, was acknowledged by the peer's transport. */
  | { readonly kind: "stream-acknowledged"; readonly connection: number; readonly stream: bigint }
  | {
      readonly kind: "stream-reset";
      readonly connection: number;
      readonly stream: bigint;
      readonly code: number;
    }
  | {
      readonly kind: "stream-stopped";
      readonly connection: number;
      readonly stream: bigint;
      readonly code: number;
    }
  /** The next message of the stream was refused; `code` names why and the stream is reset. */
  | {
      readonly kind: "message-refused";
      readonly connection: number;
      readonly stream: bigint;
      readonly code: number;
    }
  | { readonly kind: "datagram"; readonly connection: number; readonly payload: Uint8Array }
  /** After `openStream` was told to wait: the peer permits more streams now. */
  | { readonly kind: "streams-available"; readonly connection: number }
  /** Nothing more comes from this connection. `code` is an error code, 0 for a clean close. */
  | {
      readonly kind: "closed";
      readonly connection: number;
      readonly code: number;
      readonly isByPeer: boolean;
      readonly applicationCode: bigint;
      readonly reason: string;
    };

/** Counters since the connection began. */
export interface ConnectionStats {
  readonly packetsSent: number;
  readonly packetsReceived: number;
  readonly packetsLost: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly retransmittedBytes: number;
  readonly probeTimeouts: number;
  readonly duplicatePackets: number;
  /** Largest distance by which a packet came late. */
  readonly reorderDepth: number;
  readonly smoothedRttUs: number;
  readonly latestRttUs: number;
  readonly congestionWindowBytes: number;
  readonly bytesInFlight: number;
  readonly streamsOpen: number;
}

/** Counters of the endpoint: every datagram that was dropped is counted by its reason. */
export interface EndpointStats {
  readonly datagramsReceived: number;
  readonly datagramsDropped: number;
  readonly droppedMalformed: number;
  readonly droppedUnknownConnection: number;
  readonly droppedReplayed: number;
  readonly droppedUnauthentic: number;
  readonly droppedAmplification: number;
  readonly droppedFull: number;
  readonly connections: number;
}

/** One send of the carrier: equal segments of `segmentBytes` (the last may be shorter). */
export interface Transmit {
  readonly remote: AddressBytes;
  readonly bytes: Uint8Array;
  readonly segmentBytes: number;
}

export interface EndpointEngine {
  /** Takes one datagram for the next `receive`; false when the batch is full (64, or its bytes). */
  queueDatagram(bytes: Uint8Array, remote: AddressBytes): boolean;
  receive(now: Now): void;
  handleTimeout(now: Now): void;
  /** Absolute monotonic time of the next timeout; Infinity when none. */
  nextTimeoutUs(): number;
  nextEvent(): EngineEvent | null;
  /**
   * Builds up to 64 datagrams and returns them as coalesced sends. The bytes are views into the engine's
   * memory and hold until the next call of any method. An empty list: nothing more to send now.
   */
  transmit(now: Now): readonly Transmit[];

  /** Fresh entropy for handshakes this endpoint will accept: 32 bytes for each, kept in a small stock. */
  addEntropy(entropy: Uint8Array): void;
  /**
   * How many pieces the stock still takes; 0 when this endpoint accepts nothing. Each accepted first message uses
   * one up, also when its handshake never completes, so the host refills after every `receive`.
   */
  entropyWanted(): number;
  trustAuthority(publicKey: Uint8Array): void;
  pinIdentity(publicKey: Uint8Array): void;
  unpinIdentity(publicKey: Uint8Array): void;

  /** Begins a handshake. Returns the connection, or a negative status. */
  connect(options: ConnectOptions, now: Now): number;
  authenticate(connection: number, isAccepted: boolean, now: Now): void;
  close(connection: number, applicationCode: bigint, reason: string, now: Now): void;

  /** Returns the stream; a negative status as bigint when it cannot be opened. */
  openStream(connection: number, options: OpenStreamOptions): bigint;
  /** Bytes taken (maybe fewer than given: wait for `writable`), or a negative status. */
  write(connection: number, stream: bigint, bytes: Uint8Array, isLast: boolean): number;
  /** Bytes copied into `target`; 0 when none are there now; -1 at the end; less than -1: status - 1. */
  read(connection: number, stream: bigint, target: Uint8Array): number;
  /** Takes a whole message or nothing: 0, or a negative status (`would-block`: wait for `writable`). */
  sendMessage(
    connection: number,
    stream: bigint,
    header: MessageHeader,
    payload: Uint8Array,
    isLast: boolean,
  ): number;
  /**
   * The next whole message of a `messages` stream. Reading returns flow-control credit, so a slow reader slows the
   * sender. A number otherwise: 0 when none is there now; -1 at the end; less than -1: status - 1. A stream lives
   * until its end was read (-1) or it was stopped, also after a message that was the last.
   */
  readMessage(connection: number, stream: bigint): Message | number;
  /** Gives up sending; the peer sees `stream-reset`. */
  reset(connection: number, stream: bigint, code: number): number;
  /** Gives up receiving; the peer sees `stream-stopped`. */
  stop(connection: number, stream: bigint, code: number): number;
  /** Queues one datagram (dropped oldest first when the queue is full): 0 or a negative status. */
  sendDatagram(connection: number, payload: Uint8Array): number;

  connectionStats(connection: number): ConnectionStats;
  endpointStats(): EndpointStats;
  /** Wipes every secret of this endpoint. No call is allowed afterwards. */
  dispose(): void;
}

/** One engine: a Wasm instance with a memory of its own. Every endpoint has its own engine. */
export interface EngineModule {
  createEndpoint(config: EndpointConfig): EndpointEngine;
}
