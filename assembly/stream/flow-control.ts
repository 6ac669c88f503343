/**
 * Flow control of a stream or a connection: the credit to send and the window to receive.
 *
 * Spec       RFC 9000 §4
 * Layer      stream (L2)
 * Memory     send credit, CREDIT_SIZE bytes:     0 limit | 8 used | 16 blockedAt      (u64)
 *            receive window, WINDOW_SIZE bytes:  0 limit | 8 received | 16 consumed | 24 windowBytes
 * Invariant  used <= limit, and limits never go down: a smaller one is an old frame that came late
 */
import { FLOW_CONTROL, OK } from "../base/status.ts";
import { invariant } from "../base/invariant.ts";

export const CREDIT_SIZE: usize = 24;
export const WINDOW_SIZE: usize = 32;

const LIMIT: usize = 0;
const USED: usize = 8;
const BLOCKED_AT: usize = 16;

const RECEIVED: usize = 8;
const CONSUMED: usize = 16;
const WINDOW_BYTES: usize = 24;

/** No limit at which a blocked frame was asked for yet. */
const NEVER: u64 = u64.MAX_VALUE;

export function creditInit(credit: usize, limit: u64): void {
  store<u64>(credit, limit, LIMIT);
  store<u64>(credit, 0, USED);
  store<u64>(credit, NEVER, BLOCKED_AT);
}

/** Takes a limit of the peer; true when it is higher than what was known. */
export function creditRaise(credit: usize, limit: u64): bool {
  if (limit <= load<u64>(credit, LIMIT)) return false;
  store<u64>(credit, limit, LIMIT);
  return true;
}

export function creditLimit(credit: usize): u64 {
  return load<u64>(credit, LIMIT);
}

export function creditAvailable(credit: usize): u64 {
  return load<u64>(credit, LIMIT) - load<u64>(credit, USED);
}

export function creditUse(credit: usize, bytes: u64): void {
  invariant(bytes <= creditAvailable(credit));
  store<u64>(credit, load<u64>(credit, USED) + bytes, USED);
}

/** True the first time that this limit stops the sender: then the peer is told once (RFC 9000 §4.1). */
export function creditNoteBlocked(credit: usize): bool {
  const limit = load<u64>(credit, LIMIT);
  if (load<u64>(credit, BLOCKED_AT) == limit) return false;
  store<u64>(credit, limit, BLOCKED_AT);
  return true;
}

/** True while the limit at which a blocked frame was asked for is still the limit and used up. */
export function creditIsBlockedAt(credit: usize, limit: u64): bool {
  return load<u64>(credit, LIMIT) == limit && creditAvailable(credit) == 0;
}

export function windowInit(window: usize, windowBytes: u64): void {
  store<u64>(window, windowBytes, LIMIT);
  store<u64>(window, 0, RECEIVED);
  store<u64>(window, 0, CONSUMED);
  store<u64>(window, windowBytes, WINDOW_BYTES);
}

/** The limit that the peer was last told. */
export function windowLimit(window: usize): u64 {
  return load<u64>(window, LIMIT);
}

export function windowReceived(window: usize): u64 {
  return load<u64>(window, RECEIVED);
}

/** OK when `bytes` more may come; FLOW_CONTROL when the peer went beyond its limit. */
export function windowCheck(window: usize, bytes: u64): i32 {
  return bytes <= load<u64>(window, LIMIT) - load<u64>(window, RECEIVED) ? OK : FLOW_CONTROL;
}

/** Counts bytes that were checked and came. */
export function windowReceive(window: usize, bytes: u64): void {
  store<u64>(window, load<u64>(window, RECEIVED) + bytes, RECEIVED);
}

/** Counts bytes that the application took; true when the peer should be told a new limit. */
export function windowConsume(window: usize, bytes: u64): bool {
  store<u64>(window, load<u64>(window, CONSUMED) + bytes, CONSUMED);
  // Half a window is a compromise between frames and stalls: two updates are in flight at any time.
  const gained = windowNextLimit(window) - load<u64>(window, LIMIT);
  return gained >= max(load<u64>(window, WINDOW_BYTES) >> 1, 1);
}

/** The limit to tell now. */
export function windowNextLimit(window: usize): u64 {
  return load<u64>(window, CONSUMED) + load<u64>(window, WINDOW_BYTES);
}

/** The peer is being told `limit`. */
export function windowAdvertise(window: usize, limit: u64): void {
  invariant(limit >= load<u64>(window, LIMIT));
  store<u64>(window, limit, LIMIT);
}
