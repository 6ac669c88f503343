/**
 * JSON as tools write it: with comments and commas at the end (JSONC), and with the line of each member.
 *
 * As strict as canonical-json.ts in everything else: a name that stands twice is refused, because two readers could
 * take either value; so is a name that reaches a prototype, and what is nested too deeply.
 */
import { isJsonObject, type Json } from "../../../trust/canonical-json.ts";
import { DEPTH_MAX, lineAt, type ParseOutcome, PROTOTYPE_NAME, TextError } from "./parsed.ts";

export interface JsonTextOptions {
  /** Comments, and a comma after the last member. */
  readonly isCommented: boolean;
}

/** Reads an object. Total. */
export function parseJsonText(text: string, options: JsonTextOptions): ParseOutcome {
  const reader = new JsonTextReader(text, options.isCommented);
  try {
    const value = reader.document();
    if (!isJsonObject(value)) throw new TextError(1, "field-type", "The file is not an object");
    return { value, lineOf: (path) => reader.lineOf(path) };
  } catch (thrown) {
    if (thrown instanceof TextError) return { fault: thrown.fault };
    throw thrown;
  }
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const SPACE = /[ \t\n\r]*/y;
const SPACE_OR_COMMENT = /(?:[ \t\n\r]+|\/\/[^\n]*|\/\*[^]*?\*\/)*/y;
const STRING = /"(?:[^"\\\n\r]|\\.)*"/y;
/** Windows editors put it before everything else, and the tools skip it. */
const BYTE_ORDER_MARK = /\uFEFF?/y;

/** Names are joined by a character that no JSON text can have unescaped. */
const pathKey = (path: readonly string[]): string => path.join("\u0000");

class JsonTextReader {
  readonly #text: string;
  readonly #isCommented: boolean;
  readonly #path: string[] = [];
  /** Where each member and each item of a list begins. Lines are counted only for those that somebody asks for. */
  readonly #places = new Map<string, number>();
  #at = 0;

  constructor(text: string, isCommented: boolean) {
    this.#text = text;
    this.#isCommented = isCommented;
  }

  lineOf(path: readonly string[]): number {
    for (let length = path.length; length > 0; length--) {
      const at = this.#places.get(pathKey(path.slice(0, length)));
      if (at !== undefined) return lineAt(this.#text, at);
    }
    return 1;
  }

  document(): Json {
    this.#match(BYTE_ORDER_MARK);
    this.#space();
    const value = this.#value(0);
    this.#space();
    if (this.#at !== this.#text.length) {
      throw this.#fail(this.#refused() ?? "Something follows the object");
    }
    return value;
  }

  #fail(problem: string): TextError {
    return new TextError(lineAt(this.#text, this.#at), "not-json", problem);
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  #space(): void {
    this.#match(this.#isCommented ? SPACE_OR_COMMENT : SPACE);
  }

  #take(expected: string): boolean {
    this.#space();
    if (!this.#text.startsWith(expected, this.#at)) return false;
    this.#at += expected.length;
    return true;
  }

  #value(depth: number): Json {
    if (depth > DEPTH_MAX) {
      throw new TextError(lineAt(this.#text, this.#at), "too-deep", "It is nested too deeply");
    }
    if (this.#take("{")) return this.#object(depth);
    if (this.#take("[")) return this.#array(depth);
    const text = this.#string();
    if (text !== null) return text;
    if (this.#take("true")) return true;
    if (this.#take("false")) return false;
    if (this.#take("null")) return null;
    const digits = this.#match(NUMBER);
    if (digits === "") throw this.#fail(this.#refused() ?? "A value is missing");
    const number = Number(digits);
    if (!Number.isFinite(number)) throw this.#fail("A number is too large");
    return number;
  }

  /** Whether the list or object ends here, after `count` members. */
  #isEnd(close: string, count: number): boolean {
    if (count === 0) return this.#take(close);
    if (this.#take(",")) return this.#isCommented && this.#take(close);
    if (this.#take(close)) return true;
    throw this.#fail(this.#refused() ?? `A comma or ${close} is missing`);
  }

  /** What people write into JSON although this file's tool does not read it. */
  #refused(): string | null {
    if (/^\/[/*]/.test(this.#text.slice(this.#at, this.#at + 2))) {
      return this.#isCommented ? "A comment is not closed" : "It has a comment, which it may not";
    }
    if (!/,\s*$/.test(this.#text.slice(0, this.#at))) return null;
    return /[\]}]/.test(this.#text[this.#at] ?? "") ? "A comma stands before the end" : null;
  }

  #array(depth: number): Json {
    const items: Json[] = [];
    while (!this.#isEnd("]", items.length)) {
      this.#space();
      this.#path.push(String(items.length));
      this.#places.set(pathKey(this.#path), this.#at);
      items.push(this.#value(depth + 1));
      this.#path.pop();
    }
    return items;
  }

  #object(depth: number): Json {
    const members = new Map<string, Json>();
    while (!this.#isEnd("}", members.size)) {
      this.#space();
      const at = this.#at;
      const name = this.#string();
      if (name === null) throw this.#fail(this.#refused() ?? "A member's name is missing");
      this.#checkName(name, at, members);
      if (!this.#take(":")) throw this.#fail("A colon is missing");
      this.#path.push(name);
      this.#places.set(pathKey(this.#path), at);
      members.set(name, this.#value(depth + 1));
      this.#path.pop();
    }
    return Object.fromEntries(members);
  }

  #checkName(name: string, at: number, members: ReadonlyMap<string, Json>): void {
    const line = (): number => lineAt(this.#text, at);
    if (name === PROTOTYPE_NAME) {
      throw new TextError(line(), "prototype-name", `"${name}" is no name of a member`);
    }
    if (members.has(name)) {
      throw new TextError(line(), "duplicate-key", `The name "${name}" stands twice`);
    }
  }

  /** A string, or null when there is none here. */
  #string(): string | null {
    this.#space();
    if (this.#text[this.#at] !== '"') return null;
    const raw = this.#match(STRING);
    if (raw === "") throw this.#fail("A text is not closed");
    let text: unknown;
    try {
      // One string literal; the platform knows all of its escapes.
      text = JSON.parse(raw);
    } catch {
      throw this.#fail("A text has an unknown escape or a control character");
    }
    if (typeof text !== "string" || !text.isWellFormed()) {
      throw this.#fail("A text has half of a surrogate pair");
    }
    return text;
  }
}
