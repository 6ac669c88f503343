/**
 * Packet numbers as they are sent: as many bytes as the receiver needs to tell which one is meant.
 *
 * Spec       RFC 9000 §17.1, A.2, A.3 · docs/protocol.md §4.3
 * Layer      wire (L1); imports nothing
 * Limits     numbers stay below 2^62; 1 to 4 bytes are sent
 * Twin       test/reference/packets.ts
 */
import { INTEGER_MAX } from "./limits.ts";

/**
 * Significant bytes (1 to 4) of `packetNumber` for a peer that has acknowledged up to
 * `largestAcked`, -1 when nothing yet. Twice the span of numbers in flight must fit, so that late
 * packets are not mistaken.
 */
export function packetNumberBytes(packetNumber: u64, largestAcked: i64): i32 {
  // spec: RFC 9000 A.2 num_unacked is counted from the start when nothing was acknowledged.
  const unacked: u64 = largestAcked < 0 ? packetNumber + 1 : packetNumber - <u64>largestAcked;
  if (unacked <= 1 << 7) return 1;
  if (unacked <= 1 << 15) return 2;
  if (unacked <= 1 << 23) return 3;
  return 4;
}

/** The low `bytes` bytes of `packetNumber`. */
export function truncatePacketNumber(packetNumber: u64, bytes: i32): u32 {
  return <u32>packetNumber & (0xffffffff >>> (32 - 8 * bytes));
}

/**
 * The full number meant by `truncated` (of `bytes` bytes) when `largest` is the largest number
 * received so far, -1 when none: the candidate closest to `largest + 1`.
 */
export function expandPacketNumber(largest: i64, truncated: u32, bytes: i32): u64 {
  const window: u64 = (<u64>1) << (8 * bytes);
  const half = window >> 1;
  const expected = <u64>(largest + 1);
  const candidate = (expected & ~(window - 1)) | <u64>truncated;
  // spec: RFC 9000 A.3; the comparisons are written so that nothing wraps below zero.
  if (candidate + half <= expected && candidate < INTEGER_MAX + 1 - window) {
    return candidate + window;
  }
  if (candidate > expected + half && candidate >= window) return candidate - window;
  return candidate;
}
