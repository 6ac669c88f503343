/** An assignment as it is published: routes, placement, and the reasons. */
import type { PlannedRoute } from "../plan.ts";
import { TENTHS_PER_MS } from "./cost.ts";
import { explainDemand } from "./explain.ts";
import { budgetTenths } from "./fit.ts";
import { type Assignment, type Graph, type GraphDemand, laneOf } from "./graph.ts";
import { latencyTenths, type Relation } from "./lanes.ts";
import type { Answer, LaneReason, SolvedPlan } from "./model.ts";
import { compareTexts, type PlanNode, type PlanSymbol } from "./symbol-table.ts";

type Published = Pick<SolvedPlan, "routes" | "placement" | "lanes" | "answers" | "unrouted">;

export function planOf(graph: Graph, assignment: Assignment): Published {
  const answers: Answer[] = [];
  const lanes = new Map<string, LaneReason>();
  const used = new Set<PlanSymbol>();
  const unmet: GraphDemand[] = [];
  for (const demand of graph.demands) {
    const choice = demand.choices[assignment.choices[demand.index] ?? -1];
    const lane = laneOf(graph, assignment, demand)?.lane;
    if (choice === undefined || lane === undefined) {
      unmet.push(demand);
      continue;
    }
    const { from } = demand;
    answers.push({ from: from.address, wanted: demand.demand.label, to: choice.to.address });
    used.add(from).add(choice.to);
    const reason = reasonOf(graph, assignment, from, choice.to, lane);
    lanes.set(`${reason.from} ${reason.to}`, reason);
  }
  const sortedLanes = [...lanes.values()].sort(compareRoutes);
  const symbols = [...used].sort((a, b) => a.index - b.index);
  return {
    routes: sortedLanes.map(({ from, to, lane }): PlannedRoute => ({ from, to, lane })),
    placement: Object.fromEntries(
      symbols.map((symbol) => [symbol.address, nodeOf(graph, assignment, symbol).id]),
    ),
    lanes: sortedLanes,
    answers: answers.sort(
      (a, b) => compareTexts(a.from, b.from) || compareTexts(a.wanted, b.wanted),
    ),
    unrouted: unmet.map((demand) => explainDemand(graph, demand)),
  };
}

type Ends = Omit<PlannedRoute, "lane">;

export function compareRoutes(a: Ends, b: Ends): number {
  return compareTexts(a.from, b.from) || compareTexts(a.to, b.to);
}

function nodeOf(graph: Graph, { nodes }: Assignment, symbol: PlanSymbol): PlanNode {
  return graph.table.nodes[nodes[symbol.index] ?? -1] as PlanNode;
}

function reasonOf(
  graph: Graph,
  assignment: Assignment,
  from: PlanSymbol,
  to: PlanSymbol,
  lane: PlannedRoute["lane"],
): LaneReason {
  const [a, b] = [nodeOf(graph, assignment, from), nodeOf(graph, assignment, to)];
  const relation = graph.relations.between(a.index, b.index);
  const budget = budgetTenths(graph.context.rules, from, to);
  return {
    from: from.address,
    to: to.address,
    lane,
    latencyMs: latencyTenths(lane, relation) / TENTHS_PER_MS,
    budgetMs: Number.isFinite(budget) ? budget / TENTHS_PER_MS : null,
    reason: `${placeText(relation, a, b)}; ${sharedText(relation, from, to)}`,
  };
}

function placeText(relation: Relation, a: PlanNode, b: PlanNode): string {
  if (relation === "same") return `both on node ${a.id}`;
  const where = relation === "near" ? "of one machine" : "of two machines";
  return `on nodes ${a.id} and ${b.id} ${where}`;
}

function sharedText(relation: Relation, from: PlanSymbol, to: PlanSymbol): string {
  if (relation === "far") return "only mxp leads from machine to machine";
  if (relation === "near") return "shared memory does not cross nodes";
  const without = [from, to].filter(({ contract }) => !contract.hasShm);
  if (without.length === 0) return "both have shared memory";
  return without.length === 2 ? "neither has shared memory" : "one has no shared memory";
}
