/**
 * Damage that knows where fields lie: numbers at aligned places become edges, lengths change by a
 * little, parts are cut, doubled and exchanged. Plain bit flips alone rarely get past the first
 * length check.
 */
import type { Random } from "../sim/random.ts";

const EDGES = [
  0n,
  1n,
  7n,
  8n,
  9n,
  15n,
  16n,
  63n,
  64n,
  65n,
  127n,
  128n,
  129n,
  255n,
  256n,
  257n,
  512n,
  513n,
  1023n,
  1024n,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x1_0000n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  2n ** 60n,
  2n ** 60n + 1n,
  2n ** 62n - 1n,
  2n ** 62n,
  2n ** 63n,
  2n ** 64n - 1n,
];

/** Writes the low `size` bytes of `value` at `at`, as far as they lie inside. */
function write(bytes: Uint8Array, at: number, size: number, value: bigint): void {
  for (let index = 0; index < size && at + index < bytes.length; index++) {
    bytes[at + index] = Number((value >> BigInt(8 * index)) & 0xffn);
  }
}

function read(bytes: Uint8Array, at: number, size: number): bigint {
  let value = 0n;
  for (let index = size - 1; index >= 0; index--) {
    value = (value << 8n) | BigInt(bytes[at + index] ?? 0);
  }
  return value;
}

type Mutation = (random: Random, bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;

/** A place for a field of `size` bytes; fields are aligned to their size. */
function place(random: Random, length: number, size: number): number {
  const reach = random.chance(0.7) ? Math.min(length, 64) : length;
  return size * random.between(0, Math.max(0, Math.floor(reach / size) - 1));
}

const setToEdge: Mutation = (random, bytes) => {
  const size = random.pick([1, 1, 2, 2, 4, 8]);
  write(bytes, place(random, bytes.length, size), size, random.pick(EDGES));
  return bytes;
};

const changeByLittle: Mutation = (random, bytes) => {
  const size = random.pick([1, 2, 2, 4, 8]);
  const at = place(random, bytes.length, size);
  write(bytes, at, size, read(bytes, at, size) + BigInt(random.between(-9, 9)));
  return bytes;
};

const flipBit: Mutation = (random, bytes) => {
  const at = random.between(0, bytes.length - 1);
  bytes[at]! ^= 1 << random.between(0, 7);
  return bytes;
};

const cut: Mutation = (random, bytes) => {
  const few = random.between(1, Math.min(9, bytes.length));
  const length = random.chance(0.6) ? bytes.length - few : random.between(0, bytes.length);
  return bytes.slice(0, length);
};

const append: Mutation = (random, bytes) => {
  const tail = random.chance(0.5) ? new Uint8Array(random.between(1, 17)) : random.bytes(9);
  return Uint8Array.from([...bytes, ...tail]);
};

const double: Mutation = (random, bytes) => {
  const from = 8 * random.between(0, bytes.length >> 3);
  const to = Math.min(bytes.length, from + 8 * random.between(1, 6));
  const at = 8 * random.between(0, bytes.length >> 3);
  const part = bytes.subarray(from, to);
  return Uint8Array.from([...bytes.subarray(0, at), ...part, ...bytes.subarray(at)]);
};

const remove: Mutation = (random, bytes) => {
  const from = 8 * random.between(0, bytes.length >> 3);
  const to = Math.min(bytes.length, from + random.pick([1, 2, 4, 8, 16]));
  return Uint8Array.from([...bytes.subarray(0, from), ...bytes.subarray(to)]);
};

const zero: Mutation = (random, bytes) => {
  const from = random.between(0, bytes.length - 1);
  return bytes.fill(0, from, from + random.between(1, 16));
};

const MUTATIONS = [setToEdge, setToEdge, changeByLittle, changeByLittle, flipBit, flipBit];
const RESHAPES = [cut, append, double, remove, zero];

/** `bytes` with one to four changes; sometimes none, so that valid inputs are exercised, too. */
export function mutate(random: Random, bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  let result = Uint8Array.from(bytes);
  if (random.chance(0.15)) return result;
  for (let left = random.pick([1, 1, 1, 2, 3, 4]); left > 0 && result.length > 0; left--) {
    result = random.pick(random.chance(0.75) ? MUTATIONS : RESHAPES)(random, result);
  }
  return result;
}
