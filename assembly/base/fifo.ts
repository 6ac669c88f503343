/**
 * A queue of records linked through a field of theirs.
 *
 * Layer      base (L0)
 * Memory     FIFO_SIZE bytes:  0 first u32 | 4 last u32;  the link is a u32 at `linkOffset` in each record
 * Invariant  a record is in one queue at most once for each link field; whoever pushes keeps that (a flag)
 * Cost       O(1), but for fifoRemove
 */
import { invariant } from "./invariant.ts";

export const FIFO_SIZE: usize = 8;

export function fifoClear(fifo: usize): void {
  store<u64>(fifo, 0);
}

/** The first record, which stays; 0 when the queue is empty. */
export function fifoFirst(fifo: usize): usize {
  return <usize>load<u32>(fifo);
}

/** The record behind `record`, or 0. */
export function fifoBehind(record: usize, linkOffset: usize): usize {
  return <usize>load<u32>(record + linkOffset);
}

export function fifoPush(fifo: usize, record: usize, linkOffset: usize): void {
  store<u32>(record + linkOffset, 0);
  const last = <usize>load<u32>(fifo, 4);
  if (last == 0) store<u32>(fifo, <u32>record);
  else store<u32>(last + linkOffset, <u32>record);
  store<u32>(fifo, <u32>record, 4);
}

/** Takes the first record; 0 when the queue is empty. */
export function fifoPop(fifo: usize, linkOffset: usize): usize {
  const record = <usize>load<u32>(fifo);
  if (record == 0) return 0;
  const next = load<u32>(record + linkOffset);
  store<u32>(fifo, next);
  if (next == 0) store<u32>(fifo, 0, 4);
  return record;
}

/** Takes a record that is in the queue out, wherever it is. A walk: for rare cases only. */
export function fifoRemove(fifo: usize, record: usize, linkOffset: usize): void {
  let before: usize = 0;
  let at = <usize>load<u32>(fifo);
  while (at != record) {
    invariant(at != 0);
    before = at;
    at = <usize>load<u32>(at + linkOffset);
  }
  const next = load<u32>(record + linkOffset);
  if (before == 0) store<u32>(fifo, next);
  else store<u32>(before + linkOffset, next);
  if (next == 0) store<u32>(fifo, <u32>before, 4);
}
