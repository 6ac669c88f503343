/**
 * Calls that may come twice. A call with an idempotency key that is repeated within a minute (its lane died, the host
 * does not know how it ended) gets the answer of the first one: the tool does not run again.
 */
import type { Clock } from "../ports/clock.ts";
import type { IncomingCall } from "../ports/lane.ts";

/** How long an answer is kept for a repetition. */
export const REPLAY_MS = 60_000;
/** Answers kept at most, and their size: beyond it the oldest go. */
const KEPT_MAX = 128;
const KEPT_BYTES_MAX = 16 * 1024 * 1024;

type Frames = readonly Uint8Array[];

interface Kept {
  readonly call: IncomingCall;
  readonly answer: Promise<Frames>;
  bytes: number;
  untilUs: number;
}

export class Replays {
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The answer of `run`, or of the earlier call with the same caller and key. */
  once(call: IncomingCall, run: () => Promise<Frames>): Promise<Frames> {
    const { idempotencyKey } = call.record;
    if (idempotencyKey === "") return run();
    // A key belongs to its caller: nobody can fetch what another one was answered.
    const key = `${call.peer.id}\0${idempotencyKey}`;
    this.#forgetOld();
    const known = this.#kept.get(key);
    // A call that was given up has no answer worth keeping; its repetition runs.
    if (known !== undefined && !known.call.signal.aborted) return known.answer;
    const kept: Kept = { call, answer: run(), bytes: 0, untilUs: Number.POSITIVE_INFINITY };
    this.#kept.set(key, kept);
    kept.answer.then(
      (frames) => {
        kept.bytes = frames.reduce((size, frame) => size + frame.length, 0);
        kept.untilUs = this.#clock.nowUs() + REPLAY_MS * 1000;
        this.#bytes += kept.bytes;
        this.#forgetOld();
      },
      () => this.#kept.delete(key),
    );
    return kept.answer;
  }

  #forgetOld(): void {
    const nowUs = this.#clock.nowUs();
    for (const [key, kept] of this.#kept) {
      const isFull = this.#kept.size > KEPT_MAX || this.#bytes > KEPT_BYTES_MAX;
      const isRunning = kept.untilUs === Number.POSITIVE_INFINITY;
      if (isRunning || (!isFull && kept.untilUs > nowUs)) continue;
      this.#kept.delete(key);
      this.#bytes -= kept.bytes;
    }
  }
}
