/**
 * The numbers of the cost model, in tenths of a millisecond. Those of lanes, NUMA, moves and the threshold are the
 * published ones; the others are ours and stand in docs/decisions/0022-planner.md.
 */
import type { Lane } from "../lane-kind.ts";
import type { Cost } from "./model.ts";

export const TENTHS_PER_MS = 10;

/** Base latency of a lane. */
export const LANE_TENTHS: Readonly<Record<Lane, number>> = { shm: 2, uds: 6, tcp: 15, mxp: 30 };
/** Added when the ends are on two nodes of one machine; between machines the network's own latency covers it. */
export const NUMA_TENTHS = 4;
/** A symbol runs on another node than before. */
export const MOVE_TENTHS = 5;
/** A route that was in force gets another target or another lane: only a greater gain is worth it. */
export const CHANGE_TENTHS = 2;
/** A newer version would fit: more than the threshold, so that routes follow upgrades; less than a move. */
export const OUTDATED_TENTHS = 3;

export const CAPACITY_CPU = 64;
export const CAPACITY_MEMORY_MB = 65_536;
export const MEMORY_MB = 16;
export const CPU_MIN = 0.1;
export const QPS_PER_CPU = 10;

export const ZERO_COST: Cost = { dropped: 0, failover: 0, tenthsMs: 0 };

export function addCost(a: Cost, b: Cost): Cost {
  return {
    dropped: a.dropped + b.dropped,
    failover: a.failover + b.failover,
    tenthsMs: a.tenthsMs + b.tenthsMs,
  };
}

/** Negative when `a` is the lower cost. */
export function compareCosts(a: Cost, b: Cost): number {
  return a.dropped - b.dropped || a.failover - b.failover || a.tenthsMs - b.tenthsMs;
}
