/**
 * Slots of connections: taken with fresh ids, given back wiped.
 *
 * Spec       docs/protocol.md "Connection ids"
 * Layer      endpoint (L4)
 * Invariant  ids that this side issues come from its generator, so that nobody can link two of them
 */
import { invariant } from "../base/invariant.ts";
import { ID_ABSENT, idTableGet, idTablePut, idTableRemove } from "../base/id-table.ts";
import { generatorFill } from "../crypto/generator.ts";
import { connectionClear } from "../connection/slot.ts";
import {
  Connection,
  NOTICE_CLOSED,
  PHASE_CLOSED,
  PHASE_FREE,
  PHASE_HANDSHAKE,
} from "../connection/state.ts";
import { connectionAt, endpoint, local } from "./endpoint.ts";

const id = memory.data(8, 8);

/** True while one more unproved initiator may have a slot. */
export function mayAccept(): bool {
  if (!hasFreeSlot()) return false;
  return unconfirmedCount() < (endpoint.connectionsMax + 1) >> 1;
}

export function hasFreeSlot(): bool {
  return endpoint.connectionCount < endpoint.connectionsMax;
}

function unconfirmedCount(): i32 {
  let count = 0;
  for (let slot = 0; slot < endpoint.connectionsMax; slot += 1) {
    const connection = connectionAt(slot);
    if (connection.phase == PHASE_FREE || connection.isInitiator != 0) continue;
    if (connection.isConfirmed == 0) count += 1;
  }
  return count;
}

/** An id that is nobody's here. */
export function freshId(): u64 {
  do {
    generatorFill(local.generator, id, 8);
  } while (idTableGet(endpoint.routes, load<u64>(id)) != ID_ABSENT);
  return load<u64>(id);
}

/**
 * Takes a free slot in phase HANDSHAKE. Packets to its local id reach it, and what comes by `initialRoute`: Hints
 * to the id that this initiator chose, or repeats of the Initial that this responder answers.
 */
export function takeSlot(initialRoute: u64): Connection {
  invariant(hasFreeSlot());
  let slot = 0;
  while (connectionAt(slot).phase != PHASE_FREE) slot += 1;
  const connection = connectionAt(slot);
  endpoint.generation += 1;
  endpoint.connectionCount += 1;
  connection.handle = endpoint.generation * endpoint.connectionsMax + slot;
  connection.phase = PHASE_HANDSHAKE;
  connection.initialRoute = initialRoute;
  invariant(idTablePut(endpoint.routes, initialRoute, slot));
  connection.localId = freshId();
  invariant(idTablePut(endpoint.routes, connection.localId, slot));
  return connection;
}

/** Gives a slot back: no packet reaches it any more, and nothing of it can be read. */
export function giveBackSlot(connection: Connection): void {
  idTableRemove(endpoint.routes, connection.initialRoute);
  idTableRemove(endpoint.routes, connection.localId);
  endpoint.connectionCount -= 1;
  connectionClear(connection);
}

/** Gives the slot of a connection back that is over and of whose end the application has heard. */
export function reclaim(connection: Connection): void {
  if (connection.phase != PHASE_CLOSED) return;
  if ((connection.notices & NOTICE_CLOSED) != 0) return;
  giveBackSlot(connection);
}
