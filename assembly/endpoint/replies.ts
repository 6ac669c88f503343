/**
 * Stateless answers to packets that belong to no connection: Hints.
 *
 * Spec       docs/protocol.md §3.4
 * Layer      endpoint (L4)
 * Memory     Replies: count u32 | 12 unused | 16 x { address 24 | size u32 | pad u32 | bytes 64 }
 * Invariant  an answer is smaller than what it answers, so that nobody gains by lending a victim's address
 * Limits     REPLIES_MAX between two calls of `transmit`; the rest go unanswered
 */
import { invariant } from "../base/invariant.ts";
import { ADDRESS_SIZE } from "../connection/state.ts";
import { LongPacket, writeUseXxHint, writeVersionsHint } from "../wire/long-header.ts";
import { VERSION_CHACHAPOLY } from "../wire/version.ts";

const REPLIES_MAX: u32 = 16;
const RECORDS: usize = 16;
const RECORD_SIZE: usize = 96;
const SIZE: usize = 24;
const BYTES: usize = 32;

export const REPLIES_SIZE: i32 = <i32>(RECORDS + <usize>REPLIES_MAX * RECORD_SIZE);

const versions = memory.data(8, 8);

/** The next free record with the address filled in, or 0 when there is none. */
function take(replies: usize, remote: usize): usize {
  const count = load<u32>(replies);
  if (count == REPLIES_MAX) return 0;
  store<u32>(replies, count + 1);
  const record = replies + RECORDS + <usize>count * RECORD_SIZE;
  memory.copy(record, remote, ADDRESS_SIZE);
  return record;
}

/** Tells the sender of `packet` which versions this side speaks. */
export function replyVersions(replies: usize, remote: usize, packet: LongPacket): void {
  const record = take(replies, remote);
  if (record == 0) return;
  store<u32>(versions, VERSION_CHACHAPOLY);
  const id = packet.connectionId;
  const size = writeVersionsHint(record + BYTES, id, packet.version, versions, 1);
  store<u32>(record, size, SIZE);
}

/** Tells the sender of `packet` that its key id is not ours. */
export function replyUseXx(replies: usize, remote: usize, packet: LongPacket): void {
  const record = take(replies, remote);
  if (record == 0) return;
  const size = writeUseXxHint(record + BYTES, packet.connectionId, packet.version);
  store<u32>(record, size, SIZE);
}

export function repliesCount(replies: usize): i32 {
  return <i32>load<u32>(replies);
}

/** Copies reply `index` to `out` and returns its size; its address is at `replyRemote`. */
export function replyCopy(replies: usize, index: i32, out: usize): i32 {
  const record = replyRemote(replies, index);
  const size = <i32>load<u32>(record, SIZE);
  invariant(size <= 64);
  memory.copy(out, record + BYTES, size);
  return size;
}

export function replyRemote(replies: usize, index: i32): usize {
  return replies + RECORDS + <usize>index * RECORD_SIZE;
}

export function repliesClear(replies: usize): void {
  store<u32>(replies, 0);
}
