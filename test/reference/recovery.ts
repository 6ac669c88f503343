/**
 * Twin of assembly/recovery/{sent-packets,loss,pto,recovery}.ts: the pseudo-code of RFC 9002 appendix A and B
 * over a Map of every packet. Times are whole microseconds.
 */
import { CubicTwin } from "./cubic.ts";
import { RttTwin } from "./rtt.ts";

interface Packet {
  readonly time: number;
  readonly bytes: number;
  readonly isEliciting: boolean;
  readonly isInFlight: boolean;
}

export interface AckResult {
  readonly acked: number[];
  readonly lost: number[];
}

const INITIAL_RTT = 333_000;

export class RecoveryTwin {
  readonly rtt = new RttTwin(INITIAL_RTT);
  readonly cubic: CubicTwin;
  readonly #granularity: number;
  readonly #maxAckDelay: number;
  readonly #outstanding = new Map<number, Packet>();
  readonly #skipped = new Set<number>();
  readonly #acked = new Set<number>();
  #next = 0;
  #largestAcked = -1;
  #lossTime = 0;
  #ptoCount = 0;
  #lastEliciting = 0;
  #firstSample = 0;
  bytesInFlight = 0;

  constructor(maxPacket: number, granularity: number, maxAckDelay: number) {
    this.cubic = new CubicTwin(maxPacket);
    this.#granularity = granularity;
    this.#maxAckDelay = maxAckDelay;
  }

  send(packet: Packet): number {
    const number = this.#next++;
    this.#outstanding.set(number, packet);
    if (packet.isInFlight) this.bytesInFlight += packet.bytes;
    if (packet.isEliciting) this.#lastEliciting = packet.time;
    return number;
  }

  skip(): void {
    this.#skipped.add(this.#next++);
  }

  /** Ranges with both ends, descending. "violation" when the peer cannot have received what it names. */
  ack(
    ranges: [number, number][],
    ackDelay: number,
    now: number,
    isAppLimited: boolean,
  ): AckResult | "violation" {
    const largest = ranges[0]![1];
    if (largest >= this.#next) return "violation";
    const acked: number[] = [];
    for (const [smallest, end] of ranges) {
      for (let number = smallest; number <= end; number++) {
        if (this.#skipped.has(number)) return "violation";
        if (this.#outstanding.has(number)) acked.push(number);
      }
    }
    if (acked.length === 0) return { acked, lost: [] };
    const packets = acked.map((number) => this.#outstanding.get(number)!);
    for (const number of acked) this.#settle(number);
    for (const number of acked) this.#acked.add(number);
    this.#largestAcked = Math.max(this.#largestAcked, largest);
    const sample = packets[acked.indexOf(largest)];
    if (sample !== undefined && packets.some((packet) => packet.isEliciting)) {
      this.#sample(now - sample.time, ackDelay, largest, now);
    }
    const lost = this.#detectLost(now);
    for (const packet of packets) {
      if (!packet.isInFlight) continue;
      const seconds = this.rtt.smoothed / 1e6;
      this.cubic.onAcked(packet.bytes, packet.time / 1e6, isAppLimited, seconds, now / 1e6);
    }
    this.#ptoCount = 0;
    return { acked, lost };
  }

  #sample(latest: number, ackDelay: number, largest: number, now: number): void {
    if (latest <= 0) return;
    if (!this.rtt.hasSample) this.#firstSample = now;
    this.rtt.update(latest, ackDelay, this.#maxAckDelay);
    this.cubic.onRttSample(largest, this.#next, latest);
  }

  #settle(number: number): Packet {
    const packet = this.#outstanding.get(number)!;
    this.#outstanding.delete(number);
    if (packet.isInFlight) this.bytesInFlight -= packet.bytes;
    return packet;
  }

  get #lossDelay(): number {
    const longest = Math.max(this.rtt.smoothed, this.rtt.latest);
    return Math.max(Math.floor((9 / 8) * longest), this.#granularity);
  }

  #detectLost(now: number): number[] {
    this.#lossTime = 0;
    const lost: [number, Packet][] = [];
    for (const [number, packet] of this.#outstanding) {
      if (number > this.#largestAcked) continue;
      const due = packet.time + this.#lossDelay;
      if (this.#largestAcked - number >= 3 || due <= now) {
        lost.push([number, this.#settle(number)]);
      } else if (this.#lossTime === 0 || due < this.#lossTime) {
        this.#lossTime = due;
      }
    }
    const inFlight = lost.filter(([, packet]) => packet.isInFlight);
    if (inFlight.length > 0) {
      const latest = Math.max(...inFlight.map(([, packet]) => packet.time));
      this.cubic.onLoss(latest / 1e6, now / 1e6);
      if (this.#isPersistent(lost)) this.cubic.onPersistentCongestion();
    }
    return lost.map(([number]) => number);
  }

  #isPersistent(lost: [number, Packet][]): boolean {
    if (!this.rtt.hasSample) return false;
    const duration = this.ptoBase * 3;
    const eliciting = lost.filter(
      ([, packet]) => packet.isEliciting && packet.time >= this.#firstSample,
    );
    return eliciting.some(([first, start]) =>
      eliciting.some(([last, end]) => {
        if (end.time - start.time <= duration) return false;
        for (let number = first; number < last; number++) {
          if (this.#acked.has(number)) return false;
        }
        return true;
      }),
    );
  }

  get ptoBase(): number {
    return (
      this.rtt.smoothed + Math.max(4 * this.rtt.variance, this.#granularity) + this.#maxAckDelay
    );
  }

  /** 0 when nothing is awaited. */
  get timer(): number {
    if (this.#lossTime !== 0) return this.#lossTime;
    if (![...this.#outstanding.values()].some((packet) => packet.isEliciting)) return 0;
    const doubled = this.ptoBase * 2 ** this.#ptoCount;
    return this.#lastEliciting + Math.min(doubled, Math.max(this.ptoBase, 3_000_000));
  }

  /** What a timer that has passed brings. */
  timeout(now: number): { kind: "none" | "loss" | "probe"; lost: number[] } {
    if (this.timer === 0 || this.timer > now) return { kind: "none", lost: [] };
    if (this.#lossTime !== 0) return { kind: "loss", lost: this.#detectLost(now) };
    this.#ptoCount++;
    return { kind: "probe", lost: [] };
  }
}
