/**
 * What the host asks for after each input: the next event, the next timeout, and the timeouts themselves.
 *
 * Layer      endpoint (L4)
 */
import { connectionOnTimeout } from "../connection/connection.ts";
import { Event, EVENT_NONE } from "../connection/event.ts";
import { nextConnectionEvent } from "../connection/events.ts";
import { PHASE_FREE } from "../connection/state.ts";
import { connectionTimeoutUs, NO_TIMER } from "../connection/timers.ts";
import { connectionAt, endpoint } from "./endpoint.ts";
import { reclaim } from "./slots.ts";

/** Handles every timer of every connection that has passed. */
export function handleTimeouts(nowUs: u64): void {
  for (let slot = 0; slot < endpoint.connectionsMax; slot += 1) {
    const connection = connectionAt(slot);
    if (connection.phase == PHASE_FREE) continue;
    connectionOnTimeout(connection, nowUs);
    reclaim(connection);
  }
}

/** The earliest timer of all connections, or NO_TIMER. */
export function nextTimeoutUs(): u64 {
  let earliest = NO_TIMER;
  for (let slot = 0; slot < endpoint.connectionsMax; slot += 1) {
    const connection = connectionAt(slot);
    if (connection.phase != PHASE_FREE) earliest = min(earliest, connectionTimeoutUs(connection));
  }
  return earliest;
}

/** Writes the next event to `event` and returns its kind. */
export function nextEvent(event: Event): i32 {
  const slots = endpoint.connectionsMax;
  for (let turn = 0; turn < slots; turn += 1) {
    const slot = (endpoint.eventSlot + turn) % slots;
    const connection = connectionAt(slot);
    if (connection.phase == PHASE_FREE) continue;
    const kind = nextConnectionEvent(connection, event);
    if (kind == EVENT_NONE) continue;
    endpoint.eventSlot = slot;
    return kind;
  }
  return EVENT_NONE;
}
