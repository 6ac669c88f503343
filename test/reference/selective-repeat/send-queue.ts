/** Records on their way: sent in a window, each acknowledged by itself, sent again when overtaken or out of time. */
import type { Record } from "./record.ts";

export const WINDOW_COUNT = 48;
const REORDER_COUNT = 3;
const TIMEOUT_START_US = 300_000;
const TIMEOUT_MIN_US = 20_000;
const TIMEOUT_MAX_US = 2_000_000;

interface Queued {
  readonly record: Record;
  sentUs: number;
  sends: number;
  isAcknowledged: boolean;
  /** Must be sent, for the first time or again. */
  isDue: boolean;
}

export class SendQueue {
  readonly #resends: boolean;
  #queue: Queued[] = [];
  #backoff = 1;
  smoothedRttUs = 0;
  latestRttUs = 0;
  timerUs = Infinity;
  packetsLost = 0;
  retransmittedBytes = 0;
  probeTimeouts = 0;

  constructor(resends: boolean) {
    this.#resends = resends;
  }

  get length(): number {
    return this.#queue.length;
  }

  get inFlightBytes(): number {
    return this.#queue
      .filter((queued) => queued.sends > 0 && !queued.isAcknowledged)
      .reduce((sum, { record }) => sum + record.data.length, 0);
  }

  push(record: Record): void {
    this.#queue.push({ record, sentUs: 0, sends: 0, isAcknowledged: false, isDue: true });
  }

  /** The next record to send; null when there is none or the window is full. */
  next(nowUs: number): Record | null {
    const index = this.#queue.findIndex((queued) => queued.isDue);
    const next = this.#queue[index];
    if (next === undefined || index >= WINDOW_COUNT) return null;
    next.isDue = false;
    if (next.sends > 0) this.retransmittedBytes += next.record.data.length;
    next.sends++;
    next.sentUs = nowUs;
    if (this.timerUs === Infinity) this.timerUs = nowUs + this.#timeoutUs();
    return next.record;
  }

  /** Everything below `expected`, and what is in `early`, arrived. Returns the records that did so now. */
  acknowledge(expected: number, early: ReadonlySet<number>, nowUs: number): readonly Record[] {
    const arrived: Queued[] = [];
    for (const queued of this.#queue) {
      const { sequence } = queued.record;
      if (queued.sends === 0) break;
      if (queued.isAcknowledged || (sequence >= expected && !early.has(sequence))) continue;
      queued.isAcknowledged = true;
      queued.isDue = false;
      arrived.push(queued);
    }
    const newest = arrived.at(-1);
    if (newest === undefined) return [];
    this.#backoff = 1;
    if (newest.sends === 1) this.#sampleRtt(nowUs - newest.sentUs);
    this.#resendOvertaken(newest.record.sequence, nowUs);
    const firstWaiting = this.#queue.findIndex((queued) => !queued.isAcknowledged);
    this.#queue.splice(0, firstWaiting < 0 ? this.#queue.length : firstWaiting);
    this.timerUs = this.#queue.some((one) => one.sends > 0) ? nowUs + this.#timeoutUs() : Infinity;
    return arrived.map(({ record }) => record);
  }

  #sampleRtt(rttUs: number): void {
    this.latestRttUs = rttUs;
    this.smoothedRttUs =
      this.smoothedRttUs === 0 ? rttUs : Math.ceil((this.smoothedRttUs * 7 + rttUs) / 8);
  }

  /** Records sent before one that arrived, and not just now, are lost. */
  #resendOvertaken(sequence: number, nowUs: number): void {
    for (const queued of this.#queue) {
      if (queued.record.sequence + REORDER_COUNT > sequence) break;
      if (nowUs - queued.sentUs >= this.smoothedRttUs) this.#markLost(queued);
    }
  }

  #markLost(queued: Queued): void {
    if (!this.#resends || queued.isDue || queued.isAcknowledged || queued.sends === 0) return;
    queued.isDue = true;
    this.packetsLost++;
  }

  #timeoutUs(): number {
    const { smoothedRttUs } = this;
    const baseUs =
      smoothedRttUs === 0 ? TIMEOUT_START_US : Math.max(TIMEOUT_MIN_US, smoothedRttUs * 2);
    return Math.min(TIMEOUT_MAX_US, baseUs * this.#backoff);
  }

  handleTimeout(nowUs: number): void {
    if (nowUs < this.timerUs) return;
    this.probeTimeouts++;
    this.#backoff *= 2;
    this.timerUs = nowUs + this.#timeoutUs();
    for (const queued of this.#queue.slice(0, 2)) this.#markLost(queued);
  }
}
