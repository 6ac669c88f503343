/**
 * The MXP transport: one endpoint that dials, accepts, and offers every connection as a lane.
 */
import type { EngineModule, TransportParameters } from "../engine/contract.ts";
import type { DatagramCapabilities, Datagrams, SocketAddress } from "../ports/datagrams.ts";
import type { Clock } from "../ports/clock.ts";
import { Failure } from "../ports/failure.ts";
import type { CallHandler, Lane, LanePeer } from "../ports/lane.ts";
import type { Random } from "../ports/random.ts";
import { parseAddress } from "../trust/address.ts";
import { peerId } from "../trust/identity.ts";
import type { Connection } from "./connection.ts";
import { DEFAULT_PARAMETERS, Endpoint, UDP_PACKET_BYTES, type UnknownPeer } from "./endpoint.ts";
import { ConnectionLane } from "./lane.ts";

export { Connection } from "./connection.ts";
export { Stream } from "./stream.ts";
export {
  MessageStream,
  MESSAGE_FLAG,
  MESSAGE_TYPE,
  type OutgoingMessage,
} from "./message-stream.ts";
export { DEFAULT_PARAMETERS, type UnknownPeer } from "./endpoint.ts";

export interface TransportPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly datagrams: Datagrams;
  readonly engine: EngineModule;
}

export interface TransportOptions {
  readonly local: { readonly host: string; readonly port: number };
  /** X25519 private key, 32 bytes. */
  readonly staticPrivateKey: Uint8Array;
  /** This node's certificate; empty for an anonymous client. */
  readonly certificate: Uint8Array;
  /** Ed25519 keys of certificate authorities. */
  readonly authorities: readonly Uint8Array[];
  /** Ed25519 identities that need no authority. */
  readonly pinned: readonly Uint8Array[];
  readonly acceptsConnections: boolean;
  /** Decides about peers that are neither pinned nor certified; without it they are refused. */
  readonly authenticate?: (peer: UnknownPeer) => boolean;
  readonly parameters?: Partial<TransportParameters>;
  readonly connectionsMax?: number;
  readonly onBug?: (error: unknown) => void;
  /** Sees every established connection, for streams of bytes and datagrams beside the calls. */
  readonly onConnection?: (connection: Connection) => void;
}

export interface DialTarget {
  readonly host: string;
  readonly port: number;
  /** The peer's X25519 key: dials IK (or NK without a certificate). Unknown: XX (or NX). */
  readonly staticKey?: Uint8Array;
  /** The Ed25519 identity that the peer must prove. */
  readonly identity?: Uint8Array;
  readonly name?: string;
}

export class Transport {
  readonly #endpoint: Endpoint;
  readonly #ports: TransportPorts;
  readonly #agents: Map<string, CallHandler>;
  readonly #lanes: WeakMap<Connection, Lane>;
  readonly #isAnonymous: boolean;

  constructor(
    endpoint: Endpoint,
    ports: TransportPorts,
    agents: Map<string, CallHandler>,
    lanes: WeakMap<Connection, Lane>,
    isAnonymous: boolean,
  ) {
    this.#endpoint = endpoint;
    this.#ports = ports;
    this.#agents = agents;
    this.#lanes = lanes;
    this.#isAnonymous = isAnonymous;
  }

  get local(): SocketAddress {
    return this.#endpoint.local;
  }

  get capabilities(): DatagramCapabilities {
    return this.#endpoint.capabilities;
  }

  get endpoint(): Endpoint {
    return this.#endpoint;
  }

  /** Answers calls to `agent` on every lane. */
  serve(agent: string, handler: CallHandler): void {
    this.#agents.set(agent, handler);
  }

  /** Dials a peer and returns the lane to it. */
  async connect(
    target: DialTarget,
    options: { readonly signal?: AbortSignal; readonly timeoutMs?: number } = {},
  ): Promise<Lane> {
    const connection = await this.connectRaw(target, options);
    const lane = this.#lanes.get(connection);
    if (lane === undefined) throw new Error("every established connection has a lane");
    return lane;
  }

  /**
   * Dials `mxp://<key>@host:port/agent`: a static key ("z6LS…") dials IK, an identity ("z6Mk…") dials XX and must be
   * proved. The agent is for the caller of the lane to name.
   */
  dial(
    address: string,
    options: { readonly signal?: AbortSignal; readonly timeoutMs?: number } = {},
  ): Promise<Lane> {
    const { key, keyKind, host, port } = parseAddress(address);
    const proof = keyKind === "static" ? { staticKey: key } : { identity: key };
    return this.connect({ host, port, ...proof }, options);
  }

  /** Dials a peer and returns the connection itself, for streams and datagrams. */
  async connectRaw(
    target: DialTarget,
    options: { readonly signal?: AbortSignal; readonly timeoutMs?: number } = {},
  ): Promise<Connection> {
    const { staticKey, identity, name } = target;
    const known = this.#isAnonymous ? "NK" : "IK";
    const first = this.#isAnonymous ? "NX" : "XX";
    const abort = new AbortController();
    const signals = options.signal === undefined ? [abort.signal] : [abort.signal, options.signal];
    const timeoutMs = options.timeoutMs ?? 10_000;
    const { clock } = this.#ports;
    const host = await this.#ports.datagrams.resolve(target.host);
    let isTimedOut = false;
    const cancelTimer = clock.at(clock.nowUs() + timeoutMs * 1000, () => {
      isTimedOut = true;
      abort.abort();
    });
    try {
      return await this.#endpoint.connect(
        {
          remote: socketAddress(host, target.port),
          pattern: staticKey === undefined ? first : known,
          ...(staticKey === undefined ? {} : { remoteStatic: staticKey }),
          ...(identity === undefined ? {} : { expectedIdentity: identity }),
          ...(name === undefined ? {} : { expectedName: name }),
        },
        AbortSignal.any(signals),
      );
    } catch (thrown) {
      const failure = Failure.from(thrown);
      if (!isTimedOut) throw failure;
      throw new Failure("handshake-timeout", `no answer from ${target.host}:${target.port}`, {
        origin: "peer",
        remedy: "Check host and port, that the peer runs (`rtt up`), and that UDP passes.",
        context: { host: target.host, port: target.port, timeoutMs },
      });
    } finally {
      cancelTimer();
    }
  }

  pin(publicKey: Uint8Array): void {
    this.#endpoint.engine.pinIdentity(publicKey);
  }

  unpin(publicKey: Uint8Array): void {
    this.#endpoint.engine.unpinIdentity(publicKey);
  }

  /** Tells every peer, closes, and frees the port. */
  close(reason: string): Promise<void> {
    return this.#endpoint.close(reason);
  }
}

/** Binds an endpoint and returns the transport over it. Fails with `port-in-use` or `permission-denied`. */
export async function createTransport(
  ports: TransportPorts,
  options: TransportOptions,
  onLane: (lane: Lane) => void = () => undefined,
): Promise<Transport> {
  const engine = ports.engine.createEndpoint({
    seed: ports.random.bytes(32),
    staticPrivateKey: options.staticPrivateKey,
    certificate: options.certificate,
    acceptsConnections: options.acceptsConnections,
    asksForUnknownPeers: options.authenticate !== undefined,
    parameters: { ...DEFAULT_PARAMETERS, ...options.parameters },
    maxPacketBytes: UDP_PACKET_BYTES,
    basePacketBytes: UDP_PACKET_BYTES,
    connectionsMax: options.connectionsMax ?? 16,
  });
  for (const key of options.authorities) engine.trustAuthority(key);
  for (const key of options.pinned) engine.pinIdentity(key);
  const agents = new Map<string, CallHandler>();
  const lanes = new WeakMap<Connection, Lane>();
  const endpoint = await Endpoint.bind(ports, {
    engine,
    local: options.local,
    onConnection: (connection) => {
      const lane = new ConnectionLane(connection, lanePeer(connection), ports, agents);
      lanes.set(connection, lane);
      options.onConnection?.(connection);
      onLane(lane);
    },
    ...(options.authenticate === undefined ? {} : { authenticate: options.authenticate }),
    ...(options.onBug === undefined ? {} : { onBug: options.onBug }),
  });
  return new Transport(endpoint, ports, agents, lanes, options.certificate.length === 0);
}

function lanePeer(connection: Connection): LanePeer {
  const { publicKey, trust, pattern, channelBinding, remote } = connection.peer;
  return {
    id: publicKey.length === 0 ? "" : peerId(publicKey),
    publicKey,
    trust,
    carrier: "udp",
    handshake: `Noise_${pattern}_25519_ChaChaPoly_SHA256`,
    channelBinding,
    remote: `${remote.host}:${remote.port}`,
  };
}

function socketAddress(host: string, port: number): SocketAddress {
  return { family: host.includes(":") ? 6 : 4, host, port };
}
