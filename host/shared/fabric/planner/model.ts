/**
 * What the planner is asked and what it answers.
 *
 *   SolveRequest   wanted routes, contracts of all symbols, policy, topology, what is in force  ┐
 *   Solver         integer programs of small graphs (solver.ts)                                 ├─ solve() ─ Solution
 *                                                                                               ┘
 *
 * Same content, same answer: the order of lists means nothing, except where a list is one of preference (failover,
 * lanes). Costs are whole tenths of a millisecond, so that no sum depends on the order in which it was made.
 */
import type { Lane } from "../lane-kind.ts";
import type { PlannedRoute } from "../plan.ts";

/** Who must be able to reach whom. */
export interface WantedRoute {
  /** The address of the consumer, with its version. */
  readonly from: string;
  /**
   * The provider: an address, or a reference with a range or without a version. Null: any provider of `type` that
   * fits.
   */
  readonly to: string | null;
  /** Type of the symbol that provides, when `to` is null. Not given: that of the consumer. */
  readonly type?: string;
  /** What the provider must be able to do, beyond what the contract of the consumer asks. */
  readonly capabilities?: readonly string[];
  /** An optional route that cannot be had is left out and explained; one that is not optional fails the plan. */
  readonly isOptional: boolean;
}

export type Direction = "provider" | "consumer" | "both";

export type AuthMode = "none" | "token" | "mtls" | "caps";

/** One thing that a symbol takes or gives. */
export interface Port {
  readonly name: string;
  /** Any text that names a schema; two ports fit when they are equal. */
  readonly schema: string;
}

/** What a symbol says of itself. `contract.ts` makes one of a published manifest, or the default of a symbol. */
export interface Contract {
  readonly address: string;
  readonly direction: Direction;
  /** Which versions of the other side it gets along with; "*" for all. */
  readonly versionSet: string;
  /**
   * Its own version says nothing of what it gets along with, so no `versionSet` of others applies to it: a client
   * that learns each tool's schema when it connects.
   */
  readonly isVersionless: boolean;
  /** What a provider can do, or what a consumer needs. */
  readonly capabilities: readonly string[];
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** Null: no budget of its own. */
  readonly latencyBudgetMs: number | null;
  readonly throughputQps: number;
  /** Null: nothing is said; the policy alone decides which scopes the consumer has. */
  readonly auth: { readonly mode: AuthMode; readonly scopes: readonly string[] } | null;
  readonly hasShm: boolean;
  readonly cpuWeight: number;
  readonly memoryMb: number;
}

/** Globs over addresses, as in fnmatch: "*", "?", "[a-z]"; "*" also matches "/". */
export interface AllowRule {
  readonly from: string;
  readonly to: string;
  /** Which scopes the consumer gets; null for all. */
  readonly scopes: readonly string[] | null;
}

export interface DenyRule {
  readonly from: string;
  readonly to: string;
}

/** "A -> B@v": whoever matches `from` and reaches `to` reaches this version of it. */
export interface PinRule {
  readonly from: string;
  /** A glob over addresses without their version. */
  readonly to: string;
  /** A version or a range. */
  readonly version: string;
}

export interface QosRule {
  /** A glob over the address of either end, or "A -> B" with a glob for each. */
  readonly match: string;
  /** Tightens the budget of the route; null leaves it. */
  readonly latencyMs: number | null;
  /** How much a tenth of a millisecond of this route counts, 1 to 9; null for 1. */
  readonly priority: number | null;
}

/** "A -> [B, C]": one link, to the first that can be had. */
export interface FailoverRule {
  readonly from: string;
  /** Globs over addresses with or without version, the most preferred first. */
  readonly to: readonly string[];
}

export interface RoutePolicy {
  /** Null: whatever is not denied is allowed. */
  readonly allow: readonly AllowRule[] | null;
  /** Wins over `allow`. */
  readonly deny: readonly DenyRule[];
  readonly pins: readonly PinRule[];
  readonly qos: readonly QosRule[];
  readonly failover: readonly FailoverRule[];
}

export interface TopologyNode {
  /** Processors; null for no limit; not given: CAPACITY_CPU. */
  readonly cpu?: number | null;
  /** Null for no limit; not given: CAPACITY_MEMORY_MB. */
  readonly memoryMb?: number | null;
  /** Nodes of one machine share it; not given: the one that has no name. Between machines only MXP carries. */
  readonly machine?: string;
}

export interface Topology {
  /** By id. At least one. */
  readonly nodes: Readonly<Record<string, TopologyNode>>;
  /** Address → node: where a symbol runs that cannot be placed elsewhere. */
  readonly place: Readonly<Record<string, string>>;
}

/** What is in force, which the planner changes only for a gain. */
export interface CurrentState {
  readonly routes: readonly PlannedRoute[];
  readonly placement: Readonly<Record<string, string>>;
}

export interface SolveRequest {
  readonly wanted: readonly WantedRoute[];
  /** All symbols that may take part, each once. */
  readonly contracts: readonly Contract[];
  readonly policy: RoutePolicy;
  readonly topology: Topology;
  readonly current: CurrentState;
  /**
   * Lanes that may be used, the most preferred first: `routing.prefer` of panel.yaml, and "mxp", without which
   * machines cannot reach each other.
   */
  readonly lanes: readonly Lane[];
  /** Addresses that are known not to answer. */
  readonly unavailable: readonly string[];
}

/** Compared member by member, the first first. */
export interface Cost {
  /** Optional routes that were left out. */
  readonly dropped: number;
  /** Steps down in lists of failover. */
  readonly failover: number;
  /** Latency, moves, changes and outdated versions, in tenths of a millisecond. */
  readonly tenthsMs: number;
}

/** Why a route has its lane. */
export interface LaneReason {
  readonly from: string;
  readonly to: string;
  readonly lane: Lane;
  readonly latencyMs: number;
  /** The tightest of consumer, provider and policy; null for none. */
  readonly budgetMs: number | null;
  readonly reason: string;
}

/** What a wanted route became. */
export interface Answer {
  readonly from: string;
  /** As it was wanted: a reference, "any <type>", or the list of a failover. */
  readonly wanted: string;
  readonly to: string;
}

/** Which rule removed a candidate. */
export const PLAN_RULES = [
  "self",
  "direction",
  "range",
  "version",
  "capabilities",
  "schema",
  "denied",
  "not-allowed",
  "auth",
  "scopes",
  "pin",
  "unavailable",
  "lane",
  "latency",
  "capacity",
] as const;

export type PlanRule = (typeof PLAN_RULES)[number];

export interface RemovedCandidate {
  readonly to: string;
  readonly rule: PlanRule;
  readonly detail: string;
}

/** A wanted route that cannot be had. */
export interface UnroutedWish {
  readonly from: string;
  /** As it was wanted: a reference, "any <type>", or the list of a failover. */
  readonly wanted: string;
  /** The first CANDIDATES_SHOWN, sorted; empty when no symbol is meant at all. */
  readonly removed: readonly RemovedCandidate[];
  readonly removedCount: number;
  readonly message: string;
}

/** Wanted routes that fit each alone but not together: without any one of them the others fit. */
export interface Clash {
  readonly routes: readonly { readonly from: string; readonly wanted: string }[];
  readonly message: string;
}

export interface Explanation {
  /** All of it as a text for a person. */
  readonly message: string;
  /** False: the search for a large graph found nothing, which does not prove that there is nothing. */
  readonly isProven: boolean;
  readonly unrouted: readonly UnroutedWish[];
  /** What must run, and is more than the nodes have. */
  readonly shortages: readonly string[];
  readonly clash: Clash | null;
}

export interface SolvedPlan {
  readonly ok: true;
  /** Sorted by `from`, then `to`. */
  readonly routes: readonly PlannedRoute[];
  /** Address → node of every symbol that a route touches. */
  readonly placement: Readonly<Record<string, string>>;
  /** Sorted as the routes are. */
  readonly lanes: readonly LaneReason[];
  /** One for each class of wanted routes that has its route, sorted. */
  readonly answers: readonly Answer[];
  readonly cost: Cost;
  /** No solution costs less. Equal to `cost` when it is proven to be the best. */
  readonly costBound: Cost;
  readonly isOptimal: boolean;
  readonly method: "exact" | "greedy";
  /** Optional routes that were left out. */
  readonly unrouted: readonly UnroutedWish[];
}

export type Solution = SolvedPlan | { readonly ok: false; readonly explanation: Explanation };
