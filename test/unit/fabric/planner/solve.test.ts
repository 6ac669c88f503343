/**
 * Goal: the planner finds the best plan that the rules allow, the same one always, and says why when there is none.
 * Method: property tests against looking at every assignment, against the verification, and against shuffled requests.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareCosts } from "../../../../host/shared/fabric/planner/cost.ts";
import { solve } from "../../../../host/shared/fabric/planner/solve.ts";
import type {
  IntegerProgram,
  ProgramResult,
} from "../../../../host/shared/fabric/planner/solver.ts";
import { verifySolution } from "../../../../host/shared/fabric/planner/verify.ts";
import { bruteForce } from "./brute-force.ts";
import { SOLVER, tinyRequest } from "./world.ts";

describe("against every assignment of tiny requests", { timeout: 120_000 }, () => {
  test("the exact solution is the best one, to the last tie", () => {
    fc.assert(
      fc.property(tinyRequest, (tiny) => {
        let calls = 0;
        const counting = (program: IntegerProgram): ProgramResult => {
          calls += 1;
          return SOLVER.solve(program);
        };
        const solution = solve(tiny, { solve: counting });
        const { best } = bruteForce(tiny);
        expect(solution.ok).toBe(best !== null);
        if (!solution.ok || best === null) return;
        expect(solution.isOptimal).toBe(true);
        expect(solution.cost).toEqual(best.cost);
        expect(verifySolution(tiny, solution)).toEqual({ ok: true, reason: null });
        // Which of several optima it is, depends on no solver.
        if (calls === 0) return;
        expect(solution.routes.map(({ from, to }) => `${from} ${to}`)).toEqual(best.routes);
        expect(solution.placement).toEqual(best.placement);
      }),
      { numRuns: 1_000 },
    );
  });

  test("the greedy one is feasible, and never better than its bound or the best", () => {
    fc.assert(
      fc.property(tinyRequest, (tiny) => {
        const greedy = solve(tiny, SOLVER, { exactVariablesMax: 0 });
        const { best } = bruteForce(tiny);
        if (!greedy.ok) return;
        expect(verifySolution(tiny, greedy)).toEqual({ ok: true, reason: null });
        expect(best).not.toBeNull();
        if (best === null) return;
        expect(compareCosts(best.cost, greedy.cost)).toBeLessThanOrEqual(0);
        expect(compareCosts(greedy.costBound, best.cost)).toBeLessThanOrEqual(0);
      }),
      { numRuns: 1_000 },
    );
  });
});
