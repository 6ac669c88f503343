/**
 * The work of one connection, known to both ends before it begins, so that each can check what the other sends.
 *
 * Together the connections of a run move at least 200 messages and 1 MiB on at least 8 streams each way. A task
 * is one stream; its number is the stream's protocol name, by which the accepting side finds the task.
 */
import type { Band, StreamKind, TransportParameters } from "../../host/shared/engine/contract.ts";
import type { Random } from "./random.ts";

export type Side = "client" | "server";

/** A reader that takes its time: the window, not the network, is then the limit. */
export interface Pace {
  readonly chunkBytes: number;
  readonly intervalUs: number;
}

export interface MessagePlan {
  readonly type: number;
  readonly flags: number;
  readonly messageId: bigint;
  readonly traceId: bigint;
  readonly size: number;
  readonly salt: number;
}

/** One direction of a stream. Which list is used follows from the stream's kind. */
export interface HalfPlan {
  readonly salt: number;
  readonly size: number;
  readonly writeBytes: number;
  readonly pace: Pace | null;
  /** The end of a byte stream is written this much after its last byte; 0: with it. */
  readonly endDelayUs: number;
  readonly messages: readonly MessagePlan[];
}

/**
 * How a task is broken off: the opener resets its half, the acceptor stops the opener's half, or the opener
 * cancels (reset and stop at once).
 */
export interface Cut {
  readonly kind: "reset" | "stop" | "cancel";
  readonly atBytes: number;
  readonly code: number;
  /** True: at once, even before the peer can know of the stream. */
  readonly isEarly: boolean;
}

export interface TaskPlan {
  readonly index: number;
  readonly opener: Side;
  readonly streamKind: StreamKind;
  readonly band: Band;
  readonly startUs: number;
  readonly forward: HalfPlan;
  readonly backward: HalfPlan;
  readonly isBackwardAtOnce: boolean;
  readonly cut: Cut | null;
  /** The opener first tries a message larger than the peer takes, which must be refused locally. */
  readonly triesTooLarge: boolean;
}

export interface DatagramPlan {
  readonly from: Side;
  readonly atUs: number;
  readonly salt: number;
  readonly size: number;
}

export interface WorkPlan {
  readonly tasks: readonly TaskPlan[];
  readonly datagrams: readonly DatagramPlan[];
}

export const MESSAGES_MIN = 200;
export const BYTES_MIN = 1_048_576;
export const STREAMS_EACH_WAY_MIN = 8;

const CALL = 0x10;
const RESPONSE = 0x11;
const EVENT = 0x12;
const FLOOD_BYTES = 1_700_000;
/** Header and checksum, which count against the receiver's limit. */
const MESSAGE_OVERHEAD_BYTES = 40;
/** Work starts within this time, so that streams overlap. */
const SPREAD_US = 400_000;

export interface WorkLimits {
  readonly client: TransportParameters;
  readonly server: TransportParameters;
}

class Planner {
  readonly #random: Random;
  readonly #limits: WorkLimits;
  readonly tasks: TaskPlan[] = [];

  constructor(random: Random, limits: WorkLimits) {
    this.#random = random;
    this.#limits = limits;
  }

  #band(): Band {
    return this.#random.pick<Band>([0, 1, 2, 3]);
  }

  #pace(): Pace | null {
    if (!this.#random.chance(0.2)) return null;
    return {
      chunkBytes: this.#random.magnitude(500, 16_384),
      intervalUs: this.#random.magnitude(100, 20_000),
    };
  }

  #bytesHalf(size: number): HalfPlan {
    return {
      salt: this.#random.u32(),
      size,
      writeBytes: this.#random.magnitude(100, 65_536),
      pace: this.#pace(),
      endDelayUs: this.#random.chance(0.3) ? this.#random.magnitude(1, 50_000) : 0,
      messages: [],
    };
  }

  #messagesHalf(type: number, count: number, sizeMax: number): HalfPlan {
    const { client, server } = this.#limits;
    // An engine sends no larger messages than it is willing to take.
    const takenBytes = Math.min(client.maxMessageBytes, server.maxMessageBytes);
    const largest = Math.min(sizeMax, takenBytes - MESSAGE_OVERHEAD_BYTES);
    const messages = Array.from({ length: count }, () => ({
      type,
      flags: this.#random.between(0, 15),
      messageId: this.#random.u64(),
      traceId: this.#random.u64(),
      size: this.#random.chance(0.1) ? 0 : this.#random.magnitude(1, largest),
      salt: this.#random.u32(),
    }));
    return { salt: 0, size: 0, writeBytes: 0, pace: this.#pace(), endDelayUs: 0, messages };
  }

  #add(task: Omit<TaskPlan, "index" | "band" | "startUs" | "isBackwardAtOnce">): void {
    this.tasks.push({
      ...task,
      index: this.tasks.length,
      band: this.#band(),
      startUs: this.#random.between(0, SPREAD_US),
      isBackwardAtOnce: task.cut !== null || this.#random.chance(0.5),
    });
  }

  /** A byte stream that moves `forwardBytes` one way and `backwardBytes` the other. */
  bytes(opener: Side, forwardBytes: number, backwardBytes: number, cut: Cut | null): void {
    const forward = this.#bytesHalf(forwardBytes);
    const backward = this.#bytesHalf(backwardBytes);
    this.#add({ opener, streamKind: "bytes", forward, backward, cut, triesTooLarge: false });
  }

  /** One request and its response. */
  call(opener: Side, sizeMax: number): void {
    const forward = this.#messagesHalf(CALL, 1, sizeMax);
    const backward = this.#messagesHalf(RESPONSE, 1, sizeMax);
    const triesTooLarge = this.#random.chance(0.03);
    this.#add({ opener, streamKind: "messages", forward, backward, cut: null, triesTooLarge });
  }

  /** Many messages in order, answered by one. */
  events(opener: Side, count: number): void {
    const forward = this.#messagesHalf(EVENT, count, 2000);
    const backward = this.#messagesHalf(RESPONSE, 1, 100);
    this.#add({
      opener,
      streamKind: "messages",
      forward,
      backward,
      cut: null,
      triesTooLarge: false,
    });
  }
}

function chooseCut(random: Random, size: number): Cut {
  const kind = random.pick<Cut["kind"]>(["reset", "stop", "cancel"]);
  // After a reset alone the opener still waits for an answer, which needs a peer that knows of the stream.
  const isEarly = kind === "cancel" && random.chance(0.5);
  // A stream is announced by its first byte.
  const atBytes = random.between(isEarly ? 0 : 1, size - 1);
  return { kind, atBytes, code: random.between(0, 0xffff_ffff), isEarly };
}

/** How the bytes are shared out: unevenly, as they are in practice. */
function chooseWeights(random: Random, count: number): number[] {
  return Array.from({ length: count }, () => random.magnitude(1, 20));
}

/** The work of one of `clientCount` connections. */
export function planWork(random: Random, limits: WorkLimits, clientCount: number): WorkPlan {
  const planner = new Planner(random.split("tasks"), limits);
  const sides: readonly Side[] = ["client", "server"];
  const share = BYTES_MIN / clientCount;
  const streamsEachWay = random.between(STREAMS_EACH_WAY_MIN / 2, 7);
  // Now and then one stream is larger than any window and send buffer together, and really fills them.
  if (random.chance(0.06)) planner.bytes(random.pick(sides), FLOOD_BYTES, 1000, null);
  const weights = chooseWeights(random, streamsEachWay * 2);
  const weightSum = weights.reduce((sum, weight) => sum + weight, 0);
  for (const opener of sides) {
    for (const weight of weights.splice(0, streamsEachWay)) {
      const bytes = Math.max(2, Math.ceil((share * weight) / weightSum));
      // Most of a large stream goes one way now and then, so that one window and one buffer are really filled.
      const isOneWay = random.chance(0.3);
      const forward = isOneWay ? bytes - 1 : random.between(1, bytes - 1);
      planner.bytes(opener, forward, bytes - forward, null);
    }
    for (let count = random.between(0, 2); count > 0; count--) {
      const size = random.magnitude(1000, 40_000);
      planner.bytes(opener, size, random.magnitude(2, 10_000), chooseCut(random, size));
    }
    const callCount = Math.ceil(random.between(48, 64) / clientCount);
    for (let count = 0; count < callCount; count++) {
      planner.call(opener, random.chance(0.02) ? 262_144 : 1500);
    }
    planner.events(opener, Math.ceil(random.between(10, 30) / clientCount));
  }
  const datagrams = sides.flatMap((from) => {
    const sizeMax = limits[from === "client" ? "server" : "client"].maxDatagramBytes;
    return Array.from({ length: random.between(0, 20) }, () => ({
      from,
      atUs: random.between(0, SPREAD_US),
      salt: random.u32(),
      size: random.between(8, sizeMax),
    }));
  });
  return { tasks: planner.tasks, datagrams };
}
