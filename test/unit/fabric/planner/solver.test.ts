/**
 * Goal: the solver's answers can be relied upon. Method: random programs against every assignment; the programs that
 * it once got wrong; the ways in which it gives up.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { IntegerProgram, ProgramRow } from "../../../../host/shared/fabric/planner/solver.ts";
import { SOLVER } from "./world.ts";

const NO_BOUND = Number.NEGATIVE_INFINITY;

function most(upper: number, ...terms: readonly (readonly [number, number])[]): ProgramRow {
  return {
    columns: terms.map(([column]) => column),
    coefficients: terms.map(([, coefficient]) => coefficient),
    lower: NO_BOUND,
    upper,
  };
}

/** The least cost over all assignments; null when none is allowed. */
function leastCost({ costs, uppers, rows }: IntegerProgram): number | null {
  let least: number | null = null;
  for (let mask = 0; mask < 2 ** costs.length; mask++) {
    const value = (column: number): number => (mask >> column) & 1;
    if (uppers.some((upper, column) => value(column) > upper)) continue;
    const isIn = rows.every(({ columns, coefficients, lower, upper }) => {
      const sum = columns.reduce(
        (all, column, at) => all + (coefficients[at] ?? 0) * value(column),
        0,
      );
      return lower <= sum && sum <= upper;
    });
    if (!isIn) continue;
    const cost = costs.reduce((sum, one, column) => sum + one * value(column), 0);
    least = least === null ? cost : Math.min(least, cost);
  }
  return least;
}

const program: fc.Arbitrary<IntegerProgram> = fc.integer({ min: 1, max: 9 }).chain((count) =>
  fc.record({
    costs: fc.array(fc.integer({ min: -50, max: 50 }), { minLength: count, maxLength: count }),
    uppers: fc.array(fc.constantFrom(0 as const, 1 as const, 1 as const), {
      minLength: count,
      maxLength: count,
    }),
    rows: fc.array(
      fc.uniqueArray(fc.nat(count - 1), { minLength: 1 }).chain((columns) =>
        fc.record({
          columns: fc.constant(columns),
          coefficients: fc.array(fc.integer({ min: -2_000, max: 2_000 }), {
            minLength: columns.length,
            maxLength: columns.length,
          }),
          lower: fc.constantFrom(NO_BOUND, NO_BOUND, -500, 0),
          upper: fc.constantFrom(0, 1, 700, 2_500),
        }),
      ),
      { maxLength: 6 },
    ),
  }),
);

test("an optimum is one", { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(program, (drawn) => {
      const result = SOLVER.solve(drawn);
      const least = leastCost(drawn);
      expect(result.status).toBe(least === null ? "infeasible" : "optimal");
      if (result.status !== "optimal") return;
      const cost = drawn.costs.reduce((sum, one, at) => sum + one * (result.values[at] ?? 0), 0);
      expect(cost).toBe(least);
    }),
    { numRuns: 1_000 },
  );
});

test("a program that presolve breaks", () => {
  const one = (...columns: number[]): ProgramRow => ({
    ...most(1, ...columns.map((column): [number, number] => [column, 1])),
    lower: 1,
  });
  const implies = (place: number, ...columns: number[]): ProgramRow =>
    most(0, ...columns.map((column): [number, number] => [column, 1]), [place, -1]);
  const once = (a: number, b: number): ProgramRow => most(1, [a, 1], [b, 1]);
  // Two demands on two nodes; the second may be left out (8), and has to be for want of room.
  const drawn: IntegerProgram = {
    costs: Array.from({ length: 17 }, (_, index) => Number(index === 8)),
    uppers: Array.from({ length: 17 }, () => 1),
    rows: [
      one(0, 1, 2, 3),
      implies(9, 0, 1),
      implies(10, 2, 3),
      implies(15, 0, 2),
      implies(16, 1, 3),
      one(4, 5, 6, 7, 8),
      implies(13, 4, 5),
      implies(14, 6, 7),
      implies(11, 4, 6),
      implies(12, 5, 7),
      ...[9, 11, 13, 15].map((place) => once(place, place + 1)),
      most(2_000, [9, 1_000], [11, 2_000], [13, 2_000], [15, 100]),
      most(3_000, [10, 1_000], [12, 2_000], [14, 2_000], [16, 100]),
      most(128, [10, 64], [12, 64], [14, 64], [16, 64]),
    ],
  };
  const result = SOLVER.solve(drawn);
  expect(result.status === "optimal" && result.values[8]).toBe(1);
});

test("a program without variables is judged by its rows", () => {
  const rows = (upper: number): ProgramRow[] => [
    { columns: [], coefficients: [], lower: 0, upper },
  ];
  expect(SOLVER.solve({ costs: [], uppers: [], rows: rows(0) }).status).toBe("optimal");
  expect(SOLVER.solve({ costs: [], uppers: [], rows: rows(-1) }).status).toBe("infeasible");
});
