/**
 * One direction of a path: delay, jitter, loss, bursts, reordering, duplication, corruption, truncation, a
 * bottleneck with a queue, times in which nothing or nothing large passes.
 */
import type { AddressBytes } from "../../host/shared/engine/contract.ts";
import type { Random } from "./random.ts";

/** Everything that a run does to datagrams on purpose. The names are those of the report. */
export const FAULT_KINDS = [
  "loss",
  "burst",
  "blackout",
  "mtu",
  "queue",
  "reorder",
  "duplicate",
  "corrupt",
  "truncate",
  "replay",
  "reflect",
  "forge",
  "spoof",
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];
export type FaultCounts = Record<FaultKind, number>;

export function noFaults(): FaultCounts {
  return Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as FaultCounts;
}

export interface Datagram {
  /** Number of the send it stems from; copies keep it. */
  readonly id: number;
  readonly bytes: Uint8Array;
  readonly from: AddressBytes;
  readonly to: AddressBytes;
  readonly sentUs: number;
  /** What the endpoint really sent; null when no endpoint sent it, or not from this address. */
  readonly original: Uint8Array | null;
}

/** A time span in which the path is worse. */
export interface Window {
  readonly fromUs: number;
  readonly untilUs: number;
}

export interface LinkProfile {
  readonly delayUs: number;
  readonly jitterUs: number;
  /** True: most packets are on time and a few are very late; false: uniform in [0, jitter]. */
  readonly isJitterHeavyTailed: boolean;
  readonly lossRate: number;
  /** Gilbert–Elliott: everything is lost between entering and leaving the bad state. */
  readonly burstEnterRate: number;
  readonly burstLeaveRate: number;
  readonly reorderRate: number;
  readonly reorderUs: number;
  readonly duplicateRate: number;
  readonly corruptRate: number;
  readonly truncateRate: number;
  readonly bytesPerSecond: number;
  readonly queueBytes: number;
  readonly blackouts: readonly Window[];
  readonly narrowings: readonly Window[];
  /** Datagrams above this size are dropped while the path is narrow. */
  readonly narrowBytes: number;
}

/** A burst ends by chance, packet by packet, or by time, so that a few probes in many seconds outlive it. */
const BURST_US_MAX = 100_000;

function isWithin(windows: readonly Window[], nowUs: number): boolean {
  return windows.some((window) => nowUs >= window.fromUs && nowUs < window.untilUs);
}

export class Link {
  readonly profile: LinkProfile;
  readonly #random: Random;
  readonly #faults: FaultCounts;
  readonly #deliver: (datagram: Datagram, atUs: number) => void;
  #burstUntilUs = 0;
  #isCut = false;
  #queueFreeUs = 0;
  #latestUs = 0;

  constructor(
    profile: LinkProfile,
    random: Random,
    faults: FaultCounts,
    deliver: (datagram: Datagram, atUs: number) => void,
  ) {
    this.profile = profile;
    this.#random = random;
    this.#faults = faults;
    this.#deliver = deliver;
  }

  /** What is sent later arrives later. */
  get keepsOrder(): boolean {
    return this.profile.jitterUs === 0 && this.profile.reorderRate === 0;
  }

  /** From now on nothing passes. */
  cut(): void {
    this.#isCut = true;
  }

  /** Carries one datagram, in none, one or several copies. Returns the fault that swallowed it. */
  send(datagram: Datagram, nowUs: number): FaultKind | null {
    const swallowed = this.#swallow(datagram, nowUs);
    if (swallowed !== null) {
      this.#faults[swallowed]++;
      return swallowed;
    }
    const leavesUs = this.#leaveQueue(datagram.bytes.length, nowUs);
    if (leavesUs === null) {
      this.#faults.queue++;
      return "queue";
    }
    this.#deliverOnce(this.#damage(datagram), leavesUs);
    if (this.#random.chance(this.profile.duplicateRate)) {
      this.#faults.duplicate++;
      this.#deliverOnce(datagram, leavesUs);
    }
    return null;
  }

  /** Losses that do not depend on load. */
  #swallow(datagram: Datagram, nowUs: number): FaultKind | null {
    const { profile } = this;
    if (this.#isCut || isWithin(profile.blackouts, nowUs)) return "blackout";
    const isLarge = datagram.bytes.length > profile.narrowBytes;
    if (isLarge && isWithin(profile.narrowings, nowUs)) return "mtu";
    if (this.#burstUntilUs > nowUs) {
      if (this.#random.chance(profile.burstLeaveRate)) this.#burstUntilUs = 0;
    } else if (this.#random.chance(profile.burstEnterRate)) {
      this.#burstUntilUs = nowUs + BURST_US_MAX;
    }
    if (this.#burstUntilUs > nowUs) return "burst";
    return this.#random.chance(profile.lossRate) ? "loss" : null;
  }

  /** The time at which the last bit leaves the bottleneck; null when its queue is full. */
  #leaveQueue(size: number, nowUs: number): number | null {
    const { bytesPerSecond, queueBytes } = this.profile;
    const startUs = Math.max(nowUs, this.#queueFreeUs);
    const queuedBytes = ((startUs - nowUs) * bytesPerSecond) / 1e6;
    if (queuedBytes + size > queueBytes) return null;
    this.#queueFreeUs = startUs + (size * 1e6) / bytesPerSecond;
    return this.#queueFreeUs;
  }

  #damage(datagram: Datagram): Datagram {
    if (this.#random.chance(this.profile.corruptRate)) {
      this.#faults.corrupt++;
      const bytes = datagram.bytes.slice();
      for (let flips = this.#random.between(1, 3); flips > 0; flips--) {
        const at = this.#random.between(0, bytes.length - 1);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << this.#random.between(0, 7));
      }
      return { ...datagram, bytes };
    }
    if (this.#random.chance(this.profile.truncateRate)) {
      this.#faults.truncate++;
      const size = this.#random.between(0, datagram.bytes.length - 1);
      return { ...datagram, bytes: datagram.bytes.slice(0, size) };
    }
    return datagram;
  }

  #deliverOnce(datagram: Datagram, leavesUs: number): void {
    const { delayUs, jitterUs, isJitterHeavyTailed, reorderRate, reorderUs } = this.profile;
    const share = this.#random.float();
    // The eighth power keeps the median below 1 % of the jitter and still reaches all of it.
    let atUs = leavesUs + delayUs + jitterUs * (isJitterHeavyTailed ? share ** 8 : share);
    if (this.#random.chance(reorderRate)) atUs += this.#random.uniform(0, reorderUs);
    if (atUs < this.#latestUs) this.#faults.reorder++;
    this.#latestUs = Math.max(this.#latestUs, atUs);
    this.#deliver(datagram, atUs);
  }
}
