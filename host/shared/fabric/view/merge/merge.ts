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
import { EditableValue, isSameValue, type Path, valueAt } from "./values.ts";

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
  const { format, wanted } = input;
  // Whoever deletes the whole file says nothing about one field or another: it comes back as a new one.
  const last = input.now === null ? [] : input.last;
  const now = readText(format, input.now);
  if (!now.ok) return now;
  const original = originalOf(input, now);
  const isOurs = original !== null && isOnlyOurs(format, input.now, last, original);
  const start = isOurs ? original : now;
  const { set, remove, owned, disputes } = decide(start.value, isOurs ? [] : last, wanted);
  if (set.length === 0 && remove.length === 0) {
    return { ok: true, text: start.file, owned, disputes };
  }
  const gone = original === null ? remove : withEmptied(start.value, original.value, set, remove);
  const change = changeConfig(format, start.text, start.value, set, gone);
  return change.ok ? { ok: true, text: change.text, owned, disputes } : change;
}

/** A file that was read. */
interface ReadText {
  readonly ok: true;
  /** Null: there is none. */
  readonly file: string | null;
  readonly text: string;
  readonly value: JsonObject;
}

function readText(
  format: ConfigFormat,
  file: string | null,
): ReadText | Extract<MergeOutcome, { ok: false }> {
  const text = file ?? emptyConfig(format);
  const reading = readConfig(format, text);
  return reading.ok ? { ok: true, file, text, value: reading.value } : reading;
}

/** The file before the first of our fields; null where nobody knows, or it cannot be read. */
function originalOf({ format, original }: MergeInput, now: ReadText): ReadText | null {
  if (original === undefined) return null;
  if (original === now.file) return now;
  const reading = readText(format, original);
  return reading.ok ? reading : null;
}

/** Whether the file is what our fields make of the user's text, byte for byte. */
function isOnlyOurs(
  format: ConfigFormat,
  now: string | null,
  last: readonly ViewField[],
  original: ReadText,
): boolean {
  if (last.length === 0) return now === original.file;
  if (now === null) return false;
  const made = changeConfig(format, original.text, original.value, last, []);
  return made.ok && made.text === now;
}

/** Paths that go, with tables above them that hold nothing else and were not in the file at first. */
function withEmptied(
  now: JsonObject,
  first: JsonObject,
  set: readonly ViewField[],
  remove: readonly Path[],
): readonly Path[] {
  const rest = new EditableValue(now);
  for (const path of remove) rest.remove(path);
  const isEmptied = (table: Path): boolean =>
    isSameValue(rest.at(table), {}) &&
    valueAt(first, table) === undefined &&
    !set.some(({ path }) => table.every((name, at) => path[at] === name));
  const gone = remove.map((path) => {
    let top = path;
    while (top.length > 1 && isEmptied(top.slice(0, -1))) top = top.slice(0, -1);
    return top;
  });
  return [...new Map(gone.map((path) => [JSON.stringify(path), path])).values()];
}
