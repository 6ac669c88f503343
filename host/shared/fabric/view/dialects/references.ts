/**
 * How each tool refers to a variable of the environment, so that a secret stays where it is:
 *
 *   { "ref": "env:TOKEN" }                →  "${TOKEN}"  "${env:TOKEN}"  "{env:TOKEN}"
 *   { "template": "Bearer ${env:TOKEN}" } →  the same inside a text
 *
 * A tool without such a spelling gets nothing: what cannot be referred to is left out and reported.
 */
import { isJsonObject, type Json, type JsonObject } from "../../../trust/canonical-json.ts";
import type { ViewLossReason } from "../model.ts";

export interface ReferenceSpelling {
  /** The reference to a variable of the environment; null when the tool has none. */
  readonly env: ((name: string) => string) | null;
  /** The same with a value for when the variable is not set. */
  readonly envOr: ((name: string, initial: string) => string) | null;
  /** The reference to a value that the tool asks for. */
  readonly input: ((id: string) => string) | null;
  /** Whether the tool puts in its own variables, such as `${workspaceFolder}`. */
  readonly hasVariables: boolean;
}

export const SHELL_SPELLING: ReferenceSpelling = {
  env: (name) => `\${${name}}`,
  envOr: null,
  input: null,
  hasVariables: false,
};

export const CLAUDE_SPELLING: ReferenceSpelling = {
  ...SHELL_SPELLING,
  envOr: (name, initial) => `\${${name}:-${initial}}`,
};

export const CURSOR_SPELLING: ReferenceSpelling = {
  env: (name) => `\${env:${name}}`,
  envOr: null,
  input: null,
  hasVariables: true,
};

export const VSCODE_SPELLING: ReferenceSpelling = {
  ...CURSOR_SPELLING,
  input: (id) => `\${input:${id}}`,
};

export const OPENCODE_SPELLING: ReferenceSpelling = {
  env: (name) => `{env:${name}}`,
  envOr: null,
  input: null,
  hasVariables: false,
};

export const NO_REFERENCES: ReferenceSpelling = {
  env: null,
  envOr: null,
  input: null,
  hasVariables: false,
};

/** Takes note of a part that a view cannot show. */
export type LossSink = (field: string, reason: ViewLossReason) => void;

const REFERENCE = /\$\{(env|input):([\w-]+)(?::-([^}]*))?\}/g;
/** `${workspaceFolder}` and its kin: begins with a small letter, unlike variables of the environment. */
const TOOL_VARIABLE = /\$\{(?!env:|input:)[a-z]\w*(?::[^}]*)?\}/;

/** The text of a value of a body with references in our own spelling; null for what is no text. */
export function bodyText(value: Json | undefined): string | null {
  if (typeof value === "string") return value;
  if (!isJsonObject(value) || Object.keys(value).length !== 1) return null;
  const { ref, template } = value;
  if (typeof ref === "string") return `\${${ref}}`;
  return typeof template === "string" ? template : null;
}

/** The text in the tool's spelling; null, and a loss, when a reference in it cannot be spelled. */
export function spelled(
  value: Json | undefined,
  spelling: ReferenceSpelling,
  field: string,
  lose: LossSink,
): string | null {
  const text = bodyText(value);
  // Also what is no text: nothing that anybody could write there.
  if (text === null) {
    lose(field, "no-such-field");
    return null;
  }
  if (typeof value === "string") {
    if (!spelling.hasVariables && TOOL_VARIABLE.test(text)) lose(field, "no-variable");
    return text;
  }
  let isSpelled = true;
  const result = text.replace(REFERENCE, (_, kind: string, name: string, initial?: string) => {
    const said = reference(spelling, kind, name, initial, field, lose);
    isSpelled &&= said !== null;
    return said ?? "";
  });
  if (isSpelled) return result;
  lose(field, "no-reference");
  return null;
}

function reference(
  { env, envOr, input }: ReferenceSpelling,
  kind: string,
  name: string,
  initial: string | undefined,
  field: string,
  lose: LossSink,
): string | null {
  if (kind === "input") return input === null ? null : input(name);
  if (env === null) return null;
  if (initial === undefined) return env(name);
  if (envOr !== null) return envOr(name, initial);
  lose(field, "no-default");
  return env(name);
}

/** A value of any type with all references in it spelled; what cannot be is left out. Undefined: nothing is left. */
export function spelledValue(
  value: Json,
  spelling: ReferenceSpelling,
  field: string,
  lose: LossSink,
): Json | undefined {
  if (isJsonObject(value)) {
    if (bodyText(value) !== null) return spelled(value, spelling, field, lose) ?? undefined;
    return spelledMembers(value, spelling, field, lose);
  }
  if (!Array.isArray(value)) return value;
  const items: Json[] = [];
  for (const [at, item] of (value as readonly Json[]).entries()) {
    const said = spelledValue(item, spelling, `${field}[${at}]`, lose);
    // A list without one of its items is another list.
    if (said === undefined) return undefined;
    items.push(said);
  }
  return items;
}

export function spelledMembers(
  members: JsonObject,
  spelling: ReferenceSpelling,
  field: string,
  lose: LossSink,
): JsonObject {
  const entries = Object.entries(members).flatMap(([name, item]): [string, Json][] => {
    const said = spelledValue(item, spelling, `${field}.${name}`, lose);
    return said === undefined ? [] : [[name, said]];
  });
  return Object.fromEntries(entries);
}
