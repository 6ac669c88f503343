/**
 * Whether time tells secrets apart: for each operation two classes of input, called in random
 * order.
 *
 * After Reparaz, Balasch and Verbauwhede, "Dude, is my code constant time?" (2017): the times of
 * the classes are compared by Welch's t-test, without the slowest part, which is what the machine
 * did beside. |t| above 4.5 says that the classes differ. Both classes are prepared by the same
 * instructions, or the t-test finds the preparation. It is a statistic of this machine at this
 * moment, so it is a bench and no test; what the code does is in
 * test/unit/crypto/constant-time-audit.test.ts.
 */
import { randomBytes, randomInt } from "node:crypto";
import { TestModule } from "../../test/support/wasm.ts";
import { buildEntry, quantile, type Bench, type BenchContext } from "../harness.ts";

const T_MAX = 4.5;
/** The share of the samples that is kept. */
const KEPT = 0.7;
const POOL_SIZE = 512;
const WARM_UP_CALLS = 5000;

/** One operation with two classes of input. */
interface Experiment {
  readonly title: string;
  readonly samples: number;
  /** Inputs of the two classes, which `prepare` puts in place, and what is timed. */
  readonly classes: readonly [readonly Uint8Array[], readonly Uint8Array[]];
  readonly prepare: (input: Uint8Array) => void;
  readonly call: () => void;
}

/** POOL_SIZE inputs in buffers of their own: one shared buffer would stay in the cache. */
function pool(make: () => Uint8Array): Uint8Array[] {
  return Array.from({ length: POOL_SIZE }, make);
}

function x25519Scalars(): Experiment {
  const module = new TestModule("crypto-b");
  const [out, scalar] = [module.reserve(32), module.reserve(32)];
  const point = module.put(randomBytes(32));
  const sparse = (): Uint8Array =>
    Uint8Array.from({ length: 32 }, (_, index) => Number(index === 31));
  return {
    title: "x25519: a scalar of few ones against random scalars",
    samples: 6000,
    classes: [pool(sparse), pool(() => randomBytes(32))],
    prepare: (input) => module.bytes.set(input, scalar),
    call: () => module.exports["x25519"]!(out, scalar, point),
  };
}

function sealKeys(): Experiment {
  const module = new TestModule("crypto-a");
  const [key, nonce, data] = [module.reserve(32), module.reserve(12), module.reserve(1216)];
  return {
    title: "seal 1200 B: a key of zeros against random keys",
    samples: 40_000,
    classes: [pool(() => new Uint8Array(32)), pool(() => randomBytes(32))],
    prepare: (input) => module.bytes.set(input, key),
    call: () => module.exports["aeadSeal"]!(key, nonce, nonce, 0, data, 1200),
  };
}

function sealPlaintexts(): Experiment {
  const module = new TestModule("crypto-a");
  const [key, data] = [module.put(randomBytes(32)), module.reserve(1216)];
  const nonce = module.reserve(12);
  return {
    title: "seal 1200 B: zeros against random bytes",
    samples: 40_000,
    classes: [pool(() => new Uint8Array(1216)), pool(() => randomBytes(1216))],
    prepare: (input) => module.bytes.set(input, data),
    call: () => module.exports["aeadSeal"]!(key, nonce, nonce, 0, data, 1200),
  };
}

function openTags(): Experiment {
  const module = new TestModule("crypto-a");
  const [key, data] = [module.put(randomBytes(32)), module.reserve(1216)];
  const nonce = module.reserve(12);
  module.exports["aeadSeal"]!(key, nonce, nonce, 0, data, 1200);
  const sealed = module.get(data, 1216);
  const forged = (at: number): Uint8Array => {
    const bytes = sealed.slice();
    bytes[at]! ^= 1;
    return bytes;
  };
  return {
    title: "open 1200 B: a tag wrong in its first byte against one wrong in its last",
    samples: 40_000,
    classes: [pool(() => forged(1200)), pool(() => forged(1215))],
    prepare: (input) => module.bytes.set(input, data),
    call: () => module.exports["aeadOpen"]!(key, nonce, nonce, 0, data, 1200),
  };
}

/** Nanoseconds of every call, by class. */
function sample({ samples, classes, prepare, call }: Experiment): [number[], number[]] {
  for (let done = 0; done < WARM_UP_CALLS; done++) call();
  const times: [number[], number[]] = [[], []];
  for (let done = 0; done < samples; done++) {
    const which = randomInt(2) as 0 | 1;
    prepare(classes[which][done % POOL_SIZE]!);
    const start = process.hrtime.bigint();
    call();
    times[which].push(Number(process.hrtime.bigint() - start));
  }
  return times;
}

/** Mean and variance of the mean. */
function moments(values: readonly number[]): { mean: number; error: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, error: squares / (values.length - 1) / values.length };
}

function run(context: BenchContext): void {
  buildEntry("crypto-a");
  buildEntry("crypto-b");
  for (const experiment of [x25519Scalars(), sealKeys(), sealPlaintexts(), openTags()]) {
    const times = sample(experiment);
    const limit = quantile([...times[0], ...times[1]], KEPT);
    const [left, right] = times.map((each) => moments(each.filter((time) => time <= limit)));
    const t = Math.abs(left!.mean - right!.mean) / Math.sqrt(left!.error + right!.error);
    // The report knows ratios that have to reach a goal: here, how far below the limit |t| is.
    const headroom = T_MAX / Math.max(t, Number.EPSILON);
    context.report(experiment.title, "first class", [
      { name: "first class", medianNs: left!.mean, ratio: 1, ratioQuartiles: [1, 1] },
      {
        name: `second class, |t| = ${t.toFixed(2)}`,
        medianNs: right!.mean,
        ratio: headroom,
        ratioQuartiles: [headroom, headroom],
        goal: 1,
      },
    ]);
  }
}

export const bench: Bench = {
  summary: "Welch's t of secrets of two classes: the ratio is 4.5 / |t|, below 1 is a leak",
  run: async (context) => run(context),
};
