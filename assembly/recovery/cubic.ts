/**
 * CUBIC congestion control.
 *
 * Spec       RFC 9438; RFC 9002 §7 (window limits, recovery period, under-utilisation)
 * Layer      recovery (L2)
 * Memory     CUBIC_SIZE bytes; windows are bytes as f64, k is seconds:
 *              0      8          16     24   32       40          48             56
 *              | cwnd | ssthresh | wMax | k  | wEst   | cwndPrior | epochStartUs | recoveryStartUs |
 *              64               72           76            80        84    88
 *              | limitedSinceUs | hasEpoch   | hasRecovery | isLimited | mss | hystart 48 |
 * Invariant  cwnd >= 2 segments
 * Cost       one cube and no cube root per acknowledged packet; the root once per epoch
 * Twin       test/reference/cubic.ts
 *
 * f64 with + - * / only gives the same bits on every WebAssembly engine, so runs replay exactly.
 */
import {
  CSS_GROWTH_DIVISOR,
  HYSTART_SIZE,
  hystartInit,
  hystartIsConservative,
  hystartOnAck,
  hystartStop,
} from "./hystart.ts";

export const CUBIC_SIZE: usize = 88 + HYSTART_SIZE;

/** RFC 9438 §5: C and beta. */
const C: f64 = 0.4;
const BETA: f64 = 0.7;
/** RFC 9438 §4.3: 3 * (1 - beta) / (1 + beta). */
const ALPHA: f64 = (3.0 * (1.0 - BETA)) / (1.0 + BETA);
/** RFC 9002 §7.2: at most ten segments at first, never below two. */
const INITIAL_SEGMENTS: u32 = 10;
const INITIAL_BYTES_MAX: u32 = 14_720;
const MINIMUM_SEGMENTS: u32 = 2;

const CWND: usize = 0;
const SSTHRESH: usize = 8;
const W_MAX: usize = 16;
const K: usize = 24;
const W_EST: usize = 32;
const CWND_PRIOR: usize = 40;
const EPOCH_START: usize = 48;
const RECOVERY_START: usize = 56;
const LIMITED_SINCE: usize = 64;
const HAS_EPOCH: usize = 72;
const HAS_RECOVERY: usize = 76;
const IS_LIMITED: usize = 80;
const MSS: usize = 84;
const HYSTART: usize = 88;

export function cubicInit(cubic: usize, maxPacketBytes: u32): void {
  memory.fill(cubic, 0, CUBIC_SIZE);
  const atMost = max(INITIAL_BYTES_MAX, maxPacketBytes * MINIMUM_SEGMENTS);
  store<f64>(cubic, <f64>min(maxPacketBytes * INITIAL_SEGMENTS, atMost), CWND);
  store<f64>(cubic, Infinity, SSTHRESH);
  store<u32>(cubic, maxPacketBytes, MSS);
  hystartInit(cubic + HYSTART);
}

/** The congestion window in bytes. */
export function cubicWindow(cubic: usize): u64 {
  return <u64>load<f64>(cubic, CWND);
}

export function cubicIsSlowStart(cubic: usize): bool {
  return load<f64>(cubic, CWND) < load<f64>(cubic, SSTHRESH);
}

/** True when a packet was sent before the current recovery period began (RFC 9002 §7.3.2). */
function isInRecovery(cubic: usize, sentTimeUs: u64): bool {
  return load<u32>(cubic, HAS_RECOVERY) != 0 && sentTimeUs <= load<u64>(cubic, RECOVERY_START);
}

/** The cube root of a positive number: Newton's steps fall monotonically from above, then stop. */
export function cubeRoot(value: f64): f64 {
  if (value <= 0.0) return 0.0;
  let root = value > 1.0 ? value : 1.0;
  while (true) {
    const next = (2.0 * root + value / (root * root)) / 3.0;
    if (next >= root) return root;
    root = next;
  }
}

/** spec: RFC 9438 §4.2 W_cubic(t) = C * (t - K)^3 + W_max, here in bytes */
function cubicWindowAt(cubic: usize, seconds: f64): f64 {
  const distance = seconds - load<f64>(cubic, K);
  const segments = C * distance * distance * distance;
  return segments * <f64>load<u32>(cubic, MSS) + load<f64>(cubic, W_MAX);
}

/** Begins a congestion avoidance stage. */
function beginEpoch(cubic: usize, nowUs: u64): void {
  const cwnd = load<f64>(cubic, CWND);
  const wMax = load<f64>(cubic, W_MAX);
  store<u32>(cubic, 1, HAS_EPOCH);
  store<u64>(cubic, nowUs, EPOCH_START);
  store<f64>(cubic, cwnd, W_EST);
  if (cwnd < wMax) {
    // spec: RFC 9438 §4.2 K = cbrt((W_max - cwnd_epoch) / C)
    store<f64>(cubic, cubeRoot((wMax - cwnd) / <f64>load<u32>(cubic, MSS) / C), K);
  } else {
    // spec: RFC 9438 §4.10 slow start ended without loss: convex growth from here
    store<f64>(cubic, 0.0, K);
    store<f64>(cubic, cwnd, W_MAX);
    if (load<f64>(cubic, CWND_PRIOR) == 0.0) store<f64>(cubic, cwnd, CWND_PRIOR);
  }
}

/** Time in which the application did not fill the window is not time in which it may grow (RFC 9438 §5.8). */
function noteUtilisation(cubic: usize, isAppLimited: bool, nowUs: u64): void {
  const wasLimited = load<u32>(cubic, IS_LIMITED) != 0;
  if (isAppLimited == wasLimited) return;
  store<u32>(cubic, isAppLimited ? 1 : 0, IS_LIMITED);
  if (isAppLimited) {
    store<u64>(cubic, nowUs, LIMITED_SINCE);
  } else if (load<u32>(cubic, HAS_EPOCH) != 0) {
    const start = load<u64>(cubic, EPOCH_START);
    const since = max(load<u64>(cubic, LIMITED_SINCE), start);
    store<u64>(cubic, start + (nowUs - since), EPOCH_START);
  }
}

/** spec: RFC 9438 §4.2 – §4.5 */
function growInAvoidance(cubic: usize, bytes: f64, smoothedRttUs: u64, nowUs: u64): void {
  if (load<u32>(cubic, HAS_EPOCH) == 0) beginEpoch(cubic, nowUs);
  const cwnd = load<f64>(cubic, CWND);
  const seconds = <f64>(nowUs - load<u64>(cubic, EPOCH_START)) / 1e6;
  const wEst = load<f64>(cubic, W_EST);
  const alpha = wEst >= load<f64>(cubic, CWND_PRIOR) ? 1.0 : ALPHA;
  const wEstNext = wEst + ((alpha * bytes) / cwnd) * <f64>load<u32>(cubic, MSS);
  store<f64>(cubic, wEstNext, W_EST);
  if (cubicWindowAt(cubic, seconds) < wEstNext) {
    // The Reno-friendly region: never slower than Reno would be.
    if (wEstNext > cwnd) store<f64>(cubic, wEstNext, CWND);
    return;
  }
  let target = cubicWindowAt(cubic, seconds + <f64>smoothedRttUs / 1e6);
  if (target < cwnd) target = cwnd;
  if (target > 1.5 * cwnd) target = 1.5 * cwnd;
  store<f64>(cubic, cwnd + ((target - cwnd) * bytes) / cwnd, CWND);
}

/** One packet in flight was acknowledged. */
export function cubicOnAcked(
  cubic: usize,
  bytes: u32,
  sentTimeUs: u64,
  isAppLimited: bool,
  smoothedRttUs: u64,
  nowUs: u64,
): void {
  noteUtilisation(cubic, isAppLimited, nowUs);
  if (isAppLimited || isInRecovery(cubic, sentTimeUs)) return;
  if (!cubicIsSlowStart(cubic)) {
    growInAvoidance(cubic, <f64>bytes, smoothedRttUs, nowUs);
    return;
  }
  const isConservative = hystartIsConservative(cubic + HYSTART);
  const growth = isConservative ? <f64>bytes / <f64>CSS_GROWTH_DIVISOR : <f64>bytes;
  store<f64>(cubic, load<f64>(cubic, CWND) + growth, CWND);
}

/** Feeds the round trip of one ACK to HyStart++, which may end slow start. */
export function cubicOnRttSample(
  cubic: usize,
  largestAcked: u64,
  nextPacket: u64,
  rttUs: u64,
): void {
  if (!cubicIsSlowStart(cubic)) return;
  if (hystartOnAck(cubic + HYSTART, largestAcked, nextPacket, rttUs)) {
    store<f64>(cubic, load<f64>(cubic, CWND), SSTHRESH);
  }
}

/** A packet was lost. Only the first loss of a recovery period reduces the window. */
export function cubicOnLoss(cubic: usize, sentTimeUs: u64, nowUs: u64): void {
  if (isInRecovery(cubic, sentTimeUs)) return;
  store<u32>(cubic, 1, HAS_RECOVERY);
  store<u64>(cubic, nowUs, RECOVERY_START);
  hystartStop(cubic + HYSTART);
  const cwnd = load<f64>(cubic, CWND);
  const wMax = load<f64>(cubic, W_MAX);
  // spec: RFC 9438 §4.7 fast convergence: a flow that lost below its last maximum gives way to others
  store<f64>(cubic, cwnd < wMax ? (cwnd * (1.0 + BETA)) / 2.0 : cwnd, W_MAX);
  store<f64>(cubic, cwnd, CWND_PRIOR);
  const least = <f64>(load<u32>(cubic, MSS) * MINIMUM_SEGMENTS);
  const reduced = max(cwnd * BETA, least);
  store<f64>(cubic, reduced, SSTHRESH);
  store<f64>(cubic, reduced, CWND);
  store<u32>(cubic, 0, HAS_EPOCH);
}

/** spec: RFC 9002 §7.6.2 persistent congestion puts the window to its minimum and slow start begins again */
export function cubicOnPersistentCongestion(cubic: usize): void {
  store<f64>(cubic, <f64>(load<u32>(cubic, MSS) * MINIMUM_SEGMENTS), CWND);
  store<u32>(cubic, 0, HAS_RECOVERY);
  store<u32>(cubic, 0, HAS_EPOCH);
}
