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

/** The same with another value at a path; tables on the way are made. */
export function withValue(top: JsonObject, path: Path, value: Json): JsonObject {
  const [name, ...rest] = path;
  if (name === undefined) throw new Error("the top itself is never replaced");
  if (rest.length === 0) return { ...top, [name]: value };
  const inner = Object.hasOwn(top, name) ? top[name] : undefined;
  return { ...top, [name]: withValue(isJsonObject(inner) ? inner : {}, rest, value) };
}

/** The same without what is at a path. */
export function withoutValue(top: JsonObject, path: Path): JsonObject {
  const [name, ...rest] = path;
  if (name === undefined || !Object.hasOwn(top, name)) return top;
  const inner = top[name];
  if (rest.length === 0) {
    return Object.fromEntries(Object.entries(top).filter(([other]) => other !== name));
  }
  return isJsonObject(inner) ? { ...top, [name]: withoutValue(inner, rest) } : top;
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
