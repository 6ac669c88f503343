/**
 * The best assignment of a part, and of several best ones always the same: cost is minimised member by member, then
 * the number of each demand's choice, then that of each symbol's node. Every objective has small whole numbers, so
 * that a solver with floating point has no room for error.
 */
import { type Assignment, boundOf, costOf, type Graph, type GraphDemand } from "./graph.ts";
import type { Cost } from "./model.ts";
import type { PartProgram } from "./part-program.ts";
import type { IntegerSolver } from "./solver.ts";
import type { PlanSymbol } from "./symbol-table.ts";

export type ExactOutcome = "optimal" | "infeasible" | "unsolved";

/** The largest number that several ranks are folded into. */
const FOLDED_MAX = 4_096;

/** A demand's choice or a symbol's place, as a digit of the number that decides between equals. */
interface Digit {
  readonly demand: GraphDemand | null;
  readonly symbol: PlanSymbol | null;
  readonly radix: number;
}

/** Writes the optimum into `assignment`; whether it holds a first solution is told by `hasFirst`. */
export function solveExactly(
  graph: Graph,
  program: PartProgram,
  solver: IntegerSolver,
  assignment: Assignment,
  hasFirst: boolean,
): ExactOutcome {
  const { demands } = program.part;
  const bound = membersOf(boundOf(demands));
  let isKnown = hasFirst;
  // As long as all members before are at their bounds, one at its own bound cannot be bettered.
  let isAtBound = true;
  for (const [member, costs] of program.objectives.entries()) {
    const valueNow = (): number => membersOf(costOf(graph, assignment, demands))[member] ?? 0;
    if (!isKnown || !isAtBound || valueNow() !== bound[member]) {
      const result = solver.solve(program.program(costs));
      if (result.status !== "optimal") return result.status;
      program.decode(result.values, assignment);
      isKnown = true;
    }
    const value = valueNow();
    isAtBound &&= value === bound[member];
    program.limit(costs, value);
  }
  const choiceDigits = demands.map((demand): Digit => ({
    demand,
    symbol: null,
    radix: demand.choices.length + 1,
  }));
  const placeDigits = program.part.symbols.map((symbol): Digit => ({
    demand: null,
    symbol,
    radix: symbol.nodes.length,
  }));
  for (const digits of [choiceDigits, placeDigits]) {
    const outcome = decideTies(program, solver, assignment, digits);
    if (outcome !== "optimal") return outcome;
  }
  return "optimal";
}

function membersOf({ dropped, failover, tenthsMs }: Cost): readonly number[] {
  return [dropped, failover, tenthsMs];
}

/** Makes the digits, the first first, as small as they can be. */
function decideTies(
  program: PartProgram,
  solver: IntegerSolver,
  assignment: Assignment,
  digits: readonly Digit[],
): ExactOutcome {
  for (let at = 0; at < digits.length;) {
    const digit = digits[at] as Digit;
    let end = at + 1;
    if (valueOf(assignment, digit) > 0) {
      let folded = digit.radix;
      while (end < digits.length && folded * (digits[end]?.radix ?? 1) <= FOLDED_MAX) {
        folded *= digits[end]?.radix ?? 1;
        end += 1;
      }
      const result = solver.solve(program.program(foldedCosts(program, digits.slice(at, end))));
      if (result.status !== "optimal") return result.status;
      program.decode(result.values, assignment);
    }
    for (const decided of digits.slice(at, end)) fix(program, assignment, decided);
    at = end;
  }
  return "optimal";
}

/** 0 is the smallest, and that of a symbol which runs nowhere. */
function valueOf({ choices, nodes }: Assignment, { demand, symbol }: Digit): number {
  if (demand !== null) {
    const choice = choices[demand.index] ?? -1;
    return choice === -1 ? demand.choices.length : choice;
  }
  const node = symbol === null ? -1 : (nodes[symbol.index] ?? -1);
  return node === -1 ? 0 : (symbol?.nodes.indexOf(node) ?? 0);
}

function foldedCosts(program: PartProgram, digits: readonly Digit[]): number[] {
  const demandWeights = new Map<GraphDemand, number>();
  const symbolWeights = new Map<PlanSymbol, number>();
  let weight = 1;
  for (const { demand, symbol, radix } of [...digits].reverse()) {
    if (demand !== null) demandWeights.set(demand, weight);
    if (symbol !== null) symbolWeights.set(symbol, weight);
    weight *= radix;
  }
  return program.rankCosts(demandWeights, symbolWeights);
}

function fix(program: PartProgram, assignment: Assignment, { demand, symbol }: Digit): void {
  if (demand !== null) program.fixChoice(demand, assignment.choices[demand.index] ?? -1);
  if (symbol !== null) program.fixNode(symbol, assignment.nodes[symbol.index] ?? -1);
}
