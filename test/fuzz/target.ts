/** What a fuzz target is: a way to make one case from a random source, and to judge it. */
import type { Random } from "../sim/random.ts";

export interface Target {
  readonly name: string;
  /** One sentence for `--list`. */
  readonly about: string;
  /** Test entries that must be compiled. */
  readonly entries: readonly string[];
  /** True when the target runs the whole engine, build/engine.wasm. */
  readonly needsEngine?: boolean;
  /** True for a target with a planted defect: not finding it is the failure. */
  readonly isCanary?: boolean;
  /** Compiles what is needed once, and returns what judges one case. */
  prepare(): (random: Random) => Case;
}

/** The outcome of one case. */
export interface Case {
  /** What was fed to the decoder. */
  readonly input: Uint8Array;
  /** Whether the decoder took it; a run that only makes refused inputs tests nothing. */
  readonly isAccepted: boolean;
  /** What is wrong; null when nothing is. */
  readonly fault: string | null;
}

/** Runs `judge`; a trap of the engine and any error of the checks is a fault of the case. */
export function judged(input: Uint8Array, judge: () => boolean): Case {
  try {
    return { input, isAccepted: judge(), fault: null };
  } catch (error) {
    const fault = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return { input, isAccepted: false, fault };
  }
}

/** Throws when two results differ; bigints and byte arrays are compared by value. */
export function requireEqual(actual: unknown, expected: unknown, what: string): void {
  const [left, right] = [describe(actual), describe(expected)];
  if (left !== right) throw new Error(`${what}: the engine says ${left}, the twin ${right}`);
}

function describe(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === "bigint") return `${part}n`;
    if (part instanceof Uint8Array) return Buffer.from(part).toString("hex");
    if (part instanceof Map) return [...part].sort(([a], [b]) => Number(a) - Number(b));
    return part;
  });
}
