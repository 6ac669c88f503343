/** Reads documents member by member: every member is known, has its type, and a problem names its place. */
import type { Failure } from "../ports/failure.ts";
import { isJsonObject, type Json, type JsonObject } from "./canonical-json.ts";
import { isDigestText } from "./digest-text.ts";

export interface ShapeLimits {
  readonly listMax: number;
  readonly textMax: number;
}

/** A reader for one kind of document; `fail` makes the failure for a place and a problem. */
export class Shape {
  readonly #fail: (where: string, problem: string) => Failure;
  readonly #limits: ShapeLimits;

  constructor(fail: (where: string, problem: string) => Failure, limits: ShapeLimits) {
    this.#fail = fail;
    this.#limits = limits;
  }

  /** An object with all `required` members, and of others only `optional` ones. */
  object(
    value: Json | undefined,
    where: string,
    required: readonly string[],
    optional: readonly string[] = [],
  ): JsonObject {
    if (!isJsonObject(value)) throw this.#fail(where, "is not an object");
    const missing = required.find((name) => !Object.hasOwn(value, name));
    if (missing !== undefined) throw this.#fail(where, `has no "${missing}"`);
    const known = new Set([...required, ...optional]);
    const unknown = Object.keys(value).find((name) => !known.has(name));
    if (unknown !== undefined) throw this.#fail(where, `has an unknown member "${unknown}"`);
    return value;
  }

  /** A text that is not empty. */
  text(value: Json | undefined, where: string): string {
    const { textMax } = this.#limits;
    if (typeof value !== "string" || value === "" || value.length > textMax) {
      throw this.#fail(where, `is not a text of 1 to ${textMax} characters`);
    }
    return value;
  }

  /** A list of texts that is not empty. */
  texts(value: Json | undefined, where: string): readonly string[] {
    const { listMax } = this.#limits;
    if (!Array.isArray(value) || value.length === 0 || value.length > listMax) {
      throw this.#fail(where, `is not a list of 1 to ${listMax} texts`);
    }
    return (value as readonly Json[]).map((item) => this.text(item, where));
  }

  /** One of a few texts. */
  oneOf<T extends string>(value: Json | undefined, where: string, choices: readonly T[]): T {
    const choice = choices.find((candidate) => candidate === value);
    if (choice === undefined) throw this.#fail(where, `is not one of ${choices.join(", ")}`);
    return choice;
  }

  /** A whole number of at least `least`. */
  count(value: Json | undefined, where: string, least: number): number {
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < least) {
      throw this.#fail(where, `is not a whole number of at least ${least}`);
    }
    return value;
  }

  boolean(value: Json | undefined, where: string): boolean {
    if (typeof value !== "boolean") throw this.#fail(where, "is neither true nor false");
    return value;
  }

  /** "sha256:" and 64 hexadecimal digits. */
  digest(value: Json | undefined, where: string): string {
    if (!isDigestText(value)) throw this.#fail(where, "is not a SHA-256 digest");
    return value;
  }

  /** What `read` gives, or null for null. */
  nullable<T>(value: Json | undefined, read: (value: Json | undefined) => T): T | null {
    return value === null ? null : read(value);
  }
}
