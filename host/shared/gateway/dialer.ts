/**
 * Keeps a device connected to one host: dial, announce, show signs of life, and after any end begin again, with full
 * jitter between attempts and without ever giving up.
 */
import type { Clock } from "../ports/clock.ts";
import { Failure } from "../ports/failure.ts";
import type { Lane } from "../ports/lane.ts";
import type { Random } from "../ports/random.ts";
import type { Logger } from "../telemetry/logger.ts";
import { Backoff } from "./backoff.ts";
import { askHost, type ToolDevice } from "./device.ts";

/** Signs of life: often enough that a host that came back is found before a person looks. */
const HEARTBEAT_MS = 3_000;
const HEARTBEAT_TIMEOUT_MS = 4_000;
const BACKOFF = { firstMs: 100, maxMs: 15_000, stableMs: 20_000 };

export interface DialerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly tenant: string;
  readonly device: ToolDevice;
  readonly address: string;
  readonly dial: (signal: AbortSignal) => Promise<Lane>;
}

export type DialerState = "dialling" | "connected" | "waiting" | "stopped";

export class Dialer {
  readonly address: string;
  readonly #options: DialerOptions;
  readonly #backoff: Backoff;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  #state: DialerState = "dialling";
  #lane: Lane | null = null;
  #lastFailure: Failure | null = null;
  #wake: () => void = () => {};

  /** Begins at once. */
  constructor(options: DialerOptions) {
    this.#options = options;
    this.address = options.address;
    this.#backoff = new Backoff(BACKOFF, options.random);
    this.#done = this.#run();
  }

  get state(): DialerState {
    return this.#state;
  }

  get lane(): Lane | null {
    return this.#lane;
  }

  get lastFailure(): Failure | null {
    return this.#lastFailure;
  }

  async close(): Promise<void> {
    this.#state = "stopped";
    this.#stop.abort();
    this.#wake();
    await this.#lane?.close("this device is stopping");
    await this.#done;
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#options;
    while (!this.#stop.signal.aborted) {
      const startedUs = clock.nowUs();
      try {
        await this.#stay();
      } catch (thrown) {
        this.#lastFailure = Failure.from(thrown);
      }
      this.#lane = null;
      if (this.#stop.signal.aborted) break;
      const waitMs = this.#backoff.nextMs((clock.nowUs() - startedUs) / 1000);
      this.#state = "waiting";
      log.warn("host.away", { address: this.address, failure: this.#lastFailure, waitMs });
      await this.#pause(waitMs);
    }
    this.#state = "stopped";
  }

  /** One connection, from the dial to its end. Throws why it ended, unless it ended cleanly. */
  async #stay(): Promise<void> {
    const { device, log } = this.#options;
    this.#state = "dialling";
    const lane = await this.#options.dial(this.#stop.signal);
    this.#lane = lane;
    try {
      const welcome = await device.attach(lane);
      this.#state = "connected";
      this.#lastFailure = null;
      log.info("host.connected", {
        address: this.address,
        host: welcome.host_id,
        name: welcome.name,
        handshake: lane.peer.handshake,
        tools: welcome.tools,
      });
      await this.#beat(lane);
    } finally {
      await lane.close("the device begins again");
    }
  }

  /** Shows signs of life until the lane ends or the host no longer answers. */
  async #beat(lane: Lane): Promise<void> {
    const end: { failure: Failure | null; isReached: boolean } = {
      failure: null,
      isReached: false,
    };
    void lane.closed.then((failure) => {
      Object.assign(end, { failure, isReached: true });
      this.#wake();
    });
    const isOver = (): boolean => end.isReached || this.#stop.signal.aborted;
    while (!isOver()) {
      await this.#pause(HEARTBEAT_MS);
      if (!isOver()) {
        const { tenant, random } = this.#options;
        const options = { tenant, random, timeoutMs: HEARTBEAT_TIMEOUT_MS };
        await askHost(lane, { type: "device.heartbeat" }, options);
      }
    }
    if (end.failure !== null) throw end.failure;
  }

  #pause(durationMs: number): Promise<void> {
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const stopTimer = clock.at(clock.nowUs() + durationMs * 1000, () => resolve());
      this.#wake = () => {
        stopTimer();
        resolve();
      };
    });
  }
}
