/**
 * Outgoing datagrams: built one behind the other, neighbours of equal size joined into one send.
 *
 * Spec       docs/protocol.md §3.1
 * Layer      endpoint (L4)
 * Memory     one record for each send, 40 bytes:
 *              0 address 24 | 24 data u32 | 28 size u32 | 32 segment u32 | 36 pad u32
 * Limits     BATCH_MAX datagrams a call; SEND_MAX bytes a send, the largest UDP payload
 */
import { connectionTransmit } from "../connection/transmit.ts";
import { ADDRESS_SIZE, PHASE_FREE } from "../connection/state.ts";
import { connectionAt, endpoint } from "./endpoint.ts";
import { repliesClear, repliesCount, replyCopy, replyRemote } from "./replies.ts";
import { reclaim } from "./slots.ts";

const BATCH_MAX: i32 = 64;
const SEND_MAX: i32 = 65507;
export const SEND_RECORD_SIZE: usize = 40;
const SEND_DATA: usize = 24;
const SEND_SIZE: usize = 28;
const SEND_SEGMENT: usize = 32;

/** How many datagrams and sends the call at hand has made, and where the next datagram goes. */
let datagramCount: i32 = 0;
let sendCount: i32 = 0;
let writeAt: usize = 0;

/** Builds what may leave now; returns the number of sends. */
export function transmitDatagrams(nowUs: u64): i32 {
  datagramCount = 0;
  sendCount = 0;
  writeAt = endpoint.transmitArea;
  transmitReplies();
  const slots = endpoint.connectionsMax;
  for (let turn = 0; turn < slots; turn += 1) {
    const connection = connectionAt((endpoint.transmitSlot + turn) % slots);
    if (connection.phase == PHASE_FREE) continue;
    let isFirst = true;
    while (datagramCount < BATCH_MAX) {
      const size = connectionTransmit(connection, writeAt, nowUs);
      if (size == 0) break;
      addDatagram(connection.remote, size, isFirst);
      isFirst = false;
    }
    reclaim(connection);
  }
  endpoint.transmitSlot = (endpoint.transmitSlot + 1) % slots;
  return sendCount;
}

function transmitReplies(): void {
  const count = repliesCount(endpoint.replies);
  for (let index = 0; index < count; index += 1) {
    addDatagram(
      replyRemote(endpoint.replies, index),
      replyCopy(endpoint.replies, index, writeAt),
      true,
    );
  }
  repliesClear(endpoint.replies);
}

/** Appends the datagram at `writeAt` to the last send, or begins another one. */
function addDatagram(remote: usize, size: i32, isNewRemote: bool): void {
  datagramCount += 1;
  const at = writeAt;
  writeAt += <usize>size;
  if (!isNewRemote) {
    const last = endpoint.transmitRecords + <usize>(sendCount - 1) * SEND_RECORD_SIZE;
    const segment = load<i32>(last, SEND_SEGMENT);
    const total = load<i32>(last, SEND_SIZE);
    // Only the last segment of a send may be shorter than the others.
    if (size <= segment && total % segment == 0 && total + size <= SEND_MAX) {
      store<u32>(last, total + size, SEND_SIZE);
      return;
    }
  }
  const record = endpoint.transmitRecords + <usize>sendCount * SEND_RECORD_SIZE;
  memory.copy(record, remote, ADDRESS_SIZE);
  store<usize>(record, at, SEND_DATA);
  store<u32>(record, size, SEND_SIZE);
  store<u32>(record, size, SEND_SEGMENT);
  sendCount += 1;
}
