/** What the parsers of this folder answer: an object with the lines of its members, or the first thing wrong. */
import type { JsonObject } from "../../../trust/canonical-json.ts";
import type { ScanRule } from "../found.ts";

export interface TextFault {
  readonly line: number;
  readonly rule: ScanRule;
  readonly message: string;
}

export interface ParsedText {
  readonly value: JsonObject;
  /**
   * The line of a member, by the names that lead to it, indexes of lists as texts; that of the nearest member above
   * when it is not known.
   */
  readonly lineOf: (path: readonly string[]) => number;
}

export type ParseOutcome = ParsedText | { readonly fault: TextFault };

/** Deeper values are refused by every parser. */
export const DEPTH_MAX = 24;

/** The name that JavaScript gives a meaning of its own; no tool has such a member, so it is an attack. */
export const PROTOTYPE_NAME = "__proto__";

/** Ends a parser that cannot go on; `outcomeOf` turns it into an answer. */
export class TextError extends Error {
  readonly fault: TextFault;

  constructor(line: number, rule: ScanRule, message: string) {
    super(message);
    this.fault = { line, rule, message };
  }
}

/** The line of the character `at`. */
export function lineAt(text: string, at: number): number {
  let line = 1;
  for (let next = text.indexOf("\n"); next !== -1 && next < at; next = text.indexOf("\n", next + 1))
    line += 1;
  return line;
}
