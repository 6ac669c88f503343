/**
 * The record of all streams of one connection: where its parts lie. The files around it give them meaning.
 *
 * Layer      stream (L2)
 * Memory     STREAMS_HEADER bytes, then the table of ids (base/id-table.ts):
 *              0      4      8          12        16          24           32         40
 *              | slab | pool | isServer | count   | nextLocal | localLimit | nextPeer | peerLimit |
 *              48           56               64              88               120
 *              | peerClosed | maxStreamsBidi | send credit   | receive window | streamWindowBytes |
 *              128              136               144                  152           160
 *              | peerStreamData | sendBufferBytes | retransmittedBytes | send budget | receive budget |
 *              168       172             176           184          192       200       208
 *              | control | streamsBlocked| control fifo| event fifo | blocked | finished| writers     (fifos)
 *              216          220        224            228        232                        296
 *              | localCount | localMax | current band | accepted | 4 x { fifo, deficit, pad } |
 *              296    300      304  312     320    328
 *              | kind | stream | id | value | code |                           (the next control frame)
 *              328        336
 *              | reserved | peerBlockedAt |
 */
import { invariant } from "../base/invariant.ts";
import { CREDIT_SIZE, WINDOW_SIZE } from "./flow-control.ts";

export const SLAB: usize = 0;
export const POOL: usize = 4;
export const IS_SERVER: usize = 8;
export const COUNT: usize = 12;
export const NEXT_LOCAL: usize = 16;
export const LOCAL_LIMIT: usize = 24;
export const NEXT_PEER: usize = 32;
export const PEER_LIMIT: usize = 40;
export const PEER_CLOSED: usize = 48;
export const MAX_STREAMS_BIDI: usize = 56;
const CREDIT: usize = 64;
const WINDOW: usize = CREDIT + CREDIT_SIZE;
export const STREAM_WINDOW_BYTES: usize = WINDOW + WINDOW_SIZE;
export const PEER_STREAM_DATA: usize = 128;
export const SEND_BUFFER_BYTES: usize = 136;
export const RETRANSMITTED: usize = 144;
const SEND_BUDGET: usize = 152;
const RECEIVE_BUDGET: usize = 160;
export const PENDING_CONTROL: usize = 168;
export const CONTROL_FIFO: usize = 176;
export const EVENT_FIFO: usize = 184;
export const BLOCKED_FIFO: usize = 192;
export const FINISHED_FIFO: usize = 200;
export const WRITERS_FIFO: usize = 208;
export const LOCAL_COUNT: usize = 216;
export const LOCAL_MAX: usize = 220;
export const CURRENT_BAND: usize = 224;
export const ACCEPTED: usize = 228;
export const BAND_RECORDS: usize = 232;
export const BAND_RECORD_SIZE: usize = 16;
export const BAND_DEFICIT: usize = 8;
export const NEXT_KIND: usize = 296;
export const NEXT_STREAM: usize = 300;
export const NEXT_ID: usize = 304;
export const NEXT_VALUE: usize = 312;
export const NEXT_CODE: usize = 320;
export const RESERVED: usize = 328;
export const PEER_BLOCKED_AT: usize = 336;
export const STREAMS_HEADER: usize = 344;

export function streamsSlab(streams: usize): usize {
  return load<usize>(streams, SLAB);
}

export function streamsPool(streams: usize): usize {
  return load<usize>(streams, POOL);
}

/** Credit that the peer gave to the whole connection. */
export function streamsCredit(streams: usize): usize {
  return streams + CREDIT;
}

/** Bytes of messages that were written and not sent: credit of the connection that only they may use. */
export function streamsReserved(streams: usize): u64 {
  return load<u64>(streams, RESERVED);
}

export function streamsReserve(streams: usize, bytes: u64): void {
  store<u64>(streams, load<u64>(streams, RESERVED) + bytes, RESERVED);
}

export function streamsUnreserve(streams: usize, bytes: u64): void {
  const reserved = load<u64>(streams, RESERVED);
  invariant(bytes <= reserved);
  store<u64>(streams, reserved - bytes, RESERVED);
}

/** Window that this side gave to the peer for the whole connection. */
export function streamsWindow(streams: usize): usize {
  return streams + WINDOW;
}

export function streamsSendBudget(streams: usize): usize {
  return streams + SEND_BUDGET;
}

export function streamsReceiveBudget(streams: usize): usize {
  return streams + RECEIVE_BUDGET;
}

export function streamsTable(streams: usize): usize {
  return streams + STREAMS_HEADER;
}

/** Fifo and deficit of one band. */
export function streamsBand(streams: usize, band: u32): usize {
  return streams + BAND_RECORDS + <usize>band * BAND_RECORD_SIZE;
}

/** Bytes sent more than once, since the connection began. */
export function streamsRetransmittedBytes(streams: usize): u64 {
  return load<u64>(streams, RETRANSMITTED);
}

/** Streams that exist. */
export function streamsCount(streams: usize): u32 {
  return load<u32>(streams, COUNT);
}
