/**
 * Blocks for the bytes of all streams of an endpoint, with a budget for each connection.
 *
 * Layer      stream (L2)
 * Memory     blockPoolSize(count) bytes: a slab (base/slab.ts), then the blocks. One block:
 *              0      4     8        16             272
 *              | next | pad | offset | marks 256 B  | bytes 2048 |
 *            `offset` is the stream offset of the first byte, a multiple of BLOCK_BYTES. Bit n of the marks
 *            belongs to byte n; what it means is up to the owner (received, acknowledged).
 *            A budget is BUDGET_SIZE bytes:  0 used blocks u32 | 4 limit u32
 * Invariant  a budget's `used` is the number of blocks in the chains that were charged to it
 * Limits     no block beyond the budget, none when the pool is empty, and none of the last quarter for
 *            those who can wait (writers, and bytes that came too early), so that the bytes every reader
 *            waits for can still arrive
 */
import { invariant } from "../base/invariant.ts";
import { SLAB_SIZE, slabAvailable, slabCount, slabGive, slabInit, slabTake } from "../base/slab.ts";

export const BLOCK_BYTES: u32 = 2048;
export const BLOCK_HEADER: usize = 272;
export const BLOCK_SIZE: u32 = 2320;
export const BLOCK_MARKS: usize = 16;
export const BLOCK_NEXT: usize = 0;
export const BLOCK_OFFSET: usize = 8;

export const BUDGET_SIZE: usize = 8;

/** Bytes of a pool of `count` blocks. */
export function blockPoolSize(count: u32): usize {
  return SLAB_SIZE + <usize>count * BLOCK_SIZE;
}

export function blockPoolInit(pool: usize, count: u32): void {
  slabInit(pool, pool + SLAB_SIZE, BLOCK_SIZE, count);
}

/** How many blocks can still be taken. */
export function blockPoolAvailable(pool: usize): u32 {
  return slabAvailable(pool);
}

/** How many of the available blocks may be taken by those who can wait. */
export function blockPoolSpare(pool: usize): u32 {
  const reserve = max(slabCount(pool) >> 2, 1);
  const available = slabAvailable(pool);
  return available > reserve ? available - reserve : 0;
}

export function budgetInit(budget: usize, limitBlocks: u32): void {
  store<u32>(budget, 0);
  store<u32>(budget, limitBlocks, 4);
}

export function budgetUsed(budget: usize): u32 {
  return load<u32>(budget);
}

export function budgetAvailable(budget: usize): u32 {
  return load<u32>(budget, 4) - load<u32>(budget);
}

/** A block with all marks clear, charged to `budget`; 0 when the budget or the pool is used up. */
export function blockPoolTake(pool: usize, budget: usize, canWait: bool): usize {
  if (budgetAvailable(budget) == 0) return 0;
  if (canWait && blockPoolSpare(pool) == 0) return 0;
  const block = slabTake(pool);
  if (block == 0) return 0;
  memory.fill(block, 0, BLOCK_HEADER);
  store<u32>(budget, budgetUsed(budget) + 1);
  return block;
}

export function blockPoolGive(pool: usize, budget: usize, block: usize): void {
  const used = budgetUsed(budget);
  invariant(used > 0);
  store<u32>(budget, used - 1);
  slabGive(pool, block);
}
