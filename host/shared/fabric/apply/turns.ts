/**
 * One change at a time for each participant: none begins before the one before it is over, even when nobody waits for
 * that one any more. Else a commit that outlives its time limit could land after its participant was taken back, and
 * show for ever what the log says was reverted (docs/spec/tla/Apply.tla, the rule "order").
 */
import type { Clock } from "../../ports/clock.ts";
import { Failure } from "../../ports/failure.ts";
import { withinLimit } from "./time-limit.ts";

export class Turns {
  readonly #clock: Clock;
  /** The last request to each participant, by its name; resolves when it is over. */
  readonly #last = new Map<string, Promise<unknown>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * What `task` gives, or `deadline-exceeded` when it takes longer, its wait for its turn included. A task whose time
   * is over before its turn comes is never begun.
   */
  async take<T>(
    participant: string,
    limitMs: number,
    what: string,
    task: () => Promise<T>,
  ): Promise<T> {
    let isOver = false;
    const before = this.#last.get(participant) ?? Promise.resolve();
    const turn = before.then(() => {
      if (isOver) throw tooLate(what);
      return task();
    });
    this.#last.set(
      participant,
      turn.catch(() => undefined),
    );
    try {
      return await withinLimit(this.#clock, limitMs, what, () => turn);
    } finally {
      isOver = true;
    }
  }
}

/** Nobody hears of it: whoever asked has been told that the time was over. */
function tooLate(what: string): Failure {
  return new Failure("cancelled", `The time was over before it was the turn of ${what}`, {
    origin: "host",
    remedy: "See why the one before it hangs.",
  });
}
