/**
 * Configuration files, good and bad, by what is wrong with them:
 *
 *   good      all readers take them
 *   form      a member, a type, a bound or a pattern: every reader refuses them
 *   meaning   what only the program knows: a range of versions that is none, a node that is not there
 *   text      what a parser of JSON or YAML lets through and two readers could understand differently
 */
export type Fault = "form" | "meaning" | "text";

export interface Case {
  /** Of `CONFIGURATION_SCHEMAS`. */
  readonly name: string;
  readonly about: string;
  readonly text: string;
  /** Null for a good one. */
  readonly fault: Fault | null;
  /** Line and rule that the program names; for bad ones. */
  readonly line?: number;
  readonly rule?: string;
  readonly member?: string;
}

export const good = (name: string, about: string, value: string | object): Case => ({
  name,
  about,
  text: typeof value === "string" ? value : JSON.stringify(value, null, 1),
  fault: null,
});

export const bad = (
  name: string,
  fault: Fault,
  [line, rule, member = ""]: readonly [number, string, string?],
  value: string | object,
): Case => ({
  name,
  about: `${rule} ${member}`,
  text: typeof value === "string" ? value : JSON.stringify(value, null, 1),
  fault,
  line,
  rule,
  member,
});
