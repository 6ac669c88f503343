/** Twin of assembly/recovery/received-packets.ts: every number ever received, and RFC 9000 §13.2 read literally. */
export class ReceivedPacketsTwin {
  readonly #received = new Set<number>();
  readonly #maxAckDelay: number;
  #largest = -1;
  #largestEliciting = -1;
  #pending = 0;
  #isNow = false;
  ackTimer = 0;
  reorderDepth = 0;

  constructor(maxAckDelay: number) {
    this.#maxAckDelay = maxAckDelay;
  }

  isNew(number: number): boolean {
    return this.#largest - number < 4096 && !this.#received.has(number);
  }

  record(number: number, isEliciting: boolean, now: number): void {
    this.#received.add(number);
    this.reorderDepth = Math.max(this.reorderDepth, this.#largest - number);
    this.#largest = Math.max(this.#largest, number);
    if (!isEliciting) return;
    this.#pending++;
    const isLate = number < this.#largestEliciting;
    // A gap is a number between the last ack-eliciting packet and this one that has not arrived.
    let isGap = false;
    const from = this.#largestEliciting < 0 ? this.#lowestReported : this.#largestEliciting;
    for (let between = from + 1; between < number; between++) {
      if (!this.#received.has(between)) isGap = true;
    }
    this.#largestEliciting = Math.max(this.#largestEliciting, number);
    if (isLate || isGap || this.#pending >= 2) {
      this.#isNow = true;
      this.ackTimer = now;
    } else if (this.ackTimer === 0) {
      this.ackTimer = now + this.#maxAckDelay;
    }
  }

  get #lowestReported(): number {
    return Math.min(...this.#received);
  }

  isDue(now: number): boolean {
    return this.#isNow || (this.ackTimer !== 0 && this.ackTimer <= now);
  }

  onAckSent(): void {
    this.#pending = 0;
    this.#isNow = false;
    this.ackTimer = 0;
  }

  /** Ranges with both ends, newest first, at most `count`. */
  ranges(count: number): [number, number][] {
    const ranges: [number, number][] = [];
    for (const number of [...this.#received].sort((a, b) => b - a)) {
      const last = ranges.at(-1);
      if (last !== undefined && last[0] === number + 1) last[0] = number;
      else ranges.push([number, number]);
    }
    return ranges.slice(0, count);
  }
}
