/**
 * The record of one stream: identity, states, queues it is in, credit, buffers.
 *
 * Spec       RFC 9000 §2, §3 · docs/protocol.md "Streams"
 * Layer      stream (L2)
 * Memory     STREAM_SIZE bytes:
 *              0           4            8    16      20     21     22          23             24
 *              | slab link | generation | id | flags | band | kind | sendState | receiveState | owner |
 *              28           32        36          40          44        48           52
 *              | nameLength | ready   | blocked   | control   | event   | finished   | writers   (links)
 *              56       60        64              88                  120
 *              | events | control | send credit   | receive window    | resetCode u64 | stopCode u64 |
 *              136                             152          160
 *              | peerResetCode | peerStopCode  | wanted u64 | wantedRoom u64 |
 *              168               176           180          184          216           536         584
 *              | chunkOffset u64 | chunkLength | chunkIsFin | user 32    | send buffer | assembler | name 128 |
 * Invariant  the generation counts how often the record was freed: slot and generation name one stream
 */
import { CREDIT_SIZE, WINDOW_SIZE } from "./flow-control.ts";
import { SEND_BUFFER_SIZE } from "./send-buffer.ts";
import { ASSEMBLER_SIZE } from "./assembler.ts";

export const STREAM_SIZE: u32 = 720;
export const STREAM_NAME_MAX: u32 = 128;
export const STREAM_USER_SIZE: usize = 32;
export const BANDS: u32 = 4;

/** What a stream carries (docs/protocol.md "Streams"). */
export const KIND_BYTES: u8 = 0;
export const KIND_MESSAGES: u8 = 1;

/** Sending half, RFC 9000 §3.1. */
export const SEND_READY: u8 = 0;
export const SEND_SEND: u8 = 1;
export const SEND_DATA_SENT: u8 = 2;
export const SEND_RESET_SENT: u8 = 3;
export const SEND_DATA_RECVD: u8 = 4;
export const SEND_RESET_RECVD: u8 = 5;

/** Receiving half, RFC 9000 §3.2. */
export const RECEIVE_RECV: u8 = 0;
export const RECEIVE_SIZE_KNOWN: u8 = 1;
export const RECEIVE_DATA_RECVD: u8 = 2;
export const RECEIVE_RESET_RECVD: u8 = 3;
export const RECEIVE_DATA_READ: u8 = 4;
export const RECEIVE_RESET_READ: u8 = 5;

/** This side opened it. */
export const IS_LOCAL: u32 = 1;
/** Name, band and kind are known; until then the application is told nothing. */
export const IS_ANNOUNCED: u32 = 2;
/** The application gave up receiving. */
export const IS_STOPPED: u32 = 4;
/** The peer gave up receiving. */
export const IS_STOPPED_BY_PEER: u32 = 8;
/** "readable" was raised and the application has not come to the end of the bytes since. */
export const IS_READABLE_TOLD: u32 = 16;
/** In which queues the record is. */
export const IN_READY: u32 = 1 << 8;
export const IN_BLOCKED: u32 = 1 << 9;
export const IN_CONTROL: u32 = 1 << 10;
export const IN_EVENTS: u32 = 1 << 11;
export const IN_FINISHED: u32 = 1 << 12;
export const IN_WRITERS: u32 = 1 << 13;

export const LINK_READY: usize = 32;
export const LINK_BLOCKED: usize = 36;
export const LINK_CONTROL: usize = 40;
export const LINK_EVENT: usize = 44;
export const LINK_FINISHED: usize = 48;
export const LINK_WRITERS: usize = 52;

const GENERATION: usize = 4;
const ID: usize = 8;
const FLAGS: usize = 16;
const BAND: usize = 20;
const KIND: usize = 21;
const SEND_STATE: usize = 22;
const RECEIVE_STATE: usize = 23;
const OWNER: usize = 24;
const NAME_LENGTH: usize = 28;

export const STREAM_EVENTS: usize = 56;
export const STREAM_CONTROL: usize = 60;
const SEND_CREDIT: usize = 64;
const RECEIVE_WINDOW: usize = SEND_CREDIT + CREDIT_SIZE;
export const STREAM_RESET_CODE: usize = RECEIVE_WINDOW + WINDOW_SIZE;
export const STREAM_STOP_CODE: usize = 128;
export const STREAM_PEER_RESET_CODE: usize = 136;
export const STREAM_PEER_STOP_CODE: usize = 144;
export const STREAM_WANTED: usize = 152;
export const STREAM_WANTED_ROOM: usize = 160;
export const STREAM_CHUNK_OFFSET: usize = 168;
export const STREAM_CHUNK_LENGTH: usize = 176;
export const STREAM_CHUNK_IS_FIN: usize = 180;
const USER: usize = 184;
const SEND_BUFFER: usize = USER + STREAM_USER_SIZE;
const ASSEMBLER: usize = SEND_BUFFER + SEND_BUFFER_SIZE;
const NAME: usize = ASSEMBLER + ASSEMBLER_SIZE;

/** Sets everything but the generation, which outlives the stream. */
export function streamInit(stream: usize, id: u64, owner: usize, flags: u32): void {
  memory.fill(stream + ID, 0, <usize>STREAM_SIZE - ID);
  store<u64>(stream, id, ID);
  store<u32>(stream, flags, FLAGS);
  store<usize>(stream, owner, OWNER);
  store<u64>(stream, 1, STREAM_WANTED);
}

/** Makes every reference to this stream stale. */
export function streamRetire(stream: usize): void {
  store<u32>(stream, streamGeneration(stream) + 1, GENERATION);
  store<usize>(stream, 0, OWNER);
}

/** Sets name, band and kind, which never change afterwards. */
export function streamDescribe(
  stream: usize,
  band: u8,
  kind: u8,
  name: usize,
  nameLength: u32,
): void {
  store<u8>(stream, band, BAND);
  store<u8>(stream, kind, KIND);
  store<u32>(stream, nameLength, NAME_LENGTH);
  memory.copy(stream + NAME, name, nameLength);
  streamSetFlags(stream, IS_ANNOUNCED);
}

export function streamGeneration(stream: usize): u32 {
  return load<u32>(stream, GENERATION);
}

export function streamId(stream: usize): u64 {
  return load<u64>(stream, ID);
}

/** The Streams record that the stream belongs to; 0 when it was freed. */
export function streamOwner(stream: usize): usize {
  return load<usize>(stream, OWNER);
}

export function streamBand(stream: usize): u8 {
  return load<u8>(stream, BAND);
}

export function streamKind(stream: usize): u8 {
  return load<u8>(stream, KIND);
}

/** Address of the protocol name, `streamNameLength` bytes of UTF-8. */
export function streamName(stream: usize): usize {
  return stream + NAME;
}

export function streamNameLength(stream: usize): u32 {
  return load<u32>(stream, NAME_LENGTH);
}

/** STREAM_USER_SIZE bytes for the connection, zero at first. */
export function streamUserData(stream: usize): usize {
  return stream + USER;
}

export function streamHas(stream: usize, flag: u32): bool {
  return (load<u32>(stream, FLAGS) & flag) != 0;
}

export function streamSetFlags(stream: usize, flags: u32): void {
  store<u32>(stream, load<u32>(stream, FLAGS) | flags, FLAGS);
}

export function streamClearFlags(stream: usize, flags: u32): void {
  store<u32>(stream, load<u32>(stream, FLAGS) & ~flags, FLAGS);
}

export function streamIsLocal(stream: usize): bool {
  return streamHas(stream, IS_LOCAL);
}

export function streamSendState(stream: usize): u8 {
  return load<u8>(stream, SEND_STATE);
}

export function streamSetSendState(stream: usize, state: u8): void {
  store<u8>(stream, state, SEND_STATE);
}

/** True while bytes may still have to be sent or sent again. */
export function streamIsSending(stream: usize): bool {
  return streamSendState(stream) <= SEND_DATA_SENT;
}

export function streamReceiveState(stream: usize): u8 {
  return load<u8>(stream, RECEIVE_STATE);
}

export function streamSetReceiveState(stream: usize, state: u8): void {
  store<u8>(stream, state, RECEIVE_STATE);
}

/** True when both halves reached an end of RFC 9000 §3, and the application knows. */
export function streamIsOver(stream: usize): bool {
  return (
    streamSendState(stream) >= SEND_DATA_RECVD &&
    streamReceiveState(stream) >= RECEIVE_DATA_READ &&
    load<u32>(stream, STREAM_EVENTS) == 0
  );
}

/** The code of the peer's RESET_STREAM. */
export function streamResetCode(stream: usize): u64 {
  return load<u64>(stream, STREAM_PEER_RESET_CODE);
}

/** The code of the peer's STOP_SENDING. */
export function streamStopCode(stream: usize): u64 {
  return load<u64>(stream, STREAM_PEER_STOP_CODE);
}

export function streamCredit(stream: usize): usize {
  return stream + SEND_CREDIT;
}

export function streamWindow(stream: usize): usize {
  return stream + RECEIVE_WINDOW;
}

export function streamSendBuffer(stream: usize): usize {
  return stream + SEND_BUFFER;
}

export function streamAssembler(stream: usize): usize {
  return stream + ASSEMBLER;
}
