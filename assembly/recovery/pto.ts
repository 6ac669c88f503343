/**
 * The probe timeout: how long to wait for an acknowledgement before asking for one.
 *
 * Spec       RFC 9002 §6.2
 * Layer      recovery (L2)
 */
import { rttSmoothedUs, rttVarianceUs } from "./rtt.ts";

/** RFC 9002 §6.2.4: a timeout may send two packets, so that one lost probe does not cost another backoff. */
export const PROBES_PER_TIMEOUT: u32 = 2;

/** The backoff stops doubling here (2^16 times the first timeout), long after every idle timeout. */
const BACKOFF_MAX: u32 = 16;

/** No two probes of one connection are further apart, unless the path itself is slower. */
const PTO_LONGEST_US: u64 = 3_000_000;

/** spec: RFC 9002 §6.2.1 PTO = smoothed_rtt + max(4*rttvar, kGranularity) + max_ack_delay */
export function ptoBaseUs(rtt: usize, maxAckDelayUs: u64, granularityUs: u64): u64 {
  return rttSmoothedUs(rtt) + max(rttVarianceUs(rtt) << 2, granularityUs) + maxAckDelayUs;
}

/**
 * The timeout after `count` timeouts in a row without an answer.
 *
 * spec-exception: RFC 9002 §6.2.1 doubles without end; here the doubling ends at PTO_LONGEST_US, because two small
 * packets every few seconds harm no path, and a path that comes back within the idle timeout must be noticed.
 */
export function ptoBackedOffUs(baseUs: u64, count: u32): u64 {
  const doubled = baseUs << (<u64>min(count, BACKOFF_MAX));
  return min(doubled, max(baseUs, PTO_LONGEST_US));
}
