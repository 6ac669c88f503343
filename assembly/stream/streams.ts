/**
 * The streams of one connection: ids and limits, lookup, opening, freeing.
 *
 * Spec       RFC 9000 §2.1, §3, §4.6 · docs/protocol.md "Streams"
 * Layer      stream (L2)
 * Memory     streams-record.ts; the table maps an id to its slot in the endpoint's slab, or to PERMITTED
 * Invariant  an id of the peer is in the table exactly while it counts against the peer's limit: as a
 *            stream, or as one that was skipped and may still come; so ids in the table never exceed
 *            what was permitted, and an absent id below the highest one is a stream that is over
 * Limits     a stream that is only permitted costs 16 bytes of table when it was skipped, else nothing
 * Cost       O(1); skipped ids are entered once each
 */
import { fifoClear, fifoPop, fifoRemove } from "../base/fifo.ts";
import {
  ID_ABSENT,
  idTableGet,
  idTableInit,
  idTablePut,
  idTableRemove,
  idTableSize,
} from "../base/id-table.ts";
import { invariant } from "../base/invariant.ts";
import { slabAt, slabGive, slabIndex, slabTake, slabTouched } from "../base/slab.ts";
import {
  ARGUMENT_INVALID,
  MEMORY_LIMIT,
  OK,
  STREAM_LIMIT,
  STREAM_STATE,
  WOULD_BLOCK,
} from "../base/status.ts";
import { assemblerDiscard, assemblerInit } from "./assembler.ts";
import { budgetInit } from "./block-pool.ts";
import {
  CONTROL_MAX_STREAMS,
  CONTROL_STREAMS_BLOCKED,
  controlRequest,
  nextPeerLimit,
} from "./control.ts";
import { creditInit, creditRaise, windowInit } from "./flow-control.ts";
import { schedulerEnqueue, schedulerUnblock } from "./scheduler.ts";
import { sendBufferDiscard, sendBufferInit, sendBufferUnsent } from "./send-buffer.ts";
import {
  BANDS,
  IN_BLOCKED,
  IN_CONTROL,
  IN_READY,
  IN_WRITERS,
  IS_ANNOUNCED,
  IS_LOCAL,
  KIND_MESSAGES,
  LINK_BLOCKED,
  LINK_CONTROL,
  LINK_FINISHED,
  LINK_READY,
  LINK_WRITERS,
  STREAM_NAME_MAX,
  streamAssembler,
  streamBand,
  streamCredit,
  streamDescribe,
  streamGeneration,
  streamHas,
  streamId,
  streamInit,
  streamIsLocal,
  streamOwner,
  streamRetire,
  streamSendBuffer,
  streamWindow,
} from "./stream.ts";
import {
  ACCEPTED,
  BLOCKED_FIFO,
  CONTROL_FIFO,
  COUNT,
  EVENT_FIFO,
  FINISHED_FIFO,
  IS_SERVER,
  LOCAL_COUNT,
  LOCAL_LIMIT,
  LOCAL_MAX,
  MAX_STREAMS_BIDI,
  NEXT_LOCAL,
  NEXT_PEER,
  PEER_CLOSED,
  PEER_LIMIT,
  PEER_STREAM_DATA,
  POOL,
  SEND_BUFFER_BYTES,
  SLAB,
  STREAMS_HEADER,
  STREAM_WINDOW_BYTES,
  WRITERS_FIFO,
  streamsBand,
  streamsCredit,
  streamsPool,
  streamsReceiveBudget,
  streamsSendBudget,
  streamsSlab,
  streamsTable,
  streamsWindow,
} from "./streams-record.ts";

/** In the table: the peer skipped this id and may still use it. */
const PERMITTED: u32 = 0xfffffffe;

/** Bit 1 of an id: the server opened it. Bit 0: unidirectional, which is not built. */
const ID_BY_SERVER: u64 = 2;
const ID_UNIDIRECTIONAL: u64 = 1;

/** Bytes of the record; `idsMax` is what both sides together may have open. */
export function streamsSize(idsMax: u32): usize {
  return STREAMS_HEADER + idTableSize(idsMax);
}

/**
 * Sets up the streams of a connection.
 *
 * `maxData`, `maxStreamData` and `maxStreamsBidi` are what this side grants. `idsMax` minus `maxStreamsBidi`
 * is how many streams this side may have open. Both budgets count blocks: that of receiving must cover
 * `maxData` and one block for each stream.
 */
export function streamsInit(
  streams: usize,
  idsMax: u32,
  slab: usize,
  pool: usize,
  isServer: bool,
  maxData: u64,
  maxStreamData: u64,
  maxStreamsBidi: u64,
  sendBufferBytes: u64,
  sendBudgetBlocks: u32,
  receiveBudgetBlocks: u32,
): void {
  invariant(maxStreamsBidi <= <u64>idsMax);
  memory.fill(streams, 0, STREAMS_HEADER);
  store<usize>(streams, slab, SLAB);
  store<usize>(streams, pool, POOL);
  store<u32>(streams, isServer ? 1 : 0, IS_SERVER);
  store<u64>(streams, maxStreamsBidi, PEER_LIMIT);
  store<u64>(streams, maxStreamsBidi, MAX_STREAMS_BIDI);
  store<u64>(streams, maxStreamData, STREAM_WINDOW_BYTES);
  store<u64>(streams, sendBufferBytes, SEND_BUFFER_BYTES);
  store<u32>(streams, idsMax - <u32>maxStreamsBidi, LOCAL_MAX);
  creditInit(streamsCredit(streams), 0);
  windowInit(streamsWindow(streams), maxData);
  budgetInit(streamsSendBudget(streams), sendBudgetBlocks);
  budgetInit(streamsReceiveBudget(streams), receiveBudgetBlocks);
  idTableInit(streamsTable(streams), idsMax);
}

/** Takes the peer's parameters, before any stream exists. */
export function streamsSetPeerLimits(
  streams: usize,
  maxData: u64,
  maxStreamData: u64,
  maxStreamsBidi: u64,
): void {
  store<u64>(streams, maxStreamData, PEER_STREAM_DATA);
  store<u64>(streams, max(load<u64>(streams, LOCAL_LIMIT), maxStreamsBidi), LOCAL_LIMIT);
  if (creditRaise(streamsCredit(streams), maxData)) schedulerUnblock(streams);
}

/** The next stream of this connection at or behind slot `from`, or 0: to walk over all of them. */
export function streamsFrom(streams: usize, from: u32): usize {
  const slab = streamsSlab(streams);
  const slots = slabTouched(slab);
  for (let slot = from; slot < slots; slot++) {
    const stream = slabAt(slab, slot);
    if (streamOwner(stream) == streams) return stream;
  }
  return 0;
}

/** The stream with that id, or 0. */
export function streamsFind(streams: usize, id: u64): usize {
  const slot = idTableGet(streamsTable(streams), id);
  return slot == ID_ABSENT || slot == PERMITTED ? 0 : slabAt(streamsSlab(streams), slot);
}

/** The stream that a frame reference names, or 0 when it was freed. */
export function streamsAt(streams: usize, slot: u32, generation: u32): usize {
  const stream = slabAt(streamsSlab(streams), slot);
  const isLive = streamOwner(stream) == streams && streamGeneration(stream) == generation;
  return isLive ? stream : 0;
}

/** The slot that frame references keep. */
export function streamSlot(stream: usize): u32 {
  return slabIndex(streamsSlab(streamOwner(stream)), stream);
}

/** Makes a record and enters it in the table, where there is room by the invariant; 0 without memory. */
function create(streams: usize, id: u64, flags: u32): usize {
  const slab = streamsSlab(streams);
  const stream = slabTake(slab);
  if (stream == 0) return 0;
  const isEntered = idTablePut(streamsTable(streams), id, slabIndex(slab, stream));
  invariant(isEntered);
  streamInit(stream, id, streams, flags);
  sendBufferInit(streamSendBuffer(stream));
  assemblerInit(streamAssembler(stream));
  creditInit(streamCredit(stream), load<u64>(streams, PEER_STREAM_DATA));
  windowInit(streamWindow(stream), load<u64>(streams, STREAM_WINDOW_BYTES));
  store<u32>(streams, load<u32>(streams, COUNT) + 1, COUNT);
  return stream;
}

/**
 * Opens a stream of this side and returns its id.
 *
 * Typical errors: WOULD_BLOCK at the peer's limit (the peer is told), MEMORY_LIMIT at one's own,
 * ARGUMENT_INVALID for a band, kind or name that no frame can carry.
 */
export function streamsOpen(streams: usize, kind: u8, band: u8, name: usize, nameLength: u32): i64 {
  if (kind > KIND_MESSAGES || <u32>band >= BANDS || nameLength > STREAM_NAME_MAX) {
    return ARGUMENT_INVALID;
  }
  const index = load<u64>(streams, NEXT_LOCAL);
  if (index >= load<u64>(streams, LOCAL_LIMIT)) {
    controlRequest(streams, CONTROL_STREAMS_BLOCKED);
    return WOULD_BLOCK;
  }
  const localCount = load<u32>(streams, LOCAL_COUNT);
  if (localCount >= load<u32>(streams, LOCAL_MAX)) return MEMORY_LIMIT;
  const id = (index << 2) | (load<u32>(streams, IS_SERVER) != 0 ? ID_BY_SERVER : 0);
  const stream = create(streams, id, IS_LOCAL | IS_ANNOUNCED);
  if (stream == 0) return MEMORY_LIMIT;
  streamDescribe(stream, band, kind, name, nameLength);
  store<u64>(streams, index + 1, NEXT_LOCAL);
  store<u32>(streams, localCount + 1, LOCAL_COUNT);
  return <i64>id;
}

/** True when this side is the one that opens streams with that id. */
export function streamsIsLocalId(streams: usize, id: u64): bool {
  return ((id & ID_BY_SERVER) != 0) == (load<u32>(streams, IS_SERVER) != 0);
}

/**
 * Finds the stream that a frame of the peer names, and makes it when the peer may open it. On OK
 * `streamsAccepted` is the stream, or 0 when it is over and the frame is to be ignored.
 *
 * Typical errors: STREAM_LIMIT beyond what was permitted, STREAM_STATE for a stream of this side that was
 * never opened, MEMORY_LIMIT when no record is left.
 *
 * spec: RFC 9000 §2.1, §3.2, §4.6
 */
export function streamsAccept(streams: usize, id: u64): i32 {
  store<u32>(streams, 0, ACCEPTED);
  if ((id & ID_UNIDIRECTIONAL) != 0) return STREAM_LIMIT;
  const index = id >> 2;
  const table = streamsTable(streams);
  if (streamsIsLocalId(streams, id)) {
    if (index >= load<u64>(streams, NEXT_LOCAL)) return STREAM_STATE;
    store<u32>(streams, <u32>streamsFind(streams, id), ACCEPTED);
    return OK;
  }
  if (index >= load<u64>(streams, PEER_LIMIT)) return STREAM_LIMIT;
  let next = load<u64>(streams, NEXT_PEER);
  if (next <= index) {
    for (; next <= index; next++) {
      idTablePut(table, (next << 2) | (id & ID_BY_SERVER), PERMITTED);
    }
    store<u64>(streams, next, NEXT_PEER);
  }
  const slot = idTableGet(table, id);
  if (slot == ID_ABSENT) return OK;
  const stream = slot == PERMITTED ? create(streams, id, 0) : slabAt(streamsSlab(streams), slot);
  if (stream == 0) return MEMORY_LIMIT;
  store<u32>(streams, <u32>stream, ACCEPTED);
  return OK;
}

/** The stream that the last `streamsAccept` found; 0 when it is over. */
export function streamsAccepted(streams: usize): usize {
  return <usize>load<u32>(streams, ACCEPTED);
}

/** spec: RFC 9000 §19.9 */
export function streamsOnMaxData(streams: usize, limit: u64): i32 {
  if (creditRaise(streamsCredit(streams), limit)) schedulerUnblock(streams);
  return OK;
}

/** spec: RFC 9000 §19.10 */
export function streamsOnMaxStreamData(streams: usize, id: u64, limit: u64): i32 {
  const status = streamsAccept(streams, id);
  const stream = streamsAccepted(streams);
  if (status != OK || stream == 0) return status;
  if (!creditRaise(streamCredit(stream), limit)) return OK;
  if (sendBufferUnsent(streamSendBuffer(stream)) > 0) schedulerEnqueue(stream);
  return OK;
}

/** spec: RFC 9000 §19.11 */
export function streamsOnMaxStreams(streams: usize, limit: u64): i32 {
  if (limit > load<u64>(streams, LOCAL_LIMIT)) store<u64>(streams, limit, LOCAL_LIMIT);
  return OK;
}

/** STREAM_DATA_BLOCKED: only the id matters, limits grow by what the application reads. */
export function streamsOnStreamBlocked(streams: usize, id: u64): i32 {
  return streamsAccept(streams, id);
}

function leaveQueues(streams: usize, stream: usize): void {
  if (streamHas(stream, IN_READY)) {
    fifoRemove(streamsBand(streams, <u32>streamBand(stream)), stream, LINK_READY);
  }
  if (streamHas(stream, IN_BLOCKED)) fifoRemove(streams + BLOCKED_FIFO, stream, LINK_BLOCKED);
  if (streamHas(stream, IN_CONTROL)) fifoRemove(streams + CONTROL_FIFO, stream, LINK_CONTROL);
  if (streamHas(stream, IN_WRITERS)) fifoRemove(streams + WRITERS_FIFO, stream, LINK_WRITERS);
}

function release(streams: usize, stream: usize): void {
  const pool = streamsPool(streams);
  sendBufferDiscard(streamSendBuffer(stream), pool, streamsSendBudget(streams));
  assemblerDiscard(streamAssembler(stream), pool, streamsReceiveBudget(streams));
  streamRetire(stream);
  slabGive(streamsSlab(streams), stream);
  store<u32>(streams, load<u32>(streams, COUNT) - 1, COUNT);
}

/** Frees the streams that are over. Pointers to them are invalid afterwards. */
export function streamsCollect(streams: usize): void {
  let stream = fifoPop(streams + FINISHED_FIFO, LINK_FINISHED);
  while (stream != 0) {
    leaveQueues(streams, stream);
    idTableRemove(streamsTable(streams), streamId(stream));
    if (streamIsLocal(stream)) {
      store<u32>(streams, load<u32>(streams, LOCAL_COUNT) - 1, LOCAL_COUNT);
    } else {
      store<u64>(streams, load<u64>(streams, PEER_CLOSED) + 1, PEER_CLOSED);
      // As with windows: half of the streams at a time.
      const gained = nextPeerLimit(streams) - load<u64>(streams, PEER_LIMIT);
      if (gained >= max(load<u64>(streams, MAX_STREAMS_BIDI) >> 1, 1)) {
        controlRequest(streams, CONTROL_MAX_STREAMS);
      }
    }
    release(streams, stream);
    stream = fifoPop(streams + FINISHED_FIFO, LINK_FINISHED);
  }
}

/** The connection is over: gives every block and record back. */
export function streamsClose(streams: usize): void {
  let stream = streamsFrom(streams, 0);
  while (stream != 0) {
    const slot = slabIndex(streamsSlab(streams), stream);
    release(streams, stream);
    stream = streamsFrom(streams, slot + 1);
  }
  for (let band: u32 = 0; band < BANDS; band++) fifoClear(streamsBand(streams, band));
  fifoClear(streams + CONTROL_FIFO);
  fifoClear(streams + EVENT_FIFO);
  fifoClear(streams + BLOCKED_FIFO);
  fifoClear(streams + FINISHED_FIFO);
  fifoClear(streams + WRITERS_FIFO);
}
