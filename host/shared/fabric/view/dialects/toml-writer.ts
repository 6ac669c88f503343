/** Writes TOML 1.0: values in one line, a text of several lines between three quotes. */
import { isJsonObject, type Json, type JsonObject } from "../../../trust/canonical-json.ts";

const BARE_KEY = /^[A-Za-z0-9_-]+$/;
/** What a basic string must not hold as it is. A line's end and a tab may stand in a string of several lines. */
// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u001f\u007f]/g;
// oxlint-disable-next-line no-control-regex
const CONTROLS_IN_LINES = /[\u0000-\u0008\u000b-\u001f\u007f]/g;

/** One line for each member, tables inline; TOML has no null, and a member with one is not there. */
export function tomlMembers(members: JsonObject): string {
  return Object.entries(members)
    .flatMap(([name, value]) => {
      const said = tomlValue(value);
      return said === null ? [] : [`${tomlKey(name)} = ${said}`];
    })
    .join("\n");
}

/** One name of a key, in quotes where it needs them. */
export function tomlKey(name: string): string {
  return BARE_KEY.test(name) ? name : tomlText(name);
}

/** A value in one line, tables in it inline; null for what TOML cannot say. */
export function tomlValue(value: Json): string | null {
  if (typeof value === "string") return tomlText(value);
  if (typeof value === "boolean") return String(value);
  if (typeof value === "number") return tomlNumber(value);
  if (value === null) return null;
  if (isJsonObject(value)) {
    const members = Object.entries(value).flatMap(([name, item]) => {
      const said = tomlValue(item);
      return said === null ? [] : [`${tomlKey(name)} = ${said}`];
    });
    return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
  }
  const items = value.map(tomlValue);
  return items.includes(null) ? null : `[${items.join(", ")}]`;
}

function tomlNumber(value: number): string {
  if (Object.is(value, -0)) return "0";
  // Whole numbers beyond 2^53 are floats to JSON, and readers of TOML refuse them as integers.
  if (Number.isSafeInteger(value)) return String(value);
  const text = String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

function escaped(text: string, controls: RegExp): string {
  return text.replaceAll("\\", "\\\\").replace(controls, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

function tomlText(text: string): string {
  return `"${escaped(text, CONTROLS).replaceAll('"', '\\"')}"`;
}

/** A text that people read and edit: its lines are lines. The end of the line after the first quotes is not in it. */
export function tomlLines(text: string): string {
  // Of three quotes in a row the last is escaped, and one at the end, which would join those that close.
  const safe = escaped(text, CONTROLS_IN_LINES).replace(/"""|"$/g, (quotes) =>
    quotes === '"' ? '\\"' : '""\\"',
  );
  return `"""\n${safe}"""`;
}
