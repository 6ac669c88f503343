/**
 * The ACK frame: which packets arrived, as ranges that descend from the largest.
 *
 * Spec       docs/protocol.md §7.3 · RFC 9000 §19.3 (the meaning of first length, gap and length)
 * Layer      wire (L1); imports base/status.ts
 * Memory     body, behind the 8 bytes of the frame's head, whose aux is the delay in µs:
 *
 *            0                               8               12      14      16
 *            +-------------------------------+---------------+-------+-------+--- ~ ---+
 *            | largest u64                   | first length  | count | 0     | further |
 *            +-------------------------------+---------------+-------+-------+--- ~ ---+
 *            further, `count` times: gap u32 | length u32
 *
 *            in memory a range is { smallest u64, largest u64 }, both received, the newest first
 * Limits     ACK_FURTHER_RANGES_MAX further ranges
 * Twin       test/reference/frames.ts
 */
import { FRAME_INVALID, OK } from "../base/status.ts";
import { Cursor } from "./cursor.ts";
import { Frame, FRAME_ACK, FRAME_HEAD_SIZE, frameSize, writeFrameHead } from "./frame.ts";
import { ACK_FURTHER_RANGES_MAX, INTEGER_MAX } from "./limits.ts";

/** Bytes of one range in memory: smallest u64 | largest u64. */
export const ACK_RANGE_SIZE: i32 = 16;
/** The most ranges of one frame, the first one included. */
export const ACK_RANGES_MAX: i32 = 1 + ACK_FURTHER_RANGES_MAX;

const ACK_FIXED_SIZE: i32 = 16;
const FURTHER_SIZE: i32 = 8;

/**
 * Writes an ACK of the `rangeCount` ranges at `ranges`, newest first, and returns its size. Older
 * ranges that do not fit `space`, or the frame's limit, or the 32 bits of a gap or length, are left
 * out: the peer hears of them by an earlier ACK or takes them as lost. Returns 0 when not even the
 * first range fits.
 */
export function writeAck(
  out: usize,
  space: i32,
  delayUs: u32,
  ranges: usize,
  rangeCount: i32,
): i32 {
  const room = space - frameSize(ACK_FIXED_SIZE);
  if (rangeCount < 1 || room < 0) return 0;
  const largest = load<u64>(ranges, 8);
  let smallest = load<u64>(ranges);
  // A first range of more than 2^32 packets is told from its newer end only.
  if (largest - smallest > <u64>u32.MAX_VALUE) smallest = largest - <u64>u32.MAX_VALUE;
  const firstLength = <u32>(largest - smallest);
  const furtherMax = min(min(rangeCount - 1, room / FURTHER_SIZE), ACK_FURTHER_RANGES_MAX);
  const body = out + FRAME_HEAD_SIZE;
  let count = 0;
  while (count < furtherMax) {
    const range = ranges + <usize>((count + 1) * ACK_RANGE_SIZE);
    const gap = smallest - load<u64>(range, 8) - 2;
    const length = load<u64>(range, 8) - load<u64>(range);
    if (gap > <u64>u32.MAX_VALUE || length > <u64>u32.MAX_VALUE) break;
    const at = body + <usize>(ACK_FIXED_SIZE + count * FURTHER_SIZE);
    store<u32>(at, <u32>gap);
    store<u32>(at, <u32>length, 4);
    smallest = load<u64>(range);
    count += 1;
  }
  store<u64>(body, largest);
  store<u32>(body, firstLength, 8);
  store<u32>(body, count, 12);
  return writeFrameHead(out, FRAME_ACK, 0, ACK_FIXED_SIZE + count * FURTHER_SIZE, delayUs);
}

/** Decodes and checks the body of ACK: no range may reach below packet 0. */
export function readAck(cursor: Cursor, frame: Frame): i32 {
  frame.offset = cursor.u64();
  let smallest = frame.offset;
  const firstLength = <u64>cursor.u32();
  const count = <i32>cursor.u16();
  const reserved = cursor.u16();
  if (cursor.isShort || frame.flags != 0 || reserved != 0) return FRAME_INVALID;
  if (smallest > INTEGER_MAX || firstLength > smallest) return FRAME_INVALID;
  if (count > ACK_FURTHER_RANGES_MAX || cursor.remaining() != count * FURTHER_SIZE) {
    return FRAME_INVALID;
  }
  smallest -= firstLength;
  frame.data = cursor.at;
  frame.rangeCount = 1 + count;
  for (let index = 0; index < count; index++) {
    const below = <u64>cursor.u32() + 2;
    const length = <u64>cursor.u32();
    if (below + length > smallest) return FRAME_INVALID;
    smallest -= below + length;
  }
  return OK;
}

/**
 * Writes the ranges of a decoded ACK to `out`, newest first, as { smallest u64, largest u64 }, and
 * returns how many: `frame.rangeCount`, at most ACK_RANGES_MAX. `out` has room for that many.
 */
export function readAckRanges(frame: Frame, out: usize): i32 {
  const firstLength = load<u32>(frame.data - ACK_FIXED_SIZE, 8);
  let smallest = frame.offset - <u64>firstLength;
  store<u64>(out, smallest);
  store<u64>(out, frame.offset, 8);
  for (let index = 1; index < frame.rangeCount; index++) {
    const at = frame.data + <usize>((index - 1) * FURTHER_SIZE);
    const largest = smallest - <u64>load<u32>(at) - 2;
    smallest = largest - <u64>load<u32>(at, 4);
    const range = out + <usize>(index * ACK_RANGE_SIZE);
    store<u64>(range, smallest);
    store<u64>(range, largest, 8);
  }
  return frame.rangeCount;
}
