/**
 * The round-trip estimator of one path.
 *
 * Spec       RFC 9002 §5
 * Layer      recovery (L2)
 * Memory     RTT_SIZE bytes, microseconds:
 *              0           8             16       24       32          40
 *              | latestRtt | smoothedRtt | rttVar | minRtt | samples   |
 * Invariant  minRtt <= latestRtt after the first sample;  minRtt is 0 before it
 * Twin       test/reference/rtt.ts
 */
export const RTT_SIZE: usize = 40;

/** RFC 9002 §6.2.2: the round trip assumed before the first sample. */
export const INITIAL_RTT_US: u64 = 333_000;

const LATEST: usize = 0;
const SMOOTHED: usize = 8;
const VARIANCE: usize = 16;
const MINIMUM: usize = 24;
const SAMPLES: usize = 32;

export function rttInit(rtt: usize, initialRttUs: u64): void {
  store<u64>(rtt, 0, LATEST);
  store<u64>(rtt, initialRttUs, SMOOTHED);
  store<u64>(rtt, initialRttUs >> 1, VARIANCE);
  store<u64>(rtt, 0, MINIMUM);
  store<u64>(rtt, 0, SAMPLES);
}

export function rttLatestUs(rtt: usize): u64 {
  return load<u64>(rtt, LATEST);
}

export function rttSmoothedUs(rtt: usize): u64 {
  return load<u64>(rtt, SMOOTHED);
}

export function rttVarianceUs(rtt: usize): u64 {
  return load<u64>(rtt, VARIANCE);
}

/** The smallest sample; 0 before the first one. */
export function rttMinimumUs(rtt: usize): u64 {
  return load<u64>(rtt, MINIMUM);
}

export function rttHasSample(rtt: usize): bool {
  return load<u64>(rtt, SAMPLES) > 0;
}

/**
 * Takes one sample. `ackDelayUs` is what the peer says it waited, `maxAckDelayUs` what it promised at most.
 *
 * spec: RFC 9002 §5.3
 */
export function rttUpdate(rtt: usize, sampleUs: u64, ackDelayUs: u64, maxAckDelayUs: u64): void {
  store<u64>(rtt, sampleUs, LATEST);
  if (!rttHasSample(rtt)) {
    store<u64>(rtt, sampleUs, MINIMUM);
    store<u64>(rtt, sampleUs, SMOOTHED);
    store<u64>(rtt, sampleUs >> 1, VARIANCE);
    store<u64>(rtt, 1, SAMPLES);
    return;
  }
  const minimum = min(load<u64>(rtt, MINIMUM), sampleUs);
  store<u64>(rtt, minimum, MINIMUM);
  store<u64>(rtt, load<u64>(rtt, SAMPLES) + 1, SAMPLES);
  const ackDelay = min(ackDelayUs, maxAckDelayUs);
  // A sample that would fall below the minimum shows that the peer overstated its delay.
  const adjusted = sampleUs - minimum >= ackDelay ? sampleUs - ackDelay : sampleUs;
  const smoothed = load<u64>(rtt, SMOOTHED);
  const distance = smoothed > adjusted ? smoothed - adjusted : adjusted - smoothed;
  store<u64>(rtt, (load<u64>(rtt, VARIANCE) * 3 + distance) >> 2, VARIANCE);
  store<u64>(rtt, (smoothed * 7 + adjusted) >> 3, SMOOTHED);
}
