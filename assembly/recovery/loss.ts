/**
 * Loss detection: which outstanding packets are given up, and whether the congestion is persistent.
 *
 * Spec       RFC 9002 §6.1, §7.6, §A.10
 * Layer      recovery (L2)
 * Invariant  a packet is given up only when a later one was acknowledged
 * Cost       O(packets between the oldest outstanding one and the largest acknowledged one)
 * Twin       test/reference/recovery.ts
 */
import {
  NO_PACKET,
  SENT_ACKED,
  SENT_ACK_ELICITING,
  SENT_LOST,
  SENT_OUTSTANDING,
  sentPacketAt,
  sentPacketFlags,
  sentPacketState,
  sentPacketTimeUs,
  sentPacketsLargestAcked,
  sentPacketsMarkLost,
  sentPacketsOldest,
} from "./sent-packets.ts";

/** RFC 9002 §6.1.1: kPacketThreshold. */
export const PACKET_THRESHOLD: u64 = 3;
/** RFC 9002 §7.6.1: kPersistentCongestionThreshold. */
export const PERSISTENT_CONGESTION_THRESHOLD: u64 = 3;

/** What `lossDetect` returns when no packet waits for its time threshold. */
export const NO_LOSS_TIME: u64 = 0;

/** spec: RFC 9002 §6.1.2 kTimeThreshold * max(smoothed_rtt, latest_rtt), at least the granularity */
export function lossDelayUs(smoothedRttUs: u64, latestRttUs: u64, granularityUs: u64): u64 {
  const longest = max(smoothedRttUs, latestRttUs);
  return max(longest + (longest >> 3), granularityUs);
}

/**
 * Marks the packets that are lost by now and returns when the next one will be, or NO_LOSS_TIME.
 *
 * spec: RFC 9002 §A.10 DetectAndRemoveLostPackets
 */
export function lossDetect(sent: usize, delayUs: u64, nowUs: u64): u64 {
  const largestAcked = sentPacketsLargestAcked(sent);
  if (largestAcked == NO_PACKET) return NO_LOSS_TIME;
  let lossTimeUs = NO_LOSS_TIME;
  for (let number = sentPacketsOldest(sent); number < largestAcked; number++) {
    const packet = sentPacketAt(sent, number);
    if (sentPacketState(packet) != SENT_OUTSTANDING) continue;
    const dueUs = sentPacketTimeUs(packet) + delayUs;
    if (largestAcked - number >= PACKET_THRESHOLD || dueUs <= nowUs) {
      sentPacketsMarkLost(sent, packet);
    } else if (lossTimeUs == NO_LOSS_TIME || dueUs < lossTimeUs) {
      lossTimeUs = dueUs;
    }
  }
  return lossTimeUs;
}

/**
 * True when the packets marked lost since the lists were last drained show persistent congestion: two
 * ack-eliciting ones further apart than `durationUs`, both sent after the first RTT sample, with nothing
 * acknowledged between them. Must be asked before the ring is trimmed.
 *
 * spec: RFC 9002 §7.6.2
 */
export function lossIsPersistent(sent: usize, durationUs: u64, firstSampleUs: u64): bool {
  const largestAcked = sentPacketsLargestAcked(sent);
  if (largestAcked == NO_PACKET) return false;
  let isRun = false;
  let runStartUs: u64 = 0;
  for (let number = sentPacketsOldest(sent); number < largestAcked; number++) {
    const packet = sentPacketAt(sent, number);
    const state = sentPacketState(packet);
    if (state == SENT_ACKED) isRun = false;
    if (state != SENT_LOST) continue;
    const timeUs = sentPacketTimeUs(packet);
    const isEliciting = (sentPacketFlags(packet) & SENT_ACK_ELICITING) != 0;
    if (!isEliciting || timeUs < firstSampleUs) continue;
    if (!isRun) {
      isRun = true;
      runStartUs = timeUs;
    } else if (timeUs - runStartUs > durationUs) {
      return true;
    }
  }
  return false;
}
