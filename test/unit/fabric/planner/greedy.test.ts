/**
 * Goal: what the greedy search finds for graphs that are too large for the solver holds, in every kind of crowd.
 * Method: drawn graphs of some hundred routes on many nodes, empty and nearly full, planned from nothing and from what
 * is in force; each solution is verified, and compared with its bound.
 */
import { describe, expect, test } from "vitest";
import { compareCosts } from "../../../../host/shared/fabric/planner/cost.ts";
import type { SolvedPlan, SolveRequest } from "../../../../host/shared/fabric/planner/model.ts";
import { solve } from "../../../../host/shared/fabric/planner/solve.ts";
import { verifySolution } from "../../../../host/shared/fabric/planner/verify.ts";
import { contract, repeatable, request, saddr, solved, SOLVER, wish } from "./world.ts";

interface Crowd {
  readonly consumers: number;
  readonly providers: number;
  readonly nodes: number;
  readonly machines: number;
  /** Processors of each node. */
  readonly cpu: number;
  /** Of ten routes, so many are required. */
  readonly required: number;
}

/** Every consumer wants two providers, of which there are three versions, and one of any kind. */
function crowd(size: Crowd, seed: number): SolveRequest {
  const random = repeatable(seed);
  const pick = (count: number): number => Math.floor(random() * count);
  const numbers = (count: number): number[] => [...Array(count).keys()];
  const consumers = numbers(size.consumers).map((number) => saddr(`c-${number}`, "1.0.0", "agent"));
  const isOptional = (): boolean => pick(10) >= size.required;
  return request(
    consumers.flatMap((from) => [
      wish(from, `rtt://x/api/p-${pick(size.providers)}`, { isOptional: isOptional() }),
      wish(from, `rtt://x/api/p-${pick(size.providers)}@^1`, { isOptional: isOptional() }),
      wish(from, null, { type: "api", capabilities: [`k-${pick(4)}`], isOptional: true }),
    ]),
    [
      ...consumers.map((address) => contract(address, { hasShm: pick(2) === 0 })),
      ...numbers(size.providers).flatMap((number) =>
        ["1.0.0", "1.1.0", "2.0.0"].map((version) =>
          contract(saddr(`p-${number}`, version), {
            capabilities: [`k-${number % 4}`],
            throughputQps: 1 + pick(5),
            hasShm: pick(2) === 0,
            latencyBudgetMs: pick(6) === 0 ? 1.5 : null,
          }),
        ),
      ),
    ],
    {
      topology: {
        nodes: Object.fromEntries(
          numbers(size.nodes).map((number) => [
            `n${number}`,
            { cpu: size.cpu, machine: `m${number % size.machines}` },
          ]),
        ),
        place: Object.fromEntries(
          consumers.filter(() => pick(5) === 0).map((address) => [address, `n${pick(size.nodes)}`]),
        ),
      },
    },
  );
}

/** Plans, checks, and says what it costs beside its bound. */
function checked(asked: SolveRequest): SolvedPlan {
  const plan = solved(solve(asked, SOLVER));
  expect(verifySolution(asked, plan)).toEqual({ ok: true, reason: null });
  expect(compareCosts(plan.costBound, plan.cost)).toBeLessThanOrEqual(0);
  return plan;
}

const CROWDS: readonly (readonly [string, Crowd])[] = [
  ["room enough", { consumers: 60, providers: 20, nodes: 4, machines: 1, cpu: 30, required: 10 }],
  ["two machines", { consumers: 60, providers: 20, nodes: 4, machines: 2, cpu: 8, required: 5 }],
  ["nearly full", { consumers: 60, providers: 20, nodes: 4, machines: 1, cpu: 3.4, required: 7 }],
  [
    "too full for all",
    { consumers: 80, providers: 30, nodes: 4, machines: 1, cpu: 2.5, required: 1 },
  ],
  ["many nodes", { consumers: 80, providers: 30, nodes: 24, machines: 3, cpu: 1, required: 3 }],
];

describe.each(CROWDS)("%s", (_name, size) => {
  test.each([1, 2, 3, 4])("seed %d", (seed) => {
    const asked = crowd(size, seed);
    const plan = checked(asked);
    expect(plan.method).toBe(plan.isOptimal ? "exact" : "greedy");
    // In force, it is planned again: nothing may get dearer by more than keeping it costs.
    const { routes, placement } = plan;
    const again = checked({ ...asked, current: { routes, placement } });
    expect(again.cost.dropped).toBeLessThanOrEqual(plan.cost.dropped);
  });
});

test("a required route goes before optional ones", () => {
  const from = saddr("client", "1.0.0", "agent");
  const names = ["a", "b", "c", "d"];
  const asked = request(
    names.map((name) => wish(from, saddr(name), { isOptional: name !== "d" })),
    // The required one is the smallest, and comes last in every order but that of need.
    [contract(from), ...names.map((name) => contract(saddr(name), { throughputQps: 10 }))],
    { topology: { nodes: { n: { cpu: 2.1 } }, place: {} } },
  );
  const plan = solved(solve(asked, SOLVER, { exactVariablesMax: 0 }));
  expect(plan.routes.map(({ to }) => to)).toContain(saddr("d"));
  expect(plan.cost.dropped).toBe(2);
});

test("a plan in force stays as it is", () => {
  const asked = crowd(
    { consumers: 40, providers: 15, nodes: 3, machines: 1, cpu: 20, required: 10 },
    7,
  );
  const { routes, placement } = checked(asked);
  const again = checked({ ...asked, current: { routes, placement } });
  const third = checked({
    ...asked,
    current: { routes: again.routes, placement: again.placement },
  });
  expect(third.routes).toEqual(again.routes);
  expect(third.placement).toEqual(again.placement);
});
