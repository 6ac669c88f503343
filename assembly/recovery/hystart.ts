/**
 * HyStart++: leaves slow start when the round trip grows, before packets are lost.
 *
 * Spec       RFC 9406 §4
 * Layer      recovery (L2)
 * Memory     HYSTART_SIZE bytes, microseconds:
 *              0          8                 16                   24            32        36      40
 *              | roundEnd | lastRoundMinRtt | currentRoundMinRtt | cssBaseline | samples | phase | cssRounds | pad |
 *            `roundEnd` is the first packet number that was not yet sent when the round began.
 */
export const HYSTART_SIZE: usize = 48;

/** RFC 9406 §4.3. */
export const MIN_RTT_THRESHOLD_US: u64 = 4_000;
export const MAX_RTT_THRESHOLD_US: u64 = 16_000;
const MIN_RTT_DIVISOR: u64 = 8;
export const RTT_SAMPLES_MIN: u32 = 8;
export const CSS_GROWTH_DIVISOR: u64 = 4;
const CSS_ROUNDS: u32 = 5;

const UNKNOWN: u64 = u64.MAX_VALUE;

const ROUND_END: usize = 0;
const LAST_MIN: usize = 8;
const CURRENT_MIN: usize = 16;
const BASELINE: usize = 24;
const SAMPLES: usize = 32;
const PHASE: usize = 36;
const ROUNDS: usize = 40;

const PHASE_SLOW_START: u32 = 0;
/** Conservative slow start: the growth is divided by four until the delay proves real or spurious. */
const PHASE_CONSERVATIVE: u32 = 1;
const PHASE_DONE: u32 = 2;

export function hystartInit(hystart: usize): void {
  store<u64>(hystart, 0, ROUND_END);
  store<u64>(hystart, UNKNOWN, LAST_MIN);
  store<u64>(hystart, UNKNOWN, CURRENT_MIN);
  store<u64>(hystart, UNKNOWN, BASELINE);
  store<u32>(hystart, 0, SAMPLES);
  store<u32>(hystart, PHASE_SLOW_START, PHASE);
  store<u32>(hystart, 0, ROUNDS);
}

/** Loss ended the first slow start; later ones have a threshold and need no help (RFC 9406 §4.3). */
export function hystartStop(hystart: usize): void {
  store<u32>(hystart, PHASE_DONE, PHASE);
}

export function hystartIsConservative(hystart: usize): bool {
  return load<u32>(hystart, PHASE) == PHASE_CONSERVATIVE;
}

/** True when a new round begins; false when five conservative rounds are over and slow start with them. */
function beginRound(hystart: usize, nextPacket: u64): bool {
  if (load<u32>(hystart, PHASE) == PHASE_CONSERVATIVE) {
    const rounds = load<u32>(hystart, ROUNDS) + 1;
    store<u32>(hystart, rounds, ROUNDS);
    if (rounds >= CSS_ROUNDS) {
      store<u32>(hystart, PHASE_DONE, PHASE);
      return false;
    }
  }
  store<u64>(hystart, load<u64>(hystart, CURRENT_MIN), LAST_MIN);
  store<u64>(hystart, UNKNOWN, CURRENT_MIN);
  store<u32>(hystart, 0, SAMPLES);
  store<u64>(hystart, nextPacket, ROUND_END);
  return true;
}

/**
 * Takes the round trip of one ACK in slow start. True when slow start must end now.
 *
 * spec: RFC 9406 §4.2
 */
export function hystartOnAck(hystart: usize, largestAcked: u64, nextPacket: u64, rttUs: u64): bool {
  if (load<u32>(hystart, PHASE) == PHASE_DONE) return false;
  if (largestAcked >= load<u64>(hystart, ROUND_END) && !beginRound(hystart, nextPacket)) {
    return true;
  }
  const current = min(load<u64>(hystart, CURRENT_MIN), rttUs);
  const samples = load<u32>(hystart, SAMPLES) + 1;
  store<u64>(hystart, current, CURRENT_MIN);
  store<u32>(hystart, samples, SAMPLES);
  if (samples < RTT_SAMPLES_MIN) return false;
  if (load<u32>(hystart, PHASE) == PHASE_SLOW_START) {
    const last = load<u64>(hystart, LAST_MIN);
    if (last == UNKNOWN) return false;
    const threshold = min(max(last / MIN_RTT_DIVISOR, MIN_RTT_THRESHOLD_US), MAX_RTT_THRESHOLD_US);
    if (current >= last + threshold) {
      store<u64>(hystart, current, BASELINE);
      store<u32>(hystart, 0, ROUNDS);
      store<u32>(hystart, PHASE_CONSERVATIVE, PHASE);
    }
  } else if (current < load<u64>(hystart, BASELINE)) {
    store<u64>(hystart, UNKNOWN, BASELINE);
    store<u32>(hystart, PHASE_SLOW_START, PHASE);
  }
  return false;
}
