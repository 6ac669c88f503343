/** Time, as a port: the two clocks of the engine and one-shot timers. */
export interface Clock {
  /** Monotonic microseconds, a whole number. */
  nowUs(): number;
  /** Milliseconds since 1970-01-01T00:00:00Z, a whole number. */
  wallMs(): number;
  /** Calls `task` once, at or after `atUs`. Returns a function that cancels it. */
  at(atUs: number, task: () => void): () => void;
  /** Calls `task` once, after the inputs that are already waiting in this turn of the event loop. */
  soon(task: () => void): void;
}

/** Waits until `durationMs` have passed on the port's clock. */
export function sleep(clock: Clock, durationMs: number): Promise<void> {
  return new Promise((resolve) => clock.at(clock.nowUs() + durationMs * 1000, resolve));
}
