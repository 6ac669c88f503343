/**
 * Which lane a route takes, and what it costs, by how the nodes of its ends lie to each other.
 *
 *   same node       shm (when both ends have it), uds, tcp
 *   same machine    uds, tcp, each with the cost of crossing NUMA nodes
 *   other machine   mxp
 */
import type { Lane } from "../lane-kind.ts";
import { LANE_TENTHS, NUMA_TENTHS } from "./cost.ts";
import type { PlanNode, PlanSymbol } from "./symbol-table.ts";

export const RELATIONS = ["same", "near", "far"] as const;

export type Relation = (typeof RELATIONS)[number];

export function relationOf(a: PlanNode, b: PlanNode): Relation {
  if (a.index === b.index) return "same";
  return a.machine === b.machine ? "near" : "far";
}

/** How the nodes of two symbols can lie to each other. Most symbols may run anywhere, so answers are remembered. */
export class Relations {
  readonly #nodes: readonly PlanNode[];
  readonly #known = new Map<number, readonly Relation[]>();

  constructor(nodes: readonly PlanNode[]) {
    this.#nodes = nodes;
  }

  between(a: number, b: number): Relation {
    return relationOf(this.#nodes[a] as PlanNode, this.#nodes[b] as PlanNode);
  }

  of(from: PlanSymbol, to: PlanSymbol): readonly Relation[] {
    const anywhere = this.#nodes.length;
    const place = ({ nodes }: PlanSymbol): number =>
      nodes.length === 1 ? (nodes[0] ?? anywhere) : anywhere;
    const key = place(from) * (anywhere + 1) + place(to);
    let found = this.#known.get(key);
    if (found === undefined) {
      const pairs = from.nodes.flatMap((a) => to.nodes.map((b) => this.between(a, b)));
      this.#known.set(key, (found = RELATIONS.filter((relation) => pairs.includes(relation))));
    }
    return found;
  }
}

/** Whether the ends can use a lane at all. */
export function canCarry(
  lane: Lane,
  relation: Relation,
  from: PlanSymbol,
  to: PlanSymbol,
): boolean {
  if (relation === "far") return lane === "mxp";
  if (lane === "mxp") return false;
  return lane !== "shm" || (relation === "same" && from.contract.hasShm && to.contract.hasShm);
}

export function latencyTenths(lane: Lane, relation: Relation): number {
  return LANE_TENTHS[lane] + (relation === "near" ? NUMA_TENTHS : 0);
}

export interface LaneTerms {
  /** Lanes that may be used, the most preferred first. */
  readonly lanes: readonly Lane[];
  readonly budgetTenths: number;
  readonly priority: number;
  /** What a change costs; charged on each lane but the one in force. */
  readonly changeTenths: number;
  readonly currentLane: Lane | null;
}

export interface LaneChoice {
  readonly lane: Lane;
  /** Latency times priority, and what the change costs. */
  readonly tenths: number;
}

/** The cheapest lane within the budget, the more preferred one of equals; null when there is none. */
export function chooseLane(
  from: PlanSymbol,
  to: PlanSymbol,
  relation: Relation,
  terms: LaneTerms,
): LaneChoice | null {
  let best: LaneChoice | null = null;
  for (const lane of terms.lanes) {
    const latency = latencyTenths(lane, relation);
    if (latency > terms.budgetTenths || !canCarry(lane, relation, from, to)) continue;
    const change = lane === terms.currentLane ? 0 : terms.changeTenths;
    const tenths = latency * terms.priority + change;
    if (best === null || tenths < best.tenths) best = { lane, tenths };
  }
  return best;
}
