/**
 * A configuration file, read and judged: the first thing that is wrong is named with file, line, member and rule, and
 * nothing of a file that is wrong is used.
 */
import { Failure } from "../../ports/failure.ts";
import type { Files } from "../../ports/files.ts";
import { fromUtf8 } from "../../trust/bytes.ts";
import { isJsonObject, type Json, type JsonObject } from "../../trust/canonical-json.ts";
import { parseJsonText } from "../discovery/text/json-text.ts";
import type { ParsedText, ParseOutcome } from "../discovery/text/parsed.ts";
import { parseYamlText } from "../discovery/text/yaml-text.ts";
import { readPlainFile } from "../registry/plain-file.ts";
import type { ObjectSchema, Schema, TextSchema } from "./schema.ts";

/** Larger files are refused before they are read. */
export const CONFIGURATION_BYTES_MAX = 4 << 20;

/** The names from the top of a file to a member; indexes of lists as texts. */
export type MemberPath = readonly string[];

/** What is wrong with a member, besides what scans call a file's faults ("not-json", "duplicate-key", …). */
export type ConfigurationRule =
  | "member-unknown"
  | "member-missing"
  | "type"
  | "range"
  | "pattern"
  | "too-many"
  | "too-few"
  | "conflict"
  | "reference";

/** A configuration file whose form is right. */
export interface ConfigurationDocument {
  /** As it is shown: from the project's root. */
  readonly path: string;
  readonly value: JsonObject;
  lineOf(member: MemberPath): number;
  /** The failure of a member whose form is right and whose meaning is not. */
  wrong(member: MemberPath, rule: ConfigurationRule, problem: string): Failure;
}

export type ConfigurationSyntax = "json" | "yaml";

/** The failure of a place in a configuration file. */
export function invalidConfiguration(
  place: { readonly path: string; readonly line: number; readonly member: string },
  rule: string,
  problem: string,
): Failure {
  const { path, line, member } = place;
  const named = member === "" ? "" : ` "${member}"`;
  return new Failure("config-invalid", `${path}:${line}:${named} ${problem} (${rule})`, {
    origin: "local",
    remedy: "Correct the file; nothing has been changed.",
    context: { path, line, member, rule },
  });
}

/** Reads a text. Fails with `config-invalid`. */
export function parseConfiguration(
  text: string,
  path: string,
  syntax: ConfigurationSyntax,
  schema: ObjectSchema,
): ConfigurationDocument {
  const outcome = parse(text, syntax);
  if ("fault" in outcome) {
    const { line, rule, message } = outcome.fault;
    throw invalidConfiguration({ path, line, member: "" }, rule, message);
  }
  const document = documentOf(path, outcome);
  check(document, schema, outcome.value, []);
  return document;
}

function parse(text: string, syntax: ConfigurationSyntax): ParseOutcome {
  if (syntax === "yaml") return parseYamlText(text);
  return parseJsonText(text, { isCommented: false });
}

function documentOf(path: string, { value, lineOf }: ParsedText): ConfigurationDocument {
  return {
    path,
    value,
    lineOf,
    wrong: (member, rule, problem) =>
      invalidConfiguration({ path, line: lineOf(member), member: nameOf(member) }, rule, problem),
  };
}

/** "routes[3].from". */
function nameOf(member: MemberPath): string {
  const joined = member
    .map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part.slice(0, 120)}`))
    .join("")
    .replace(/^\./, "");
  // What cannot be shown safely on a terminal is shown as its code points.
  return joined.replace(/[^\x20-\x7e]/gu, (character) => {
    return `\\u{${Number(character.codePointAt(0)).toString(16)}}`;
  });
}

/** The bytes of a file as text, or null when there is no file. Fails with `config-invalid` or `path-denied`. */
export async function readConfigurationText(
  files: Files,
  absolute: string,
  path: string,
): Promise<string | null> {
  const info = await files.info(absolute);
  if (info === null) return null;
  const place = { path, line: 1, member: "" };
  if (info.kind === "file" && info.sizeBytes > CONFIGURATION_BYTES_MAX) {
    const problem = `The file has more than ${CONFIGURATION_BYTES_MAX} bytes`;
    throw invalidConfiguration(place, "too-large", problem);
  }
  const bytes = await readPlainFile(files, absolute, CONFIGURATION_BYTES_MAX);
  const text = fromUtf8(bytes ?? new Uint8Array());
  if (text !== null) return text;
  throw invalidConfiguration(place, "not-utf8", "The file is no text");
}

// --- judging ---

type Document = Pick<ConfigurationDocument, "wrong">;

function check(document: Document, schema: Schema, value: Json, at: MemberPath): void {
  switch (schema.kind) {
    case "object":
      return checkObject(document, schema, value, at);
    case "record": {
      const names = Object.keys(objectOf(document, value, at));
      if (names.length > schema.most) {
        throw document.wrong(at, "too-many", `has more than ${schema.most} members`);
      }
      for (const name of names) {
        checkText(document, schema.name, name, [...at, name]);
        check(document, schema.value, (value as JsonObject)[name] as Json, [...at, name]);
      }
      return;
    }
    case "list": {
      if (!Array.isArray(value)) throw document.wrong(at, "type", "must be a list");
      const items = value as readonly Json[];
      if (items.length > schema.most) {
        throw document.wrong(at, "too-many", `has more than ${schema.most} entries`);
      }
      if (items.length < schema.least) {
        throw document.wrong(at, "too-few", `needs at least ${schema.least} entries`);
      }
      items.forEach((item, index) => check(document, schema.item, item, [...at, String(index)]));
      return;
    }
    case "either":
      return check(document, Array.isArray(value) ? schema.list : schema.record, value, at);
    case "text":
      return checkText(document, schema, value, at);
    case "number":
      if (typeof value !== "number") throw document.wrong(at, "type", "must be a number");
      if (schema.isWhole && !Number.isInteger(value)) {
        throw document.wrong(at, "type", "must be a whole number");
      }
      if (value >= schema.least && value <= schema.most) return;
      throw document.wrong(at, "range", `must be from ${schema.least} to ${schema.most}`);
    case "flag":
      if (typeof value === "boolean") return;
      throw document.wrong(at, "type", "must be true or false");
    case "choice":
      if (typeof value === "string" && schema.of.includes(value)) return;
      throw document.wrong(at, "pattern", `must be one of ${schema.of.join(", ")}`);
  }
}

function checkObject(document: Document, schema: ObjectSchema, value: Json, at: MemberPath): void {
  const members = objectOf(document, value, at);
  for (const [name, member] of Object.entries(members)) {
    const known = Object.hasOwn(schema.members, name) ? schema.members[name] : undefined;
    if (known === undefined && schema.isOpen) continue;
    if (known === undefined) {
      const names = Object.keys(schema.members).join(", ");
      throw document.wrong([...at, name], "member-unknown", `is not known here; known: ${names}`);
    }
    check(document, known.schema, member, [...at, name]);
  }
  for (const [name, { isOptional }] of Object.entries(schema.members)) {
    if (isOptional || Object.hasOwn(members, name)) continue;
    throw document.wrong([...at, name], "member-missing", "is missing");
  }
}

function objectOf(document: Document, value: Json, at: MemberPath): JsonObject {
  if (isJsonObject(value)) return value;
  throw document.wrong(at, "type", "must be an object");
}

/** The patterns of all schemas, each compiled once. */
const compiled = new Map<string, RegExp>();

function checkText(document: Document, schema: TextSchema, value: Json, at: MemberPath): void {
  if (typeof value !== "string") throw document.wrong(at, "type", "must be a text");
  if (value.length > schema.most) {
    throw document.wrong(at, "range", `has more than ${schema.most} characters`);
  }
  let pattern = compiled.get(schema.pattern);
  if (pattern === undefined) {
    pattern = new RegExp(anchored(schema.pattern));
    compiled.set(schema.pattern, pattern);
  }
  if (!pattern.test(value)) throw document.wrong(at, "pattern", `must be ${schema.expected}`);
}

/** A pattern that means the whole text. */
export function anchored(pattern: string): string {
  return `^(?:${pattern})$`;
}
