/**
 * A gate on which any number of callers wait until the engine says that something changed.
 *
 * Nothing is lost between looking and waiting: JavaScript runs one turn at a time, so a caller that found nothing
 * and waits in the same turn is woken by the next event.
 */
export class Gate {
  #waiting: (() => void)[] = [];

  /** Resolves at the next `open`. */
  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Lets everyone through who waits now. */
  open(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
