/**
 * Writes front matter. Few forms, each of which every reader of YAML takes the same way: plain words, texts in double
 * quotes with the escapes of JSON, lists and deep values in one line, maps one member a line.
 */
import { isJsonObject, type Json, type JsonObject } from "../../../trust/canonical-json.ts";

/** Words, and what may stand between them without meaning anything to YAML. */
const PLAIN = /^[A-Za-z][\w./@()+*-]*(?:[ ,;]*[\w./@()+*-]+)*$/;
/** What YAML 1.1 or 1.2 takes for something else than a text. */
const WORD = /^(?:true|false|yes|no|on|off|y|n|null|nan|inf)$/i;
const KEY = /^[A-Za-z_][\w-]*$/;
/** What JSON leaves as it is, and YAML does not print: control characters, separators of lines, a byte order mark. */
// oxlint-disable-next-line no-control-regex
const UNPRINTED = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;
/** Longer texts in one plain line would be folded by other writers, and are harder to tell from YAML. */
const PLAIN_CHARACTERS_MAX = 400;

/** The lines of a map, without an end of line after the last one. */
export function yamlMembers(members: JsonObject): string {
  return lines(members, "").join("\n");
}

function lines(members: JsonObject, indent: string): string[] {
  return Object.entries(members).flatMap(([name, value]) => {
    const key = `${indent}${yamlKey(name)}:`;
    const isMap = isJsonObject(value) && Object.keys(value).length > 0;
    return isMap ? [key, ...lines(value, `${indent}  `)] : [`${key} ${yamlInline(value)}`];
  });
}

function yamlKey(name: string): string {
  return KEY.test(name) && !WORD.test(name) ? name : quoted(name);
}

/** A value in one line. */
export function yamlInline(value: Json): string {
  if (typeof value === "string") return yamlText(value);
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(inner).join(", ")}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, item]) => `${quoted(name)}: ${inner(item)}`);
  return `{${members.join(", ")}}`;
}

/** Inside brackets a comma would end a plain text. */
function inner(value: Json): string {
  if (typeof value !== "string") return yamlInline(value);
  return /[,;*]/.test(value) ? quoted(value) : yamlText(value);
}

export function yamlText(text: string): string {
  const isPlain = PLAIN.test(text) && !WORD.test(text) && text.length <= PLAIN_CHARACTERS_MAX;
  return isPlain ? text : quoted(text);
}

function quoted(text: string): string {
  return JSON.stringify(text).replace(UNPRINTED, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
