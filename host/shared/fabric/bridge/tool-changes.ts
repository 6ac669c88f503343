/**
 * What is different about a tool, field by field, in a form that hides nothing.
 *
 * A changed tool may be an attack on whoever reads it: text that a terminal does not show, letters that look like
 * others. So whatever a person could overlook is shown as its code point.
 */
import {
  canonicalText,
  isJsonObject,
  type Json,
  type JsonObject,
} from "../../trust/canonical-json.ts";
import { descriptionJson, type ToolDescription } from "./tool-description.ts";

export interface ToolChange {
  /** Such as `inputSchema.properties.path.description`. */
  readonly field: string;
  /** Missing: there was nothing. */
  readonly before?: Json;
  /** Missing: there is nothing any more. */
  readonly after?: Json;
}

/** The fields in which two descriptions differ, in one order. Both must have passed `checkDescription`. */
export function toolChanges(
  before: ToolDescription,
  after: ToolDescription,
): readonly ToolChange[] {
  const changes: ToolChange[] = [];
  compare("", descriptionJson(before), descriptionJson(after), changes);
  return changes;
}

function compare(
  field: string,
  before: Json | undefined,
  after: Json | undefined,
  changes: ToolChange[],
): void {
  if (before !== undefined && after !== undefined) {
    if (isJsonObject(before) && isJsonObject(after)) {
      for (const key of keysOf(before, after)) {
        compare(fieldIn(field, key), memberOf(before, key), memberOf(after, key), changes);
      }
      return;
    }
    if (canonicalText(before) === canonicalText(after)) return;
  }
  changes.push({
    field,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  });
}

function keysOf(a: JsonObject, b: JsonObject): readonly string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
}

function memberOf(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function fieldIn(field: string, key: string): string {
  const part = /^[\w$-]+$/.test(key) ? key : JSON.stringify(visible(key));
  return field === "" ? part : `${field}.${part}`;
}

/** A text of a value longer than this is cut where both sides agree. */
const AGREEING_MAX = 60;
/** And one longer than this is cut in any case. */
const SHOWN_MAX = 4000;

/** A change as lines: the field, then what it was and what it is. */
export function changeLines({ field, before, after }: ToolChange): readonly string[] {
  if (typeof before === "string" && typeof after === "string") {
    const [old, now] = withoutAgreeing(before, after);
    return [field, `  - ${old}`, `  + ${now}`];
  }
  return [
    field,
    ...(before === undefined ? [] : [`  - ${shownValue(before)}`]),
    ...(after === undefined ? [] : [`  + ${shownValue(after)}`]),
  ];
}

function shownValue(value: Json): string {
  return cut(visible(typeof value === "string" ? value : canonicalText(value)));
}

/** Two texts, with most of what they have in common at both ends left out. */
function withoutAgreeing(before: string, after: string): readonly [string, string] {
  const [a, b] = [Array.from(before), Array.from(after)];
  const most = Math.min(a.length, b.length);
  let start = 0;
  while (start < most && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < most - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const show = (text: readonly string[]): string => {
    const from = start > AGREEING_MAX ? start - AGREEING_MAX / 2 : 0;
    const to = end > AGREEING_MAX ? text.length - end + AGREEING_MAX / 2 : text.length;
    const middle = visible(text.slice(from, to).join(""));
    return `${from > 0 ? "… " : ""}${cut(middle)}${to < text.length ? " …" : ""}`;
  };
  return [show(a), show(b)];
}

function cut(text: string): string {
  if (text.length <= SHOWN_MAX) return text;
  return `${text.slice(0, SHOWN_MAX)} … and ${text.length - SHOWN_MAX} characters more`;
}

/** Control, formatting, private and unassigned characters, spaces that are no plain space, and what shows as nothing. */
const HIDDEN = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}/gu;
/** Lines and tabs are no disguise in a description. */
const LAYOUT = new Set(["\n", "\r", "\t"]);
const WORD = /\p{L}[\p{L}\p{M}]*/gu;
const LOOKALIKE = /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}]/gu;
const ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** A text on one line in which every character can be seen: what cannot be, or looks like another, is its code point. */
export function visible(text: string): string {
  return text
    .replaceAll("\\", "\\\\")
    .replace(WORD, (word) =>
      /\p{Script=Latin}/u.test(word) ? word.replace(LOOKALIKE, codePoint) : word,
    )
    .replace(HIDDEN, (character) => ESCAPES[character] ?? codePoint(character));
}

function codePoint(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

/** The fields of a description that have characters nobody sees. */
export function hiddenFields(tool: ToolDescription): readonly string[] {
  const fields: string[] = [];
  const look = (field: string, value: Json): void => {
    if (typeof value === "string") {
      const hidden = value.match(HIDDEN) ?? [];
      if (hidden.some((character) => !LAYOUT.has(character))) fields.push(field);
    } else if (Array.isArray(value)) {
      value.forEach((item: Json, at) => look(`${field}[${at}]`, item));
    } else if (isJsonObject(value)) {
      for (const [key, item] of Object.entries(value)) {
        if (key !== visible(key)) fields.push(fieldIn(field, key));
        look(fieldIn(field, key), item);
      }
    }
  };
  look("", descriptionJson(tool));
  return fields;
}
