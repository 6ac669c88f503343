/**
 * Goal: the run loop fires every timeout of the engine at its time, though it arms a timer only when it must.
 * Method: a dial that nobody answers, on a virtual clock, against the same engine driven without a loop.
 */
import { expect, test } from "vitest";
import type { EndpointEngine, EngineEvent } from "../../../host/shared/engine/contract.ts";
import type { Clock } from "../../../host/shared/ports/clock.ts";
import { nodeRandom } from "../../../host/node/random.ts";
import { Driver } from "../../../host/shared/transport/driver.ts";
import { bytes32, createEndpoint, createPerson, WALL_MS } from "../../support/pair.ts";

const START_US = 1_000_000;
const REMOTE = Uint8Array.from({ length: 24 }, (_, index) => [4, 0, 1][index] ?? 0);

class VirtualClock implements Clock {
  atUs = START_US;
  armedCount = 0;
  #timers: { readonly atUs: number; readonly task: () => void }[] = [];
  #soon: (() => void)[] = [];

  nowUs(): number {
    return this.atUs;
  }

  wallMs(): number {
    return WALL_MS;
  }

  at(atUs: number, task: () => void): () => void {
    const timer = { atUs, task };
    this.armedCount += 1;
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  soon(task: () => void): void {
    this.#soon.push(task);
  }

  /** Runs what is due, then goes to the next timer; false when there is none. */
  step(): boolean {
    for (let task = this.#soon.shift(); task !== undefined; task = this.#soon.shift()) task();
    const [next] = this.#timers.toSorted((a, b) => a.atUs - b.atUs);
    if (next === undefined) return false;
    this.#timers = this.#timers.filter((other) => other !== next);
    this.atUs = Math.max(this.atUs, next.atUs);
    next.task();
    return true;
  }
}

function createDialler(): EndpointEngine {
  const engine = createEndpoint(createPerson(1), 11, { acceptsConnections: false });
  engine.pinIdentity(createPerson(2).identity);
  return engine;
}

function dial(engine: EndpointEngine): void {
  const { staticPublic } = createPerson(2);
  const handshake = { pattern: "IK", remoteStatic: staticPublic } as const;
  const now = { nowUs: START_US, wallMs: WALL_MS };
  engine.connect({ remote: REMOTE, ...handshake, entropy: bytes32(77) }, now);
}

/** When the engine sends and when it gives up, asked exactly at each of its timeouts. */
function driveByHand(): number[] {
  const engine = createDialler();
  const times: number[] = [];
  dial(engine);
  for (let nowUs = START_US; ;) {
    const now = { nowUs, wallMs: WALL_MS };
    for (let event = engine.nextEvent(); event !== null; event = engine.nextEvent()) {
      times.push(nowUs);
      if (event.kind === "closed") return times;
    }
    while (engine.transmit(now).length > 0) times.push(nowUs);
    nowUs = Math.max(nowUs, engine.nextTimeoutUs());
    engine.handleTimeout({ nowUs, wallMs: WALL_MS });
  }
}

function createLoop(clock: VirtualClock, engine: EndpointEngine) {
  const times: number[] = [];
  const events: EngineEvent[] = [];
  const driver = new Driver({
    engine,
    clock,
    random: nodeRandom,
    onEvent: (event) => {
      times.push(clock.atUs);
      events.push(event);
    },
    onBug: (error) => {
      throw error;
    },
  });
  driver.attach({
    local: { family: 4, host: "127.0.0.1", port: 1 },
    capabilities: { gso: false, gro: false, ecn: false, df: false, pktinfo: false },
    send: () => {
      times.push(clock.atUs);
      return true;
    },
    close: () => Promise.resolve(),
  });
  return { driver, times, events };
}

test("every retransmission and the end of a dial happen at the engine's own times", () => {
  const clock = new VirtualClock();
  const engine = createDialler();
  const { driver, times, events } = createLoop(clock, engine);
  dial(engine);
  driver.wake();
  while (events.length === 0 && clock.step());
  expect(events.map((event) => event.kind)).toEqual(["closed"]);
  expect(times).toEqual(driveByHand());
  expect(times.length).toBeGreaterThan(3);
});

test("turns in which the timeout stays or moves away arm no timer", () => {
  const clock = new VirtualClock();
  const engine = createDialler();
  const { driver } = createLoop(clock, engine);
  dial(engine);
  driver.wake();
  clock.step();
  const before = clock.armedCount;
  for (let turn = 0; turn < 20; turn += 1) {
    driver.wake();
    // A timer of the test, so that the step ends before the engine's.
    clock.at(clock.atUs, () => undefined);
    clock.step();
  }
  expect(clock.armedCount - before).toBeLessThanOrEqual(21);
});

test("an earlier timeout replaces the timer, and none cancels it", async () => {
  const clock = new VirtualClock();
  const engine = createDialler();
  const { driver } = createLoop(clock, engine);
  // Without a connection the engine wants no timer at all.
  driver.wake();
  expect(clock.step()).toBe(false);
  dial(engine);
  driver.wake();
  const armed = clock.armedCount;
  expect(clock.step()).toBe(true);
  expect(clock.armedCount).toBe(armed + 1);
  await driver.stop();
  expect(clock.step()).toBe(false);
});
