/** Makes JSON of what the parsers of YAML and TOML answer, or says what JSON cannot carry. */
import type { Json } from "../../../trust/canonical-json.ts";
import { DEPTH_MAX, PROTOTYPE_NAME, TextError } from "./parsed.ts";

export interface PlainJson {
  readonly value: Json;
  /** Dotted paths of values whose type JSON has not; they became text. */
  readonly asText: readonly string[];
}

/** Fails with a TextError at `line`. */
export function plainJson(value: unknown, line: number): PlainJson {
  const asText: string[] = [];
  return { value: convert(value, [], line, asText), asText };
}

function convert(value: unknown, path: readonly string[], line: number, asText: string[]): Json {
  if (path.length > DEPTH_MAX) throw new TextError(line, "too-deep", "It is nested too deeply");
  if (value === null || value === undefined) return null;
  if (typeof value === "boolean") return value;
  if (typeof value === "string") {
    if (value.isWellFormed()) return value;
    throw new TextError(line, "not-utf8", `"${path.join(".")}" has half of a surrogate pair`);
  }
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (Array.isArray(value)) {
    return value.map((item: unknown, at) => convert(item, [...path, String(at)], line, asText));
  }
  if (typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype) {
    return members(value, path, line, asText);
  }
  if (typeof value === "object" && Object.getPrototypeOf(value) === null) {
    return members(value, path, line, asText);
  }
  asText.push(path.join("."));
  // Whole numbers beyond a double, and infinities.
  if (typeof value === "bigint" || typeof value === "number") return String(value);
  if (value instanceof Object && "toISOString" in value) return isoText(value);
  throw new TextError(line, "field-type", `"${path.join(".")}" is of a type that JSON has not`);
}

/** The text of a date. */
function isoText(value: object): string {
  return (value as { toISOString(): string }).toISOString();
}

function members(value: object, path: readonly string[], line: number, asText: string[]): Json {
  return Object.fromEntries(
    Object.entries(value).map(([name, item]): [string, Json] => {
      if (name === PROTOTYPE_NAME) {
        throw new TextError(line, "prototype-name", `"${name}" is no name of a member`);
      }
      if (!name.isWellFormed()) {
        throw new TextError(line, "not-utf8", "A name has half of a surrogate pair");
      }
      return [name, convert(item, [...path, name], line, asText)];
    }),
  );
}
