/**
 * Virtual time: a heap of actions ordered by their time, and among equal times by their order of entry, so that
 * a run is the same on every machine.
 */

interface Entry {
  readonly atUs: number;
  readonly order: number;
  readonly action: () => void;
}

function isBefore(left: Entry, right: Entry): boolean {
  return left.atUs < right.atUs || (left.atUs === right.atUs && left.order < right.order);
}

export class Schedule {
  /** Microseconds since the run began. */
  nowUs = 0;
  readonly #heap: Entry[] = [];
  #entries = 0;

  /** Runs `action` at `atUs`, or now when that has passed. */
  at(atUs: number, action: () => void): void {
    const entry = { atUs: Math.max(Math.ceil(atUs), this.nowUs), order: this.#entries++, action };
    const heap = this.#heap;
    heap.push(entry);
    let index = heap.length - 1;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex] as Entry;
      if (isBefore(parent, entry)) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = entry;
  }

  /** Runs `action` after `delayUs`. */
  after(delayUs: number, action: () => void): void {
    this.at(this.nowUs + delayUs, action);
  }

  /** The time of the next action; Infinity when there is none. */
  nextUs(): number {
    return this.#heap[0]?.atUs ?? Infinity;
  }

  /** Moves the clock to `untilUs`; nothing may be due before. */
  advance(untilUs: number): void {
    this.nowUs = Math.max(this.nowUs, untilUs);
  }

  /** Moves the clock to the next action and runs it. */
  step(): void {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return;
    if (heap.length > 0) this.#siftDown(last);
    this.nowUs = first.atUs;
    first.action();
  }

  #siftDown(entry: Entry): void {
    const heap = this.#heap;
    let index = 0;
    for (;;) {
      let childIndex = index * 2 + 1;
      let child = heap[childIndex];
      if (child === undefined) break;
      const right = heap[childIndex + 1];
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        childIndex++;
      }
      if (isBefore(entry, child)) break;
      heap[index] = child;
      index = childIndex;
    }
    heap[index] = entry;
  }
}
