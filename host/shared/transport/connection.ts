/** One connection: streams, message streams and datagrams to one peer, and the one way it ends. */
import {
  BAND,
  type Band,
  type ConnectionStats,
  type EndpointEngine,
  type EngineEvent,
  type HandshakePattern,
  type Trust,
} from "../engine/contract.ts";
import type { SocketAddress } from "../ports/datagrams.ts";
import { errorNumber, type Failure } from "../ports/failure.ts";
import type { ConnectionCore } from "./connection-core.ts";
import { engineFailure } from "./engine-failure.ts";
import { Gate } from "./gate.ts";
import { MessageStream } from "./message-stream.ts";
import { Stream, type StreamCore } from "./stream.ts";

/** Received datagrams kept for a reader that is behind; the oldest are dropped, as datagrams are. */
const DATAGRAMS_MAX = 256;

const WOULD_BLOCK = BigInt(-errorNumber("would-block"));

/** Who is on the other side, from the handshake. */
export interface ConnectionPeer {
  readonly publicKey: Uint8Array;
  readonly staticKey: Uint8Array;
  readonly certificate: Uint8Array;
  readonly trust: Trust;
  readonly pattern: HandshakePattern;
  readonly channelBinding: Uint8Array;
  readonly remote: SocketAddress;
  readonly isInitiator: boolean;
}

/** The events of the engine that belong to a connection after it was established. */
export type ConnectionEvent = Exclude<
  EngineEvent,
  { kind: "connected" } | { kind: "authenticate" }
>;

export interface OpenOptions {
  readonly protocol: string;
  readonly band?: Band;
}

export class Connection implements ConnectionCore {
  readonly engine: EndpointEngine;
  readonly handle: number;
  readonly peer: ConnectionPeer;
  readonly wake: () => void;
  readonly #now: () => { readonly nowUs: number; readonly wallMs: number };
  readonly #streams = new Map<bigint, StreamCore>();
  readonly #opened: (Stream | MessageStream)[] = [];
  readonly #openedGate = new Gate();
  readonly #permitGate = new Gate();
  readonly #datagrams: Uint8Array[] = [];
  readonly #datagramGate = new Gate();
  #failure: Failure | null = null;
  #isClosed = false;
  #resolveClosed: (failure: Failure | null) => void = () => undefined;
  /** Resolves once with why the connection ended; null for a clean close. */
  readonly closed: Promise<Failure | null>;
  /** Takes message streams that the peer opened; when unset they wait in `accept`. */
  onMessageStream: ((stream: MessageStream, protocol: string) => void) | null = null;

  constructor(
    engine: EndpointEngine,
    handle: number,
    peer: ConnectionPeer,
    wake: () => void,
    now: () => { readonly nowUs: number; readonly wallMs: number },
  ) {
    this.engine = engine;
    this.handle = handle;
    this.peer = peer;
    this.wake = wake;
    this.#now = now;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  get stats(): ConnectionStats {
    return this.engine.connectionStats(this.handle);
  }

  /**
   * Opens a stream of bytes, as soon as the peer permits one more. It costs nothing on the wire until it is written.
   * Fails with what ended the connection.
   */
  async openStream(options: OpenOptions): Promise<Stream> {
    const stream = new Stream(this, await this.#open("bytes", options), options.protocol);
    this.#streams.set(stream.id, stream);
    return stream;
  }

  /** Opens a stream of whole messages, as soon as the peer permits one more. */
  async openMessages(options: OpenOptions): Promise<MessageStream> {
    const stream = new MessageStream(this, await this.#open("messages", options));
    this.#streams.set(stream.id, stream);
    return stream;
  }

  /** The next stream that the peer opened, or null when the connection has ended. */
  async accept(): Promise<Stream | MessageStream | null> {
    for (;;) {
      const stream = this.#opened.shift();
      if (stream !== undefined) return stream;
      if (this.#isClosed) return null;
      await this.#openedGate.wait();
    }
  }

  /** Sends one datagram; it may be lost. Fails with `datagram-too-large`. */
  sendDatagram(payload: Uint8Array): void {
    const status = this.engine.sendDatagram(this.handle, payload);
    if (status < 0) throw engineFailure(status, "the datagram cannot be sent", "local");
    this.wake();
  }

  /** The next datagram, or null when the connection has ended. */
  async receiveDatagram(): Promise<Uint8Array | null> {
    for (;;) {
      const datagram = this.#datagrams.shift();
      if (datagram !== undefined) return datagram;
      if (this.#isClosed) return null;
      await this.#datagramGate.wait();
    }
  }

  /** Closes with an application code and a reason that the peer sees. */
  close(reason: string, applicationCode = 0n): void {
    if (this.#isClosed) return;
    this.engine.close(this.handle, applicationCode, reason, this.#now());
    this.wake();
  }

  forget(streamId: bigint): void {
    this.#streams.delete(streamId);
  }

  handleEvent(event: ConnectionEvent): void {
    switch (event.kind) {
      case "stream-opened":
        return this.#onStreamOpened(event.stream, event.streamKind, event.protocol);
      case "readable":
        return this.#streams.get(event.stream)?.onReadable();
      case "writable":
        return this.#streams.get(event.stream)?.onWritable();
      case "stream-acknowledged":
        return this.#streams.get(event.stream)?.onAcknowledged();
      case "stream-reset":
        return this.#streams.get(event.stream)?.onReset(event.code);
      case "stream-stopped":
        return this.#streams.get(event.stream)?.onStopped(event.code);
      case "message-refused": {
        const stream = this.#streams.get(event.stream);
        if (stream instanceof MessageStream) stream.onRefused(event.code);
        return;
      }
      case "streams-available":
        return this.#permitGate.open();
      case "datagram":
        if (this.#datagrams.length >= DATAGRAMS_MAX) this.#datagrams.shift();
        this.#datagrams.push(event.payload);
        return this.#datagramGate.open();
      case "closed":
        return this.#onClosed(event);
    }
  }

  async #open(kind: "bytes" | "messages", options: OpenOptions): Promise<bigint> {
    const band = options.band ?? BAND.streaming;
    for (;;) {
      if (this.#failure !== null) throw this.#failure;
      const { protocol } = options;
      const id = this.engine.openStream(this.handle, { kind, band, protocol });
      if (id >= 0n) return id;
      if (id !== WOULD_BLOCK)
        throw engineFailure(Number(id), "the stream cannot be opened", "local");
      await this.#permitGate.wait();
    }
  }

  #onStreamOpened(id: bigint, kind: "bytes" | "messages", protocol: string): void {
    if (kind === "messages" && this.onMessageStream !== null) {
      const stream = new MessageStream(this, id);
      this.#streams.set(id, stream);
      this.onMessageStream(stream, protocol);
      return;
    }
    const stream = kind === "bytes" ? new Stream(this, id, protocol) : new MessageStream(this, id);
    this.#streams.set(id, stream);
    this.#opened.push(stream);
    this.#openedGate.open();
  }

  #onClosed(event: Extract<EngineEvent, { kind: "closed" }>): void {
    const isClean = event.code === 0 || event.code === errorNumber("connection-closed");
    const text = event.reason === "" ? "the connection ended" : event.reason;
    const origin = event.isByPeer ? "peer" : "local";
    const ended = engineFailure(
      isClean ? errorNumber("connection-closed") : event.code,
      text,
      origin,
    );
    this.#isClosed = true;
    this.#failure = ended;
    for (const stream of this.#streams.values()) stream.onClosed(ended);
    this.#streams.clear();
    this.#openedGate.open();
    this.#permitGate.open();
    this.#datagramGate.open();
    this.#resolveClosed(isClean ? null : ended);
  }
}
