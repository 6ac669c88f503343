/** One endpoint: a socket, an engine, the run loop between them, and the connections that live there. */
import type {
  EndpointEngine,
  EngineEvent,
  HandshakePattern,
  TransportParameters,
} from "../engine/contract.ts";
import type { Clock } from "../ports/clock.ts";
import type {
  DatagramCapabilities,
  DatagramSocket,
  Datagrams,
  SocketAddress,
} from "../ports/datagrams.ts";
import { Failure } from "../ports/failure.ts";
import type { Random } from "../ports/random.ts";
import { Connection, type ConnectionEvent } from "./connection.ts";
import { Driver } from "./driver.ts";
import { engineFailure } from "./engine-failure.ts";

export const DEFAULT_PARAMETERS: TransportParameters = {
  maxData: 8 * 1024 * 1024,
  maxStreamData: 2 * 1024 * 1024,
  maxStreamsBidi: 256,
  idleTimeoutMs: 30_000,
  maxDatagramBytes: 1_000,
  maxMessageBytes: 1024 * 1024,
  maxAckDelayUs: 5_000,
};

/** Largest and smallest datagram over UDP: 1200 bytes pass every path (RFC 9000 §14). */
export const UDP_PACKET_BYTES = 1_200;

export interface EndpointPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly datagrams: Datagrams;
}

/** A peer that is neither pinned nor certified and asks to come in. */
export interface UnknownPeer {
  readonly publicKey: Uint8Array;
  readonly certificate: Uint8Array;
  readonly remote: SocketAddress;
}

export interface EndpointOptions {
  readonly engine: EndpointEngine;
  readonly local: { readonly host: string; readonly port: number };
  readonly onConnection: (connection: Connection) => void;
  /** Decides about an unknown peer; without it every unknown peer is refused. */
  readonly authenticate?: (peer: UnknownPeer) => boolean;
  /** The engine broke; the endpoint is lost. */
  readonly onBug?: (error: unknown) => void;
}

export interface ConnectTarget {
  readonly remote: SocketAddress;
  readonly pattern: HandshakePattern;
  readonly remoteStatic?: Uint8Array;
  readonly expectedIdentity?: Uint8Array;
  readonly expectedName?: string;
}

interface Dial {
  readonly resolve: (connection: Connection) => void;
  readonly reject: (failure: Failure) => void;
}

export class Endpoint {
  readonly #engine: EndpointEngine;
  readonly #driver: Driver;
  readonly #random: Random;
  readonly #options: EndpointOptions;
  readonly #connections = new Map<number, Connection>();
  readonly #dials = new Map<number, Dial>();
  #socket: DatagramSocket | null = null;
  #closing: Promise<void> | null = null;

  private constructor(ports: EndpointPorts, options: EndpointOptions) {
    this.#engine = options.engine;
    this.#random = ports.random;
    this.#options = options;
    this.#driver = new Driver({
      engine: options.engine,
      clock: ports.clock,
      random: ports.random,
      onEvent: (event) => this.#onEvent(event),
      onBug: (error) => this.#onBug(error),
    });
  }

  /** Binds the socket and starts the run loop. Fails with `port-in-use` or `permission-denied`. */
  static async bind(ports: EndpointPorts, options: EndpointOptions): Promise<Endpoint> {
    const endpoint = new Endpoint(ports, options);
    const socket = await ports.datagrams.bind(options.local, endpoint.#driver.onDatagram);
    endpoint.#socket = socket;
    endpoint.#driver.attach(socket);
    return endpoint;
  }

  get local(): SocketAddress {
    return this.#bound().local;
  }

  get capabilities(): DatagramCapabilities {
    return this.#bound().capabilities;
  }

  get engine(): EndpointEngine {
    return this.#engine;
  }

  /**
   * Dials a peer. Fails with `handshake-failed`, `handshake-timeout`, a `certificate-*` code, `peer-unknown`,
   * `peer-refused`, or `cancelled` when the signal fires first.
   */
  connect(target: ConnectTarget, signal?: AbortSignal): Promise<Connection> {
    const { remote, ...handshake } = target;
    const address = this.#driver.addresses.toBytes(remote);
    const entropy = this.#random.bytes(32);
    const now = this.#driver.now();
    const handle = this.#engine.connect({ ...handshake, remote: address, entropy }, now);
    if (handle < 0) {
      return Promise.reject(engineFailure(handle, "the handshake cannot begin", "local"));
    }
    this.#driver.wake();
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#dials.delete(handle);
        this.#engine.close(handle, 0n, "cancelled", this.#driver.now());
        this.#driver.wake();
        reject(
          new Failure("cancelled", "the dial was given up", {
            origin: "local",
            remedy: "Dial again if the connection is still wanted.",
          }),
        );
      };
      const forget = (): void => signal?.removeEventListener("abort", onAbort);
      this.#dials.set(handle, {
        resolve: (connection) => {
          forget();
          resolve(connection);
        },
        reject: (failure) => {
          forget();
          reject(failure);
        },
      });
      if (signal?.aborted === true) onAbort();
      else signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Closes every connection, tells the peers, and frees the port. A second call waits for the first. */
  close(reason: string): Promise<void> {
    this.#closing ??= this.#close(reason);
    return this.#closing;
  }

  async #close(reason: string): Promise<void> {
    for (const connection of this.#connections.values()) connection.close(reason);
    await this.#driver.stop();
    const failure = engineFailure(0, "the endpoint was closed", "local");
    for (const dial of this.#dials.values()) dial.reject(failure);
    for (const [handle, connection] of this.#connections) {
      connection.handleEvent({
        kind: "closed",
        connection: handle,
        code: 0,
        isByPeer: false,
        applicationCode: 0n,
        reason,
      });
    }
    this.#connections.clear();
    this.#dials.clear();
  }

  #bound(): DatagramSocket {
    if (this.#socket === null) throw new Error("an endpoint exists only once its socket is bound");
    return this.#socket;
  }

  #onEvent(event: EngineEvent): void {
    if (event.kind === "authenticate") return this.#onAuthenticate(event);
    if (event.kind === "connected") return this.#onConnected(event);
    if (event.kind === "closed") this.#onClosed(event);
    this.#connections.get(event.connection)?.handleEvent(event satisfies ConnectionEvent);
    if (event.kind === "closed") this.#connections.delete(event.connection);
  }

  #onAuthenticate(event: Extract<EngineEvent, { kind: "authenticate" }>): void {
    const isAccepted =
      this.#options.authenticate?.({
        publicKey: event.identity,
        certificate: event.certificate,
        remote: this.#driver.addresses.toAddress(event.remote),
      }) ?? false;
    this.#engine.authenticate(event.connection, isAccepted, this.#driver.now());
  }

  #onConnected(event: Extract<EngineEvent, { kind: "connected" }>): void {
    const connection = new Connection(
      this.#engine,
      event.connection,
      {
        publicKey: event.identity,
        staticKey: event.peerStatic,
        certificate: event.certificate,
        trust: event.trust,
        pattern: event.pattern,
        channelBinding: event.channelBinding,
        remote: this.#driver.addresses.toAddress(event.remote),
        isInitiator: event.isInitiator,
      },
      () => this.#driver.wake(),
      () => this.#driver.now(),
    );
    this.#connections.set(event.connection, connection);
    const dial = this.#dials.get(event.connection);
    this.#dials.delete(event.connection);
    this.#options.onConnection(connection);
    dial?.resolve(connection);
  }

  /** A connection that ends before it was established ends its dial. */
  #onClosed(event: Extract<EngineEvent, { kind: "closed" }>): void {
    const dial = this.#dials.get(event.connection);
    if (dial === undefined) return;
    this.#dials.delete(event.connection);
    const text = event.reason === "" ? "the handshake failed" : event.reason;
    dial.reject(engineFailure(event.code, text, event.isByPeer ? "peer" : "local"));
  }

  #onBug(error: unknown): void {
    const failure = Failure.from(error);
    for (const dial of this.#dials.values()) dial.reject(failure);
    for (const [handle, connection] of this.#connections) {
      connection.handleEvent({
        kind: "closed",
        connection: handle,
        code: 1_000_000,
        isByPeer: false,
        applicationCode: 0n,
        reason: "the engine stopped",
      });
    }
    this.#dials.clear();
    this.#connections.clear();
    this.#options.onBug?.(error);
  }
}
