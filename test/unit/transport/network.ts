/** A network inside the process on a virtual clock: real engines and transports, no sockets, no waiting. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { loadEngine } from "../../../host/node/engine.ts";
import { nodeRandom } from "../../../host/node/random.ts";
import { nodeSignatures } from "../../../host/node/signatures.ts";
import type { EngineModule } from "../../../host/shared/engine/contract.ts";
import type { Clock } from "../../../host/shared/ports/clock.ts";
import type { Datagrams, SocketAddress } from "../../../host/shared/ports/datagrams.ts";
import type { Lane } from "../../../host/shared/ports/lane.ts";
import {
  type Connection,
  createTransport,
  type Transport,
  type TransportOptions,
} from "../../../host/shared/transport/index.ts";
import { selfSignedCertificate } from "../../../host/shared/trust/certificate.ts";
import { createIdentity, type Identity } from "../../../host/shared/trust/identity.ts";

const DELAY_US = 1_000;
const DAY_MS = 86_400_000;
/** A condition that has not come true after this many timers never will. */
const STEPS_MAX = 100_000;

type Receiver = (bytes: Uint8Array, remote: SocketAddress) => void;

interface Timer {
  readonly atUs: number;
  readonly task: () => void;
}

export interface NetworkNode {
  readonly identity: Identity;
  readonly transport: Transport;
  readonly lanes: Lane[];
  readonly connections: Connection[];
}

export interface NodeChoices extends Partial<TransportOptions> {
  readonly engine?: EngineModule;
  readonly host?: string;
}

export class Network {
  #nowUs = 1_000_000;
  #timers: Timer[] = [];
  readonly #receivers = new Map<string, Receiver>();
  #nextPort = 1;
  /** True: nothing arrives any more. */
  isCut = false;
  /** Datagrams that were put on the wire. */
  sentCount = 0;

  readonly clock: Clock = {
    nowUs: () => this.#nowUs,
    wallMs: () => 1_800_000_000_000 + Math.floor(this.#nowUs / 1_000),
    at: (atUs, task) => this.#plan(atUs, task),
    soon: (task) => void this.#plan(this.#nowUs, task),
  };

  readonly datagrams: Datagrams = {
    bind: async ({ host }, onDatagram) => {
      const port = this.#nextPort++;
      const local: SocketAddress = { family: host.includes(":") ? 6 : 4, host, port };
      const key = keyOf(local);
      this.#receivers.set(key, onDatagram);
      return {
        local,
        capabilities: { gso: true, gro: false, ecn: false, df: true, pktinfo: false },
        send: (bytes, segmentBytes, remote) => {
          for (let start = 0; start < bytes.length; start += segmentBytes) {
            this.inject(bytes.slice(start, start + segmentBytes), local, remote);
          }
          return true;
        },
        close: async () => void this.#receivers.delete(key),
      };
    },
    resolve: async (host) => host,
  };

  /** Timers that are armed. */
  get timerCount(): number {
    return this.#timers.length;
  }

  /** Sends one datagram from any address. */
  inject(bytes: Uint8Array, from: SocketAddress, to: SocketAddress): void {
    this.sentCount += 1;
    this.#plan(this.#nowUs + DELAY_US, () => {
      if (this.isCut) return;
      this.#receivers.get(keyOf(to))?.(bytes, { ...from });
    });
  }

  /** A transport on this network with an identity of its own. */
  async node(choices: NodeChoices = {}): Promise<NetworkNode> {
    const { engine = loadEngine(), host = "10.0.0.1", ...options } = choices;
    const { clock, datagrams } = this;
    const identity = createIdentity(nodeRandom, nodeSignatures);
    const ports = { clock, random: nodeRandom, signatures: nodeSignatures };
    const [lanes, connections]: [Lane[], Connection[]] = [[], []];
    const transport = await createTransport(
      { clock, random: nodeRandom, datagrams, engine },
      {
        local: { host, port: 0 },
        staticPrivateKey: identity.staticPrivateKey,
        certificate: selfSignedCertificate(ports, identity, [], DAY_MS),
        authorities: [],
        pinned: [],
        acceptsConnections: true,
        onConnection: (connection) => connections.push(connection),
        ...options,
      },
      (lane) => lanes.push(lane),
    );
    return { identity, transport, lanes, connections };
  }

  /** Two nodes that pin each other and are connected. */
  async pair(near: NodeChoices = {}, far: NodeChoices = {}) {
    const [client, server] = [await this.node(near), await this.node(far)];
    client.transport.pin(server.identity.publicKey);
    server.transport.pin(client.identity.publicKey);
    const lane = await this.settle(client.transport.connect(targetOf(server)));
    await this.until(() => server.connections.length > 0);
    return { client, server, lane, near: client.connections[0]!, far: server.connections[0]! };
  }

  /** Lets time pass until the condition holds. */
  async until(condition: () => boolean): Promise<void> {
    for (let step = 0; step < STEPS_MAX; step++) {
      // Whoever waits for a promise goes first.
      await nextTurn();
      if (condition()) return;
      const next = this.#timers.shift();
      if (next === undefined) throw new Error("nothing is left to happen");
      this.#nowUs = Math.max(this.#nowUs, next.atUs);
      next.task();
    }
    throw new Error("it does not come true");
  }

  /** Lets time pass until the promise is settled. */
  async settle<Value>(promise: Promise<Value>): Promise<Value> {
    let isSettled = false;
    const settled = (): void => {
      isSettled = true;
    };
    promise.then(settled, settled);
    await this.until(() => isSettled);
    return promise;
  }

  /** Lets this much time pass. */
  async pass(durationMs: number): Promise<void> {
    await this.settle(
      new Promise<void>((resolve) => {
        this.#plan(this.#nowUs + durationMs * 1_000, resolve);
      }),
    );
  }

  #plan(atUs: number, task: () => void): () => void {
    const timer = { atUs, task };
    // Behind all that come no later: equal times keep their order.
    const index = this.#timers.findIndex((other) => other.atUs > atUs);
    if (index < 0) this.#timers.push(timer);
    else this.#timers.splice(index, 0, timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }
}

/** One key for every spelling of an address, as for the operating system. */
function keyOf({ family, host, port }: SocketAddress): string {
  return `${family === 6 ? new URL(`http://[${host}]`).hostname : host}|${port}`;
}

/** How a node is dialled by someone who knows its handshake key. */
export function targetOf({ transport, identity }: NetworkNode) {
  const { host, port } = transport.local;
  return { host, port, staticKey: identity.staticPublicKey };
}
