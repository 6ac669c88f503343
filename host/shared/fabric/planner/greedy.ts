/**
 * The search for large parts: each demand takes the cheapest way that is left, the hardest to meet first; then what
 * can be bettered one at a time is bettered, and who found no room is let in where somebody else can go elsewhere.
 *
 * What it finds is feasible by construction, and `verify.ts` shows it; it may cost more than the best. What it does
 * not find may still exist.
 */
import type { GraphDemand } from "./graph.ts";
import { moveTenths } from "./graph.ts";
import { type Aim, isBefore, type Occupancy, type Option } from "./occupancy.ts";
import type { Part } from "./parts.ts";
import type { PlanSymbol } from "./symbol-table.ts";

const PASSES_MAX = 8;
/** Exchanges that are tried for one demand, and for a whole part. */
const EXCHANGES_MAX = 64;
const ALL_EXCHANGES_MAX = 20_000;

/** Meets what it can of a part's demands. Those that are not met afterwards found no room. */
export function solveGreedily(occupancy: Occupancy, part: Part): void {
  const ordered = hardestFirst(part.demands);
  fill(occupancy, ordered, "cheap");
  const missing = countUnmet(occupancy, ordered);
  if (missing > 0) {
    // What is cheap one by one may fill the nodes with many versions of the same. Then room is what counts first.
    const cheap = takeAll(occupancy, ordered);
    fill(occupancy, ordered, "thrifty");
    if (countUnmet(occupancy, ordered) >= missing) {
      takeAll(occupancy, ordered);
      for (const { demand, option } of cheap) occupancy.put(demand, option);
    }
  }
  let exchanges = ALL_EXCHANGES_MAX;
  for (let pass = 0; pass < PASSES_MAX; pass++) {
    let isBetter = false;
    for (const demand of ordered) {
      if (occupancy.isMet(demand)) continue;
      const used = makeRoom(occupancy, part, demand, Math.min(exchanges, EXCHANGES_MAX));
      exchanges -= used;
      isBetter ||= occupancy.isMet(demand);
    }
    for (const demand of part.demands) isBetter = betterChoice(occupancy, demand) || isBetter;
    isBetter = betterPlaces(occupancy, part) || isBetter;
    if (!isBetter) return;
  }
}

function fill(occupancy: Occupancy, demands: readonly GraphDemand[], aim: Aim): void {
  for (const demand of demands) {
    const option = occupancy.bestOption(demand, aim);
    if (option !== null) occupancy.put(demand, option);
  }
}

/** A required demand weighs more than all optional ones together. */
function countUnmet(occupancy: Occupancy, demands: readonly GraphDemand[]): number {
  let count = 0;
  for (const demand of demands) {
    if (!occupancy.isMet(demand)) count += demand.demand.isOptional ? 1 : demands.length;
  }
  return count;
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

/** Lets a demand choose again. True when it is better off. */
function betterChoice(occupancy: Occupancy, demand: GraphDemand): boolean {
  if (!occupancy.isMet(demand)) return false;
  const before = occupancy.remove(demand);
  const after = occupancy.bestOption(demand);
  const isBetter = after !== null && isBefore(after, before, "cheap");
  occupancy.put(demand, isBetter ? after : before);
  return isBetter;
}

/** Moves symbols to where their routes are cheaper. True when one was moved. */
function betterPlaces(occupancy: Occupancy, part: Part): boolean {
  const routes = routesBySymbol(occupancy, part);
  let isBetter = false;
  for (const symbol of part.symbols) {
    if (symbol.nodes.length === 1 || !occupancy.isUsed(symbol)) continue;
    const own = routes.get(symbol) ?? [];
    const here = occupancy.nodeOf(symbol);
    let [best, bestTenths] = [here, placeTenths(occupancy, symbol, here, own)];
    for (const node of symbol.nodes) {
      if (node === here || !occupancy.hasRoom(node, symbol)) continue;
      const tenths = placeTenths(occupancy, symbol, node, own);
      if (tenths < bestTenths) [best, bestTenths] = [node, tenths];
    }
    if (best === here) continue;
    occupancy.move(symbol, best);
    isBetter = true;
  }
  return isBetter;
}

function routesBySymbol(occupancy: Occupancy, part: Part): Map<PlanSymbol, GraphDemand[]> {
  const routes = new Map<PlanSymbol, GraphDemand[]>();
  for (const demand of part.demands) {
    const choice = occupancy.chosen(demand);
    if (choice === null) continue;
    for (const symbol of [demand.from, choice.to]) {
      const list = routes.get(symbol);
      if (list === undefined) routes.set(symbol, [demand]);
      else list.push(demand);
    }
  }
  return routes;
}

/** What the routes of a symbol cost when it stands on `node`; infinite when one of them has no lane then. */
function placeTenths(
  occupancy: Occupancy,
  symbol: PlanSymbol,
  node: number,
  routes: readonly GraphDemand[],
): number {
  let sum = moveTenths(symbol, node);
  for (const demand of routes) {
    const choice = occupancy.chosen(demand);
    if (choice === null) continue;
    const other = demand.from === symbol ? choice.to : demand.from;
    const relation = occupancy.graph.relations.between(node, occupancy.nodeOf(other));
    sum += choice.lanes[relation]?.tenths ?? Number.POSITIVE_INFINITY;
  }
  return sum;
}

/** Looks for somebody who can go elsewhere, so that `demand` finds room. Answers how many exchanges it tried. */
function makeRoom(
  occupancy: Occupancy,
  part: Part,
  demand: GraphDemand,
  exchangesMax: number,
): number {
  const nodes = new Set(
    [demand.from, ...demand.choices.map(({ to }) => to)].flatMap((symbol) => symbol.nodes),
  );
  let tried = 0;
  for (const other of part.demands) {
    if (tried >= exchangesMax || occupancy.isMet(demand)) break;
    const choice = occupancy.chosen(other);
    if (choice === null || (other.demand.isOptional && !demand.demand.isOptional)) continue;
    const isNear = [other.from, choice.to].some((symbol) => nodes.has(occupancy.nodeOf(symbol)));
    if (!isNear) continue;
    tried += 1;
    exchange(occupancy, demand, other);
  }
  if (!demand.demand.isOptional) tried += evictOptional(occupancy, part, demand);
  return tried;
}

/** Lets `demand` choose before `other`, unless `other` then finds nothing. */
function exchange(occupancy: Occupancy, demand: GraphDemand, other: GraphDemand): void {
  const before = occupancy.remove(other);
  const first = occupancy.bestOption(demand);
  if (first !== null) {
    occupancy.put(demand, first);
    const second = occupancy.bestOption(other);
    if (second !== null) {
      occupancy.put(other, second);
      return;
    }
    occupancy.remove(demand);
  }
  occupancy.put(other, before);
}

/** A required demand goes before optional ones, which are left out one after the other until it fits. */
function evictOptional(occupancy: Occupancy, part: Part, demand: GraphDemand): number {
  const evicted: { readonly other: GraphDemand; readonly before: Option }[] = [];
  for (const other of part.demands) {
    if (occupancy.isMet(demand)) break;
    if (!other.demand.isOptional || !occupancy.isMet(other)) continue;
    evicted.push({ other, before: occupancy.remove(other) });
    const option = occupancy.bestOption(demand);
    if (option !== null) occupancy.put(demand, option);
  }
  if (!occupancy.isMet(demand)) {
    for (const { other, before } of evicted.reverse()) occupancy.put(other, before);
    return evicted.length;
  }
  // Whoever was left out and still fits comes back.
  for (const { other } of evicted) {
    const option = occupancy.bestOption(other);
    if (option !== null) occupancy.put(other, option);
  }
  return evicted.length;
}
