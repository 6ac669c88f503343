/**
 * The memory that the streams of all connections share: records of streams, and blocks for their bytes.
 *
 * Spec       docs/protocol.md §9.4
 * Layer      connection (L3)
 * Memory     StreamMemory: slab of records | block pool, in the bytes that the endpoint reserved
 * Invariant  each connection has budgets of its own; the pool may be smaller than their sum, and then the
 *            blocks that peers were promised go before those of writers
 */
import { SLAB_SIZE, slabInit, slabTouched } from "../base/slab.ts";
import { BLOCK_BYTES, BLOCK_SIZE, blockPoolInit, blockPoolSize } from "../stream/block-pool.ts";
import { STREAM_SIZE } from "../stream/stream.ts";
import { Local } from "./local.ts";

/** Streams that this side may have open on one connection, whatever the peer permits. */
export const LOCAL_STREAMS_MAX: i32 = 1024;
/** Records of streams that exist at once, on all connections; permitted ones cost nothing. */
const RECORDS_MAX: u32 = 16384;
/** Bytes written and not acknowledged: of one stream of bytes, and of one connection. */
export const SEND_BUFFER_BYTES: u64 = 512 * 1024;
const SEND_BUDGET_BYTES: u64 = 2 * 1024 * 1024;

/** The most blocks that the receiving halves of one connection may hold: its window, and one for each stream. */
export function receiveBudgetBlocks(local: Local): u32 {
  const ofWindow = <u32>((local.maxData + BLOCK_BYTES - 1) / BLOCK_BYTES);
  return ofWindow + <u32>local.maxStreamsBidi + <u32>LOCAL_STREAMS_MAX;
}

export function sendBudgetBlocks(local: Local): u32 {
  return <u32>(max<u64>(SEND_BUDGET_BYTES, 2 * <u64>local.outputSize) / BLOCK_BYTES);
}

function recordCount(local: Local, connectionsMax: i32): u32 {
  const ofConnection = <u64>local.maxStreamsBidi + <u64>LOCAL_STREAMS_MAX;
  return <u32>min<u64>(ofConnection * <u64>connectionsMax, RECORDS_MAX);
}

/** Bytes to reserve of the `left` ones; 0 when not even one connection could use its window. */
export function streamMemorySize(local: Local, connectionsMax: i32, left: usize): usize {
  const records = SLAB_SIZE + <usize>recordCount(local, connectionsMax) * STREAM_SIZE;
  const windowBlocks = <u64>((local.maxData + BLOCK_BYTES - 1) / BLOCK_BYTES);
  const ofConnection = windowBlocks + sendBudgetBlocks(local);
  const smallest = <u64>records + ofConnection * BLOCK_SIZE + SLAB_SIZE;
  if (smallest > <u64>left) return 0;
  const wanted = <u64>records + ofConnection * <u64>connectionsMax * BLOCK_SIZE + SLAB_SIZE;
  return <usize>min<u64>(wanted, <u64>left) & ~15;
}

/** Lays records and blocks out in the `size` bytes at `memory_`. */
export function streamMemoryInit(
  local: Local,
  memory_: usize,
  size: usize,
  connections: i32,
): void {
  const records = recordCount(local, connections);
  const pool = memory_ + SLAB_SIZE + <usize>records * STREAM_SIZE;
  const blocks = <u32>((memory_ + size - pool - blockPoolSize(0)) / BLOCK_SIZE);
  local.streamSlab = memory_;
  local.blockPool = pool;
  slabInit(memory_, memory_ + SLAB_SIZE, STREAM_SIZE, records);
  blockPoolInit(pool, blocks);
}

/** Zeroes every record and block that was ever used; the others never held anything. */
export function streamMemoryWipe(local: Local): void {
  const records = <usize>slabTouched(local.streamSlab) * STREAM_SIZE;
  memory.fill(local.streamSlab + SLAB_SIZE, 0, records);
  const blocks = <usize>slabTouched(local.blockPool) * BLOCK_SIZE;
  memory.fill(local.blockPool + SLAB_SIZE, 0, blocks);
}
