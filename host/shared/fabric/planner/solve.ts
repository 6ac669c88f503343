/**
 * The planner: which consumer reaches which provider, on which lane, and what runs where.
 *
 *   request ─ graph ─ parts ─ greedy ┬─ costs what its bound says     it is the best
 *                                    ├─ few variables                 the solver finds the best
 *                                    └─ many                          it may cost more than its bound
 */
import { addCost, compareCosts, ZERO_COST } from "./cost.ts";
import { type ExactOutcome, solveExactly } from "./exact.ts";
import { explain, explainDemand, findClash, findShortages, type Infeasibility } from "./explain.ts";
import { solveGreedily } from "./greedy.ts";
import {
  type Assignment,
  boundOf,
  costOf,
  createGraph,
  type Graph,
  type GraphDemand,
} from "./graph.ts";
import { EXACT_VARIABLES_ALL_MAX, EXACT_VARIABLES_MAX } from "./limits.ts";
import type { Cost, SolvedPlan, Solution, SolveRequest } from "./model.ts";
import { Occupancy } from "./occupancy.ts";
import { PartProgram } from "./part-program.ts";
import { bindingNodes, type Part, splitIntoParts } from "./parts.ts";
import { planOf } from "./plan-of.ts";
import type { IntegerSolver } from "./solver.ts";

export interface SolveOptions {
  /** Parts with more variables are not solved exactly. Not given: EXACT_VARIABLES_MAX. */
  readonly exactVariablesMax?: number;
}

/** How a part was solved. */
interface PartOutcome {
  readonly method: SolvedPlan["method"];
  readonly cost: Cost;
  readonly bound: Cost;
  readonly infeasibility: Infeasibility | null;
}

/** Pure: the same request gives the same solution, in whatever order its lists are and wherever it is solved. */
export function solve(
  request: SolveRequest,
  solver: IntegerSolver,
  options: SolveOptions = {},
): Solution {
  const graph = createGraph(request);
  const binding = bindingNodes(graph);
  const occupancy = new Occupancy(graph);
  const hopeless = graph.demands.filter(({ choices }) => choices.length === 0);
  const required = hopeless.filter(({ demand }) => !demand.isOptional);
  const parts = splitIntoParts(graph, binding);
  const world: World = {
    graph,
    binding,
    occupancy,
    solver,
    exact: exactParts(graph, parts, options),
  };
  const outcomes = parts.map((part) => solvePart(world, part));
  const failed = outcomes.flatMap(({ infeasibility }) =>
    infeasibility === null ? [] : [infeasibility],
  );
  if (required.length > 0 || failed.length > 0) {
    return { ok: false, explanation: explain(merge(graph, required, failed)) };
  }
  const left: Cost = { ...ZERO_COST, dropped: hopeless.length };
  const cost = outcomes.reduce((sum, outcome) => addCost(sum, outcome.cost), left);
  const costBound = outcomes.reduce((sum, outcome) => addCost(sum, outcome.bound), left);
  return {
    ok: true,
    ...planOf(graph, occupancy.assignment),
    cost,
    costBound,
    isOptimal: compareCosts(cost, costBound) === 0,
    method: outcomes.some(({ method }) => method === "greedy") ? "greedy" : "exact",
  };
}

interface World {
  readonly graph: Graph;
  readonly binding: ReadonlySet<number>;
  readonly occupancy: Occupancy;
  readonly solver: IntegerSolver;
  /** Those that are small enough for the solver. */
  readonly exact: ReadonlySet<Part>;
}

/** The parts that are small enough, as far as all of them together are. */
function exactParts(graph: Graph, parts: readonly Part[], options: SolveOptions): Set<Part> {
  const { exactVariablesMax = EXACT_VARIABLES_MAX } = options;
  const exact = new Set<Part>();
  let sum = 0;
  for (const part of parts) {
    const count = PartProgram.variableCount(graph, part);
    if (count > exactVariablesMax || sum + count > EXACT_VARIABLES_ALL_MAX) continue;
    sum += count;
    exact.add(part);
  }
  return exact;
}

function solvePart(world: World, part: Part): PartOutcome {
  const { graph, occupancy } = world;
  solveGreedily(occupancy, part);
  const bound = boundOf(part.demands);
  const first = costOf(graph, occupancy.assignment, part.demands);
  const unmet = part.demands.filter(
    (demand) => !demand.demand.isOptional && !occupancy.isMet(demand),
  );
  if (unmet.length === 0 && compareCosts(first, bound) === 0) {
    return { method: "exact", cost: first, bound, infeasibility: null };
  }
  const outcome = world.exact.has(part) ? improve(world, part, unmet.length === 0) : "unsolved";
  if (outcome === "infeasible") return impossible(world, part);
  const cost = costOf(graph, occupancy.assignment, part.demands);
  if (outcome === "optimal") return { method: "exact", cost, bound: cost, infeasibility: null };
  if (unmet.length === 0) return { method: "greedy", cost, bound, infeasibility: null };
  const unrouted = unmet.map((demand) => explainDemand(graph, demand));
  const shortages = findShortages(graph, part);
  const isProven = shortages.length > 0;
  return {
    method: "greedy",
    cost,
    bound,
    infeasibility: { unrouted, shortages, clash: null, isProven },
  };
}

/** Lets the solver find the best assignment of a part. */
function improve(world: World, part: Part, hasFirst: boolean): ExactOutcome {
  const { graph, binding, occupancy, solver } = world;
  const assignment = copyOf(occupancy.assignment);
  const program = new PartProgram(graph, binding, part);
  const outcome = solveExactly(graph, program, solver, assignment, hasFirst);
  if (outcome === "optimal") {
    // Parts share neither symbols with a choice of nodes nor nodes that may be full, so nobody else is concerned.
    occupancy.choices.set(assignment.choices);
    occupancy.nodes.set(assignment.nodes);
  }
  return outcome;
}

function impossible({ graph, binding, solver }: World, part: Part): PartOutcome {
  const clash = findClash(new PartProgram(graph, binding, part), solver);
  return {
    method: "exact",
    cost: ZERO_COST,
    bound: ZERO_COST,
    infeasibility: { unrouted: [], shortages: findShortages(graph, part), clash, isProven: true },
  };
}

/** All reasons together; of several clashes the first is told. */
function merge(
  graph: Graph,
  required: readonly GraphDemand[],
  failed: readonly Infeasibility[],
): Infeasibility {
  return {
    unrouted: [
      ...required.map((demand) => explainDemand(graph, demand)),
      ...failed.flatMap(({ unrouted }) => unrouted),
    ],
    shortages: failed.flatMap(({ shortages }) => shortages),
    clash: failed.find(({ clash }) => clash !== null)?.clash ?? null,
    // One reason that is proven is enough.
    isProven: required.length > 0 || failed.some(({ isProven }) => isProven),
  };
}

function copyOf({ choices, nodes }: Assignment): Assignment {
  return { choices: choices.slice(), nodes: nodes.slice() };
}
