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

/** How much stands in the way: rules of all kinds, or little but the room on the nodes. */
interface Mood {
  /** One of so many draws is not the harmless one. */
  readonly rarity: number;
  readonly throughputs: readonly number[];
}

const STRICT: Mood = { rarity: 4, throughputs: [1, 10, 20] };
const CROWDED: Mood = { rarity: 20, throughputs: [10, 10, 20, 30] };

/** The harmless value mostly, one of the others now and then. */
function mostly<Value>(
  { rarity }: Mood,
  harmless: Value,
  ...others: readonly Value[]
): fc.Arbitrary<Value> {
  return fc.oneof(
    { weight: rarity - 1, arbitrary: fc.constant(harmless) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );
}

function contractArbitrary(mood: Mood, address: string): fc.Arbitrary<Contract> {
  return fc
    .record({
      direction: mostly<Contract["direction"]>(mood, "both", "provider", "consumer"),
      versionSet: mostly(mood, "*", "^1", ">=1.1"),
      isVersionless: fc.boolean(),
      capabilities: mostly<string[]>(mood, ["x", "y"], ["x"], []),
      latencyBudgetMs: mostly<number | null>(mood, null, 0.3, 1, 5),
      throughputQps: fc.constantFrom(...mood.throughputs),
      auth: mostly<Contract["auth"]>(
        mood,
        null,
        { mode: "none", scopes: [] },
        { mode: "caps", scopes: ["read"] },
        { mode: "token", scopes: [...SCOPES] },
      ),
      inputs: mostly<Contract["inputs"]>(mood, [], [{ name: "text", schema: "urn:a" }]),
      outputs: mostly<Contract["outputs"]>(
        mood,
        [],
        [{ name: "text", schema: "urn:a" }],
        [{ name: "text", schema: "urn:b" }],
      ),
      hasShm: fc.boolean(),
      memoryMb: fc.constantFrom(16, 64),
    })
    .map((members) => contract(address, members));
}

const wantedArbitrary = (mood: Mood, addresses: readonly string[]): fc.Arbitrary<WantedRoute> =>
  fc
    .record({
      from: fc.constantFrom(...addresses),
      to: mostly(mood, "identity", "any", "vanished"),
      meant: fc.nat(5),
      range: mostly(mood, "*", ...RANGES),
      capabilities: mostly<string[]>(mood, [], ["x"], ["x", "y"]),
      isOptional: fc.boolean(),
    })
    .map(({ to, meant, range, ...rest }) => {
      // Somebody else, where there is somebody else.
      const own = rest.from.replace(/@.*/, "");
      const others = addresses.map((one) => one.replace(/@.*/, "")).filter((one) => one !== own);
      const other = others[meant % Math.max(1, others.length)] ?? own;
      const identity = to === "vanished" ? "rtt://x/api/z" : other;
      return { ...rest, to: to === "any" ? null : `${identity}@${range}` };
    });

/** The catch-all is drawn often, so that a list of what is allowed does not forbid nearly all. */
const ALLOW_GLOBS = ["*", "*", "*", ...GLOBS];

const policyArbitrary: fc.Arbitrary<SolveRequest["policy"]> = fc.record({
  allow: fc.option(
    fc.array(
      fc.record({
        from: fc.constantFrom(...ALLOW_GLOBS),
        to: fc.constantFrom(...ALLOW_GLOBS),
        scopes: fc.option(fc.subarray([...SCOPES])),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    { freq: 1 },
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
      to: fc.uniqueArray(fc.constantFrom(...IDENTITIES, "rtt://x/api/z"), {
        minLength: 2,
        maxLength: 4,
      }),
    }),
    { maxLength: 1 },
  ),
});

const NODES = ["n1", "n2", "n3"] as const;

const topologyArbitrary = (addresses: readonly string[]): fc.Arbitrary<Topology> =>
  fc.record({
    nodes: fc
      .uniqueArray(fc.constantFrom(...NODES), { minLength: 2, maxLength: 2 })
      .chain((ids) =>
        fc.tuple(
          ...ids.map((id) =>
            fc
              .record({
                cpu: fc.constantFrom(2, 3, 5, null),
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
      .subarray([...addresses], { maxLength: 1 })
      .map((fixed) => Object.fromEntries(fixed.map((address) => [address, "first"]))),
  });

const drawnRequest = (mood: Mood): fc.Arbitrary<SolveRequest> =>
  fc
    .uniqueArray(fc.constantFrom(...ADDRESSES), { minLength: 3, maxLength: 7 })
    .chain((addresses) =>
      fc.record({
        contracts: fc.tuple(...addresses.map((address) => contractArbitrary(mood, address))),
        wanted: fc.array(wantedArbitrary(mood, addresses), { minLength: 1, maxLength: 4 }),
        policy: fc.oneof(
          { weight: mood.rarity, arbitrary: fc.constant(OPEN_POLICY) },
          { weight: 4, arbitrary: policyArbitrary },
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
        lanes: mostly<SolveRequest["lanes"]>(mood, LANES, ["uds", "tcp", "mxp"], ["tcp", "shm"]),
        unavailable: mostly<string[]>(mood, [], ...addresses.map((address) => [address])),
      }),
    )
    .map((drawn): SolveRequest => {
      const [first = "n1"] = Object.keys(drawn.topology.nodes);
      const place = Object.fromEntries(
        Object.keys(drawn.topology.place).map((address) => [address, first]),
      );
      return { ...drawn, topology: { ...drawn.topology, place } };
    });

/** Small enough that every assignment can be looked at. */
export const tinyRequest: fc.Arbitrary<SolveRequest> = fc.oneof(
  drawnRequest(STRICT),
  drawnRequest(CROWDED),
);

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
