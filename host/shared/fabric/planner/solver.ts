/**
 * The port to a solver of integer programs: minimise costs · x, each x 0 or 1, each row within its bounds.
 *
 * A solver may take any of several optima; the planner asks until there is only one, so which solver it is and where
 * it runs makes no difference to a plan.
 */

/** lower ≤ Σ coefficients[i] · x[columns[i]] ≤ upper; infinite bounds are none. All numbers are whole. */
export interface ProgramRow {
  readonly columns: readonly number[];
  readonly coefficients: readonly number[];
  readonly lower: number;
  readonly upper: number;
}

export interface IntegerProgram {
  /** One for each variable. */
  readonly costs: readonly number[];
  /** 0 fixes a variable to 0, 1 leaves it free. */
  readonly uppers: readonly (0 | 1)[];
  readonly rows: readonly ProgramRow[];
}

export type ProgramResult =
  | { readonly status: "optimal"; readonly values: readonly (0 | 1)[] }
  | { readonly status: "infeasible" }
  /** It gave up after a bounded number of steps, the same everywhere. */
  | { readonly status: "unsolved" };

export interface IntegerSolver {
  solve(program: IntegerProgram): ProgramResult;
}
