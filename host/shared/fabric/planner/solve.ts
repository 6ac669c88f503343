/**
 * The planner: which consumer reaches which provider, on which lane, and what runs where.
 *
 *   request ─ graph ─ parts ┬─ each demand alone           the best choice is the answer
 *                           ├─ few variables               greedy, then proven best by the solver
 *                           └─ many                        greedy, with a bound
 */
import { addCost, compareCosts, ZERO_COST } from "./cost.ts";
import { type ExactOutcome, solveExactly } from "./exact.ts";
import { explain, explainDemand, findClash, type Infeasibility } from "./explain.ts";
import { solveGreedily } from "./greedy.ts";
import {
  type Assignment,
  boundOf,
  costOf,
  createGraph,
  type Graph,
  type GraphDemand,
} from "./graph.ts";
import { EXACT_VARIABLES_MAX } from "./limits.ts";
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
  const outcomes: PartOutcome[] = [];
  for (const part of splitIntoParts(graph, binding)) {
    outcomes.push(solvePart(graph, binding, occupancy, part, solver, options));
  }
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

function solvePart(
  graph: Graph,
  binding: ReadonlySet<number>,
  occupancy: Occupancy,
  part: Part,
  solver: IntegerSolver,
  { exactVariablesMax = EXACT_VARIABLES_MAX }: SolveOptions,
): PartOutcome {
  solveGreedily(occupancy, part);
  const unmet = part.demands.filter(
    (demand) => !demand.demand.isOptional && !occupancy.isMet(demand),
  );
  const isPlain = part.symbols.every(
    ({ nodes }) => nodes.length === 1 && !binding.has(nodes[0] ?? -1),
  );
  let outcome: ExactOutcome = isPlain ? "optimal" : "unsolved";
  if (!isPlain && PartProgram.variableCount(graph, part) <= exactVariablesMax) {
    const assignment = copyOf(occupancy.assignment);
    const program = new PartProgram(graph, binding, part);
    outcome = solveExactly(graph, program, solver, assignment, unmet.length === 0);
    if (outcome === "infeasible") return impossible(graph, binding, part, solver);
    if (outcome === "optimal") {
      // Parts share neither symbols with a choice of nodes nor nodes that may be full, so nobody else is concerned.
      occupancy.choices.set(assignment.choices);
      occupancy.nodes.set(assignment.nodes);
    }
  }
  const cost = costOf(graph, occupancy.assignment, part.demands);
  if (outcome === "optimal") return { method: "exact", cost, bound: cost, infeasibility: null };
  const unrouted = unmet.map((demand) => explainDemand(graph, demand));
  const infeasibility = unmet.length === 0 ? null : { unrouted, clash: null, isProven: false };
  return { method: "greedy", cost, bound: boundOf(graph, part.demands), infeasibility };
}

function impossible(
  graph: Graph,
  binding: ReadonlySet<number>,
  part: Part,
  solver: IntegerSolver,
): PartOutcome {
  const clash = findClash(new PartProgram(graph, binding, part), solver);
  return {
    method: "exact",
    cost: ZERO_COST,
    bound: ZERO_COST,
    infeasibility: { unrouted: [], clash, isProven: true },
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
    clash: failed.find(({ clash }) => clash !== null)?.clash ?? null,
    // One reason that is proven is enough.
    isProven: required.length > 0 || failed.some(({ isProven }) => isProven),
  };
}

function copyOf({ choices, nodes }: Assignment): Assignment {
  return { choices: choices.slice(), nodes: nodes.slice() };
}
