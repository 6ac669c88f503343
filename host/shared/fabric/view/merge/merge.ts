/**
 * Merges fields into a configuration that is otherwise the user's. The outcome depends on nothing but its arguments,
 * so what a plan announces is what apply makes.
 *
 * As long as the file is what our fields made of the user's, they are taken out and put in by starting from the
 * user's own text: so whatever is merged, undone or brought back, the user's bytes come back, and the same fields
 * give the same bytes whatever was there in between. Once somebody has changed the file, it is edited as it is.
 */
import type { JsonObject } from "../../../trust/canonical-json.ts";
import type { ConfigFormat, ViewField } from "../model.ts";
import { changeConfig, type ConfigProblem, emptyConfig, readConfig } from "./config-text.ts";
import { decide, type FieldDispute } from "./ownership.ts";
import { isSameValue, type Path, valueAt, withoutValue } from "./values.ts";

export interface MergeInput {
  readonly format: ConfigFormat;
  /** The file; null: there is none. */
  readonly now: string | null;
  /** The fields that are ours in it. */
  readonly last: readonly ViewField[];
  readonly wanted: readonly ViewField[];
  /** The file before the first of ours came in; null: there was none. Undefined: nobody knows. */
  readonly original: string | null | undefined;
}

export type MergeOutcome =
  | {
      readonly ok: true;
      /** Null: nothing is left of a file that was never the user's. */
      readonly text: string | null;
      readonly owned: readonly ViewField[];
      readonly disputes: readonly FieldDispute[];
    }
  | { readonly ok: false; readonly problem: ConfigProblem };

export function mergeConfig(input: MergeInput): MergeOutcome {
  const { format, now, last, wanted, original } = input;
  const reading = readConfig(format, now ?? emptyConfig(format));
  if (!reading.ok) return reading;
  const isOurs = original !== undefined && isOnlyOurs(format, now, last, original);
  const start = isOurs ? original : now;
  const text = start ?? emptyConfig(format);
  const startReading = isOurs ? readConfig(format, text) : reading;
  if (!startReading.ok) return startReading;
  const { set, remove, owned, disputes } = decide(startReading.value, isOurs ? [] : last, wanted);
  if (set.length === 0 && remove.length === 0) return { ok: true, text: start, owned, disputes };
  const first = original === undefined ? null : valueOf(format, original);
  const gone = first === null ? remove : withEmptied(startReading.value, first, set, remove);
  const change = changeConfig(format, text, set, gone);
  return change.ok ? { ok: true, text: change.text, owned, disputes } : change;
}

/** What a text says; null when it cannot be read. */
function valueOf(format: ConfigFormat, text: string | null): JsonObject | null {
  const reading = readConfig(format, text ?? emptyConfig(format));
  return reading.ok ? reading.value : null;
}

/** Paths that go, with tables above them that hold nothing else and were not in the file at first. */
function withEmptied(
  now: JsonObject,
  first: JsonObject,
  set: readonly ViewField[],
  remove: readonly Path[],
): readonly Path[] {
  const left = remove.reduce(withoutValue, now);
  const isEmptied = (table: Path): boolean =>
    isSameValue(valueAt(left, table), {}) &&
    valueAt(first, table) === undefined &&
    !set.some(({ path }) => table.every((name, at) => path[at] === name));
  const gone = remove.map((path) => {
    let top = path;
    while (top.length > 1 && isEmptied(top.slice(0, -1))) top = top.slice(0, -1);
    return top;
  });
  return [...new Map(gone.map((path) => [JSON.stringify(path), path])).values()];
}

/** Whether the file is what our fields make of the user's text, byte for byte. */
function isOnlyOurs(
  format: ConfigFormat,
  now: string | null,
  last: readonly ViewField[],
  original: string | null,
): boolean {
  if (last.length === 0) return now === original;
  if (now === null) return false;
  const made = changeConfig(format, original ?? emptyConfig(format), last, []);
  return made.ok && made.text === now;
}
