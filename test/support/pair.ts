/**
 * Two engines and a link between them, on a virtual clock: what the tests of the connection stand on.
 *
 * The link is perfect unless `fate` says otherwise for a datagram. It follows the run loop of the contract: one
 * mutation, all events, all transmits, one timer.
 */
import { nodeSignatures } from "../../host/node/signatures.ts";
import { loadEngine } from "../../host/node/engine.ts";
import type {
  EndpointConfig,
  EndpointEngine,
  EngineEvent,
  HandshakePattern,
  Now,
  OpenStreamOptions,
  TransportParameters,
} from "../../host/shared/engine/contract.ts";
import { issueCertificate } from "../../host/shared/trust/certificate.ts";

export const WALL_MS = 1_800_000_000_000;
const DAY_MS = 86_400_000;
const STEPS_MAX = 200_000;

export const PARAMETERS: TransportParameters = {
  maxData: 4 * 1024 * 1024,
  maxStreamData: 1024 * 1024,
  maxStreamsBidi: 64,
  idleTimeoutMs: 30_000,
  maxDatagramBytes: 1100,
  maxMessageBytes: 256 * 1024,
  maxAckDelayUs: 1000,
};

/** 32 bytes that differ for each label, so that a run repeats exactly. */
export function bytes32(label: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: 32 }, (_, index) => (label * 89 + index * 7 + 13) & 0xff);
}

export interface Person {
  readonly seed: Uint8Array<ArrayBuffer>;
  readonly identity: Uint8Array<ArrayBuffer>;
  readonly staticPrivate: Uint8Array<ArrayBuffer>;
  readonly staticPublic: Uint8Array<ArrayBuffer>;
  readonly certificate: Uint8Array<ArrayBuffer>;
}

export interface CertificateChoices {
  readonly issuer?: { readonly seed: Uint8Array; readonly publicKey: Uint8Array };
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
  readonly names?: readonly string[];
}

/** A person with a certificate by itself, or by `issuer`. */
export function createPerson(label: number, choices: CertificateChoices = {}): Person {
  const seed = bytes32(label);
  const identity = nodeSignatures.publicKey(seed);
  const staticPrivate = bytes32(label + 100);
  const staticPublic = nodeSignatures.x25519PublicKey(staticPrivate);
  const certificate = issueCertificate(nodeSignatures, {
    identity,
    staticKey: staticPublic,
    issuer: choices.issuer ?? { seed, publicKey: identity },
    serial: BigInt(label),
    notBeforeMs: choices.notBeforeMs ?? WALL_MS - DAY_MS,
    notAfterMs: choices.notAfterMs ?? WALL_MS + DAY_MS,
    names: choices.names ?? ["peer.example"],
  });
  return { seed, identity, staticPrivate, staticPublic, certificate };
}

/** What happens to a datagram: it arrives after `delayUs` as each of `copies`, in that order. */
export interface Fate {
  readonly delayUs: number;
  readonly copies: readonly Uint8Array[];
}

export type Side = "client" | "server";

export interface PairOptions {
  readonly client?: Person;
  readonly server?: Person;
  readonly clientConfig?: Partial<EndpointConfig>;
  readonly serverConfig?: Partial<EndpointConfig>;
  /** How many accepted handshakes the server has entropy for. */
  readonly entropy?: number;
  readonly delayUs?: number;
  /** True: each side pins the other. */
  readonly isPinned?: boolean;
  /** Makes the client's endpoint, when it is to be another engine. */
  readonly createClient?: (config: EndpointConfig) => EndpointEngine;
}

interface Flight {
  readonly atUs: number;
  readonly to: Side;
  readonly bytes: Uint8Array;
}

const engine = loadEngine();

export class Pair {
  readonly client: EndpointEngine;
  readonly server: EndpointEngine;
  readonly people: Readonly<Record<Side, Person>>;
  readonly events: Record<Side, EngineEvent[]> = { client: [], server: [] };
  /** Every datagram that was sent, in order. */
  readonly wire: { readonly from: Side; readonly bytes: Uint8Array; readonly atUs: number }[] = [];
  readonly addresses: Readonly<Record<Side, Uint8Array>> = {
    client: address(1),
    server: address(2),
  };
  nowUs = 1_000_000;
  wallMs = WALL_MS;
  delayUs: number;
  /** Decides about each datagram; the default delivers it once. */
  fate: (from: Side, bytes: Uint8Array, index: number) => Fate;
  #flights: Flight[] = [];

  constructor(options: PairOptions = {}) {
    this.delayUs = options.delayUs ?? 5000;
    this.fate = (_from, bytes) => ({ delayUs: this.delayUs, copies: [bytes] });
    this.people = {
      client: options.client ?? createPerson(1),
      server: options.server ?? createPerson(2),
    };
    const createClient = options.createClient ?? ((config) => engine.createEndpoint(config));
    const clientChanges = { acceptsConnections: false, ...options.clientConfig };
    this.client = createClient(configOf(this.people.client, 11, clientChanges));
    this.server = createEndpoint(this.people.server, 12, options.serverConfig);
    for (let count = 0; count < (options.entropy ?? 8); count += 1) {
      this.server.addEntropy(bytes32(50 + count));
    }
    if (options.isPinned ?? true) {
      this.client.pinIdentity(this.people.server.identity);
      this.server.pinIdentity(this.people.client.identity);
    }
  }

  now(): Now {
    return { nowUs: this.nowUs, wallMs: this.wallMs };
  }

  engineOf(side: Side): EndpointEngine {
    return side === "client" ? this.client : this.server;
  }

  dial(pattern: HandshakePattern = "IK", expectations: object = {}): number {
    const isKeyed = pattern === "IK" || pattern === "NK";
    const connection = this.client.connect(
      {
        remote: this.addresses.server,
        pattern,
        ...(isKeyed ? { remoteStatic: this.people.server.staticPublic } : {}),
        entropy: bytes32(77),
        ...expectations,
      },
      this.now(),
    );
    this.drain("client");
    return connection;
  }

  /** Dials and runs until both sides are connected; returns their connections. */
  connected(pattern: HandshakePattern = "IK"): Record<Side, number> {
    const client = this.dial(pattern);
    this.runUntil(() => this.find("client", "connected") && this.find("server", "connected"));
    return { client, server: this.take("server", "connected").connection };
  }

  find<Kind extends EngineEvent["kind"]>(
    side: Side,
    kind: Kind,
  ): Extract<EngineEvent, { kind: Kind }> | undefined {
    return this.events[side].find(
      (event): event is Extract<EngineEvent, { kind: Kind }> => event.kind === kind,
    );
  }

  /** The first event of this kind, or a failure that names what there was instead. */
  take<Kind extends EngineEvent["kind"]>(
    side: Side,
    kind: Kind,
  ): Extract<EngineEvent, { kind: Kind }> {
    const event = this.find(side, kind);
    if (event !== undefined) return event;
    const kinds = this.events[side].map((one) => one.kind).join(", ");
    throw new Error(`the ${side} has no event "${kind}", only: ${kinds}`);
  }

  /** Collects what `side` has to say: events, then datagrams onto the link. */
  drain(side: Side): void {
    const endpoint = this.engineOf(side);
    for (let event = endpoint.nextEvent(); event !== null; event = endpoint.nextEvent()) {
      this.events[side].push(event);
    }
    for (let sends = endpoint.transmit(this.now()); sends.length > 0;) {
      for (const { bytes, segmentBytes, remote } of sends) {
        for (let start = 0; start < bytes.length; start += segmentBytes) {
          this.#send(side, bytes.slice(start, start + segmentBytes), remote);
        }
      }
      sends = endpoint.transmit(this.now());
    }
  }

  /** What goes to an address that neither side has is on the wire, and arrives nowhere. */
  #send(from: Side, bytes: Uint8Array, remote: Uint8Array): void {
    this.wire.push({ from, bytes, atUs: this.nowUs });
    const { delayUs, copies } = this.fate(from, bytes, this.wire.length - 1);
    const to = from === "client" ? "server" : "client";
    if (!this.addresses[to].every((byte, index) => byte === remote[index])) return;
    for (const copy of copies) this.#flights.push({ atUs: this.nowUs + delayUs, to, bytes: copy });
  }

  /** Hands a datagram over now, as if it had come from the other side. */
  inject(to: Side, bytes: Uint8Array, from?: Uint8Array): void {
    const remote = from ?? this.addresses[to === "client" ? "server" : "client"];
    if (!this.engineOf(to).queueDatagram(bytes, remote)) throw new Error("the batch is full");
    this.engineOf(to).receive(this.now());
    this.drain(to);
  }

  /** Moves the clock to the next thing that happens. False when nothing ever will. */
  step(): boolean {
    const nextFlight = Math.min(...this.#flights.map((flight) => flight.atUs), Infinity);
    const nextTimer = Math.min(this.client.nextTimeoutUs(), this.server.nextTimeoutUs());
    const next = Math.min(nextFlight, nextTimer);
    if (next === Infinity) return false;
    this.#advance(Math.max(this.nowUs, next));
    for (const side of ["client", "server"] as const) {
      if (this.#deliver(side) || this.#fire(side)) this.drain(side);
    }
    return true;
  }

  #advance(toUs: number): void {
    this.wallMs += Math.floor(toUs / 1000) - Math.floor(this.nowUs / 1000);
    this.nowUs = toUs;
  }

  #deliver(side: Side): boolean {
    const due = this.#flights.filter(({ to, atUs }) => to === side && atUs <= this.nowUs);
    if (due.length === 0) return false;
    this.#flights = this.#flights.filter((flight) => !due.includes(flight));
    const endpoint = this.engineOf(side);
    const remote = this.addresses[side === "client" ? "server" : "client"];
    for (const { bytes } of due) {
      if (endpoint.queueDatagram(bytes, remote)) continue;
      endpoint.receive(this.now());
      endpoint.queueDatagram(bytes, remote);
    }
    endpoint.receive(this.now());
    return true;
  }

  #fire(side: Side): boolean {
    const endpoint = this.engineOf(side);
    if (endpoint.nextTimeoutUs() > this.nowUs) return false;
    endpoint.handleTimeout(this.now());
    return true;
  }

  runUntil(isDone: () => unknown): void {
    for (let steps = 0; !isDone(); steps += 1) {
      if (steps > STEPS_MAX) throw new Error("the pair does not come to the end");
      if (!this.step()) throw new Error("nothing will ever happen again");
    }
  }

  /** Runs everything that happens within `durationUs`. */
  runFor(durationUs: number): void {
    const untilUs = this.nowUs + durationUs;
    for (let steps = 0; ; steps += 1) {
      if (steps > STEPS_MAX) throw new Error("the pair does not come to rest");
      const flights = this.#flights.map((flight) => flight.atUs);
      const next = Math.min(
        ...flights,
        this.client.nextTimeoutUs(),
        this.server.nextTimeoutUs(),
        Infinity,
      );
      if (next > untilUs) break;
      this.step();
    }
    this.#advance(untilUs);
  }

  /** Opens a stream from the client and returns its id. */
  open(connection: number, options: Partial<OpenStreamOptions> = {}): bigint {
    const defaults = { kind: "bytes", band: 1, protocol: "test/1" } as const;
    return this.client.openStream(connection, { ...defaults, ...options });
  }
}

function address(host: number): Uint8Array {
  const bytes = new Uint8Array(24);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 4, true);
  view.setUint16(2, 4433, true);
  bytes.set([10, 0, 0, host], 8);
  return bytes;
}

/** An endpoint of `person` with the tests' defaults. */
export function createEndpoint(
  person: Person,
  label: number,
  changes: Partial<EndpointConfig> = {},
): EndpointEngine {
  return engine.createEndpoint(configOf(person, label, changes));
}

/** The tests' default configuration of an endpoint of `person`. */
export function configOf(
  person: Person,
  label: number,
  changes: Partial<EndpointConfig> = {},
): EndpointConfig {
  return {
    seed: bytes32(label),
    staticPrivateKey: person.staticPrivate,
    certificate: person.certificate,
    acceptsConnections: true,
    asksForUnknownPeers: false,
    parameters: PARAMETERS,
    maxPacketBytes: 1200,
    basePacketBytes: 1200,
    connectionsMax: 8,
    ...changes,
  };
}
