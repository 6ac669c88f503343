import { describe, expect, it } from "vitest";
import { Random } from "../../sim/random.ts";

describe("Random", () => {
  it("gives the same numbers for the same seed, others for another", () => {
    const draw = (seed: number): number[] => {
      const random = new Random(seed);
      return Array.from({ length: 20 }, () => random.u32());
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it("splits by name, whatever was drawn before", () => {
    const fresh = new Random(3).split("link").u32();
    const used = new Random(3);
    used.u32();
    used.u32();
    expect(used.split("link").u32()).toBe(fresh);
    expect(used.split("other").u32()).not.toBe(fresh);
  });

  it("stays inside its bounds and reaches them", () => {
    const random = new Random(11);
    const values = Array.from({ length: 2000 }, () => random.between(3, 6));
    expect(new Set(values)).toEqual(new Set([3, 4, 5, 6]));
    const sizes = Array.from({ length: 2000 }, () => random.magnitude(1, 1000));
    expect(Math.min(...sizes)).toBe(1);
    expect(Math.max(...sizes)).toBeGreaterThan(900);
    expect(sizes.filter((size) => size < 32).length).toBeGreaterThan(700);
  });

  it("has no visible bias in any bit", () => {
    const random = new Random(5);
    const ones = Array.from({ length: 32 }, () => 0);
    for (let draw = 0; draw < 4000; draw++) {
      const value = random.u32();
      for (let bit = 0; bit < 32; bit++) ones[bit] = (ones[bit] ?? 0) + ((value >>> bit) & 1);
    }
    for (const count of ones) expect(Math.abs(count - 2000)).toBeLessThan(200);
  });
});
