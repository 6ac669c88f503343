/**
 * Two engines joined by nothing: what one sends is copied into the other at once. No socket, no system call, no
 * waiting; what is left is the engine and the host code around it.
 *
 * Time is virtual and moves a little with every turn, because the engine paces itself by it; with nothing to do it
 * jumps to the next timeout. So only CPU time says something here.
 */
import type {
  EndpointConfig,
  EndpointEngine,
  EngineEvent,
  Now,
  Transmit,
} from "../../host/shared/engine/contract.ts";
import { DEFAULT_PARAMETERS } from "../../host/shared/transport/endpoint.ts";
import { bytes32, createEndpoint, createPerson, WALL_MS } from "../../test/support/pair.ts";

/** Virtual time from one side's turn to the other's, that of a wire in a rack. */
const TURN_US = 25;
const TURNS_MAX = 10_000_000;

export interface Side {
  readonly engine: EndpointEngine;
  readonly address: Uint8Array;
  connection: number;
  /** Called for every event of this side after the handshake. */
  onEvent: (event: EngineEvent) => void;
}

export class Link {
  readonly client: Side;
  readonly server: Side;
  #nowUs = 1_000_000;

  /** Connects two engines that pin each other, with the parameters that a transport uses. */
  constructor() {
    const [client, server] = [createPerson(1), createPerson(2)];
    const changes: Partial<EndpointConfig> = { parameters: DEFAULT_PARAMETERS };
    this.client = side(createEndpoint(client, 11, { ...changes, acceptsConnections: false }), 1);
    this.server = side(createEndpoint(server, 12, changes), 2);
    this.server.engine.addEntropy(bytes32(50));
    this.client.engine.pinIdentity(server.identity);
    this.server.engine.pinIdentity(client.identity);
    const isConnected = [this.client, this.server].map((one) => connectedOf(one));
    this.client.engine.connect(
      {
        remote: this.server.address,
        pattern: "IK",
        remoteStatic: server.staticPublic,
        entropy: bytes32(77),
      },
      this.#now(),
    );
    this.runUntil(() => isConnected.every((one) => one()));
  }

  /** Moves datagrams and time until `isDone`. */
  runUntil(isDone: () => boolean): void {
    for (let turns = 0; !isDone(); turns += 1) {
      if (turns === TURNS_MAX) throw new Error("the two engines do not come to the end");
      const isForth = this.#move(this.client, this.server);
      const isBack = this.#move(this.server, this.client);
      if (!isForth && !isBack) this.#waitForTimeout();
    }
  }

  /** Moves datagrams and time for `durationUs`. */
  runFor(durationUs: number): void {
    const endUs = this.#nowUs + durationUs;
    this.runUntil(() => this.#nowUs >= endUs);
  }

  #now(): Now {
    return { nowUs: this.#nowUs, wallMs: WALL_MS + Math.floor(this.#nowUs / 1000) };
  }

  /** Hands over everything that `from` has to send, and what comes of it to the application. */
  #move(from: Side, to: Side): boolean {
    drain(from);
    let isMoved = false;
    for (let sends = from.engine.transmit(this.#now()); sends.length > 0;) {
      for (const send of sends) this.#hand(send, from, to);
      isMoved = true;
      sends = from.engine.transmit(this.#now());
    }
    this.#nowUs += TURN_US;
    if (isMoved) to.engine.receive(this.#now());
    drain(to);
    return isMoved;
  }

  /** Packet by packet, as without segmentation offload. */
  #hand({ bytes, segmentBytes }: Transmit, from: Side, to: Side): void {
    for (let start = 0; start < bytes.length; start += segmentBytes) {
      const datagram = bytes.subarray(start, start + segmentBytes);
      if (to.engine.queueDatagram(datagram, from.address)) continue;
      to.engine.receive(this.#now());
      drain(to);
      to.engine.queueDatagram(datagram, from.address);
    }
  }

  #waitForTimeout(): void {
    const nextUs = Math.min(this.client.engine.nextTimeoutUs(), this.server.engine.nextTimeoutUs());
    if (nextUs === Number.POSITIVE_INFINITY) throw new Error("nothing will ever happen again");
    this.#nowUs = Math.max(this.#nowUs, nextUs);
    for (const { engine } of [this.client, this.server]) {
      if (engine.nextTimeoutUs() <= this.#nowUs) engine.handleTimeout(this.#now());
    }
  }
}

function drain({ engine, onEvent }: Side): void {
  for (let event = engine.nextEvent(); event !== null; event = engine.nextEvent()) {
    // Nothing ends here in good order, and a bench that went on would measure nothing.
    if (event.kind === "closed") throw new Error(`the connection ended with code ${event.code}`);
    onEvent(event);
  }
}

function side(engine: EndpointEngine, host: number): Side {
  const address = new Uint8Array(24);
  const view = new DataView(address.buffer);
  view.setUint16(0, 4, true);
  view.setUint16(2, 4433, true);
  address.set([10, 0, 0, host], 8);
  return { engine, address, connection: 0, onEvent: () => undefined };
}

/** Notes the connection of `one` when it is there; the result tells whether it is. */
function connectedOf(one: Side): () => boolean {
  let isConnected = false;
  one.onEvent = (event) => {
    if (event.kind !== "connected") return;
    one.connection = event.connection;
    isConnected = true;
  };
  return () => isConnected;
}
