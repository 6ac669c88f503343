/** The routes in force, looked up by their ends. */
import { type Lane, LANES } from "../lane-kind.ts";
import type { CurrentState } from "./model.ts";

export type LanesInForce = ReadonlyMap<string, ReadonlyMap<string, Lane>>;

/** Consumer → provider → lane. Should one route be listed with several lanes, the first of LANES counts. */
export function lanesInForce({ routes }: CurrentState): LanesInForce {
  const lanes = new Map<string, Map<string, Lane>>();
  for (const { from, to, lane } of routes) {
    const known = lanes.get(from) ?? new Map<string, Lane>();
    lanes.set(from, known);
    const before = known.get(to);
    if (before === undefined || LANES.indexOf(lane) < LANES.indexOf(before)) known.set(to, lane);
  }
  return lanes;
}
