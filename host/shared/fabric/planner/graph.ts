/**
 * The graph that is solved: what each demand may choose and what it costs, and which demands have to be solved
 * together. What a route costs depends on nothing but how the nodes of its ends lie to each other.
 */
import { CHANGE_TENTHS, MOVE_TENTHS, OUTDATED_TENTHS } from "./cost.ts";
import { createDemands, type Demand } from "./demand.ts";
import { budgetTenths, type FitContext, VersionMemo } from "./fit.ts";
import { lanesInForce } from "./in-force.ts";
import { chooseLane, type LaneChoice, type Relation, Relations } from "./lanes.ts";
import type { Cost, SolveRequest } from "./model.ts";
import { RouteRules } from "./route-rules.ts";
import { createSymbolTable, type PlanSymbol, type SymbolTable } from "./symbol-table.ts";

/** A candidate with the lane that it would have in each relation of nodes; null where none is possible. */
export interface Choice {
  readonly to: PlanSymbol;
  readonly failover: number;
  /** This route is in force now, on whatever lane. */
  readonly isInForce: boolean;
  readonly lanes: Readonly<Record<Relation, LaneChoice | null>>;
  /** The cheapest of the lanes that are possible wherever the two run. */
  readonly leastTenths: number;
}

export interface GraphDemand {
  readonly index: number;
  readonly demand: Demand;
  readonly from: PlanSymbol;
  readonly choices: readonly Choice[];
}

export interface Graph {
  readonly table: SymbolTable;
  readonly context: FitContext;
  readonly relations: Relations;
  readonly demands: readonly GraphDemand[];
}

/** A choice for each demand, -1 for none, and a node for each symbol, -1 for one that no route touches. */
export interface Assignment {
  readonly choices: Int32Array;
  readonly nodes: Int32Array;
}

export function createGraph(request: SolveRequest): Graph {
  const table = createSymbolTable(request);
  const relations = new Relations(table.nodes);
  const rules = new RouteRules(request.policy);
  const context: FitContext = {
    relations,
    rules,
    lanes: [...new Set(request.lanes)],
    unavailable: new Set(request.unavailable),
    versions: new VersionMemo(),
  };
  const current = lanesInForce(request.current);
  const demands = createDemands(request, table, context).map((demand, index): GraphDemand => {
    const inForce = current.get(demand.from.address);
    const isChange = demand.candidates.some(({ symbol }) => inForce?.has(symbol.address) === true);
    const choices = demand.candidates.map(({ symbol: to, failover, isOutdated }): Choice => {
      const terms = {
        lanes: context.lanes,
        budgetTenths: budgetTenths(rules, demand.from, to),
        priority: rules.qos(demand.from, to).priority,
        changeTenths: isChange ? CHANGE_TENTHS : 0,
        currentLane: inForce?.get(to.address) ?? null,
      };
      const added = isOutdated ? OUTDATED_TENTHS : 0;
      const laneIn = (relation: Relation): LaneChoice | null => {
        const choice = chooseLane(demand.from, to, relation, terms);
        return choice === null ? null : { lane: choice.lane, tenths: choice.tenths + added };
      };
      const inEach = { same: laneIn("same"), near: laneIn("near"), far: laneIn("far") };
      const possible = relations
        .of(demand.from, to)
        .map((relation) => inEach[relation]?.tenths ?? Number.POSITIVE_INFINITY);
      return {
        to,
        failover,
        isInForce: inForce?.has(to.address) === true,
        lanes: inEach,
        leastTenths: Math.min(...possible),
      };
    });
    // Of equals, whoever serves now goes on serving.
    choices.sort((a, b) => a.failover - b.failover || Number(b.isInForce) - Number(a.isInForce));
    return { index, demand, from: demand.from, choices };
  });
  return { table, context, relations, demands };
}

/** What it costs that a symbol runs elsewhere than before; nothing where nobody had the choice. */
export function moveTenths({ currentNode, nodes }: PlanSymbol, node: number): number {
  return nodes.length === 1 || currentNode === -1 || currentNode === node ? 0 : MOVE_TENTHS;
}

/** The lane of a demand's choice under an assignment; null when the assignment does not allow the choice. */
export function laneOf(
  graph: Graph,
  { choices, nodes }: Assignment,
  demand: GraphDemand,
): LaneChoice | null {
  const choice = demand.choices[choices[demand.index] ?? -1];
  if (choice === undefined) return null;
  const [a, b] = [nodes[demand.from.index] ?? -1, nodes[choice.to.index] ?? -1];
  return a === -1 || b === -1 ? null : choice.lanes[graph.relations.between(a, b)];
}

/** What an assignment costs, for these demands and the symbols that they use. */
export function costOf(
  graph: Graph,
  assignment: Assignment,
  demands: readonly GraphDemand[],
): Cost {
  let [dropped, failover, tenthsMs] = [0, 0, 0];
  const used = new Set<PlanSymbol>();
  for (const demand of demands) {
    const choice = demand.choices[assignment.choices[demand.index] ?? -1];
    const lane = laneOf(graph, assignment, demand);
    if (choice === undefined || lane === null) {
      dropped += 1;
      continue;
    }
    failover += choice.failover;
    tenthsMs += lane.tenths;
    used.add(demand.from).add(choice.to);
  }
  for (const symbol of used) {
    tenthsMs += moveTenths(symbol, assignment.nodes[symbol.index] ?? -1);
  }
  return { dropped, failover, tenthsMs };
}

/**
 * A cost that no assignment of these demands can go below: each takes what is best for it alone, as if every node
 * had room and every symbol could stand wherever this demand likes it best.
 */
export function boundOf(demands: readonly GraphDemand[]): Cost {
  let [dropped, failover, tenthsMs] = [0, 0, 0];
  for (const { choices } of demands) {
    if (choices.length === 0) {
      dropped += 1;
      continue;
    }
    const least = choices[0]?.failover ?? 0;
    let cheapest = Number.POSITIVE_INFINITY;
    for (const choice of choices) {
      if (choice.failover > least) break;
      cheapest = Math.min(cheapest, choice.leastTenths);
    }
    failover += least;
    tenthsMs += cheapest;
  }
  return { dropped, failover, tenthsMs };
}
