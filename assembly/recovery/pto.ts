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

/** spec: RFC 9002 §6.2.1 PTO = smoothed_rtt + max(4*rttvar, kGranularity) + max_ack_delay */
export function ptoBaseUs(rtt: usize, maxAckDelayUs: u64, granularityUs: u64): u64 {
  return rttSmoothedUs(rtt) + max(rttVarianceUs(rtt) << 2, granularityUs) + maxAckDelayUs;
}

/** The timeout after `count` timeouts in a row without an answer. */
export function ptoBackedOffUs(baseUs: u64, count: u32): u64 {
  return baseUs << (<u64>min(count, BACKOFF_MAX));
}
