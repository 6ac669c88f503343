/**
 * Whose a field is. A field is ours when we put it there; what else is in the file is the user's, even where it says
 * the same as we would.
 *
 *   in the file      what we had put there   what comes of it
 *   nothing          nothing                 ours from now on
 *   what we want     nothing                 the user's own, and good as it is
 *   something else   nothing                 "taken": stays, and is not ours
 *   what we had put                          ours; gets the new value, or goes when it is no longer wanted
 *   something else   something               "edited": stays, and is still watched as long as it is wanted
 *   nothing          something               "removed": stays away, and is still watched
 */
import type { Json } from "../../../trust/canonical-json.ts";
import type { ViewField } from "../model.ts";
import { depthThere, isSameValue, valueAt } from "./values.ts";
import { isJsonObject } from "../../../trust/canonical-json.ts";

/** A field that stays as somebody else has it. */
export interface FieldDispute {
  readonly path: readonly string[];
  /** "taken" is a conflict, the others are drift. */
  readonly reason: "taken" | "edited" | "removed";
}

export interface Decision {
  readonly set: readonly ViewField[];
  readonly remove: readonly (readonly string[])[];
  /** What is ours afterwards; for what is wanted and somebody has edited, what we had put there. */
  readonly owned: readonly ViewField[];
  readonly disputes: readonly FieldDispute[];
}

const keyOf = (path: readonly string[]): string => JSON.stringify(path);

/** What to do with a file that holds `now`, of which the fields `last` are ours. */
export function decide(
  now: Json,
  last: readonly ViewField[],
  wanted: readonly ViewField[],
): Decision {
  const before = new Map(last.map((field) => [keyOf(field.path), field]));
  const set: ViewField[] = [];
  const owned: ViewField[] = [];
  const disputes: FieldDispute[] = [];
  const keep = (field: ViewField, reason: FieldDispute["reason"]): void => {
    disputes.push({ path: field.path, reason });
    if (reason !== "taken") owned.push(field);
  };
  for (const field of wanted) {
    const mine = before.get(keyOf(field.path));
    before.delete(keyOf(field.path));
    const present = valueAt(now, field.path);
    if (isSameValue(present, field.value)) {
      if (mine !== undefined) owned.push(field);
    } else if (mine === undefined) {
      if (present !== undefined || isBarred(now, field.path)) keep(field, "taken");
      else {
        set.push(field);
        owned.push(field);
      }
    } else if (isSameValue(present, mine.value)) {
      set.push(field);
      owned.push(field);
    } else keep(mine, present === undefined ? "removed" : "edited");
  }
  const remove: (readonly string[])[] = [];
  for (const field of before.values()) {
    const present = valueAt(now, field.path);
    if (isSameValue(present, field.value)) remove.push(field.path);
    // Nobody wants it any more, so whoever edited it has it for good.
    else if (present !== undefined) disputes.push({ path: field.path, reason: "edited" });
  }
  return { set, remove, owned, disputes };
}

/** Whether something that is no table stands where a table would have to be made. */
function isBarred(now: Json, path: readonly string[]): boolean {
  return !isJsonObject(valueAt(now, path.slice(0, depthThere(now, path))));
}
