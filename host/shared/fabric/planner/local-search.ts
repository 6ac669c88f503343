/** Small changes of an assignment that make it cheaper: another choice, another node, an exchange of two nodes. */
import { type GraphDemand, laneOf, moveTenths } from "./graph.ts";
import { isBefore, type Occupancy } from "./occupancy.ts";
import type { Part } from "./parts.ts";
import type { PlanSymbol } from "./symbol-table.ts";

/** Up to so many symbols, all pairs of them are tried for an exchange of places. */
const SWAP_SYMBOLS_MAX = 200;

/** Betters choices and places one at a time. True when something was gained. */
export function better(occupancy: Occupancy, part: Part): boolean {
  let isBetter = false;
  for (const demand of part.demands) isBetter = betterChoice(occupancy, demand) || isBetter;
  isBetter = betterPlaces(occupancy, part) || isBetter;
  return betterPairs(occupancy, part) || isBetter;
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

export function routesBySymbol(occupancy: Occupancy, part: Part): Map<PlanSymbol, GraphDemand[]> {
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
export function placeTenths(
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

/** Lets two symbols exchange their nodes, where neither alone finds room. True when a pair was. */
function betterPairs(occupancy: Occupancy, part: Part): boolean {
  const free = part.symbols.filter((symbol) => symbol.nodes.length > 1 && occupancy.isUsed(symbol));
  if (free.length > SWAP_SYMBOLS_MAX) return false;
  const routes = routesBySymbol(occupancy, part);
  let isBetter = false;
  for (const [index, left] of free.entries()) {
    for (const right of free.slice(index + 1)) {
      const own = new Set([...(routes.get(left) ?? []), ...(routes.get(right) ?? [])]);
      isBetter = swapIfBetter(occupancy, left, right, [...own]) || isBetter;
    }
  }
  return isBetter;
}

function swapIfBetter(
  occupancy: Occupancy,
  left: PlanSymbol,
  right: PlanSymbol,
  routes: readonly GraphDemand[],
): boolean {
  const [a, b] = [occupancy.nodeOf(left), occupancy.nodeOf(right)];
  if (a === b) return false;
  const tenthsNow = (): number =>
    moveTenths(left, occupancy.nodeOf(left)) +
    moveTenths(right, occupancy.nodeOf(right)) +
    routesTenths(occupancy, routes);
  const before = tenthsNow();
  occupancy.move(left, b);
  occupancy.move(right, a);
  if (occupancy.hasRoom(a) && occupancy.hasRoom(b) && tenthsNow() < before) return true;
  occupancy.move(left, a);
  occupancy.move(right, b);
  return false;
}

function routesTenths(occupancy: Occupancy, routes: readonly GraphDemand[]): number {
  let sum = 0;
  for (const demand of routes) {
    const lane = laneOf(occupancy.graph, occupancy.assignment, demand);
    sum += lane?.tenths ?? Number.POSITIVE_INFINITY;
  }
  return sum;
}
