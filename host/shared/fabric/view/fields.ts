/** The body of objects of kind "view-fields", written and read. */
import { Failure } from "../../ports/failure.ts";
import { isJsonObject, type Json, type JsonObject } from "../../trust/canonical-json.ts";
import { CONFIG_FORMATS, type ViewField, type ViewFields } from "./model.ts";

export const FIELDS_MAX = 10_000;
const PATH_NAMES_MAX = 16;

/** Makes the body; the order of `fields` does not matter. */
export function viewFieldsBody({ format, fields }: Omit<ViewFields, "type">): JsonObject {
  const sorted = [...fields].sort((a, b) => comparePaths(a.path, b.path));
  return {
    type: "view-fields",
    format,
    fields: sorted.map(({ path, value }) => ({ path, value })),
  };
}

/** By code unit, name for name. */
export function comparePaths(a: readonly string[], b: readonly string[]): number {
  for (const [at, name] of a.entries()) {
    const other = b[at];
    if (other === undefined) return 1;
    if (name !== other) return name < other ? -1 : 1;
  }
  return a.length - b.length;
}

function invalid(problem: string): Failure {
  return new Failure("object-corrupt", `The fields of a view ${problem}`, {
    origin: "host",
    remedy: "Make a new plan: it makes the fields anew.",
  });
}

/** Reads the body. Fails with `object-corrupt`. */
export function readViewFields(body: Json): ViewFields {
  if (!isJsonObject(body) || body["type"] !== "view-fields") throw invalid("are something else");
  const format = CONFIG_FORMATS.find((known) => known === body["format"]);
  if (format === undefined) throw invalid("are of an unknown format");
  const list = body["fields"];
  if (!Array.isArray(list)) throw invalid("are no list");
  if (list.length > FIELDS_MAX) throw invalid(`are more than ${FIELDS_MAX}`);
  const fields = (list as readonly Json[]).map(readField);
  for (const [at, { path }] of fields.entries()) {
    const next = fields[at + 1]?.path;
    if (next === undefined) continue;
    if (comparePaths(path, next) >= 0) throw invalid("are not in order");
    if (path.every((name, index) => next[index] === name)) throw invalid("overlap");
  }
  return { type: "view-fields", format, fields };
}

function readField(field: Json): ViewField {
  const { path, value } = isJsonObject(field) ? field : {};
  if (value === undefined) throw invalid("have one without a value");
  if (!Array.isArray(path) || path.length === 0 || path.length > PATH_NAMES_MAX) {
    throw invalid("have one without a path");
  }
  const names = (path as readonly Json[]).map((name) => {
    // A merge that follows this name would reach what all objects share.
    if (typeof name !== "string" || name === "__proto__") throw invalid("have a path that is none");
    return name;
  });
  return { path: names, value };
}
