/**
 * Twin of assembly/recovery/cubic.ts and hystart.ts: RFC 9438 and RFC 9406 in real numbers, with the formulas
 * as the texts have them (segments and seconds).
 */
const C = 0.4;
const BETA = 0.7;
const ALPHA = (3 * (1 - BETA)) / (1 + BETA);

/** RFC 9406 §4.2, times in microseconds. */
export class HystartTwin {
  phase: "slow start" | "conservative" | "done" = "slow start";
  #roundEnd = 0;
  #lastMin = Infinity;
  #currentMin = Infinity;
  #samples = 0;
  #baseline = Infinity;
  #rounds = 0;

  /** True when slow start ends. */
  onAck(largestAcked: number, nextPacket: number, rtt: number): boolean {
    if (this.phase === "done") return false;
    if (largestAcked >= this.#roundEnd) {
      if (this.phase === "conservative" && ++this.#rounds >= 5) {
        this.phase = "done";
        return true;
      }
      this.#lastMin = this.#currentMin;
      this.#currentMin = Infinity;
      this.#samples = 0;
      this.#roundEnd = nextPacket;
    }
    this.#currentMin = Math.min(this.#currentMin, rtt);
    this.#samples++;
    if (this.#samples < 8) return false;
    if (this.phase === "conservative") {
      if (this.#currentMin < this.#baseline) this.phase = "slow start";
      return false;
    }
    if (this.#lastMin === Infinity) return false;
    const threshold = Math.max(4000, Math.min(Math.floor(this.#lastMin / 8), 16_000));
    if (this.#currentMin >= this.#lastMin + threshold) {
      this.#baseline = this.#currentMin;
      this.#rounds = 0;
      this.phase = "conservative";
    }
    return false;
  }
}

/** RFC 9438, windows in segments, times in seconds. */
export class CubicTwin {
  readonly mss: number;
  readonly hystart = new HystartTwin();
  cwnd: number;
  ssthresh = Infinity;
  wMax = 0;
  #cwndPrior = 0;
  #recoveryStart = -1;
  #epoch: { start: number; k: number; wEst: number } | undefined;
  #limitedSince: number | undefined;

  constructor(mss: number) {
    this.mss = mss;
    this.cwnd = Math.min(10 * mss, Math.max(14_720, 2 * mss)) / mss;
  }

  get windowBytes(): number {
    return this.cwnd * this.mss;
  }

  /** W_cubic(t), §4.2 figure 1. */
  wCubic(t: number, k: number): number {
    return C * (t - k) ** 3 + this.wMax;
  }

  onAcked(bytes: number, sentAt: number, isAppLimited: boolean, srtt: number, now: number): void {
    if (isAppLimited && this.#limitedSince === undefined) this.#limitedSince = now;
    if (!isAppLimited && this.#limitedSince !== undefined) {
      if (this.#epoch !== undefined) {
        this.#epoch.start += now - Math.max(this.#limitedSince, this.#epoch.start);
      }
      this.#limitedSince = undefined;
    }
    if (isAppLimited || sentAt <= this.#recoveryStart) return;
    const segments = bytes / this.mss;
    if (this.cwnd < this.ssthresh) {
      this.cwnd += this.hystart.phase === "conservative" ? segments / 4 : segments;
    } else {
      this.#avoid(segments, srtt, now);
    }
  }

  #avoid(segments: number, srtt: number, now: number): void {
    if (this.#epoch === undefined) {
      let k = 0;
      if (this.cwnd < this.wMax) {
        k = Math.cbrt((this.wMax - this.cwnd) / C);
      } else {
        this.wMax = this.cwnd;
        if (this.#cwndPrior === 0) this.#cwndPrior = this.cwnd;
      }
      this.#epoch = { start: now, k, wEst: this.cwnd };
    }
    const epoch = this.#epoch;
    const t = now - epoch.start;
    const alpha = epoch.wEst >= this.#cwndPrior ? 1 : ALPHA;
    epoch.wEst += (alpha * segments) / this.cwnd;
    if (this.wCubic(t, epoch.k) < epoch.wEst) {
      this.cwnd = Math.max(this.cwnd, epoch.wEst);
      return;
    }
    const target = Math.min(Math.max(this.wCubic(t + srtt, epoch.k), this.cwnd), 1.5 * this.cwnd);
    this.cwnd += ((target - this.cwnd) / this.cwnd) * segments;
  }

  onRttSample(largestAcked: number, nextPacket: number, rttUs: number): void {
    if (this.cwnd >= this.ssthresh) return;
    if (this.hystart.onAck(largestAcked, nextPacket, rttUs)) this.ssthresh = this.cwnd;
  }

  onLoss(sentAt: number, now: number): void {
    if (sentAt <= this.#recoveryStart) return;
    this.#recoveryStart = now;
    this.hystart.phase = "done";
    this.wMax = this.cwnd < this.wMax ? (this.cwnd * (1 + BETA)) / 2 : this.cwnd;
    this.#cwndPrior = this.cwnd;
    this.ssthresh = Math.max(this.cwnd * BETA, 2);
    this.cwnd = this.ssthresh;
    this.#epoch = undefined;
  }

  onPersistentCongestion(): void {
    this.cwnd = 2;
    this.#recoveryStart = -1;
    this.#epoch = undefined;
  }
}
