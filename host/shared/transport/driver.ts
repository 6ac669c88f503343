/**
 * The one run loop: moves bytes and time between a carrier and the engine.
 *
 * Every turn is the same, in every host and in the simulator: inputs are taken until the turn's are exhausted, the
 * engine is asked for its events, then for its datagrams, then for its next timeout. The engine never calls back.
 */
import type { EndpointEngine, EngineEvent, Now } from "../engine/contract.ts";
import type { Clock } from "../ports/clock.ts";
import type { DatagramSocket, SocketAddress } from "../ports/datagrams.ts";
import type { Random } from "../ports/random.ts";
import { AddressBook } from "./address-bytes.ts";

/** One piece of entropy, for one handshake that the engine may accept. */
const ENTROPY_SIZE = 32;

export interface DriverOptions {
  readonly engine: EndpointEngine;
  readonly clock: Clock;
  readonly random: Random;
  readonly onEvent: (event: EngineEvent) => void;
  /** A broken invariant: the instance is lost. */
  readonly onBug: (error: unknown) => void;
}

export class Driver {
  readonly addresses: AddressBook = new AddressBook();
  readonly #engine: EndpointEngine;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #onEvent: (event: EngineEvent) => void;
  readonly #onBug: (error: unknown) => void;
  #socket: DatagramSocket | null = null;
  #cancelTimer: (() => void) | null = null;
  #timerAtUs = Number.POSITIVE_INFINITY;
  #isTurnPlanned = false;
  #hasQueued = false;
  #isStopped = false;
  /** Datagrams that found the engine's batch full twice. */
  overflowCount = 0;

  constructor(options: DriverOptions) {
    this.#engine = options.engine;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#onEvent = options.onEvent;
    this.#onBug = options.onBug;
    this.#refillEntropy();
  }

  /** Names the carrier. Called once, before the first turn. */
  attach(socket: DatagramSocket): void {
    this.#socket = socket;
  }

  now(): Now {
    return { nowUs: this.#clock.nowUs(), wallMs: this.#clock.wallMs() };
  }

  /** Takes one datagram; it is handled at the end of this turn, together with its neighbours. */
  readonly onDatagram = (bytes: Uint8Array, remote: SocketAddress): void => {
    if (this.#isStopped) return;
    const address = this.addresses.toBytes(remote);
    if (!this.#engine.queueDatagram(bytes, address)) {
      // The batch of 64 is full: hand it over and begin the next one.
      this.#guard(this.#receive);
      if (!this.#engine.queueDatagram(bytes, address)) this.overflowCount += 1;
    }
    this.#hasQueued = true;
    this.wake();
  };

  /** Says that the application changed the engine: its outputs are collected at the end of this turn. */
  wake(): void {
    if (this.#isTurnPlanned || this.#isStopped) return;
    this.#isTurnPlanned = true;
    this.#clock.soon(this.#onTurn);
  }

  /** Sends what is waiting now, then takes no more input. */
  async stop(): Promise<void> {
    this.#guard(this.#turn);
    this.#isStopped = true;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    await this.#socket?.close();
    this.#engine.dispose();
  }

  readonly #onTurn = (): void => {
    this.#isTurnPlanned = false;
    this.#guard(this.#turn);
  };

  readonly #turn = (): void => {
    if (this.#isStopped) return;
    if (this.#hasQueued) this.#receive();
    if (this.#clock.nowUs() >= this.#engine.nextTimeoutUs()) this.#engine.handleTimeout(this.now());
    this.#drainEvents();
    this.#transmit();
    this.#armTimer();
  };

  readonly #receive = (): void => {
    this.#hasQueued = false;
    this.#engine.receive(this.now());
    this.#refillEntropy();
    this.#drainEvents();
  };

  /** Every accepted first message used one piece up, whether its handshake completes or not. */
  #refillEntropy(): void {
    for (let wanted = this.#engine.entropyWanted(); wanted > 0; wanted--) {
      this.#engine.addEntropy(this.#random.bytes(ENTROPY_SIZE));
    }
  }

  #drainEvents(): void {
    for (let event = this.#engine.nextEvent(); event !== null; event = this.#engine.nextEvent()) {
      this.#onEvent(event);
    }
  }

  #transmit(): void {
    const socket = this.#socket;
    if (socket === null) return;
    for (;;) {
      const transmits = this.#engine.transmit(this.now());
      if (transmits.length === 0) return;
      for (const { bytes, segmentBytes, remote } of transmits) {
        socket.send(bytes, segmentBytes, this.addresses.toAddress(remote));
      }
    }
  }

  /**
   * Almost every turn moves the timeout further away. A timer that fires too early costs one empty turn, a timer armed
   * anew in every turn costs more, so only an earlier timeout, or none, replaces the timer that is armed.
   */
  #armTimer(): void {
    const atUs = this.#engine.nextTimeoutUs();
    const isArmed = this.#cancelTimer !== null;
    if (isArmed && atUs >= this.#timerAtUs && atUs !== Number.POSITIVE_INFINITY) return;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#timerAtUs = atUs;
    if (atUs === Number.POSITIVE_INFINITY) return;
    this.#cancelTimer = this.#clock.at(atUs, () => {
      this.#cancelTimer = null;
      this.wake();
    });
  }

  /** Runs one step; a trap of the engine ends the driver and is reported once. */
  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#isStopped = true;
      this.#cancelTimer?.();
      this.#onBug(error);
    }
  }
}
