/**
 * Stream ids: `index << 2 | initiator-is-server << 1 | is-unidirectional`.
 *
 * Spec       docs/protocol.md §9.1
 * Layer      wire (L1); imports nothing
 * Limits     ids stay below 2^62; unidirectional streams are reserved
 */
import { INTEGER_MAX } from "./limits.ts";

/**
 * The id of the `index`-th bidirectional stream of one side. "Server" is the responder of the
 * handshake.
 */
export function bidirectionalStreamId(index: u64, isByServer: bool): u64 {
  return (index << 2) | (isByServer ? 2 : 0);
}

export function streamIndex(id: u64): u64 {
  return id >> 2;
}

export function isStreamByServer(id: u64): bool {
  return (id & 2) != 0;
}

export function isStreamUnidirectional(id: u64): bool {
  return (id & 1) != 0;
}

/** True for an id that can be on the wire: in range and bidirectional. */
export function isStreamIdValid(id: u64): bool {
  return id <= INTEGER_MAX && !isStreamUnidirectional(id);
}
