/** Small and large requests for tests of the planner. */
import fc from "fast-check";
import { defaultContract } from "../../../../host/shared/fabric/planner/contract.ts";
import { NOTHING_IN_FORCE, OPEN_POLICY } from "../../../../host/shared/fabric/planner/defaults.ts";
import { loadHighsSolver } from "../../../../host/shared/fabric/planner/highs-solver.ts";
import type {
  Contract,
  SolvedPlan,
  Solution,
  SolveRequest,
  Topology,
  WantedRoute,
} from "../../../../host/shared/fabric/planner/model.ts";
import { LANES } from "../../../../host/shared/fabric/lane-kind.ts";

export const SOLVER = await loadHighsSolver();

export const ONE_NODE: Topology = { nodes: { n1: {} }, place: {} };

/** The address of a symbol of the namespace "x". */
export function saddr(name: string, version = "1.0.0", type = "api"): string {
  return `rtt://x/${type}/${name}@${version}`;
}

export function contract(address: string, more: Partial<Contract> = {}): Contract {
  return { ...defaultContract(address), ...more };
}

export function wish(
  from: string,
  to: string | null,
  more: Partial<WantedRoute> = {},
): WantedRoute {
  return { from, to, isOptional: false, ...more };
}

export function request(
  wanted: readonly WantedRoute[],
  contracts: readonly Contract[],
  more: Partial<SolveRequest> = {},
): SolveRequest {
  return {
    wanted,
    contracts,
    policy: OPEN_POLICY,
    topology: ONE_NODE,
    current: NOTHING_IN_FORCE,
    lanes: LANES,
    unavailable: [],
    ...more,
  };
}

export function solved(solution: Solution): SolvedPlan {
  if (!solution.ok) throw new Error(solution.explanation.message);
  return solution;
}

const NAMES = ["a", "b", "c", "d"] as const;
const VERSIONS = ["1.0.0", "1.1.0", "2.0.0"] as const;
const RANGES = ["*", "^1", ">=1.1", "2", "<1.1"] as const;
const SCOPES = ["read", "write"] as const;

const ADDRESSES = NAMES.flatMap((name) => VERSIONS.map((version) => saddr(name, version)));
const IDENTITIES = NAMES.map((name) => `rtt://x/api/${name}`);
const GLOBS = ["*", ...IDENTITIES.map((identity) => `${identity}@*`), "rtt://x/api/[ab]@1*"];

function contractArbitrary(address: string): fc.Arbitrary<Contract> {
  return fc
    .record({
      direction: fc.constantFrom("both" as const, "both" as const, "provider" as const),
      versionSet: fc.constantFrom("*", "*", "*", "^1", ">=1.1"),
      isVersionless: fc.boolean(),
      capabilities: fc.subarray(["x", "y"]),
      latencyBudgetMs: fc.constantFrom(null, null, 0.3, 1, 5),
      throughputQps: fc.constantFrom(1, 10, 20, 40),
      auth: fc.constantFrom(
        null,
        null,
        { mode: "caps" as const, scopes: ["read"] },
        { mode: "token" as const, scopes: [...SCOPES] },
      ),
      hasShm: fc.boolean(),
      memoryMb: fc.constantFrom(16, 64),
    })
    .map((members) => contract(address, members));
}

const wantedArbitrary = (from: readonly string[]): fc.Arbitrary<WantedRoute> =>
  fc
    .record({
      from: fc.constantFrom(...from),
      identity: fc.constantFrom(...IDENTITIES, null),
      range: fc.constantFrom(...RANGES),
      capabilities: fc.constantFrom([], [], ["x"], ["x", "y"]),
      isOptional: fc.boolean(),
    })
    .map(({ identity, range, ...rest }) => ({
      ...rest,
      to: identity === null ? null : `${identity}@${range}`,
    }));

const policyArbitrary: fc.Arbitrary<SolveRequest["policy"]> = fc.record({
  allow: fc.option(
    fc.array(
      fc.record({
        from: fc.constantFrom(...GLOBS),
        to: fc.constantFrom(...GLOBS),
        scopes: fc.option(fc.subarray([...SCOPES])),
      }),
      { maxLength: 3 },
    ),
    { freq: 2 },
  ),
  deny: fc.array(
    fc.record({ from: fc.constantFrom(...GLOBS), to: fc.constantFrom(...IDENTITIES) }),
    { maxLength: 1 },
  ),
  pins: fc.array(
    fc.record({
      from: fc.constantFrom(...GLOBS),
      to: fc.constantFrom(...IDENTITIES),
      version: fc.constantFrom("1.0.0", "^1"),
    }),
    { maxLength: 1 },
  ),
  qos: fc.array(
    fc.record({
      match: fc.constantFrom(...GLOBS, "rtt://x/api/a@* -> *"),
      latencyMs: fc.constantFrom(null, 1, 2),
      priority: fc.constantFrom(null, 2, 3),
    }),
    { maxLength: 2 },
  ),
  failover: fc.array(
    fc.record({
      from: fc.constantFrom(...GLOBS),
      to: fc.uniqueArray(fc.constantFrom(...IDENTITIES), { minLength: 1, maxLength: 3 }),
    }),
    { maxLength: 1 },
  ),
});

const NODES = ["n1", "n2", "n3"] as const;

const topologyArbitrary = (addresses: readonly string[]): fc.Arbitrary<Topology> =>
  fc.record({
    nodes: fc
      .uniqueArray(fc.constantFrom(...NODES), { minLength: 1, maxLength: 2 })
      .chain((ids) =>
        fc.tuple(
          ...ids.map((id) =>
            fc
              .record({
                cpu: fc.constantFrom(1, 3, 6, null),
                memoryMb: fc.constantFrom(64, 128, null),
                machine: fc.constantFrom("", "", "other"),
              })
              .map((node) => [id, node] as const),
          ),
        ),
      )
      .map((entries) => Object.fromEntries(entries)),
    // Only the first node is sure to be there for a place; the request is mended below.
    place: fc
      .subarray([...addresses], { maxLength: 2 })
      .map((fixed) => Object.fromEntries(fixed.map((address) => [address, "first"]))),
  });

/** Small enough that every assignment can be looked at. */
export const tinyRequest: fc.Arbitrary<SolveRequest> = fc
  .uniqueArray(fc.constantFrom(...ADDRESSES), { minLength: 2, maxLength: 6 })
  .chain((addresses) =>
    fc.record({
      contracts: fc.tuple(...addresses.map(contractArbitrary)),
      wanted: fc.array(wantedArbitrary(addresses), { minLength: 1, maxLength: 3 }),
      policy: fc.oneof(
        { weight: 1, arbitrary: fc.constant(OPEN_POLICY) },
        { weight: 2, arbitrary: policyArbitrary },
      ),
      topology: topologyArbitrary(addresses),
      current: fc.record({
        routes: fc.uniqueArray(
          fc.record({
            from: fc.constantFrom(...addresses),
            to: fc.constantFrom(...addresses),
            lane: fc.constantFrom(...LANES),
          }),
          { maxLength: 2, selector: ({ from, to }) => `${from} ${to}` },
        ),
        placement: fc
          .array(fc.tuple(fc.constantFrom(...addresses), fc.constantFrom(...NODES)), {
            maxLength: 3,
          })
          .map((entries) => Object.fromEntries(entries)),
      }),
      lanes: fc.constantFrom(LANES, ["uds", "tcp", "mxp"] as const, ["tcp", "mxp"] as const),
      unavailable: fc.subarray([...addresses], { maxLength: 1 }),
    }),
  )
  .map((drawn): SolveRequest => {
    const [first = "n1"] = Object.keys(drawn.topology.nodes);
    const place = Object.fromEntries(
      Object.keys(drawn.topology.place).map((address) => [address, first]),
    );
    return { ...drawn, topology: { ...drawn.topology, place } };
  });

/** The same request with every list and every object in another order; lists of preference keep theirs. */
export function shuffled(original: SolveRequest, random: () => number): SolveRequest {
  const mix = <Item>(items: readonly Item[]): Item[] => {
    const mixed = [...items];
    for (let at = mixed.length - 1; at > 0; at--) {
      const other = Math.floor(random() * (at + 1));
      [mixed[at], mixed[other]] = [mixed[other] as Item, mixed[at] as Item];
    }
    return mixed;
  };
  const mixMembers = <Value>(record: Readonly<Record<string, Value>>): Record<string, Value> =>
    Object.fromEntries(mix(Object.entries(record)));
  const { policy, topology, current } = original;
  return {
    ...original,
    wanted: mix(original.wanted).map((one) =>
      one.capabilities === undefined ? one : { ...one, capabilities: mix(one.capabilities) },
    ),
    contracts: mix(original.contracts).map((one) => ({
      ...one,
      capabilities: mix(one.capabilities),
      inputs: mix(one.inputs),
      outputs: mix(one.outputs),
    })),
    policy: {
      allow: policy.allow === null ? null : mix(policy.allow),
      deny: mix(policy.deny),
      pins: mix(policy.pins),
      qos: mix(policy.qos),
      failover: mix(policy.failover),
    },
    topology: { nodes: mixMembers(topology.nodes), place: mixMembers(topology.place) },
    current: { routes: mix(current.routes), placement: mixMembers(current.placement) },
    unavailable: mix(original.unavailable),
  };
}

/** Numbers from 0 to 1 that are the same in each run (a linear congruence, Knuth's constants). */
export function repeatable(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
