/** TOML 1.0 with the lines of its tables. The only file that imports the package `smol-toml`. */
import { parse, TomlError } from "smol-toml";
import { isJsonObject, type JsonObject } from "../../../trust/canonical-json.ts";
import { type ParsedText, type ParseOutcome, TextError } from "./parsed.ts";
import { plainJson } from "./plain-json.ts";

export interface ParsedToml extends ParsedText {
  readonly asText: readonly string[];
}

/** Reads a document. Total. */
export function parseTomlText(text: string): ParsedToml | Exclude<ParseOutcome, ParsedText> {
  try {
    const { value, asText } = plainJson(parse(text), 1);
    return { value: tableOf(value), asText, lineOf: (path) => lineOf(text, path) };
  } catch (thrown) {
    if (thrown instanceof TextError) return { fault: thrown.fault };
    if (thrown instanceof TomlError) return { fault: faultOf(thrown) };
    throw thrown;
  }
}

function tableOf(value: ReturnType<typeof plainJson>["value"]): JsonObject {
  return isJsonObject(value) ? value : {};
}

function faultOf(error: TomlError): TextError["fault"] {
  // The first line of the message names the fault; the rest draws the place.
  const message = error.message.split("\n")[0] ?? "";
  const isTwice = /redefine|already defined|duplicate/i.test(message);
  const isDeep = /depth|nested/i.test(message);
  const rule = isTwice ? "duplicate-key" : isDeep ? "too-deep" : "not-toml";
  return { line: error.line, rule, message };
}

/** The line of the header or the key of a table; of the nearest one above when there is none. */
function lineOf(text: string, path: readonly string[]): number {
  const lines = text.split("\n");
  for (let length = path.length; length > 0; length--) {
    const names = path.slice(0, length);
    const at = lines.findIndex((line) => {
      const trimmed = line.trimStart();
      const header = /^\[([^\]]+)\]/.exec(trimmed)?.[1];
      if (header !== undefined) return isKey(header, names);
      const key = /^([^=#"]+|"[^"]*")\s*=/.exec(trimmed)?.[1];
      return key !== undefined && isKey(key, names.slice(-1));
    });
    if (at !== -1) return at + 1;
  }
  return 1;
}

/** Whether a dotted key, its parts perhaps in quotes, is these names. */
function isKey(text: string, names: readonly string[]): boolean {
  const parts = text.match(/"[^"]*"|'[^']*'|[^.\s]+/g) ?? [];
  return (
    parts.length === names.length &&
    parts.every((part, at) => part.replace(/^(["'])(.*)\1$/, "$2") === names[at])
  );
}
