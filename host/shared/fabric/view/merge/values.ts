/** Values in JSON by the names that lead to them. Nothing here follows what objects share through their prototypes. */
import { isJsonObject, type Json, type JsonObject } from "../../../trust/canonical-json.ts";

export type Path = readonly string[];

/** The value at a path; undefined where nothing is. */
export function valueAt(top: Json, path: Path): Json | undefined {
  let value: Json | undefined = top;
  for (const name of path) {
    if (!isJsonObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

/** How many names of a path lead to something; the rest would have to be made. */
export function depthThere(top: Json, path: Path): number {
  let depth = 0;
  while (depth < path.length && valueAt(top, path.slice(0, depth + 1)) !== undefined) depth += 1;
  return depth;
}

/**
 * A value that changes member by member. Each table is copied once, when it is first changed, so many changes of a
 * large file cost no more than reading it; what it was made of stays as it is.
 */
export class EditableValue {
  #top: JsonObject;
  /** The copies, which may be changed. */
  readonly #copies = new WeakMap<JsonObject, Record<string, Json>>();

  constructor(top: JsonObject) {
    this.#top = top;
  }

  get value(): JsonObject {
    return this.#top;
  }

  at(path: Path): Json | undefined {
    return valueAt(this.#top, path);
  }

  /** Puts a value at a path; tables on the way are made. */
  set(path: Path, value: Json): void {
    const table = this.#table(path.slice(0, -1));
    table[nameOf(path)] = value;
  }

  /** Takes out what is at a path, if anything is. */
  remove(path: Path): void {
    if (this.at(path) === undefined) return;
    const table = this.#table(path.slice(0, -1));
    delete table[nameOf(path)];
  }

  /** The table at a path, to be changed. */
  #table(path: Path): Record<string, Json> {
    let table = this.#copyOf(this.#top);
    this.#top = table;
    for (const name of path) {
      const inner = Object.hasOwn(table, name) ? table[name] : undefined;
      const copy = this.#copyOf(isJsonObject(inner) ? inner : {});
      table[name] = copy;
      table = copy;
    }
    return table;
  }

  #copyOf(table: JsonObject): Record<string, Json> {
    const known = this.#copies.get(table);
    if (known !== undefined) return known;
    const copy = { ...table };
    this.#copies.set(copy, copy);
    return copy;
  }
}

function nameOf(path: Path): string {
  const name = path.at(-1);
  if (name === undefined) throw new Error("the top itself is never replaced");
  return name;
}

/** Whether two values are the same, in whatever order their members stand. */
export function isSameValue(a: Json | undefined, b: Json | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item: Json, at) => isSameValue(item, b[at] as Json));
  }
  if (!isJsonObject(a) || !isJsonObject(b)) return a === b;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && isSameValue(a[name], b[name]))
  );
}
