/**
 * Error codes on the wire: the place of the code in wit/types.wit, counted from 1; 0 is none.
 *
 * Spec       docs/protocol.md §8
 * Layer      wire (L1); imports base/status.ts
 */
import { INTERNAL } from "../base/status.ts";

/** Larger numbers than any list of codes can have; a peer's beyond it is kept out of `Status`. */
const ERROR_NUMBER_MAX: u64 = 0xffff;

/** The number of a status: 0 for success. */
export function errorNumber(status: i32): u64 {
  return status < 0 ? <u64>-status : 0;
}

/**
 * The status of a peer's number. A number that only newer peers know is kept, so that the host can
 * show it.
 */
export function statusOfErrorNumber(number: u64): i32 {
  return number > ERROR_NUMBER_MAX ? INTERNAL : -(<i32>number);
}
