/**
 * A plan for 10,000 symbols with 50,000 candidate routes on 16 nodes that are nearly full, and its verification; and
 * small graphs that the solver can do, to see what the greedy search gives away.
 */
import { LANES } from "../../host/shared/fabric/lane-kind.ts";
import { defaultContract } from "../../host/shared/fabric/planner/contract.ts";
import { NOTHING_IN_FORCE, OPEN_POLICY } from "../../host/shared/fabric/planner/defaults.ts";
import { loadHighsSolver } from "../../host/shared/fabric/planner/highs-solver.ts";
import type {
  Contract,
  SolvedPlan,
  SolveRequest,
  Topology,
  WantedRoute,
} from "../../host/shared/fabric/planner/model.ts";
import { solve } from "../../host/shared/fabric/planner/solve.ts";
import { verifySolution } from "../../host/shared/fabric/planner/verify.ts";
import type { Bench, BenchContext, Measurement } from "../harness.ts";

const CONSUMERS = 5_000;
const PROVIDERS = 1_000;
const VERSIONS = 5;
const WISHES_EACH = 2;
const BOUND_MS = 10_000;
const RULES = 50;

const SMALL_GRAPHS = 20;

interface Size {
  readonly consumers: number;
  readonly providers: number;
  readonly nodes: number;
  readonly cpu: number;
}

/** Each consumer wants some providers, of which every version fits; half of all has shared memory. */
function graph(size: Size, random: () => number): SolveRequest {
  const pick = (count: number): number => Math.floor(random() * count);
  const contracts: Contract[] = [];
  const wanted: WantedRoute[] = [];
  for (let provider = 0; provider < size.providers; provider++) {
    for (let version = 0; version < VERSIONS; version++) {
      contracts.push({
        ...defaultContract(`rtt://bench/api/provider-${provider}@1.${version}.0`),
        direction: "provider",
        capabilities: ["read", "write"],
        throughputQps: 1 + pick(6),
        hasShm: pick(2) === 0,
      });
    }
  }
  for (let consumer = 0; consumer < size.consumers; consumer++) {
    const address = `rtt://bench/agent/consumer-${consumer}@1.0.0`;
    contracts.push({
      ...defaultContract(address),
      direction: "consumer",
      capabilities: ["read"],
      hasShm: pick(2) === 0,
    });
    for (let wish = 0; wish < WISHES_EACH; wish++) {
      const to = `rtt://bench/api/provider-${pick(size.providers)}@^1`;
      wanted.push({ from: address, to, isOptional: false });
    }
  }
  const rules = Array.from({ length: RULES }, (_, index) => ({
    from: `rtt://bench/agent/*${index}@*`,
    to: "rtt://bench/api/*",
    scopes: null,
  }));
  const allow = [...rules, { from: "rtt://bench/*", to: "rtt://bench/*", scopes: null }];
  return {
    wanted,
    contracts,
    policy: { ...OPEN_POLICY, allow },
    topology: topology(size),
    current: NOTHING_IN_FORCE,
    lanes: LANES,
    unavailable: [],
  };
}

function topology({ nodes, cpu }: Size): Topology {
  const entries = Array.from({ length: nodes }, (_, index) => {
    return [`node-${index}`, { cpu, machine: `machine-${index >> 2}` }] as const;
  });
  return { nodes: Object.fromEntries(entries), place: {} };
}

/** Numbers from 0 to 1, the same in each run. */
function repeatable(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function solved(solution: ReturnType<typeof solve>): SolvedPlan {
  if (!solution.ok) throw new Error(solution.explanation.message);
  return solution;
}

/** CPU time in milliseconds; waiting for the processor does not count. */
function timed<Result>(task: () => Result): { ms: number; result: Result } {
  const before = process.cpuUsage();
  const result = task();
  const { user, system } = process.cpuUsage(before);
  return { ms: (user + system) / 1_000, result };
}

function row(name: string, ms: number, baseMs: number, goal?: number): Measurement {
  const ratio = baseMs / ms;
  const measured = { name, medianNs: ms * 1e6, ratio, ratioQuartiles: [ratio, ratio] as const };
  return goal === undefined ? measured : { ...measured, goal };
}

async function run(context: BenchContext): Promise<void> {
  const solver = await loadHighsSolver();
  const large = graph(
    { consumers: CONSUMERS, providers: PROVIDERS, nodes: 16, cpu: 64 },
    repeatable(1),
  );
  const plan = timed(() => solved(solve(large, solver)));
  const check = timed(() => verifySolution(large, plan.result));
  if (!check.result.ok) throw new Error(String(check.result.reason));
  // The same graph once it is in force: what most plans are.
  const { routes, placement } = plan.result;
  const inForce = { ...large, current: { routes, placement } };
  const again = timed(() => solved(solve(inForce, solver)));
  const { cost, costBound } = plan.result;
  const share = ((cost.tenthsMs / costBound.tenthsMs - 1) * 100).toFixed(1);
  const candidates = CONSUMERS * WISHES_EACH * VERSIONS;
  const title = `${large.contracts.length} symbols, ${candidates} candidate routes`;
  context.report(`${title}; cost ${share} % above a bound that knows no limits of nodes`, "bound", [
    row("bound", BOUND_MS, BOUND_MS),
    row("plan", plan.ms, BOUND_MS, 1),
    row("plan again, in force", again.ms, BOUND_MS, 1),
    row("verify", check.ms, BOUND_MS, 1),
  ]);
  compareSmall(context, solver);
}

/** Graphs that both can do: how much longer the proof takes, and how much the greedy search gives away. */
function compareSmall(
  context: BenchContext,
  solver: Awaited<ReturnType<typeof loadHighsSolver>>,
): void {
  const random = repeatable(2);
  let [exactMs, greedyMs, exactTenths, greedyTenths, same, solvedCount] = [0, 0, 0, 0, 0, 0];
  for (let index = 0; index < SMALL_GRAPHS; index++) {
    const small = graph({ consumers: 4, providers: 4, nodes: 3, cpu: 1 }, random);
    const greedy = timed(() => solve(small, solver, { exactVariablesMax: 0 }));
    const exact = timed(() => solve(small, solver));
    if (!greedy.result.ok || !exact.result.ok || !exact.result.isOptimal) continue;
    solvedCount += 1;
    exactMs += exact.ms;
    greedyMs += greedy.ms;
    exactTenths += exact.result.cost.tenthsMs;
    greedyTenths += greedy.result.cost.tenthsMs;
    same += Number(exact.result.cost.tenthsMs === greedy.result.cost.tenthsMs);
  }
  const share = ((greedyTenths / exactTenths - 1) * 100).toFixed(1);
  context.report(
    `${solvedCount} small, nearly full graphs; greedy is best in ${same}, and costs ${share} % more on the whole`,
    "exact",
    [row("exact", exactMs, exactMs), row("greedy", greedyMs, exactMs)],
  );
}

export const bench: Bench = {
  summary: "10,000 symbols and 50,000 candidate routes planned and verified; greedy against exact",
  run,
};
