/**
 * Recovery of one path: sent packets, round trip, loss, probes, congestion window and pacer together.
 *
 * Spec       RFC 9002 §A, §B
 * Layer      recovery (L2)
 * Memory     recoverySize(packets, refs) bytes: the fields below, rtt 40, cubic, pacer, then the two rings
 *              0            8               16         20       24            32
 *              | lossTimeUs | firstSampleUs | ptoCount | probes | maxAckDelay | granularity |
 *              40                48         56                    64             72
 *              | lastElicitingUs | ackLargest | ackLargestTimeUs  | packetsSent | bytesSent |
 *              80            88              96              104            108
 *              | packetsLost | probeTimeouts | priorInFlight | ackEliciting | isAppLimited |
 *              112          116    120    124
 *              | maxPacket  | sent | refs | ackSawLargest |
 * Invariant  both lists are empty when an ACK frame or a timeout begins
 * Cost       O(newly acknowledged + newly lost) for each ACK frame
 * Twin       test/reference/recovery.ts
 */
import { invariant } from "../base/invariant.ts";
import { OK, PROTOCOL_VIOLATION } from "../base/status.ts";
import {
  CUBIC_SIZE,
  cubicInit,
  cubicIsSlowStart,
  cubicOnAcked,
  cubicOnLoss,
  cubicOnPersistentCongestion,
  cubicOnRttSample,
  cubicWindow,
} from "./cubic.ts";
import { frameRefsInit, frameRefsSize } from "./frame-refs.ts";
import {
  NO_LOSS_TIME,
  PERSISTENT_CONGESTION_THRESHOLD,
  lossDelayUs,
  lossDetect,
  lossIsPersistent,
} from "./loss.ts";
import {
  PACER_SIZE,
  pacerInit,
  pacerOnFirstSample,
  pacerRefill,
  pacerTimeUs,
  pacerUse,
} from "./pacer.ts";
import { PROBES_PER_TIMEOUT, ptoBackedOffUs, ptoBaseUs } from "./pto.ts";
import {
  INITIAL_RTT_US,
  RTT_SIZE,
  rttHasSample,
  rttInit,
  rttLatestUs,
  rttSmoothedUs,
  rttUpdate,
} from "./rtt.ts";
import {
  SENT_ACK_ELICITING,
  SENT_IN_FLIGHT,
  SENT_OUTSTANDING,
  SENT_SKIPPED,
  sentPacketAt,
  sentPacketBytes,
  sentPacketFlags,
  sentPacketNumber,
  sentPacketState,
  sentPacketTimeUs,
  sentPacketsAdd,
  sentPacketsBehind,
  sentPacketsBytesInFlight,
  sentPacketsElicitingInFlight,
  sentPacketsFirstAcked,
  sentPacketsFirstLost,
  sentPacketsHasRoom,
  sentPacketsInit,
  sentPacketsLargestAcked,
  sentPacketsMarkAcked,
  sentPacketsNext,
  sentPacketsOldest,
  sentPacketsRaiseLargestAcked,
  sentPacketsSize,
  sentPacketsSkip,
  sentPacketsTakeAcked,
  sentPacketsTakeLost,
  sentPacketsTrim,
} from "./sent-packets.ts";

/** What `recoveryOnTimeout` found. */
export const TIMEOUT_NONE: i32 = 0;
/** Packets reached their time threshold: drain the list of lost ones. */
export const TIMEOUT_LOSS: i32 = 1;
/** No answer for a whole timeout: send `recoveryProbes` ack-eliciting packets. */
export const TIMEOUT_PROBE: i32 = 2;

const LOSS_TIME: usize = 0;
const FIRST_SAMPLE: usize = 8;
const PTO_COUNT: usize = 16;
const PROBES: usize = 20;
const MAX_ACK_DELAY: usize = 24;
const GRANULARITY: usize = 32;
const LAST_ELICITING: usize = 40;
const ACK_LARGEST: usize = 48;
const ACK_LARGEST_TIME: usize = 56;
const PACKETS_SENT: usize = 64;
const BYTES_SENT: usize = 72;
const PACKETS_LOST: usize = 80;
const PROBE_TIMEOUTS: usize = 88;
const PRIOR_IN_FLIGHT: usize = 96;
const ACK_ELICITING_SEEN: usize = 104;
const APP_LIMITED: usize = 108;
const MAX_PACKET: usize = 112;
const SENT: usize = 116;
const REFS: usize = 120;
const ACK_SAW_LARGEST: usize = 124;
const RTT: usize = 128;
const CUBIC: usize = RTT + RTT_SIZE;
const PACER: usize = CUBIC + CUBIC_SIZE;
const RINGS: usize = PACER + PACER_SIZE;

/** A window with less than this many segments free counts as filled (RFC 9002 §7.8). */
const FILLED_WITHIN_SEGMENTS: u64 = 3;

/** Bytes of the record with its rings; both capacities are powers of two. */
export function recoverySize(packetCapacity: u32, refCapacity: u32): usize {
  return RINGS + sentPacketsSize(packetCapacity) + frameRefsSize(refCapacity);
}

export function recoveryInit(
  r: usize,
  packetCapacity: u32,
  refCapacity: u32,
  maxPacketBytes: u32,
  granularityUs: u64,
): void {
  memory.fill(r, 0, RINGS);
  const sent = r + RINGS;
  const refs = sent + sentPacketsSize(packetCapacity);
  frameRefsInit(refs, refCapacity);
  sentPacketsInit(sent, packetCapacity, refs);
  store<u64>(r, granularityUs, GRANULARITY);
  store<u32>(r, maxPacketBytes, MAX_PACKET);
  store<usize>(r, sent, SENT);
  store<usize>(r, refs, REFS);
  rttInit(r + RTT, INITIAL_RTT_US);
  cubicInit(r + CUBIC, maxPacketBytes);
  pacerInit(r + PACER, maxPacketBytes, granularityUs);
}

/** Sets the delay that the peer promised not to exceed before it acknowledges. */
export function recoverySetPeer(r: usize, maxAckDelayUs: u64): void {
  store<u64>(r, maxAckDelayUs, MAX_ACK_DELAY);
}

/** The round-trip record, for rtt.ts. */
export function recoveryRtt(r: usize): usize {
  return r + RTT;
}

/** The ring of sent packets, for sent-packets.ts. */
export function recoverySent(r: usize): usize {
  return load<usize>(r, SENT);
}

/** The ring of frame references, for frame-refs.ts. */
export function recoveryRefs(r: usize): usize {
  return load<usize>(r, REFS);
}

export function recoveryNextPacketNumber(r: usize): u64 {
  return sentPacketsNext(load<usize>(r, SENT));
}

/** Leaves out one packet number. A peer that acknowledges it has acknowledged what it did not receive. */
export function recoverySkipPacketNumber(r: usize): void {
  sentPacketsSkip(load<usize>(r, SENT));
}

/** NO_PACKET before the first acknowledgement. */
export function recoveryLargestAcked(r: usize): u64 {
  return sentPacketsLargestAcked(load<usize>(r, SENT));
}

/** True when one more packet with `refCount` frames can be remembered. */
export function recoveryHasRoom(r: usize, refCount: u32): bool {
  return sentPacketsHasRoom(load<usize>(r, SENT), refCount);
}

/**
 * Bytes that may leave now as packets in flight. Probes that are owed may always leave (RFC 9002 §7.5);
 * otherwise the answer is 0 unless a whole packet fits.
 */
export function recoverySendableBytes(r: usize, nowUs: u64): u64 {
  const window = cubicWindow(r + CUBIC);
  const credit = pacerRefill(
    r + PACER,
    window,
    rttSmoothedUs(r + RTT),
    cubicIsSlowStart(r + CUBIC),
    nowUs,
  );
  const maxPacket = <u64>load<u32>(r, MAX_PACKET);
  const probes = load<u32>(r, PROBES);
  if (probes > 0) return <u64>probes * maxPacket;
  const inFlight = sentPacketsBytesInFlight(load<usize>(r, SENT));
  const free = window > inFlight ? window - inFlight : 0;
  const sendable = min(free, credit);
  return sendable < maxPacket ? 0 : sendable;
}

/** When the pacer lets the next packet go; 0 when it is not the pacer that holds it. */
export function recoveryPacingTimeUs(r: usize, nowUs: u64): u64 {
  const window = cubicWindow(r + CUBIC);
  const inFlight = sentPacketsBytesInFlight(load<usize>(r, SENT));
  if (inFlight + load<u32>(r, MAX_PACKET) > window) return 0;
  return pacerTimeUs(r + PACER, window, rttSmoothedUs(r + RTT), cubicIsSlowStart(r + CUBIC), nowUs);
}

/** Says why the last turn of sending stopped: true when there was nothing more to send. */
export function recoverySetAppLimited(r: usize, isAppLimited: bool): void {
  store<u32>(r, isAppLimited ? 1 : 0, APP_LIMITED);
}

/**
 * Remembers the packet that was just built, with the frame references added since `firstRef`. Returns its
 * number.
 *
 * spec: RFC 9002 §A.5
 */
export function recoveryOnPacketSent(
  r: usize,
  firstRef: u32,
  bytes: u32,
  flags: u8,
  nowUs: u64,
): u64 {
  const sent = load<usize>(r, SENT);
  const number = sentPacketsNext(sent);
  sentPacketsAdd(sent, firstRef, bytes, flags, nowUs);
  store<u64>(r, load<u64>(r, PACKETS_SENT) + 1, PACKETS_SENT);
  store<u64>(r, load<u64>(r, BYTES_SENT) + bytes, BYTES_SENT);
  if ((flags & SENT_ACK_ELICITING) != 0) {
    store<u64>(r, nowUs, LAST_ELICITING);
    const probes = load<u32>(r, PROBES);
    if (probes > 0) store<u32>(r, probes - 1, PROBES);
  }
  if ((flags & SENT_IN_FLIGHT) != 0) pacerUse(r + PACER, bytes);
  return number;
}

/**
 * Begins an ACK frame whose largest number is `largest`.
 *
 * Typical errors: PROTOCOL_VIOLATION when that packet was never sent (RFC 9000 §13.1).
 */
export function recoveryAckBegin(r: usize, largest: u64): i32 {
  const sent = load<usize>(r, SENT);
  if (largest >= sentPacketsNext(sent)) return PROTOCOL_VIOLATION;
  invariant(sentPacketsFirstAcked(sent) == 0 && sentPacketsFirstLost(sent) == 0);
  sentPacketsTrim(sent);
  store<u64>(r, largest, ACK_LARGEST);
  store<u64>(r, sentPacketsBytesInFlight(sent), PRIOR_IN_FLIGHT);
  store<u32>(r, 0, ACK_ELICITING_SEEN);
  store<u32>(r, 0, ACK_SAW_LARGEST);
  return OK;
}

/**
 * Takes one range of the frame, both ends included.
 *
 * Typical errors: PROTOCOL_VIOLATION when it covers a number that was left out or never sent. After an
 * error the connection closes; what was marked before stays marked.
 */
export function recoveryAckRange(r: usize, smallest: u64, largest: u64): i32 {
  const sent = load<usize>(r, SENT);
  if (smallest > largest || largest > load<u64>(r, ACK_LARGEST)) return PROTOCOL_VIOLATION;
  const from = max(smallest, sentPacketsOldest(sent));
  for (let number = from; number <= largest; number++) {
    const packet = sentPacketAt(sent, number);
    const state = sentPacketState(packet);
    if (state == SENT_SKIPPED) return PROTOCOL_VIOLATION;
    if (state != SENT_OUTSTANDING) continue;
    if ((sentPacketFlags(packet) & SENT_ACK_ELICITING) != 0) store<u32>(r, 1, ACK_ELICITING_SEEN);
    if (number == load<u64>(r, ACK_LARGEST)) {
      store<u32>(r, 1, ACK_SAW_LARGEST);
      store<u64>(r, sentPacketTimeUs(packet), ACK_LARGEST_TIME);
    }
    sentPacketsMarkAcked(sent, packet);
  }
  return OK;
}

/** spec: RFC 9002 §5.1: a sample only when the largest number is newly acknowledged and the ACK was elicited */
function sampleRtt(r: usize, ackDelayUs: u64, nowUs: u64): void {
  if (load<u32>(r, ACK_SAW_LARGEST) == 0 || load<u32>(r, ACK_ELICITING_SEEN) == 0) return;
  const sentUs = load<u64>(r, ACK_LARGEST_TIME);
  // A clock that has not moved says nothing about the path (docs/protocol.md "Timing").
  if (nowUs <= sentUs) return;
  const rtt = r + RTT;
  if (!rttHasSample(rtt)) {
    store<u64>(r, nowUs, FIRST_SAMPLE);
    pacerOnFirstSample(r + PACER);
  }
  rttUpdate(rtt, nowUs - sentUs, ackDelayUs, load<u64>(r, MAX_ACK_DELAY));
  const next = sentPacketsNext(load<usize>(r, SENT));
  cubicOnRttSample(r + CUBIC, load<u64>(r, ACK_LARGEST), next, nowUs - sentUs);
}

/** Marks what is lost by now and reduces the window for it. spec: RFC 9002 §B.8 */
function detectLoss(r: usize, nowUs: u64): void {
  const sent = load<usize>(r, SENT);
  const rtt = r + RTT;
  const granularityUs = load<u64>(r, GRANULARITY);
  const delayUs = lossDelayUs(rttSmoothedUs(rtt), rttLatestUs(rtt), granularityUs);
  store<u64>(r, lossDetect(sent, delayUs, nowUs), LOSS_TIME);
  let packet = sentPacketsFirstLost(sent);
  if (packet == 0) return;
  let lost: u64 = 0;
  let latestUs: u64 = 0;
  let isInFlightLost = false;
  for (; packet != 0; packet = sentPacketsBehind(packet)) {
    if ((sentPacketFlags(packet) & SENT_IN_FLIGHT) == 0) continue;
    lost++;
    isInFlightLost = true;
    latestUs = max(latestUs, sentPacketTimeUs(packet));
  }
  if (!isInFlightLost) return;
  store<u64>(r, load<u64>(r, PACKETS_LOST) + lost, PACKETS_LOST);
  cubicOnLoss(r + CUBIC, latestUs, nowUs);
  if (!rttHasSample(rtt)) return;
  const baseUs = ptoBaseUs(rtt, load<u64>(r, MAX_ACK_DELAY), granularityUs);
  const durationUs = baseUs * PERSISTENT_CONGESTION_THRESHOLD;
  if (lossIsPersistent(sent, durationUs, load<u64>(r, FIRST_SAMPLE))) {
    cubicOnPersistentCongestion(r + CUBIC);
  }
}

/** spec: RFC 9002 §7.8: the window grows only while it is what limits the sender */
function isWindowUnderused(r: usize): bool {
  if (load<u32>(r, APP_LIMITED) == 0) return false;
  const window = cubicWindow(r + CUBIC);
  const inFlight = load<u64>(r, PRIOR_IN_FLIGHT);
  // In slow start a half-filled window still grows: the burst of one turn fills it in the next.
  if (cubicIsSlowStart(r + CUBIC) && inFlight > window >> 1) return false;
  return inFlight + FILLED_WITHIN_SEGMENTS * load<u32>(r, MAX_PACKET) < window;
}

/**
 * Ends the frame: round trip, loss, window and timers follow. Then drain `recoveryNextAcked` and
 * `recoveryNextLost`.
 *
 * spec: RFC 9002 §A.7
 */
export function recoveryAckEnd(r: usize, ackDelayUs: u64, nowUs: u64): void {
  const sent = load<usize>(r, SENT);
  let packet = sentPacketsFirstAcked(sent);
  if (packet == 0) return;
  sentPacketsRaiseLargestAcked(sent, load<u64>(r, ACK_LARGEST));
  sampleRtt(r, ackDelayUs, nowUs);
  const isLimited = isWindowUnderused(r);
  detectLoss(r, nowUs);
  const smoothedUs = rttSmoothedUs(r + RTT);
  for (; packet != 0; packet = sentPacketsBehind(packet)) {
    if ((sentPacketFlags(packet) & SENT_IN_FLIGHT) == 0) continue;
    cubicOnAcked(
      r + CUBIC,
      sentPacketBytes(packet),
      sentPacketTimeUs(packet),
      isLimited,
      smoothedUs,
      nowUs,
    );
  }
  store<u32>(r, 0, PTO_COUNT);
  store<u32>(r, 0, PROBES);
}

/** The next newly acknowledged packet (a record of sent-packets.ts), or 0. */
export function recoveryNextAcked(r: usize): usize {
  return sentPacketsTakeAcked(load<usize>(r, SENT));
}

/** The next newly lost packet (a record of sent-packets.ts), or 0. */
export function recoveryNextLost(r: usize): usize {
  return sentPacketsTakeLost(load<usize>(r, SENT));
}

/** The one deadline of recovery; 0 when nothing is awaited. spec: RFC 9002 §A.8 */
export function recoveryTimerUs(r: usize): u64 {
  const lossTimeUs = load<u64>(r, LOSS_TIME);
  if (lossTimeUs != NO_LOSS_TIME) return lossTimeUs;
  if (sentPacketsElicitingInFlight(load<usize>(r, SENT)) == 0) return 0;
  const timeoutUs = ptoBackedOffUs(recoveryPtoUs(r), load<u32>(r, PTO_COUNT));
  return load<u64>(r, LAST_ELICITING) + timeoutUs;
}

/** Looks at the clock: TIMEOUT_NONE, TIMEOUT_LOSS or TIMEOUT_PROBE. spec: RFC 9002 §A.9 */
export function recoveryOnTimeout(r: usize, nowUs: u64): i32 {
  const timerUs = recoveryTimerUs(r);
  if (timerUs == 0 || timerUs > nowUs) return TIMEOUT_NONE;
  const sent = load<usize>(r, SENT);
  invariant(sentPacketsFirstAcked(sent) == 0 && sentPacketsFirstLost(sent) == 0);
  if (load<u64>(r, LOSS_TIME) != NO_LOSS_TIME) {
    sentPacketsTrim(sent);
    detectLoss(r, nowUs);
    return TIMEOUT_LOSS;
  }
  store<u32>(r, load<u32>(r, PTO_COUNT) + 1, PTO_COUNT);
  store<u32>(r, PROBES_PER_TIMEOUT, PROBES);
  store<u64>(r, load<u64>(r, PROBE_TIMEOUTS) + 1, PROBE_TIMEOUTS);
  return TIMEOUT_PROBE;
}

/** How many probes are owed: ack-eliciting packets that may exceed the window. */
export function recoveryProbes(r: usize): u32 {
  return load<u32>(r, PROBES);
}

/** The oldest outstanding ack-eliciting packet, whose frames a probe repeats best; 0 when there is none. */
export function recoveryOldestUnacked(r: usize): usize {
  return unackedFrom(r, sentPacketsOldest(load<usize>(r, SENT)));
}

/** The next outstanding ack-eliciting packet behind `packet`, for the second probe; 0 when there is none. */
export function recoveryUnackedBehind(r: usize, packet: usize): usize {
  return unackedFrom(r, sentPacketNumber(packet) + 1);
}

function unackedFrom(r: usize, from: u64): usize {
  const sent = load<usize>(r, SENT);
  for (let number = from; number < sentPacketsNext(sent); number++) {
    const packet = sentPacketAt(sent, number);
    if (sentPacketState(packet) != SENT_OUTSTANDING) continue;
    if ((sentPacketFlags(packet) & SENT_ACK_ELICITING) != 0) return packet;
  }
  return 0;
}

/** One probe timeout without backoff: the unit of idle, draining and key-discard periods. */
export function recoveryPtoUs(r: usize): u64 {
  return ptoBaseUs(r + RTT, load<u64>(r, MAX_ACK_DELAY), load<u64>(r, GRANULARITY));
}

/** The peer's address changed: what was learned about the old path does not hold (RFC 9000 §9.4). */
export function recoveryOnAddressChange(r: usize): void {
  const maxPacketBytes = load<u32>(r, MAX_PACKET);
  rttInit(r + RTT, INITIAL_RTT_US);
  cubicInit(r + CUBIC, maxPacketBytes);
  pacerInit(r + PACER, maxPacketBytes, load<u64>(r, GRANULARITY));
  store<u64>(r, 0, FIRST_SAMPLE);
  store<u32>(r, 0, PTO_COUNT);
}

export function recoveryCongestionWindow(r: usize): u64 {
  return cubicWindow(r + CUBIC);
}

export function recoveryBytesInFlight(r: usize): u64 {
  return sentPacketsBytesInFlight(load<usize>(r, SENT));
}

export function recoveryPacketsSent(r: usize): u64 {
  return load<u64>(r, PACKETS_SENT);
}

export function recoveryBytesSent(r: usize): u64 {
  return load<u64>(r, BYTES_SENT);
}

export function recoveryPacketsLost(r: usize): u64 {
  return load<u64>(r, PACKETS_LOST);
}

export function recoveryProbeTimeouts(r: usize): u64 {
  return load<u64>(r, PROBE_TIMEOUTS);
}
