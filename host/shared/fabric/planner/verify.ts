/**
 * Checks a solution against its request, without the solver and without what it computed: every rule of every route,
 * every lane, every node, and the cost. Whoever gets a plan can repeat this.
 */
import type { Lane } from "../lane-kind.ts";
import {
  CHANGE_TENTHS,
  LANE_TENTHS,
  MOVE_TENTHS,
  NUMA_TENTHS,
  OUTDATED_TENTHS,
  TENTHS_PER_MS,
} from "./cost.ts";
import { type Candidate, createDemands, type Demand } from "./demand.ts";
import { budgetTenths, type FitContext, misfitOf, VersionMemo } from "./fit.ts";
import { lanesInForce, type LanesInForce } from "./in-force.ts";
import { Relations } from "./lanes.ts";
import type { LaneReason, SolvedPlan, Solution, SolveRequest } from "./model.ts";
import { compareRoutes } from "./plan-of.ts";
import { RouteRules } from "./route-rules.ts";
import {
  createSymbolTable,
  ownMember,
  type PlanNode,
  type PlanSymbol,
  type SymbolTable,
} from "./symbol-table.ts";

export interface Verdict {
  readonly ok: boolean;
  /** The first thing that is wrong; null when nothing is. */
  readonly reason: string | null;
}

/** Ends the check with its reason; nothing outside this file sees it. */
class Objection extends Error {}

export function verifySolution(request: SolveRequest, solution: Solution): Verdict {
  if (!solution.ok) return { ok: false, reason: "there is no solution" };
  try {
    new Verification(request, solution).check();
    return { ok: true, reason: null };
  } catch (thrown) {
    if (thrown instanceof Objection) return { ok: false, reason: thrown.message };
    throw thrown;
  }
}

function insist(condition: boolean, reason: string): asserts condition {
  if (!condition) throw new Objection(reason);
}

/** A demand with the candidate that the solution answers it with. */
interface Met {
  readonly demand: Demand;
  readonly candidate: Candidate;
}

class Verification {
  readonly #request: SolveRequest;
  readonly #solution: SolvedPlan;
  readonly #table: SymbolTable;
  readonly #context: FitContext;
  readonly #nodeById: ReadonlyMap<string, PlanNode>;
  readonly #inForce: LanesInForce;

  constructor(request: SolveRequest, solution: SolvedPlan) {
    this.#request = request;
    this.#solution = solution;
    this.#table = createSymbolTable(request);
    this.#context = {
      relations: new Relations(this.#table.nodes),
      rules: new RouteRules(request.policy),
      lanes: request.lanes,
      unavailable: new Set(request.unavailable),
      versions: new VersionMemo(),
    };
    this.#inForce = lanesInForce(request.current);
    this.#nodeById = new Map(this.#table.nodes.map((node) => [node.id, node]));
  }

  check(): void {
    const { met, left } = this.#checkAnswers();
    this.#checkRoutes(met);
    this.#checkPlacement();
    this.#checkCapacity();
    for (const [index, reason] of this.#solution.lanes.entries()) this.#checkLane(index, reason);
    this.#checkCost(met, left);
  }

  /** Each class of wanted routes has one link that fits, or is optional and said to have none. */
  #checkAnswers(): { met: Met[]; left: Demand[] } {
    const { answers, unrouted } = this.#solution;
    const key = (from: string, wanted: string): string => `${from} ${wanted}`;
    const toOf = new Map(answers.map(({ from, wanted, to }) => [key(from, wanted), to]));
    const without = new Set(unrouted.map(({ from, wanted }) => key(from, wanted)));
    insist(toOf.size === answers.length, "a wanted route is answered twice");
    insist(without.size === unrouted.length, "a wanted route is left out twice");
    const [met, left]: [Met[], Demand[]] = [[], []];
    for (const demand of createDemands(this.#request, this.#table, this.#context)) {
      const own = key(demand.from.address, demand.label);
      const text = `${demand.from.address} wants ${demand.label}`;
      const to = toOf.get(own);
      insist((to === undefined) === without.has(own), `${text}: it has to be answered or left out`);
      if (to === undefined) {
        insist(demand.isOptional, `${text}: it is required, and left out`);
        left.push(demand);
        continue;
      }
      met.push({ demand, candidate: this.#candidateOf(demand, to, text) });
    }
    insist(met.length === answers.length, "something is answered that nobody wants");
    insist(left.length === unrouted.length, "something is left out that nobody wants");
    return { met, left };
  }

  #candidateOf(demand: Demand, to: string, text: string): Candidate {
    const symbol = this.#table.byAddress.get(to);
    insist(symbol !== undefined, `${to} is not among the symbols`);
    const rule = misfitOf(this.#context, demand.from, symbol, demand.needs);
    insist(rule === null, `${text}: ${to} does not fit (${rule})`);
    const candidate = demand.candidates.find((one) => one.symbol === symbol);
    insist(candidate !== undefined, `${text}: ${to} is not meant by it`);
    return candidate;
  }

  /** Routes are what the answers need, each once, and no others. */
  #checkRoutes(met: readonly Met[]): void {
    const { routes, lanes } = this.#solution;
    const key = ({ from, to }: { from: string; to: string }): string => `${from} ${to}`;
    const needed = new Set(
      met.map(({ demand, candidate }) =>
        key({ from: demand.from.address, to: candidate.symbol.address }),
      ),
    );
    for (const [index, route] of routes.entries()) {
      const before = routes[index - 1];
      const isSorted = before === undefined || compareRoutes(before, route) < 0;
      insist(isSorted, "the routes are not sorted, or one stands twice");
      insist(needed.delete(key(route)), `nobody wants the route from ${route.from} to ${route.to}`);
    }
    const [missing] = needed;
    insist(missing === undefined, `the route ${missing} is missing`);
    insist(lanes.length === routes.length, "not each route has the reason of its lane");
  }

  /** Whatever a route touches runs on one node of the topology, where it may. */
  #checkPlacement(): void {
    const { routes, placement } = this.#solution;
    const touched = new Set(routes.flatMap(({ from, to }) => [from, to]));
    for (const address of touched) {
      const node = this.#nodeAt(address);
      const fixed = ownMember(this.#request.topology.place, address);
      insist(fixed === undefined || fixed === node.id, `${address} cannot run on ${node.id}`);
    }
    const isExact = Object.keys(placement).length === touched.size;
    insist(isExact, "something is placed that no route touches");
  }

  #nodeAt(address: string): PlanNode {
    const id = ownMember(this.#solution.placement, address);
    const node = id === undefined ? undefined : this.#nodeById.get(id);
    insist(node !== undefined, `${address} runs on no node of the topology`);
    return node;
  }

  #symbolAt(address: string): PlanSymbol {
    const symbol = this.#table.byAddress.get(address);
    insist(symbol !== undefined, `${address} is not among the symbols`);
    return symbol;
  }

  #checkCapacity(): void {
    const cpu = new Map<PlanNode, number>();
    const memory = new Map<PlanNode, number>();
    for (const address of Object.keys(this.#solution.placement)) {
      const [node, symbol] = [this.#nodeAt(address), this.#symbolAt(address)];
      cpu.set(node, (cpu.get(node) ?? 0) + symbol.cpuMilli);
      memory.set(node, (memory.get(node) ?? 0) + symbol.memoryMb);
    }
    for (const node of this.#table.nodes) {
      insist((cpu.get(node) ?? 0) <= node.cpuMilli, `${node.id} has not enough CPU`);
      insist((memory.get(node) ?? 0) <= node.memoryMb, `${node.id} has not enough memory`);
    }
  }

  #checkLane(index: number, reason: LaneReason): void {
    const route = this.#solution.routes[index];
    const { from, to, lane } = reason;
    const text = `${from} to ${to} on ${lane}`;
    const isSame = route?.from === from && route.to === to && route.lane === lane;
    insist(isSame, `${text}: the reason of a lane belongs to no route`);
    insist(this.#request.lanes.includes(lane), `${text}: the lane is not among those to be used`);
    const [a, b] = [this.#nodeAt(from), this.#nodeAt(to)];
    const [left, right] = [this.#symbolAt(from), this.#symbolAt(to)];
    insist((a.machine !== b.machine) === (lane === "mxp"), `${text}: it does not lead there`);
    const hasShm = left.contract.hasShm && right.contract.hasShm;
    insist(lane !== "shm" || (a === b && hasShm), `${text}: they share no memory`);
    const latency = this.#latencyTenths(reason);
    const budget = budgetTenths(this.#context.rules, left, right);
    insist(latency <= budget, `${text}: it is slower than its budget`);
    insist(reason.latencyMs === latency / TENTHS_PER_MS, `${text}: its latency is another`);
    const budgetMs = Number.isFinite(budget) ? budget / TENTHS_PER_MS : null;
    insist(reason.budgetMs === budgetMs, `${text}: its budget is another`);
  }

  #latencyTenths({ from, to, lane }: Pick<LaneReason, "from" | "to" | "lane">): number {
    const [a, b] = [this.#nodeAt(from), this.#nodeAt(to)];
    const isCrossing = a !== b && a.machine === b.machine;
    return LANE_TENTHS[lane] + (isCrossing ? NUMA_TENTHS : 0);
  }

  #checkCost(met: readonly Met[], left: readonly Demand[]): void {
    const { cost, costBound, isOptimal, placement } = this.#solution;
    const laneOf = new Map(
      this.#solution.routes.map(({ from, to, lane }) => [`${from} ${to}`, lane]),
    );
    let [failover, tenthsMs] = [0, 0];
    for (const one of met) {
      const lane = laneOf.get(`${one.demand.from.address} ${one.candidate.symbol.address}`);
      insist(lane !== undefined, "a route is missing");
      failover += one.candidate.failover;
      tenthsMs += this.#tenthsOf(one, lane);
    }
    for (const address of Object.keys(placement)) {
      const { currentNode, nodes } = this.#symbolAt(address);
      const isMoved = currentNode !== -1 && currentNode !== this.#nodeAt(address).index;
      if (isMoved && nodes.length > 1) tenthsMs += MOVE_TENTHS;
    }
    insist(cost.dropped === left.length, "the cost counts other routes as left out");
    insist(cost.failover === failover, "the cost counts other steps of failover");
    insist(cost.tenthsMs === tenthsMs, "the cost counts other latencies");
    const isBound = [
      costBound.dropped - cost.dropped,
      costBound.failover - cost.failover,
      costBound.tenthsMs - cost.tenthsMs,
    ].find((difference) => difference !== 0);
    insist((isBound ?? 0) <= 0, "the cost is lower than its bound");
    insist(isOptimal === (isBound === undefined), "it is not proven to be the best");
  }

  #tenthsOf({ demand, candidate }: Met, lane: Lane): number {
    const route = { from: demand.from.address, to: candidate.symbol.address, lane };
    const { priority } = this.#context.rules.qos(demand.from, candidate.symbol);
    const inForce = this.#inForce.get(route.from);
    const isChange = demand.candidates.some(({ symbol }) => inForce?.has(symbol.address) === true);
    const isKept = inForce?.get(route.to) === lane;
    return (
      this.#latencyTenths(route) * priority +
      (isChange && !isKept ? CHANGE_TENTHS : 0) +
      (candidate.isOutdated ? OUTDATED_TENTHS : 0)
    );
  }
}
