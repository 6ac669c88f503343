import { describe, expect, it } from "vitest";
import { Random } from "../../sim/random.ts";
import { Schedule } from "../../sim/schedule.ts";

describe("Schedule", () => {
  it("runs actions in the order of their times, and of entry where times are equal", () => {
    const schedule = new Schedule();
    const random = new Random(1);
    const entries = Array.from({ length: 500 }, (_, order) => ({
      atUs: random.between(0, 40),
      order,
    }));
    const seen: typeof entries = [];
    for (const entry of entries) schedule.at(entry.atUs, () => seen.push(entry));
    while (schedule.nextUs() < Infinity) schedule.step();
    const sorted = entries.toSorted((a, b) => a.atUs - b.atUs || a.order - b.order);
    expect(seen).toEqual(sorted);
  });

  it("never goes back in time", () => {
    const schedule = new Schedule();
    const times: number[] = [];
    schedule.at(100, () => schedule.at(5, () => times.push(schedule.nowUs)));
    while (schedule.nextUs() < Infinity) schedule.step();
    expect(times).toEqual([100]);
  });
});
