/**
 * Goal: when a route cannot be had, a person learns which rule stands in the way. Method: one request for each rule,
 * in which it is the only one that does; clashes for room; graphs that are too large to be sure.
 */
import { describe, expect, test } from "vitest";
import type {
  Contract,
  Explanation,
  PlanRule,
  SolveRequest,
} from "../../../../host/shared/fabric/planner/model.ts";
import { solve } from "../../../../host/shared/fabric/planner/solve.ts";
import { contract, request, saddr, solved, SOLVER, wish } from "./world.ts";

const [FROM, TO] = [saddr("client", "1.0.0", "agent"), saddr("server", "1.4.0")];
const WISH = wish(FROM, "rtt://x/api/server@^1");

/** A client that wants a server, with whatever stands in the way. */
function pair(
  client: Partial<Contract>,
  server: Partial<Contract>,
  more: Partial<SolveRequest> = {},
): SolveRequest {
  return request([WISH], [contract(FROM, client), contract(TO, server)], more);
}

function withPolicy(policy: Partial<SolveRequest["policy"]>): SolveRequest {
  const plain = pair({}, { auth: { mode: "caps", scopes: ["mcp.invoke"] } });
  return { ...plain, policy: { ...plain.policy, ...policy } };
}

function explanationOf(asked: SolveRequest): Explanation {
  const solution = solve(asked, SOLVER);
  if (solution.ok) throw new Error("it was solved");
  return solution.explanation;
}

const apart = {
  nodes: { a: {}, b: {} },
  place: { [FROM]: "a", [TO]: "b" },
};

const CASES: readonly (readonly [PlanRule, SolveRequest, RegExp])[] = [
  ["self", request([wish(TO, "rtt://x/api/server")], [contract(TO)]), /does not serve itself/],
  ["direction", pair({}, { direction: "consumer" }), /consumer only/],
  ["direction", pair({ direction: "provider" }, {}), /provider only/],
  [
    "range",
    request([wish(FROM, "rtt://x/api/server@^2")], [contract(FROM), contract(TO)]),
    /1\.4\.0 is not in \^2/,
  ],
  ["version", pair({ versionSet: ">=2" }, {}), /1\.4\.0 is not in >=2/],
  ["version", pair({}, { versionSet: ">=2 <3" }), /works with >=2 <3, not with 1\.0\.0/],
  [
    "capabilities",
    pair({ direction: "consumer", capabilities: ["read", "write"] }, { capabilities: ["read"] }),
    /lacks write/,
  ],
  [
    "schema",
    pair(
      { outputs: [{ name: "text", schema: "urn:a" }] },
      { inputs: [{ name: "text", schema: "urn:b" }] },
    ),
    /different schemas/,
  ],
  ["denied", withPolicy({ deny: [{ from: "*", to: "rtt://x/api/*" }] }), /denies \* -> rtt:/],
  ["not-allowed", withPolicy({ allow: [{ from: "*", to: "*z", scopes: null }] }), /no rule/],
  [
    "auth",
    pair({ auth: { mode: "token", scopes: [] } }, { auth: { mode: "mtls", scopes: [] } }),
    /asks for mtls, the consumer has token/,
  ],
  [
    "scopes",
    withPolicy({ allow: [{ from: "*", to: "*", scopes: ["other"] }] }),
    /granted: mcp\.invoke/,
  ],
  [
    "pin",
    withPolicy({ pins: [{ from: "*", to: "rtt://x/api/server", version: "1.3.0" }] }),
    /pins it to 1\.3\.0/,
  ],
  ["unavailable", pair({}, {}, { unavailable: [TO] }), /does not answer/],
  ["lane", pair({}, {}, { lanes: ["shm"] }), /no lane leads there/],
  ["latency", pair({ latencyBudgetMs: 0.5 }, {}), /within 0\.5 ms/],
  ["latency", pair({ latencyBudgetMs: 0.9 }, {}, { topology: apart }), /within 0\.9 ms/],
];

test.each(CASES)("%s", (rule, asked, detail) => {
  const { unrouted, isProven, clash, message } = explanationOf(asked);
  expect(unrouted).toHaveLength(1);
  const removed = unrouted.flatMap((one) => one.removed);
  expect(removed.map((one) => one.rule)).toEqual([rule]);
  expect(removed[0]?.detail).toMatch(detail);
  expect(message).toMatch(detail);
  expect([isProven, clash]).toEqual([true, null]);
});

test("the pair that nothing stands between has its route", () => {
  const asked = withPolicy({ allow: [{ from: "*", to: "*", scopes: ["mcp.invoke"] }] });
  expect(solved(solve(asked, SOLVER)).routes).toEqual([{ from: FROM, to: TO, lane: "uds" }]);
});

test("a symbol that nobody has is said to be none", () => {
  const { message } = explanationOf(request([WISH], [contract(FROM)]));
  expect(message).toBe(`${FROM} wants rtt://x/api/server@^1, but no symbol is one`);
});

test("of many candidates the first are named and the rest is counted", () => {
  const servers = Array.from({ length: 25 }, (_, index) =>
    contract(saddr("server", `2.${index}.0`)),
  );
  const { unrouted } = explanationOf(request([WISH], [contract(FROM), ...servers]));
  expect(unrouted[0]?.removed).toHaveLength(20);
  expect(unrouted[0]?.removedCount).toBe(25);
  expect(unrouted[0]?.message).toMatch(/and 5 more$/);
});

test("two ranges that do not meet are told together", () => {
  const both = [WISH, wish(FROM, "rtt://x/api/server@>=2")];
  const { unrouted } = explanationOf(request(both, [contract(FROM), contract(TO)]));
  expect(unrouted.map(({ wanted }) => wanted)).toEqual(["rtt://x/api/server@>=2 ^1"]);
});

test("an optional route that cannot be had is left out with the same explanation", () => {
  const asked = request([{ ...WISH, isOptional: true }], [contract(FROM)]);
  const plan = solved(solve(asked, SOLVER));
  expect(plan.routes).toEqual([]);
  expect(plan.cost.dropped).toBe(1);
  expect(plan.unrouted[0]?.message).toMatch(/no symbol is one/);
});

describe("room", () => {
  const heavy = (name: string): Contract => contract(saddr(name), { throughputQps: 10 });
  const wishes = ["a", "b", "c"].map((name) => wish(FROM, `rtt://x/api/${name}`));
  const contracts = [contract(FROM), ...["a", "b", "c"].map(heavy)];

  test("a clash names no more routes than are needed for it", () => {
    const topology = { nodes: { n: { cpu: 2.2 } }, place: {} };
    const light = wish(FROM, "rtt://x/api/light");
    const asked = request([...wishes, light], [...contracts, contract(saddr("light"))], {
      topology,
    });
    const { clash, isProven, message } = explanationOf(asked);
    expect(isProven).toBe(true);
    expect(clash?.routes.map(({ wanted }) => wanted)).toEqual([
      "rtt://x/api/a",
      "rtt://x/api/b",
      "rtt://x/api/c",
    ]);
    expect(message).toMatch(/These 3 wanted routes fit each alone/);
    for (const dropped of wishes) {
      const rest = [...wishes, light].filter((one) => one !== dropped);
      expect(solve({ ...asked, wanted: rest }, SOLVER).ok).toBe(true);
    }
  });

  test("a route that is too much by itself is a clash of one", () => {
    const asked = request(wishes.slice(0, 1), contracts, {
      topology: { nodes: { n: { cpu: 1 } }, place: {} },
    });
    expect(explanationOf(asked).message).toMatch(/^This wanted route fits, but no node has room/);
  });

  test("memory clashes as processors do", () => {
    const asked = request(wishes, contracts, {
      topology: { nodes: { n: { memoryMb: 40 } }, place: {} },
    });
    expect(explanationOf(asked).clash?.routes).toHaveLength(2);
  });

  test("a graph that is too large to be sure is said to be", () => {
    // Each has an alternative, so what must run is not known without a search.
    const others = ["a", "b", "c"].map((name) =>
      contract(saddr(name, "1.1.0"), { throughputQps: 10 }),
    );
    const topology = { nodes: { n: { cpu: 2.1 } }, place: {} };
    const solution = solve(request(wishes, [...contracts, ...others], { topology }), SOLVER, {
      exactVariablesMax: 0,
    });
    if (solution.ok) throw new Error("it was solved");
    expect(solution.explanation.isProven).toBe(false);
    expect(solution.explanation.message).toMatch(/no proof/);
    expect(solution.explanation.unrouted.flatMap(({ removed }) => removed)).toEqual(
      ["1.0.0", "1.1.0"].map((version) => ({
        to: saddr("c", version),
        rule: "capacity",
        detail: "no node has room for it",
      })),
    );
  });

  test("what must run and is too much is proven without a search", () => {
    const nodes = { n1: { cpu: 1 }, n2: { cpu: 1.5, memoryMb: 40 } };
    const place = Object.fromEntries(["a", "b", "c"].map((name) => [saddr(name), "n2"]));
    const solution = solve(request(wishes, contracts, { topology: { nodes, place } }), SOLVER, {
      exactVariablesMax: 0,
    });
    if (solution.ok) throw new Error("it was solved");
    expect(solution.explanation.isProven).toBe(true);
    expect(solution.explanation.shortages).toEqual([
      "4 symbols that must run need at least 3.1 CPU; the 2 nodes have 2.5",
      "3 symbols that must run need at least 3 CPU; node n2 has 1.5",
      "3 symbols that must run need at least 48 MB; node n2 has 40",
    ]);
  });
});
