/**
 * Goal: a plan depends on what is asked, not on the order in which it is asked. Method: requests of several kinds in
 * 1,000 orders each; the solutions' texts have to be equal.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { SolveRequest } from "../../../../host/shared/fabric/planner/model.ts";
import { solve } from "../../../../host/shared/fabric/planner/solve.ts";
import {
  contract,
  repeatable,
  request,
  saddr,
  shuffled,
  SOLVER,
  tinyRequest,
  wish,
} from "./world.ts";

const ORDERS = 1_000;

/** Ten consumers and ten providers in three versions on three nodes that are nearly full. */
function crowded(count: number): SolveRequest {
  const numbers = [...Array(count).keys()];
  const consumers = numbers.map((number) => saddr(`consumer-${number}`, "1.0.0", "agent"));
  return request(
    consumers.flatMap((from, number) => [
      wish(from, `rtt://x/api/provider-${(number * 7) % count}@^1`),
      wish(from, null, { type: "api", capabilities: ["read", "write"], isOptional: true }),
    ]),
    [
      ...consumers.map((address) => contract(address, { direction: "consumer", hasShm: true })),
      ...numbers.flatMap((number) =>
        ["1.0.0", "1.1.0", "2.0.0"].map((version) =>
          contract(saddr(`provider-${number}`, version), {
            capabilities: number % 2 === 0 ? ["read", "write"] : ["read"],
            throughputQps: 1 + (number % 4),
            hasShm: number % 3 !== 0,
          }),
        ),
      ),
    ],
    {
      policy: {
        allow: [
          { from: "rtt://x/agent/*", to: "*", scopes: ["read"] },
          { from: "*", to: "rtt://x/api/*", scopes: null },
        ],
        deny: [{ from: "*consumer-1*", to: "*provider-0*" }],
        pins: [{ from: "*", to: "rtt://x/api/provider-4", version: "1.0.0" }],
        qos: [
          { match: "*consumer-2* -> *", latencyMs: 2, priority: 3 },
          { match: "*provider-6*", latencyMs: null, priority: 2 },
        ],
        failover: [
          { from: "*consumer-3*", to: ["rtt://x/api/provider-1", "rtt://x/api/provider-2"] },
        ],
      },
      topology: {
        nodes: { a: { cpu: 1 }, b: { cpu: 1 }, c: { cpu: 1.5, machine: "m2" } },
        place: { [consumers[0] ?? ""]: "c" },
      },
      current: {
        routes: [{ from: consumers[4] ?? "", to: saddr("provider-8"), lane: "uds" }],
        placement: { [consumers[4] ?? ""]: "b", [saddr("provider-8")]: "b" },
      },
    },
  );
}

function answersInAllOrders(original: SolveRequest, exactVariablesMax?: number): Set<string> {
  const random = repeatable(20_261_125);
  const options = exactVariablesMax === undefined ? {} : { exactVariablesMax };
  const texts = new Set([JSON.stringify(solve(original, SOLVER, options))]);
  for (let order = 0; order < ORDERS; order++) {
    texts.add(JSON.stringify(solve(shuffled(original, random), SOLVER, options)));
  }
  return texts;
}

test("the greedy plan is the same in 1,000 orders", { timeout: 60_000 }, () => {
  const texts = answersInAllOrders(crowded(10), 0);
  expect(texts.size).toBe(1);
  expect([...texts][0]).toContain('"method":"greedy"');
});

test("the exact plan is the same in 1,000 orders", { timeout: 120_000 }, () => {
  const texts = answersInAllOrders(crowded(3));
  expect(texts.size).toBe(1);
  expect([...texts][0]).toContain('"method":"exact"');
});

test("so is every tiny one, and every explanation", { timeout: 120_000 }, () => {
  fc.assert(
    fc.property(tinyRequest, fc.nat(), (tiny, seed) => {
      const other = shuffled(tiny, repeatable(seed));
      expect(JSON.stringify(solve(other, SOLVER))).toBe(JSON.stringify(solve(tiny, SOLVER)));
    }),
    { numRuns: 500 },
  );
});
