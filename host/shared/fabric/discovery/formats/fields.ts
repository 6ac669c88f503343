/** Fields of a file, taken one by one: what is missing or of another type goes on the sheet. */
import { isJsonObject, type Json, type JsonObject } from "../../../trust/canonical-json.ts";
import type { SecretKeeper } from "../secrets.ts";
import type { Sheet } from "../source-file.ts";

type LineOf = (name: string) => number;

export class Fields {
  readonly #members: JsonObject;
  readonly #sheet: Sheet;
  readonly #lineOf: LineOf;
  readonly #taken = new Set<string>();
  /** False as soon as a field was wrong: then nothing of this symbol is registered. */
  isValid = true;

  constructor(members: JsonObject, sheet: Sheet, lineOf: LineOf) {
    this.#members = members;
    this.#sheet = sheet;
    this.#lineOf = lineOf;
  }

  /** A text, or null when there is none. */
  text(name: string): string | null {
    const value = this.#take(name);
    if (value === null) return null;
    // YAML reads `version: 1` as a number; it was written as a text like any other.
    if (typeof value === "number" || typeof value === "boolean") return String(value);
    return typeof value === "string" ? value : this.#wrong(name, "a text");
  }

  /** A text that must be there and not be empty. */
  needed(name: string): string {
    const value = this.text(name);
    if (value !== null && value.trim() !== "") return value;
    if (this.isValid)
      this.#sheet.problem(this.#lineOf(name), "field-missing", `"${name}" is missing`);
    this.isValid = false;
    return "";
  }

  texts(name: string): readonly string[] {
    const value = this.#take(name);
    if (value === null) return [];
    if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
    return this.#wrong(name, "a list of texts") ?? [];
  }

  /** An object whose members are texts; numbers and flags become text, as the environment has them. */
  textMap(name: string): ReadonlyMap<string, string> {
    const value = this.#take(name);
    if (value === null) return new Map();
    const entries = isJsonObject(value) ? Object.entries(value) : [["", null] as const];
    if (entries.every(([, item]) => ["string", "number", "boolean"].includes(typeof item))) {
      return new Map(
        entries.map(([key, item]) => [key, String(item as string | number | boolean)]),
      );
    }
    this.#wrong(name, "an object of texts");
    return new Map();
  }

  /** A value of any type; null when it is missing. */
  any(name: string): Json {
    return this.#take(name);
  }

  /** Everything that was not taken, without its secrets. */
  rest(secrets: SecretKeeper): JsonObject {
    const names = Object.keys(this.#members).filter((name) => !this.#taken.has(name));
    return Object.fromEntries(
      names.map((name): [string, Json] => [
        name,
        secrets.value(this.#members[name] as Json, name, name),
      ]),
    );
  }

  #take(name: string): Json {
    this.#taken.add(name);
    return Object.hasOwn(this.#members, name) ? (this.#members[name] ?? null) : null;
  }

  #wrong(name: string, expected: string): null {
    this.isValid = false;
    this.#sheet.problem(this.#lineOf(name), "field-type", `"${name}" must be ${expected}`);
    return null;
  }
}

/** The members that have a value. */
export function present(members: Readonly<Record<string, Json>>): JsonObject {
  return Object.fromEntries(
    Object.entries(members).filter(
      ([, value]) =>
        value !== null && value !== "" && !(Array.isArray(value) && value.length === 0),
    ),
  );
}
