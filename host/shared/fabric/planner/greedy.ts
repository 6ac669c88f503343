/**
 * The search for large parts: each demand takes the cheapest way that is left, the hardest to meet first; then what
 * can be bettered one at a time is bettered, and who found no room is let in where somebody else can go elsewhere.
 *
 * What it finds is feasible by construction, and `verify.ts` shows it; it may cost more than the best. What it does
 * not find may still exist.
 */
import { compareCosts } from "./cost.ts";
import { boundOf, costOf, type GraphDemand } from "./graph.ts";
import { better } from "./local-search.ts";
import { makeRoom } from "./make-room.ts";
import type { Cost } from "./model.ts";
import type { Aim, Occupancy, Option } from "./occupancy.ts";
import type { Part } from "./parts.ts";

const PASSES_MAX = 8;
/** Changes that are tried to make room for one demand. */
const TRIES_MAX = 64;
/** Changes that are tried in a whole part, times its demands: each of them may look at every demand. */
const ALL_TRIES_WORK = 2_000_000;
const ALL_TRIES_MIN = 200;
/** When more than so many found no room, exchanging one by one is no way to find it for them. */
const MISSING_MAX = 200;

/**
 * Where a search begins: with what is in force, so that it never ends with less than that; with what is cheap one by
 * one; and, as that may fill the nodes with many versions of the same, with what takes the least room.
 */
const STARTS = ["in-force", "cheap", "thrifty"] as const;

/** A way to meet the demands of a part, as far as they are met. */
interface Attempt {
  readonly routes: readonly { readonly demand: GraphDemand; readonly option: Option }[];
  readonly unmet: number;
  readonly cost: Cost;
}

/** Meets what it can of a part's demands. Those that are not met afterwards found no room. */
export function solveGreedily(occupancy: Occupancy, part: Part): void {
  const { graph } = occupancy;
  const ordered = hardestFirst(part.demands);
  const bound = boundOf(part.demands);
  let best: Attempt | null = null;
  for (const start of STARTS) {
    if (start === "in-force" && !keep(occupancy, ordered)) continue;
    fill(occupancy, ordered, start === "thrifty" ? "thrifty" : "cheap");
    const missing = ordered.filter((demand) => !occupancy.isMet(demand)).length;
    if (missing <= MISSING_MAX || start === "thrifty") search(occupancy, part, ordered);
    const [unmet, cost] = [
      countRequired(occupancy, ordered),
      costOf(graph, occupancy.assignment, part.demands),
    ];
    if (unmet === 0 && compareCosts(cost, bound) === 0) return;
    const routes = takeAll(occupancy, ordered);
    const isBest =
      best === null ||
      unmet < best.unmet ||
      (unmet === best.unmet && compareCosts(cost, best.cost) < 0);
    if (isBest) best = { routes, unmet, cost };
  }
  for (const { demand, option } of best?.routes ?? []) occupancy.put(demand, option);
}

/** Lets in who found no room, and betters what can be bettered, until nothing is gained. */
function search(occupancy: Occupancy, part: Part, ordered: readonly GraphDemand[]): void {
  let tries = Math.max(ALL_TRIES_MIN, Math.floor(ALL_TRIES_WORK / ordered.length));
  for (let pass = 0; pass < PASSES_MAX; pass++) {
    let isBetter = false;
    for (const demand of ordered) {
      if (occupancy.isMet(demand)) continue;
      tries -= 1 + makeRoom(occupancy, part, demand, Math.min(tries, TRIES_MAX));
      isBetter ||= occupancy.isMet(demand);
    }
    isBetter = better(occupancy, part) || isBetter;
    if (!isBetter) return;
  }
}

/** Takes what is in force, as far as it still fits. False when nothing is. */
function keep(occupancy: Occupancy, demands: readonly GraphDemand[]): boolean {
  let isAny = false;
  for (const demand of demands) {
    const option = occupancy.optionInForce(demand);
    if (option === null) continue;
    occupancy.put(demand, option);
    isAny = true;
  }
  return isAny;
}

function fill(occupancy: Occupancy, demands: readonly GraphDemand[], aim: Aim): void {
  for (const demand of demands) {
    if (occupancy.isMet(demand)) continue;
    const option = occupancy.bestOption(demand, aim);
    if (option !== null) occupancy.put(demand, option);
  }
}

function countRequired(occupancy: Occupancy, demands: readonly GraphDemand[]): number {
  return demands.filter((demand) => !demand.demand.isOptional && !occupancy.isMet(demand)).length;
}

/** Takes all routes away; putting them back in the order of the answer makes everything as it was. */
function takeAll(
  occupancy: Occupancy,
  demands: readonly GraphDemand[],
): { readonly demand: GraphDemand; readonly option: Option }[] {
  const met = demands.filter((demand) => occupancy.isMet(demand));
  return met
    .reverse()
    .map((demand) => ({ demand, option: occupancy.remove(demand) }))
    .reverse();
}

/** Required before optional, few ways before many, large before small. */
function hardestFirst(demands: readonly GraphDemand[]): GraphDemand[] {
  const ways = new Map(demands.map((demand) => [demand, countWays(demand)]));
  const sizes = new Map(demands.map((demand) => [demand, largestCpuMilli(demand)]));
  return [...demands].sort(
    (a, b) =>
      Number(a.demand.isOptional) - Number(b.demand.isOptional) ||
      (ways.get(a) ?? 0) - (ways.get(b) ?? 0) ||
      (sizes.get(b) ?? 0) - (sizes.get(a) ?? 0) ||
      a.index - b.index,
  );
}

/** Pairs of nodes for all choices: fewest for those whose ends stand where they stand. */
function countWays({ from, choices }: GraphDemand): number {
  return from.nodes.length * choices.reduce((sum, { to }) => sum + to.nodes.length, 0);
}

function largestCpuMilli({ from, choices }: GraphDemand): number {
  return from.cpuMilli + choices.reduce((most, { to }) => Math.max(most, to.cpuMilli), 0);
}
