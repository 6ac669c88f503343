/**
 * Goal: a solver that cannot answer says so, and what it is compiled from makes no difference.
 * Method: a program that takes more of a search than it is given, one that is broken, and the module handed over
 * compiled, as a host does where nothing may compile WebAssembly.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { loadHighsSolver } from "../../../../host/shared/fabric/planner/highs-solver.ts";
import type { IntegerProgram } from "../../../../host/shared/fabric/planner/solver.ts";
import { SOLVER } from "./world.ts";

/** Rows that each have to meet half of what their coefficients sum up to: hard to meet, and hard to rule out. */
function marketSplit(rowCount: number, columnCount: number): IntegerProgram {
  let state = 7;
  const next = (): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor(state / 65_536) % 100;
  };
  const columns = Array.from({ length: columnCount }, (_, index) => index);
  const rows = Array.from({ length: rowCount }, () => {
    const coefficients = columns.map(next);
    const half = Math.floor(coefficients.reduce((sum, one) => sum + one, 0) / 2);
    return { columns, coefficients, lower: half, upper: half };
  });
  return { costs: columns.map(() => 1), uppers: columns.map(() => 1), rows };
}

test("a search that is longer than its bound ends unsolved", { timeout: 60_000 }, () => {
  expect(SOLVER.solve(marketSplit(4, 24)).status).toBe("unsolved");
});

test("a broken program is unsolved, and the next one is not concerned", () => {
  const row = { columns: [7], coefficients: [1], lower: 0, upper: 1 };
  expect(SOLVER.solve({ costs: [1], uppers: [1], rows: [row] }).status).toBe("unsolved");
  const sound = { ...row, columns: [0], lower: 1 };
  expect(SOLVER.solve({ costs: [1], uppers: [1], rows: [sound] })).toEqual({
    status: "optimal",
    values: [1],
  });
});

test("a module that was compiled before gives the same answers", async () => {
  const path = createRequire(import.meta.url).resolve("highs/runtime");
  const solver = await loadHighsSolver(new WebAssembly.Module(readFileSync(path)));
  const program = marketSplit(1, 12);
  expect(solver.solve(program)).toEqual(SOLVER.solve(program));
});
