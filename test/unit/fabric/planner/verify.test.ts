/**
 * Goal: whoever gets a solution can tell whether it keeps every rule. Method: a good solution of a request that has
 * every rule, changed in one place at a time; each change has to be named.
 */
import { expect, test } from "vitest";
import type {
  Contract,
  SolvedPlan,
  SolveRequest,
} from "../../../../host/shared/fabric/planner/model.ts";
import { solve } from "../../../../host/shared/fabric/planner/solve.ts";
import { verifySolution } from "../../../../host/shared/fabric/planner/verify.ts";
import { contract, request, saddr, solved, SOLVER, wish } from "./world.ts";

const [ANNE, BORIS, CARLA, STORE] = [
  saddr("anne", "1.0.0", "agent"),
  saddr("boris"),
  saddr("carla"),
  saddr("store"),
];
const CARLA_2 = saddr("carla", "2.0.0");

/** Anne wants Boris (near her, in shared memory) and Carla, and may have the store, for which there is no room. */
const REQUEST: SolveRequest = request(
  [
    wish(ANNE, "rtt://x/api/boris@^1"),
    wish(ANNE, "rtt://x/api/carla@^1"),
    wish(ANNE, "rtt://x/api/store", { isOptional: true }),
  ],
  [
    contract(ANNE, { direction: "consumer", hasShm: true, latencyBudgetMs: 5 }),
    contract(BORIS, { hasShm: true }),
    contract(CARLA, { throughputQps: 20 }),
    contract(CARLA_2),
    contract(STORE, { throughputQps: 1_000 }),
  ],
  {
    topology: {
      nodes: { n1: { cpu: 3 }, n2: { cpu: 3 }, far: { cpu: 3, machine: "other" } },
      place: { [CARLA]: "n2" },
    },
    current: {
      routes: [{ from: ANNE, to: BORIS, lane: "shm" }],
      placement: { [ANNE]: "n1", [BORIS]: "n1" },
    },
  },
);
const GOOD = solved(solve(REQUEST, SOLVER));

type Change = Partial<SolvedPlan>;

/** A solution in which Anne reaches `to` instead of Carla. */
function instead(to: string): Change {
  const swap = <Route extends { readonly to: string }>(list: readonly Route[]): Route[] =>
    list.map((one) => (one.to === CARLA ? { ...one, to } : one));
  const { [CARLA]: node = "", ...rest } = GOOD.placement;
  return {
    answers: swap(GOOD.answers),
    routes: swap(GOOD.routes),
    lanes: swap(GOOD.lanes),
    placement: { ...rest, [to]: node },
  };
}

function onLane(to: string, lane: "shm" | "uds" | "tcp" | "mxp", latencyMs: number): Change {
  return {
    routes: GOOD.routes.map((one) => (one.to === to ? { ...one, lane } : one)),
    lanes: GOOD.lanes.map((one) => (one.to === to ? { ...one, lane, latencyMs } : one)),
  };
}

const CHANGES: readonly (readonly [string, Change, RegExp])[] = [
  ["an answer is missing", { answers: GOOD.answers.slice(1) }, /has to be answered or left out/],
  ["an answer stands twice", { answers: [...GOOD.answers, ...GOOD.answers] }, /answered twice/],
  [
    "an answer that nobody wants",
    { answers: [...GOOD.answers, { from: ANNE, wanted: "x", to: BORIS }] },
    /nobody wants/,
  ],
  ["a wish is left out twice", { unrouted: [...GOOD.unrouted, ...GOOD.unrouted] }, /twice/],
  ["a left out wish is not told", { unrouted: [] }, /has to be answered or left out/],
  [
    "a required wish is left out",
    {
      answers: GOOD.answers.filter(({ to }) => to !== CARLA),
      unrouted: [
        ...GOOD.unrouted,
        { from: ANNE, wanted: "rtt://x/api/carla@^1", removed: [], removedCount: 0, message: "" },
      ],
    },
    /required, and left out/,
  ],
  ["a provider of the wrong version", instead(CARLA_2), /does not fit \(range\)/],
  ["a provider that was not meant", instead(STORE), /not meant by it/],
  ["a provider that is unknown", instead(saddr("nobody")), /not among the symbols/],
  ["a route is missing", { routes: GOOD.routes.slice(1) }, /missing/],
  ["a route stands twice", { routes: [...GOOD.routes, ...GOOD.routes] }, /not sorted|twice/],
  ["routes in another order", { routes: [...GOOD.routes].reverse() }, /not sorted/],
  [
    "a route that nobody wants",
    { routes: [...GOOD.routes, { from: BORIS, to: CARLA, lane: "uds" }] },
    /nobody wants the route/,
  ],
  ["a reason is missing", { lanes: GOOD.lanes.slice(1) }, /reason of its lane/],
  ["reasons in another order", { lanes: [...GOOD.lanes].reverse() }, /belongs to no route/],
  ["a symbol without a node", { placement: {} }, /runs on no node/],
  ["a node that is none", { placement: { ...GOOD.placement, [BORIS]: "n9" } }, /runs on no node/],
  [
    "a name of a prototype as a node",
    { placement: { ...GOOD.placement, [BORIS]: "constructor" } },
    /runs on no node/,
  ],
  ["a place that was given", { placement: { ...GOOD.placement, [CARLA]: "n1" } }, /cannot run on/],
  [
    "something is placed for nothing",
    { placement: { ...GOOD.placement, [STORE]: "n1" } },
    /no route touches/,
  ],
  ["shared memory across nodes", onLane(CARLA, "shm", 0.6), /share no memory/],
  ["mxp within a machine", onLane(CARLA, "mxp", 3), /does not lead there/],
  [
    "a lane other than mxp between machines",
    { placement: { ...GOOD.placement, [BORIS]: "far" } },
    /does not lead there/,
  ],
  [
    "a lane whose latency is another",
    { lanes: GOOD.lanes.map((one) => ({ ...one, latencyMs: 0.1 })) },
    /latency is another/,
  ],
  [
    "a lane whose budget is another",
    { lanes: GOOD.lanes.map((one) => ({ ...one, budgetMs: null })) },
    /budget is another/,
  ],
  ["a lane that costs more than is said", onLane(CARLA, "tcp", 1.9), /other latencies/],
  ["a change that is not counted", onLane(BORIS, "uds", 0.6), /other latencies/],
  ["a lower cost", { cost: { ...GOOD.cost, tenthsMs: 1 } }, /other latencies/],
  ["fewer left out", { cost: { ...GOOD.cost, dropped: 0 } }, /as left out/],
  ["more steps of failover", { cost: { ...GOOD.cost, failover: 1 } }, /steps of failover/],
  ["a bound above the cost", { costBound: { ...GOOD.cost, tenthsMs: 99 } }, /lower than its bound/],
  ["a proof that is none", { costBound: { ...GOOD.cost, tenthsMs: 0 } }, /not proven/],
];

test("the solution that is changed is a good one", () => {
  expect(verifySolution(REQUEST, GOOD)).toEqual({ ok: true, reason: null });
  expect(GOOD.routes).toEqual([
    { from: ANNE, to: BORIS, lane: "shm" },
    { from: ANNE, to: CARLA, lane: "uds" },
  ]);
  expect(GOOD.unrouted.map(({ wanted }) => wanted)).toEqual(["rtt://x/api/store"]);
});

test.each(CHANGES)("%s", (_name, change, reason) => {
  const verdict = verifySolution(REQUEST, { ...GOOD, ...change });
  expect(verdict.ok).toBe(false);
  expect(verdict.reason).toMatch(reason);
});

test("a lane that may not be used, a slow one, and full nodes are found under a stricter request", () => {
  const stricter = (more: Partial<SolveRequest>): string | null =>
    verifySolution({ ...REQUEST, ...more }, GOOD).reason;
  const withContract = (changed: Contract): Partial<SolveRequest> => ({
    contracts: REQUEST.contracts.map((one) => (one.address === changed.address ? changed : one)),
  });
  expect(stricter({ lanes: ["uds"] })).toMatch(/not among those to be used/);
  expect(stricter(withContract(contract(BORIS, { memoryMb: 100_000, hasShm: true })))).toMatch(
    /not enough memory/,
  );
  expect(stricter(withContract(contract(CARLA, { throughputQps: 31 })))).toMatch(/not enough CPU/);
  const tight = contract(CARLA, { latencyBudgetMs: 0.7, throughputQps: 20 });
  // Within a node it would do, so the candidate fits; across nodes it does not.
  const anywhere = { ...REQUEST.topology, place: {} };
  expect(stricter({ ...withContract(tight), topology: anywhere })).toMatch(
    /slower than its budget/,
  );
});

test("each rule of the policy is looked at again", () => {
  const under = (policy: Partial<SolveRequest["policy"]>): string | null =>
    verifySolution({ ...REQUEST, policy: { ...REQUEST.policy, ...policy } }, GOOD).reason;
  expect(under({ deny: [{ from: "*", to: "rtt://x/api/boris" }] })).toMatch(/\(denied\)/);
  expect(under({ allow: [] })).toMatch(/\(not-allowed\)/);
  expect(under({ pins: [{ from: "*", to: "rtt://x/api/carla", version: "2.0.0" }] })).toMatch(
    /\(pin\)/,
  );
  expect(verifySolution({ ...REQUEST, unavailable: [BORIS] }, GOOD).reason).toMatch(/unavailable/);
});

test("no solution is none to verify", () => {
  const impossible = request([wish(BORIS, "rtt://x/api/nobody")], [contract(BORIS)]);
  const solution = solve(impossible, SOLVER);
  expect(verifySolution(impossible, solution).ok).toBe(false);
});
