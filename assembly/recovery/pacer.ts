/**
 * The pacer: a token bucket that spreads the congestion window over the round trip.
 *
 * Spec       RFC 9002 §7.7
 * Layer      recovery (L2)
 * Memory     PACER_SIZE bytes:
 *              0        8        16            24    28
 *              | credit | lastUs | granularity | mss | burst segments |
 *            `credit` is bytes as f64 and may be negative after a probe.
 * Invariant  credit <= max(burst, what the rate earns in one timer granularity)
 *
 * Below the timer granularity pacing is by credit per turn: a host that wakes once in a millisecond gets a
 * millisecond's worth, and is never told to come back sooner than its timers can.
 */
export const PACER_SIZE: usize = 32;

/** RFC 9002 §7.7: no more than the initial window at once before the first round trip is known. */
const INITIAL_BURST_SEGMENTS: u32 = 10;
/** Segments that one send of the carrier may hold while calls wait (docs/protocol.md "Pacing"). */
const BURST_SEGMENTS: u32 = 16;
/** RFC 9002 §7.7: N = 1.25; in slow start 2, since the window doubles in a round trip. */
const GAIN: f64 = 1.25;
const GAIN_SLOW_START: f64 = 2.0;

const CREDIT: usize = 0;
const LAST: usize = 8;
const GRANULARITY: usize = 16;
const MSS: usize = 24;
const BURST: usize = 28;

export function pacerInit(pacer: usize, maxPacketBytes: u32, granularityUs: u64): void {
  store<f64>(pacer, <f64>(INITIAL_BURST_SEGMENTS * maxPacketBytes), CREDIT);
  store<u64>(pacer, 0, LAST);
  store<u64>(pacer, granularityUs, GRANULARITY);
  store<u32>(pacer, maxPacketBytes, MSS);
  store<u32>(pacer, INITIAL_BURST_SEGMENTS, BURST);
}

/** The first round trip is known: bursts may be as long as one send of the carrier. */
export function pacerOnFirstSample(pacer: usize): void {
  store<u32>(pacer, BURST_SEGMENTS, BURST);
}

/** Bytes for each microsecond. */
function rate(windowBytes: u64, smoothedRttUs: u64, isSlowStart: bool): f64 {
  const gain = isSlowStart ? GAIN_SLOW_START : GAIN;
  return (gain * <f64>windowBytes) / <f64>max(smoothedRttUs, 1);
}

/** Earns the credit since the last turn and returns what may be sent now. */
export function pacerRefill(
  pacer: usize,
  windowBytes: u64,
  smoothedRttUs: u64,
  isSlowStart: bool,
  nowUs: u64,
): u64 {
  const bytesPerUs = rate(windowBytes, smoothedRttUs, isSlowStart);
  const burst = <f64>(load<u32>(pacer, BURST) * load<u32>(pacer, MSS));
  const capacity = max(burst, bytesPerUs * <f64>load<u64>(pacer, GRANULARITY));
  const last = load<u64>(pacer, LAST);
  let credit = load<f64>(pacer, CREDIT);
  if (nowUs > last) {
    credit += bytesPerUs * <f64>(nowUs - last);
    store<u64>(pacer, nowUs, LAST);
  }
  if (credit > capacity) credit = capacity;
  store<f64>(pacer, credit, CREDIT);
  return credit < <f64>load<u32>(pacer, MSS) ? 0 : <u64>credit;
}

export function pacerUse(pacer: usize, bytes: u32): void {
  store<f64>(pacer, load<f64>(pacer, CREDIT) - <f64>bytes, CREDIT);
}

/** When one whole packet may leave; 0 when it may leave now. Ask after `pacerRefill` of the same turn. */
export function pacerTimeUs(
  pacer: usize,
  windowBytes: u64,
  smoothedRttUs: u64,
  isSlowStart: bool,
  nowUs: u64,
): u64 {
  const missing = <f64>load<u32>(pacer, MSS) - load<f64>(pacer, CREDIT);
  if (missing <= 0.0) return 0;
  const waitUs = <u64>ceil<f64>(missing / rate(windowBytes, smoothedRttUs, isSlowStart));
  return nowUs + max(waitUs, load<u64>(pacer, GRANULARITY));
}
