/** Room for who found none: somebody else chooses anew, or optional routes give way to a required one. */
import type { GraphDemand } from "./graph.ts";
import { placeTenths, routesBySymbol } from "./local-search.ts";
import type { Occupancy, Option } from "./occupancy.ts";
import type { Part } from "./parts.ts";
import type { PlanSymbol } from "./symbol-table.ts";

/** Looks for somebody who can go elsewhere, so that `demand` finds room. Answers how many changes it tried. */
export function makeRoom(
  occupancy: Occupancy,
  part: Part,
  demand: GraphDemand,
  triesMax: number,
): number {
  if (triesMax <= 0) return 0;
  const nodes = new Set(
    [demand.from, ...demand.choices.map(({ to }) => to)].flatMap((symbol) => symbol.nodes),
  );
  let tried = 0;
  for (const other of part.demands) {
    if (tried >= triesMax || occupancy.isMet(demand)) break;
    const choice = occupancy.chosen(other);
    if (choice === null || (other.demand.isOptional && !demand.demand.isOptional)) continue;
    const isNear = [other.from, choice.to].some((symbol) => nodes.has(occupancy.nodeOf(symbol)));
    if (!isNear) continue;
    tried += 1;
    exchange(occupancy, demand, other);
  }
  if (!occupancy.isMet(demand)) tried += relocate(occupancy, part, demand, nodes);
  if (!occupancy.isMet(demand) && !demand.demand.isOptional) {
    tried += evictOptional(occupancy, part, demand);
  }
  return tried;
}

/** Moves symbols that may run elsewhere off the nodes that `demand` needs, until it fits; else they come back. */
function relocate(
  occupancy: Occupancy,
  part: Part,
  demand: GraphDemand,
  nodes: ReadonlySet<number>,
): number {
  const routes = routesBySymbol(occupancy, part);
  const moved: { readonly symbol: PlanSymbol; readonly node: number }[] = [];
  for (const symbol of part.symbols) {
    const here = occupancy.nodeOf(symbol);
    if (symbol.nodes.length === 1 || !occupancy.isUsed(symbol) || !nodes.has(here)) continue;
    const own = routes.get(symbol) ?? [];
    const there = symbol.nodes.find(
      (node) =>
        node !== here &&
        occupancy.hasRoom(node, symbol) &&
        Number.isFinite(placeTenths(occupancy, symbol, node, own)),
    );
    if (there === undefined) continue;
    moved.push({ symbol, node: here });
    occupancy.move(symbol, there);
    const option = occupancy.bestOption(demand);
    if (option === null) continue;
    occupancy.put(demand, option);
    return moved.length;
  }
  for (const { symbol, node } of moved.reverse()) occupancy.move(symbol, node);
  return moved.length;
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
