/**
 * The record of the one endpoint of this instance: its connections, its routes, its arenas, its counters.
 *
 * Layer      endpoint (L4)
 * Memory     Endpoint and Local in static memory; everything else is reserved by `create.ts`, once
 * Invariant  a slot is in `routes` under its local id exactly while its phase is not FREE
 */
import { Connection, PHASE_FREE } from "../connection/state.ts";
import { Local } from "../connection/local.ts";

@unmanaged
export class Endpoint {
  /** False before creation and after disposal. */
  isOpen: i32;
  connectionsMax: i32;
  /** Addresses of the connections, one for each slot. */
  connections: usize;
  /** How often a slot was given out; handles are made of it, so that none returns. */
  generation: i32;
  /** Slots in use. */
  connectionCount: i32;
  routes: usize;
  entropy: usize;
  replies: usize;
  /** Where `transmit` and `nextEvent` go on, so that no slot waits behind another for ever. */
  transmitSlot: i32;
  eventSlot: i32;
  receiveArea: usize;
  receiveAreaSize: i32;
  receiveRecords: usize;
  transmitArea: usize;
  transmitRecords: usize;
  input: usize;
  inputSize: i32;

  // --- counters ---
  datagramsReceived: u64;
  datagramsDropped: u64;
  droppedMalformed: u64;
  droppedUnknownConnection: u64;
  droppedReplayed: u64;
  droppedUnauthentic: u64;
  droppedFull: u64;

  /** All that was reserved, from here to there: wiped on disposal. */
  reservedStart: usize;
  reservedEnd: usize;
}

export const endpoint = changetype<Endpoint>(memory.data(256, 16));
export const local = changetype<Local>(memory.data(256, 16));

export function connectionAt(slot: i32): Connection {
  return changetype<Connection>(load<usize>(endpoint.connections + ((<usize>slot) << 2)));
}

/** The connection that `handle` names, or null when it is gone. */
export function connectionOf(handle: i32): Connection | null {
  if (endpoint.isOpen == 0 || handle < 0) return null;
  const connection = connectionAt(handle % endpoint.connectionsMax);
  return connection.handle == handle && connection.phase != PHASE_FREE ? connection : null;
}
