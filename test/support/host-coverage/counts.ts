/** Reads what V8 recorded in one process: how often each place of a source file was reached. */
import type { Place } from "./points.ts";

interface CountedRange {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

/** One script in a file that Node.js writes into the folder NODE_V8_COVERAGE. */
export interface ScriptCoverage {
  readonly url: string;
  readonly functions: readonly { readonly ranges: readonly CountedRange[] }[];
}

/**
 * The count of each character. Node.js replaces types by blanks, so positions in what it ran are positions in the
 * source. Ranges nest, and the innermost one counts.
 */
export function countsOf(script: ScriptCoverage, length: number): Int32Array {
  const counts = new Int32Array(length);
  const ranges = script.functions.flatMap((one) => one.ranges);
  const outerFirst = ranges.toSorted(
    (a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset,
  );
  for (const { startOffset, endOffset, count } of outerFirst) {
    counts.fill(count, startOffset, endOffset);
  }
  return counts;
}

/** A byte for each place: 1 when it was executed. */
export function hitsOf(places: readonly Place[], counts: Int32Array): Uint8Array {
  const countAt = (offset: number) => counts[offset] ?? 0;
  return Uint8Array.from(places, ({ start, instead }) =>
    countAt(start) > (instead === null ? 0 : countAt(instead)) ? 1 : 0,
  );
}
