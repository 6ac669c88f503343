/**
 * The solver port by HiGHS, compiled to WebAssembly. The only file that imports the package `highs`.
 *
 * It finds its own highs.wasm on Node.js, Deno and, when it lies beside the module, in a browser. Where code may not
 * compile WebAssembly at run time, as in edge workers, the host hands it over compiled.
 */
import loadHighs, { type Highs, type ModelData } from "highs";
import { Failure } from "../../ports/failure.ts";
import type { IntegerProgram, IntegerSolver, ProgramResult } from "./solver.ts";

/** Branches of the search tree: a bound that is the same on every machine, which a clock is not. */
const NODES_MAX = 5_000;

/**
 * Nothing may depend on time or chance, and an optimum has to be one. Presolve stays off: in HiGHS 1.15.1 it reduces
 * some programs to an empty one whose solution breaks a row of the original (test/unit/fabric/planner/solver.test.ts).
 */
const OPTIONS = {
  output_flag: false,
  presolve: "off",
  // A search for a first solution that takes ten times as long as all the rest of a small program.
  mip_heuristic_run_feasibility_jump: false,
  random_seed: 0,
  mip_rel_gap: 0,
  mip_abs_gap: 0,
  mip_max_nodes: NODES_MAX,
};

/** The package's types are those of its CommonJS half, where the loader is a member; in an ES module it is the module. */
const load = loadHighs as unknown as (
  options: LoaderOptions,
) => ReturnType<typeof loadHighs.default>;

/** The loader's own hook. What its documents call `wasmModule` is not in version 1.15.3. */
interface LoaderOptions {
  readonly instantiateWasm?: (
    imports: ConstructorParameters<typeof WebAssembly.Instance>[1],
    done: (instance: WebAssembly.Instance) => void,
  ) => object;
}

export async function loadHighsSolver(module?: WebAssembly.Module): Promise<IntegerSolver> {
  const highs = await load(module === undefined ? {} : { instantiateWasm: handOver(module) });
  return { solve: (program) => solve(highs, program) };
}

function handOver(module: WebAssembly.Module): NonNullable<LoaderOptions["instantiateWasm"]> {
  return (imports, done) => {
    done(new WebAssembly.Instance(module, imports));
    return {};
  };
}

function solve(highs: Highs, program: IntegerProgram): ProgramResult {
  // HiGHS takes a program without variables for an empty one, whose rows it does not look at.
  if (program.costs.length === 0) return emptyResult(program);
  try {
    return highs.withModel(modelOf(highs, program), (model): ProgramResult => {
      model.options.set(OPTIONS);
      model.run();
      const status = model.getModelStatus();
      if (status === highs.constants.modelStatus.infeasible) return { status: "infeasible" };
      if (status !== highs.constants.modelStatus.optimal) return { status: "unsolved" };
      const values = Array.from(model.getSolution().colValue, (value) => (value > 0.5 ? 1 : 0));
      // The solver computes with floating point; what it says is believed once whole numbers agree.
      return isSolution(program, values) ? { status: "optimal", values } : { status: "unsolved" };
    });
  } catch (thrown) {
    // It found a fault of its own and said so; the next program is not concerned.
    if (thrown instanceof highs.errors.HighsError) return { status: "unsolved" };
    throw new Failure("internal", "The solver stopped with an error", {
      origin: "host",
      remedy: "Run the command again; if it happens again, report it with the plan's inputs.",
      cause: thrown,
    });
  }
}

function emptyResult(program: IntegerProgram): ProgramResult {
  return isSolution(program, []) ? { status: "optimal", values: [] } : { status: "infeasible" };
}

function isSolution(program: IntegerProgram, values: readonly number[]): boolean {
  return program.rows.every(({ columns, coefficients, lower, upper }) => {
    let sum = 0;
    for (const [at, column] of columns.entries()) {
      sum += (coefficients[at] ?? 0) * (values[column] ?? 0);
    }
    return lower <= sum && sum <= upper;
  });
}

function modelOf(highs: Highs, program: IntegerProgram): ModelData {
  const { costs, uppers, rows } = program;
  const starts = [0];
  for (const { columns } of rows) starts.push((starts.at(-1) ?? 0) + columns.length);
  const bounded = (value: number): number =>
    Number.isFinite(value) ? value : Math.sign(value) * highs.infinity;
  return {
    numCols: costs.length,
    numRows: rows.length,
    colCost: [...costs],
    colLower: costs.map(() => 0),
    colUpper: [...uppers],
    rowLower: rows.map(({ lower }) => bounded(lower)),
    rowUpper: rows.map(({ upper }) => bounded(upper)),
    integrality: costs.map(() => highs.constants.variableType.integer),
    matrix: {
      format: "csr",
      numRows: rows.length,
      numCols: costs.length,
      starts,
      indices: rows.flatMap(({ columns }) => columns),
      values: rows.flatMap(({ coefficients }) => coefficients),
    },
  };
}
