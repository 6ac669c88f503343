/**
 * A slab: records of one size, taken and given back in O(1), reserved once.
 *
 * Layer      base (L0)
 * Memory     SLAB_SIZE bytes:
 *              0         8             12       16       20       24       28      32
 *              | records | record size | count  | fresh  | free   | used   | pad   |
 *            `fresh` counts the records that were never taken; `free` is the first given-back record.
 * Invariant  a free record keeps all its bytes but the first 4, which hold the next free record
 * Cost       O(1); creation touches no record, so memory that is never needed is never written
 */
import { invariant } from "./invariant.ts";

export const SLAB_SIZE: usize = 32;

const RECORDS: usize = 0;
const RECORD_SIZE: usize = 8;
const COUNT: usize = 12;
const FRESH: usize = 16;
const FREE: usize = 20;
const USED: usize = 24;

/** `records` is `count * recordSize` zeroed bytes; `recordSize` is a multiple of 8. */
export function slabInit(slab: usize, records: usize, recordSize: u32, count: u32): void {
  invariant(recordSize >= 8 && (recordSize & 7) == 0);
  store<usize>(slab, records, RECORDS);
  store<u32>(slab, recordSize, RECORD_SIZE);
  store<u32>(slab, count, COUNT);
  store<u32>(slab, 0, FRESH);
  store<u32>(slab, 0, FREE);
  store<u32>(slab, 0, USED);
}

/** A record, or 0 when all are taken. Its bytes are what they were when it was given back (zero at first). */
export function slabTake(slab: usize): usize {
  const free = <usize>load<u32>(slab, FREE);
  if (free != 0) {
    store<u32>(slab, load<u32>(free), FREE);
    store<u32>(slab, load<u32>(slab, USED) + 1, USED);
    return free;
  }
  const fresh = load<u32>(slab, FRESH);
  if (fresh == load<u32>(slab, COUNT)) return 0;
  store<u32>(slab, fresh + 1, FRESH);
  store<u32>(slab, load<u32>(slab, USED) + 1, USED);
  return slabAt(slab, fresh);
}

/** Gives a record back that `slabTake` returned. */
export function slabGive(slab: usize, record: usize): void {
  const used = load<u32>(slab, USED);
  invariant(used > 0);
  store<u32>(slab, used - 1, USED);
  store<u32>(record, load<u32>(slab, FREE));
  store<u32>(slab, <u32>record, FREE);
}

/** How many records are taken. */
export function slabUsed(slab: usize): u32 {
  return load<u32>(slab, USED);
}

/** How many records can still be taken. */
export function slabAvailable(slab: usize): u32 {
  return load<u32>(slab, COUNT) - load<u32>(slab, USED);
}

export function slabCount(slab: usize): u32 {
  return load<u32>(slab, COUNT);
}

/** The record at `index`. */
export function slabAt(slab: usize, index: u32): usize {
  return load<usize>(slab, RECORDS) + <usize>index * <usize>load<u32>(slab, RECORD_SIZE);
}

/** The index of a record. */
export function slabIndex(slab: usize, record: usize): u32 {
  return <u32>((record - load<usize>(slab, RECORDS)) / <usize>load<u32>(slab, RECORD_SIZE));
}

/** How many records, from index 0 on, were taken at least once: where a walk over all of them ends. */
export function slabTouched(slab: usize): u32 {
  return load<u32>(slab, FRESH);
}
