/**
 * Unreliable datagrams of the application: queued, sent once, never repeated.
 *
 * Spec       RFC 9221 §3, §5 · docs/protocol.md §7.7
 * Layer      connection (L3)
 */
import { DATAGRAM_TOO_LARGE, OK, WOULD_BLOCK } from "../base/status.ts";
import {
  datagramQueueCopyFront,
  datagramQueueFrontLength,
  datagramQueuePop,
  datagramQueuePush,
} from "../stream/datagram-queue.ts";
import { datagramCapacity } from "../wire/frame-stream.ts";
import { Frame } from "../wire/frame.ts";
import { PACKET_HEADER_SIZE, TAG_SIZE } from "../wire/limits.ts";
import { Event, EVENT_DATAGRAM, EVENT_NONE } from "./event.ts";
import { Connection, PHASE_ESTABLISHED } from "./state.ts";

/** Queues one datagram. Typical errors: DATAGRAM_TOO_LARGE for the peer or the packet. */
export function sendDatagram(connection: Connection, data: usize, size: i32): i32 {
  if (connection.phase != PHASE_ESTABLISHED) return WOULD_BLOCK;
  const capacity = datagramCapacity(connection.maxPacket - PACKET_HEADER_SIZE - TAG_SIZE);
  if (size > capacity || <u32>size > connection.peerMaxDatagram) return DATAGRAM_TOO_LARGE;
  return datagramQueuePush(connection.datagramsOut, data, size);
}

/** Keeps a datagram of the peer for the application; the oldest one makes room. */
export function takeDatagram(connection: Connection, frame: Frame): i32 {
  if (<u32>frame.dataLength > connection.local.maxDatagramBytes) return DATAGRAM_TOO_LARGE;
  datagramQueuePush(connection.datagramsIn, frame.data, frame.dataLength);
  return OK;
}

export function nextDatagramEvent(connection: Connection, event: Event): i32 {
  const size = datagramQueueFrontLength(connection.datagramsIn);
  if (size < 0) return EVENT_NONE;
  event.data = connection.local.output;
  event.dataSize = size;
  datagramQueueCopyFront(connection.datagramsIn, event.data);
  datagramQueuePop(connection.datagramsIn);
  return EVENT_DATAGRAM;
}
