/** Decodes the source map of a Wasm module, whose columns are byte offsets of instructions. */

/** Where the instructions from `offset` on come from; null where the compiler made them up. */
export interface Mapping {
  readonly offset: number;
  readonly file: string | null;
  readonly line: number;
  readonly column: number;
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/**
 * The numbers of one segment: base-64 digits of 5 bits, the lowest bit of the number is its sign.
 */
function decodeSegment(segment: string): number[] {
  const numbers: number[] = [];
  let value = 0;
  let shift = 0;
  for (const digit of segment) {
    const bits = DIGITS.indexOf(digit);
    value += (bits & 31) * 2 ** shift;
    shift += 5;
    if (bits >= 32) continue;
    const magnitude = Math.floor(value / 2);
    numbers.push(value % 2 === 1 ? -magnitude : magnitude);
    value = 0;
    shift = 0;
  }
  return numbers;
}

/** All mappings, by ascending offset. Lines count from 1, columns from 0. */
export function decodeSourceMap(json: string): Mapping[] {
  const map = JSON.parse(json) as { sources: string[]; mappings: string };
  const mappings: Mapping[] = [];
  let [offset, source, line, column] = [0, 0, 0, 0];
  for (const segment of map.mappings.split(",")) {
    if (segment === "") continue;
    const [offsetStep, sourceStep, lineStep, columnStep] = decodeSegment(segment);
    offset += offsetStep ?? 0;
    if (sourceStep === undefined) {
      mappings.push({ offset, file: null, line: 0, column: 0 });
      continue;
    }
    source += sourceStep;
    line += lineStep ?? 0;
    column += columnStep ?? 0;
    mappings.push({ offset, file: map.sources[source] ?? null, line: line + 1, column });
  }
  return mappings;
}

/** The mapping in force at `offset`: the last one that does not lie behind it. */
export function mappingAt(mappings: readonly Mapping[], offset: number): Mapping | null {
  let low = 0;
  let high = mappings.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (mappings[middle]!.offset <= offset) low = middle + 1;
    else high = middle;
  }
  return mappings[low - 1] ?? null;
}
