/**
 * Everything between one client and the server: two links, the attacker, what the wire oracles see, and the
 * trace of what was sent.
 */
import type { Hash } from "node:crypto";
import type { AddressBytes } from "../../host/shared/engine/contract.ts";
import { addressKey } from "./address.ts";
import { Attacker } from "./attacker.ts";
import { type Datagram, type FaultCounts, Link, type LinkProfile } from "./link.ts";
import type { SimulatedNode } from "./node.ts";
import { AmplificationOracle } from "./oracles/amplification.ts";
import { HandshakeOracle } from "./oracles/handshake.ts";
import { NonceOracle } from "./oracles/nonce.ts";
import { describePackets, intactPackets, packetSpans } from "./packets.ts";
import type { Side } from "./plan.ts";
import type { ClientProfile } from "./profile.ts";
import type { Random } from "./random.ts";
import type { Schedule } from "./schedule.ts";
import type { Trace } from "./trace.ts";

/** What passed in one direction. */
export class Direction {
  readonly nonces = new NonceOracle();
  readonly link: Link;
  datagramsSent = 0;
  packetsSent = 0;
  bytesSent = 0;
  packetsDelivered = 0;
  /** Packets that the network swallowed or changed. */
  packetsMissing = 0;
  /** Whole datagrams of the endpoint that arrived, each counted once for each copy. */
  wholeDelivered = 0;
  lastWholeSentUs = -1;

  constructor(
    profile: LinkProfile,
    random: Random,
    faults: FaultCounts,
    deliver: (datagram: Datagram, atUs: number) => void,
  ) {
    this.link = new Link(profile, random, faults, deliver);
  }
}

export interface PathOptions {
  readonly label: string;
  readonly profile: ClientProfile;
  readonly random: Random;
  readonly schedule: Schedule;
  readonly faults: FaultCounts;
  readonly trace: Trace;
  readonly wireDigest: Hash;
  readonly amplification: AmplificationOracle;
  readonly clientAddress: AddressBytes;
}

export class Path {
  readonly options: PathOptions;
  readonly #directions: Record<Side, Direction>;
  readonly #nodes = new Map<Side, SimulatedNode>();
  readonly #attacker: Attacker;
  readonly #handshakes = new HandshakeOracle();
  readonly #digestHead = Buffer.alloc(16);
  #sent = 0;
  #isCut = false;
  injected = 0;

  constructor(options: PathOptions) {
    const { profile, random, faults } = options;
    this.options = options;
    const toServer = random.split("to-server link");
    const toClient = random.split("to-client link");
    this.#directions = {
      client: new Direction(profile.toServer, toServer, faults, this.#deliverTo("server")),
      server: new Direction(profile.toClient, toClient, faults, this.#deliverTo("client")),
    };
    this.#attacker = new Attacker(
      profile.attack,
      random.split("attacker"),
      faults,
      (datagram, delayUs) => this.#inject(datagram, delayUs),
    );
  }

  attach(side: Side, node: SimulatedNode): void {
    this.#nodes.set(side, node);
  }

  /** What `side` sends. */
  from(side: Side): Direction {
    return this.#directions[side];
  }

  /** Nothing passes any more, and the attacker has gone. */
  cut(): void {
    this.#isCut = true;
    this.#directions.client.link.cut();
    this.#directions.server.link.cut();
  }

  send(side: Side, bytes: Uint8Array, from: AddressBytes, to: AddressBytes): void {
    const { schedule, trace, label, amplification } = this.options;
    const sentUs = schedule.nowUs;
    const datagram: Datagram = { id: this.#sent++, bytes, from, to, sentUs, original: bytes };
    this.#digest(side, bytes);
    const direction = this.#directions[side];
    direction.datagramsSent++;
    direction.bytesSent += bytes.length;
    direction.packetsSent += packetSpans(bytes).length;
    if (trace.isOn) {
      trace.line(sentUs, `${label} ${side} sends #${datagram.id} ${describe(bytes)}`);
    }
    direction.nonces.sent(bytes);
    if (side === "server") amplification.sent(datagram);
    else this.#handshakes.sent(bytes);
    if (!this.#isCut) this.#attacker.observe(datagram);
    const fate = direction.link.send(datagram, sentUs);
    if (fate !== null) direction.packetsMissing += packetSpans(bytes).length;
    if (trace.isOn && fate !== null) trace.line(sentUs, `${label} #${datagram.id} ${fate}`);
  }

  #digest(side: Side, bytes: Uint8Array): void {
    const head = this.#digestHead;
    head.writeDoubleLE(this.options.schedule.nowUs, 0);
    head.writeUInt32LE(bytes.length, 8);
    head.write(`${this.options.label}${side}`.slice(-4).padStart(4), 12, "latin1");
    this.options.wireDigest.update(head).update(bytes);
  }

  #inject(datagram: Datagram, delayUs: number): void {
    this.injected++;
    const isForClient = addressKey(datagram.to) === addressKey(this.options.clientAddress);
    const { toClient, toServer } = this.options.profile;
    const pathUs = isForClient ? toClient.delayUs : toServer.delayUs;
    const deliver = this.#deliverTo(isForClient ? "client" : "server");
    deliver(datagram, this.options.schedule.nowUs + pathUs + delayUs);
  }

  /** How datagrams for `side` arrive. */
  #deliverTo(side: Side): (datagram: Datagram, atUs: number) => void {
    return (datagram, atUs) => {
      this.options.schedule.at(atUs, () => this.#arrive(side, datagram));
    };
  }

  #arrive(side: Side, datagram: Datagram): void {
    const { schedule, trace, label, amplification } = this.options;
    const { id, bytes, original, sentUs } = datagram;
    const direction = this.#directions[side === "server" ? "client" : "server"];
    direction.packetsDelivered += Math.max(1, packetSpans(bytes).length);
    const isWhole = original === bytes;
    if (original !== null && !isWhole) {
      const intact = intactPackets(original, bytes).length;
      direction.packetsMissing += packetSpans(original).length - intact;
    }
    if (isWhole) {
      direction.wholeDelivered++;
      direction.lastWholeSentUs = Math.max(direction.lastWholeSentUs, sentUs);
    }
    if (trace.isOn) {
      const change = isWhole ? "" : " (altered or forged)";
      trace.line(schedule.nowUs, `${label} ${side} gets  #${id} ${describe(bytes)}${change}`);
    }
    if (side === "server") amplification.received(datagram);
    this.#nodes.get(side)?.deliver(datagram);
  }
}

function describe(bytes: Uint8Array): string {
  return `${bytes.length} B ${describePackets(bytes)}`;
}
