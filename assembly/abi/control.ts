/**
 * The control block: the one place in memory whose address the host asks for; layout.ts says what lies where.
 *
 * Layer      abi (L5)
 */
import { Event } from "../connection/event.ts";
import { invariant } from "../base/invariant.ts";
import {
  CONTROL_SIZE,
  COUNTERS,
  EVENT_BINDING,
  EVENT_CODE,
  EVENT_DATA,
  EVENT_KIND,
  EVENT_REMOTE,
  EVENT_TRACE,
} from "./layout.ts";

export const control = memory.data(CONTROL_SIZE, 16);
export const event = changetype<Event>(control + EVENT_KIND);

/** Address of the control block. */
export function controlAddress(): usize {
  // The record of the engine and the offsets that hosts use are one thing, or nothing works.
  invariant(offsetof<Event>("code") == EVENT_CODE - EVENT_KIND);
  invariant(offsetof<Event>("trace") == EVENT_TRACE - EVENT_KIND);
  invariant(offsetof<Event>("data") == EVENT_DATA - EVENT_KIND);
  invariant(offsetof<Event>("binding") == EVENT_BINDING - EVENT_KIND);
  invariant(offsetof<Event>("remote") == EVENT_REMOTE - EVENT_KIND);
  return control;
}

/** Writes counter `index` of a list of statistics. */
export function setCounter(index: i32, value: u64): void {
  store<u64>(control + COUNTERS + ((<usize>index) << 3), value);
}

/** Whole microseconds or milliseconds of a clock, as hosts hand them over. */
export function clockTime(time: f64): u64 {
  return time > 0 ? <u64>time : 0;
}
