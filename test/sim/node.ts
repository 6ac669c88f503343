/**
 * One machine of the simulation: an endpoint, its clocks, its inbox, and the run loop that every host must follow
 * (host/shared/engine/contract.ts): one mutation, all events, all transmits, one timer.
 */
import type {
  AddressBytes,
  EndpointEngine,
  EngineEvent,
  Now,
} from "../../host/shared/engine/contract.ts";
import { require } from "./failure.ts";
import type { Datagram } from "./link.ts";
import { PACKET_TYPE, packetSpans } from "./packets.ts";
import type { SideProfile } from "./profile.ts";
import type { Random } from "./random.ts";
import type { Schedule } from "./schedule.ts";

/** A handshake message costs its receiver up to four scalar multiplications of 82 µs each. */
const HANDSHAKE_COST_US = 4 * 82;
const WALL_START_MS = 1_800_000_000_000;
/** Timeouts that an engine may handle without virtual time moving. */
const TIMEOUTS_AT_ONCE_MAX = 100;
const TRANSMITS_AT_ONCE_MAX = 10_000;

export interface NodeOptions {
  readonly name: string;
  readonly address: AddressBytes;
  readonly engine: EndpointEngine;
  readonly profile: SideProfile;
  readonly schedule: Schedule;
  readonly random: Random;
  readonly onEvent: (event: EngineEvent) => void;
  readonly onSend: (bytes: Uint8Array, to: AddressBytes) => void;
}

export class SimulatedNode {
  readonly options: NodeOptions;
  readonly engine: EndpointEngine;
  readonly #inbox: Datagram[] = [];
  #busyUntilUs = 0;
  #isReceiving = false;
  #timerAtUs = Infinity;
  #lastTimeoutUs = -1;
  #timeoutsAtOnce = 0;
  #isDown = false;

  constructor(options: NodeOptions) {
    this.options = options;
    this.engine = options.engine;
    this.#addEntropy();
  }

  /** Fills the stock from which handshakes are accepted. */
  #addEntropy(): void {
    for (let count = this.engine.entropyWanted(); count > 0; count--) {
      this.engine.addEntropy(this.options.random.bytes(32));
    }
  }

  get name(): string {
    return this.options.name;
  }

  now(): Now {
    const { schedule, profile } = this.options;
    return {
      nowUs: schedule.nowUs + profile.clockOffsetUs,
      wallMs: WALL_START_MS + Math.floor(schedule.nowUs / 1000) + profile.wallSkewMs,
    };
  }

  /** The network hands over a datagram. It waits while the machine is busy: so batches come to be. */
  deliver(datagram: Datagram): void {
    this.#inbox.push(datagram);
    if (this.#isReceiving) return;
    this.#isReceiving = true;
    this.options.schedule.at(this.#busyUntilUs, () => this.#receive());
  }

  #receive(): void {
    this.#isReceiving = false;
    if (this.#isDown) return;
    let costUs = 0;
    let taken = 0;
    for (const { bytes, from } of this.#inbox) {
      if (!this.engine.queueDatagram(bytes, from)) break;
      taken++;
      costUs += this.options.profile.datagramCostUs;
      const type = packetSpans(bytes)[0]?.type;
      const isHandshake = type === PACKET_TYPE.initial || type === PACKET_TYPE.handshake;
      if (isHandshake) costUs += HANDSHAKE_COST_US;
    }
    require(taken > 0, "batch", () => `${this.name}: an empty batch takes no datagram`);
    this.#inbox.splice(0, taken);
    this.engine.receive(this.now());
    this.#addEntropy();
    this.#busyUntilUs = this.options.schedule.nowUs + costUs;
    this.#outputs();
    if (this.#inbox.length === 0) return;
    this.#isReceiving = true;
    this.options.schedule.at(this.#busyUntilUs, () => this.#receive());
  }

  /** A turn in which the application calls the engine. */
  turn(action: () => void): void {
    if (this.#isDown) return;
    action();
    this.#outputs();
  }

  /** A turn after virtual time. */
  after(delayUs: number, action: () => void): void {
    this.options.schedule.after(delayUs, () => this.turn(action));
  }

  #outputs(): void {
    for (let event = this.engine.nextEvent(); event !== null; event = this.engine.nextEvent()) {
      this.options.onEvent(event);
    }
    const now = this.now();
    for (let rounds = 0; ; rounds++) {
      const transmits = this.engine.transmit(now);
      if (transmits.length === 0) break;
      require(rounds < TRANSMITS_AT_ONCE_MAX, "transmit", () => `${this.name}: transmits for ever`);
      for (const { remote, bytes, segmentBytes } of transmits) {
        for (let start = 0; start < bytes.length; start += segmentBytes) {
          this.options.onSend(bytes.slice(start, start + segmentBytes), remote.slice());
        }
      }
    }
    this.#arm();
  }

  #arm(): void {
    const { schedule, profile, random } = this.options;
    const dueUs = this.engine.nextTimeoutUs() - profile.clockOffsetUs;
    if (dueUs === Infinity) {
      this.#timerAtUs = Infinity;
      return;
    }
    const atUs = Math.max(dueUs, schedule.nowUs);
    // A timer that stays keeps its lateness: only an earlier or later one is armed anew.
    if (this.#timerAtUs >= atUs && this.#timerAtUs <= atUs + profile.timerLatenessUs) return;
    const armedUs = Math.ceil(atUs + random.uniform(0, profile.timerLatenessUs));
    this.#timerAtUs = armedUs;
    schedule.at(armedUs, () => {
      if (this.#timerAtUs === armedUs) this.#timeout();
    });
  }

  #timeout(): void {
    if (this.#isDown) return;
    const { nowUs } = this.options.schedule;
    this.#timeoutsAtOnce = nowUs === this.#lastTimeoutUs ? this.#timeoutsAtOnce + 1 : 0;
    this.#lastTimeoutUs = nowUs;
    const isCalm = this.#timeoutsAtOnce < TIMEOUTS_AT_ONCE_MAX;
    require(isCalm, "timer", () => `${this.name}: timeouts without end at ${nowUs} µs`);
    this.#timerAtUs = Infinity;
    this.engine.handleTimeout(this.now());
    this.#outputs();
  }

  /** The machine goes away: it takes and sends nothing any more. */
  shutDown(): void {
    this.#isDown = true;
    this.engine.dispose();
  }
}
