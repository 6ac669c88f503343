/**
 * Goal: every byte arrives once and in order, every limit is kept and everything is given back, whatever the
 * network does. Method: two sides over a seeded channel that loses, repeats, delays and reorders frames.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Engine } from "../../support/engine-calls.ts";
import { EVENT, newPair, pattern, type Side, type StreamFrame } from "./side.ts";

const engine = new Engine("stream");
const MEMORY_LIMIT = -37;

/** A small generator with a seed, so that a failing run repeats. */
function newRandom(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

interface Flight {
  readonly frame: StreamFrame;
  readonly sender: Side;
  readonly receiver: Side;
  readonly arrivesAt: number;
  readonly isLost: boolean;
}

interface Task {
  readonly side: Side;
  readonly other: Side;
  readonly size: number;
  readonly band: number;
  id: bigint | undefined;
  written: number;
  isFinished: boolean;
}

interface Arrival {
  received: number;
  isEnded: boolean;
}

interface Network {
  readonly loss: number;
  readonly duplicates: number;
  readonly delay: number;
}

/** Runs both sides until all tasks are done; returns how many turns that took. */
class Run {
  readonly random: (below: number) => number;
  readonly network: Network;
  readonly tasks: Task[];
  readonly sides: Side[];
  readonly arrivals = new Map<string, Arrival>();
  flights: Flight[] = [];
  lost = 0;
  now = 0;

  constructor(seed: number, network: Network, tasks: Task[], sides: Side[]) {
    this.random = newRandom(seed);
    this.network = network;
    this.tasks = tasks;
    this.sides = sides;
  }

  /** The opener of a stream writes and then half-closes; the other side half-closes at once. */
  work(): void {
    for (const task of this.tasks) {
      if (task.id === undefined) {
        const id = task.side.open(task.band);
        if (id >= 0n) task.id = id;
      }
      if (task.id === undefined || task.isFinished) continue;
      const wanted = Math.min(task.size - task.written, 1 + this.random(5000));
      const bytes = pattern(task.written, wanted, Number(task.id));
      if (wanted > 0) task.written += task.side.write(task.id, bytes);
      if (task.written < task.size) continue;
      expect(task.side.finish(task.id)).toBe(0);
      task.isFinished = true;
    }
  }

  emit(side: Side, other: Side): void {
    for (const frame of side.allFrames(60 + this.random(1340))) {
      const copies = this.random(100) < this.network.duplicates ? 2 : 1;
      for (let copy = 0; copy < copies; copy++) {
        const isLost = this.random(100) < this.network.loss;
        const arrivesAt = this.now + 1 + this.random(this.network.delay);
        this.flights.push({ frame, sender: side, receiver: other, arrivesAt, isLost });
      }
    }
  }

  deliver(): void {
    const due = this.flights.filter(({ arrivesAt }) => arrivesAt <= this.now);
    this.flights = this.flights.filter(({ arrivesAt }) => arrivesAt > this.now);
    for (const { frame, sender, receiver, isLost } of due) {
      const status = isLost ? MEMORY_LIMIT : receiver.receive(frame);
      if (status === MEMORY_LIMIT) {
        this.lost++;
        sender.onLost(frame);
      } else {
        expect(status).toBe(0);
        sender.onAcked(frame);
      }
    }
  }

  read(side: Side): void {
    for (const [id, event] of side.events()) {
      const key = `${this.sides.indexOf(side)}:${id}`;
      if (event === EVENT.opened) {
        this.arrivals.set(key, { received: 0, isEnded: false });
        expect(side.finish(id)).toBe(0);
      }
    }
    for (const [key, arrival] of this.arrivals) {
      const [owner, id] = key.split(":");
      if (this.sides[Number(owner)] !== side || arrival.isEnded) continue;
      const stream = BigInt(id!);
      const bytes = side.read(stream, 1 + this.random(4000));
      const expected = pattern(arrival.received, bytes.length, Number(stream));
      expect(Buffer.compare(bytes, expected)).toBe(0);
      arrival.received += bytes.length;
      if (bytes.length === 0) {
        arrival.isEnded = engine.is("streamTakeEnd", side.at(stream));
      }
    }
    // Openers read the empty answer.
    for (const { id, side: opener } of this.tasks) {
      if (opener !== side || id === undefined) continue;
      const stream = side.find(id);
      if (stream !== 0) engine.is("streamTakeEnd", stream);
    }
  }

  get isDone(): boolean {
    return (
      this.tasks.every(({ isFinished }) => isFinished) &&
      this.flights.length === 0 &&
      this.sides.every(({ count }) => count === 0)
    );
  }

  turn(): void {
    this.now++;
    this.work();
    this.emit(this.sides[0]!, this.sides[1]!);
    this.emit(this.sides[1]!, this.sides[0]!);
    this.deliver();
    for (const side of this.sides) this.read(side);
    for (const side of this.sides) side.settle();
  }
}

const sizes = fc.array(
  fc.record({ size: fc.nat(30_000), band: fc.nat(3), isServer: fc.boolean() }),
  {
    minLength: 1,
    maxLength: 14,
  },
);
const network = fc.record({
  loss: fc.integer({ min: 0, max: 35 }),
  duplicates: fc.integer({ min: 0, max: 20 }),
  delay: fc.integer({ min: 1, max: 12 }),
});
const limits = fc.record({
  maxData: fc.integer({ min: 1000, max: 40_000 }),
  maxStreamData: fc.integer({ min: 1, max: 20_000 }),
  maxStreams: fc.integer({ min: 1, max: 6 }),
  sendBufferBytes: fc.integer({ min: 100, max: 30_000 }),
  sendBlocks: fc.integer({ min: 1, max: 40 }),
});

test("every byte arrives once and in order over any network, and all memory comes back", () => {
  fc.assert(
    fc.property(fc.integer(), network, sizes, limits, limits, (seed, net, plan, forA, forB) => {
      const pair = newPair(engine, forA, forB);
      const { client, server } = pair;
      const tasks = plan.map(({ size, band, isServer }) => ({
        side: isServer ? server : client,
        other: isServer ? client : server,
        // Windows of a few bytes need many turns for each kilobyte.
        size: Math.min(size, 12 * Math.min(forA.maxStreamData, forB.maxStreamData)),
        band,
        id: undefined,
        written: 0,
        isFinished: false,
      }));
      const run = new Run(seed, net, tasks, [client, server]);
      while (!run.isDone) {
        run.turn();
        if (run.now > 20_000) throw new Error("the streams do not come to an end");
      }
      for (const task of tasks) {
        const owner = task.other === client ? 0 : 1;
        const arrival = run.arrivals.get(`${owner}:${task.id}`);
        expect(arrival).toEqual({ received: task.size, isEnded: true });
      }
      expect(client.freeBlocks).toBe(client.options.poolBlocks);
      expect(server.freeBlocks).toBe(server.options.poolBlocks);
      expect(engine.call("slabUsed", client.slab)).toBe(0);
    }),
    // Shrinking runs of thousands of turns takes longer than reading one: the seed repeats it.
    { numRuns: 25, endOnFailure: true },
  );
});

test("a pool that is too small for the windows slows the transfer down and loses nothing", () => {
  const { client, server } = newPair(engine, {}, { poolBlocks: 3, maxData: 60_000 });
  const tasks = [0, 1, 2].map(() => ({
    side: client,
    other: server,
    size: 20_000,
    band: 2,
    id: undefined,
    written: 0,
    isFinished: false,
  }));
  const run = new Run(7, { loss: 0, duplicates: 0, delay: 3 }, tasks, [client, server]);
  while (!run.isDone) {
    run.turn();
    if (run.now > 5000) throw new Error("the streams do not come to an end");
  }
  expect(run.lost).toBeGreaterThan(0);
  expect([...run.arrivals.values()].map(({ received }) => received)).toEqual([
    20_000, 20_000, 20_000,
  ]);
});
