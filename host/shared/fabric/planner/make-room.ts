/** Room for who found none: somebody else chooses anew, or optional routes give way to a required one. */
import type { GraphDemand } from "./graph.ts";
import type { Occupancy, Option } from "./occupancy.ts";
import type { Part } from "./parts.ts";

/** Looks for somebody who can go elsewhere, so that `demand` finds room. Answers how many exchanges it tried. */
export function makeRoom(
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
