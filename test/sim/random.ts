/**
 * The only source of chance in the simulator: xoshiro128**, seeded, and split by name.
 *
 * A split depends on the root seed and the name alone, never on how many numbers were drawn before, so that a
 * new draw in one place does not change the run of every other place.
 */

/** Mixes `value` so that neighbouring inputs give unrelated outputs (the finalizer of MurmurHash3). */
function mix(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** A 32-bit digest of a seed and a name. */
export function digest32(seed: number, name: string): number {
  let hash = mix(seed ^ 0x9e3779b9);
  for (let index = 0; index < name.length; index++) {
    hash = mix(hash ^ name.charCodeAt(index) ^ (index << 16));
  }
  return hash;
}

export class Random {
  readonly #root: number;
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: number, name = "") {
    this.#root = digest32(seed, name);
    this.#a = mix(this.#root + 0x9e3779b9);
    this.#b = mix(this.#root + 0x3c6ef372);
    this.#c = mix(this.#root + 0xdaa66d2b);
    this.#d = mix(this.#root + 0x78dde6e4) | 1; // The all-zero state is the one that never leaves itself.
  }

  /** An independent generator for the part of the run called `name`. */
  split(name: string): Random {
    return new Random(this.#root, name);
  }

  /** 32 random bits. */
  u32(): number {
    const product = Math.imul(this.#b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }

  /** A number in [0, 1). */
  float(): number {
    return this.u32() / 0x1_0000_0000;
  }

  /** True in `probability` of the cases. */
  chance(probability: number): boolean {
    return this.float() < probability;
  }

  /** A whole number in [low, high]. */
  between(low: number, high: number): number {
    return low + Math.floor(this.float() * (high - low + 1));
  }

  /** A whole number in [low, high] whose magnitude is uniform: small ones are as likely as large ones. */
  magnitude(low: number, high: number): number {
    const exponent = Math.log(low) + this.float() * (Math.log(high + 1) - Math.log(low));
    return Math.min(high, Math.max(low, Math.floor(Math.exp(exponent))));
  }

  /** A number in [low, high). */
  uniform(low: number, high: number): number {
    return low + this.float() * (high - low);
  }

  pick<T>(values: readonly T[]): T {
    const value = values[Math.floor(this.float() * values.length)];
    if (value === undefined) throw new Error("pick() needs at least one value");
    return value;
  }

  u64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
  }

  bytes(size: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(size);
    for (let index = 0; index < size; index++) bytes[index] = this.u32() >>> 24;
    return bytes;
  }
}
