/**
 * Setting the streams and datagrams of a connection up, and giving their memory back.
 *
 * Layer      connection (L3)
 * Memory     in the slot: Streams record with its table of ids | datagrams to send | datagrams received
 * Limits     DATAGRAM_QUEUE_BYTES each way; the oldest datagram makes room for the newest
 */
import { datagramQueueInit, datagramQueueSize } from "../stream/datagram-queue.ts";
import { streamsClose, streamsInit, streamsSetPeerLimits, streamsSize } from "../stream/streams.ts";
import { Connection } from "./state.ts";
import {
  LOCAL_STREAMS_MAX,
  receiveBudgetBlocks,
  sendBudgetBlocks,
  SEND_BUFFER_BYTES,
} from "./stream-memory.ts";

const DATAGRAM_QUEUE_BYTES: u32 = 32 * 1024;

function idsMax(streamsMax: i32): u32 {
  return <u32>(streamsMax + LOCAL_STREAMS_MAX);
}

function align16(size: usize): usize {
  return (size + 15) & ~15;
}

/** Bytes in the slot of a connection whose peer may have `streamsMax` streams open. */
export function streamsMemorySize(streamsMax: i32): usize {
  const queues = <usize>2 * align16(datagramQueueSize(DATAGRAM_QUEUE_BYTES));
  return align16(streamsSize(idsMax(streamsMax))) + queues;
}

/** Lays the parts out behind `connection.streams`. */
export function initStreams(connection: Connection, streamsMax: i32): void {
  connection.datagramsOut = connection.streams + align16(streamsSize(idsMax(streamsMax)));
  const size = align16(datagramQueueSize(DATAGRAM_QUEUE_BYTES));
  connection.datagramsIn = connection.datagramsOut + size;
}

/** The peer's limits are known: streams can begin. */
export function startStreams(connection: Connection): void {
  const local = connection.local;
  const streams = connection.streams;
  streamsInit(
    streams,
    idsMax(local.maxStreamsBidi),
    local.streamSlab,
    local.blockPool,
    connection.isInitiator == 0,
    local.maxData,
    local.maxStreamData,
    local.maxStreamsBidi,
    SEND_BUFFER_BYTES,
    sendBudgetBlocks(local),
    receiveBudgetBlocks(local),
  );
  streamsSetPeerLimits(
    streams,
    connection.peerMaxData,
    connection.peerMaxStreamData,
    connection.peerMaxStreamsBidi,
  );
  datagramQueueInit(connection.datagramsOut, DATAGRAM_QUEUE_BYTES);
  datagramQueueInit(connection.datagramsIn, DATAGRAM_QUEUE_BYTES);
  connection.hasStreams = 1;
}

/** Gives every block and record back to the endpoint. */
export function endStreams(connection: Connection): void {
  if (connection.hasStreams == 0) return;
  connection.hasStreams = 0;
  streamsClose(connection.streams);
}
