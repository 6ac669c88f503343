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
/** Exchanges that are tried for one demand, and for a whole part. */
const EXCHANGES_MAX = 64;
const ALL_EXCHANGES_MAX = 20_000;

/** When more than so many found no room, exchanging one by one is no way to find it for them. */
const MISSING_MAX = 200;

/** What is cheap one by one may fill the nodes with many versions of the same; then room is what counts first. */
const AIMS: readonly Aim[] = ["cheap", "thrifty"];

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
  const bound = boundOf(graph, part.demands);
  let best: Attempt | null = null;
  for (const aim of AIMS) {
    fill(occupancy, ordered, aim);
    const missing = ordered.filter((demand) => !occupancy.isMet(demand)).length;
    if (missing <= MISSING_MAX || aim === AIMS.at(-1)) search(occupancy, part, ordered);
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
  let exchanges = ALL_EXCHANGES_MAX;
  for (let pass = 0; pass < PASSES_MAX; pass++) {
    let isBetter = false;
    for (const demand of ordered) {
      if (occupancy.isMet(demand)) continue;
      const used = makeRoom(occupancy, part, demand, Math.min(exchanges, EXCHANGES_MAX));
      exchanges -= used;
      isBetter ||= occupancy.isMet(demand);
    }
    isBetter = better(occupancy, part) || isBetter;
    if (!isBetter) return;
  }
}

function fill(occupancy: Occupancy, demands: readonly GraphDemand[], aim: Aim): void {
  for (const demand of demands) {
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

/** Required before optional, few choices before many, large before small. */
function hardestFirst(demands: readonly GraphDemand[]): GraphDemand[] {
  const sizes = new Map(
    demands.map((demand) => [
      demand,
      demand.from.cpuMilli + Math.max(...demand.choices.map(({ to }) => to.cpuMilli)),
    ]),
  );
  return [...demands].sort(
    (a, b) =>
      Number(a.demand.isOptional) - Number(b.demand.isOptional) ||
      a.choices.length - b.choices.length ||
      (sizes.get(b) ?? 0) - (sizes.get(a) ?? 0) ||
      a.index - b.index,
  );
}
