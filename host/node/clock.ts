/** The clock port: Node's monotonic clock, the wall clock and timers. */
import type { Clock } from "../shared/ports/clock.ts";

/** setTimeout takes at most 2^31 − 1 ms and fires at once beyond that. */
const TIMER_MAX_MS = 2 ** 31 - 1;

function nowUs(): number {
  return Math.floor(performance.now() * 1000);
}

export const nodeClock: Clock = {
  nowUs,

  wallMs: () => Date.now(),

  at(atUs, task) {
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const waitMs = Math.max(0, Math.ceil((atUs - nowUs()) / 1000));
      timer = setTimeout(
        () => {
          // Timers may fire up to a millisecond early, and long waits come in pieces.
          if (nowUs() < atUs) arm();
          else task();
        },
        Math.min(waitMs, TIMER_MAX_MS),
      );
    };
    arm();
    return () => clearTimeout(timer);
  },

  soon(task) {
    setImmediate(task);
  },
};
