/**
 * Canonical JSON (RFC 8785) and a strict reader for everything that is signed.
 *
 * The reader refuses what two readers could understand differently: duplicate names, lone surrogates, invalid
 * UTF-8, numbers beyond a double, and anything deeper or larger than its limits.
 */
import { Failure } from "../ports/failure.ts";
import { equalBytes, fromUtf8, utf8 } from "./bytes.ts";

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}

export interface JsonLimits {
  readonly bytesMax: number;
  readonly depthMax: number;
}

export const JSON_LIMITS: JsonLimits = { bytesMax: 1 << 20, depthMax: 32 };

function invalid(problem: string, at?: number): Failure {
  return new Failure("canonical-json-invalid", problem, {
    origin: "local",
    remedy: "Write the document again with one of our tools; it must be plain, strict JSON.",
    ...(at === undefined ? {} : { context: { at } }),
  });
}

/** True for an object, not an array or null. */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// --- writing ---

/** The canonical text of `value`. Fails with `canonical-json-invalid` for what JSON cannot carry. */
export function canonicalText(value: Json): string {
  return write(value, 0);
}

/** The UTF-8 bytes of the canonical text: what digests and signatures are made of. */
export function canonicalBytes(value: Json): Uint8Array<ArrayBuffer> {
  return utf8(canonicalText(value));
}

function write(value: Json, depth: number): string {
  if (depth > JSON_LIMITS.depthMax) throw invalid("The document is nested too deeply");
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw invalid(`${value} is not a JSON number`);
    // RFC 8785 §3.2.2.3 is ECMAScript's own number to text conversion; it also writes -0 as 0.
    return String(value === 0 ? 0 : value);
  }
  if (typeof value === "string") return writeString(value);
  if (Array.isArray(value)) {
    return `[${value.map((item: Json) => write(item, depth + 1)).join(",")}]`;
  }
  if (!isJsonObject(value)) throw invalid(`A ${typeof value} is not JSON`);
  const object = value;
  // RFC 8785 §3.2.3 sorts by UTF-16 code units, which is what sort() does without an argument.
  const members = Object.keys(object)
    .sort()
    .map((name) => `${writeString(name)}:${write(object[name] as Json, depth + 1)}`);
  return `{${members.join(",")}}`;
}

function writeString(text: string): string {
  if (!text.isWellFormed()) throw invalid("A text has half of a surrogate pair");
  return JSON.stringify(text);
}

// --- reading ---

/** Reads strict JSON. Fails with `canonical-json-invalid`, with the place in the context. */
export function parseJson(bytes: Uint8Array, limits: JsonLimits = JSON_LIMITS): Json {
  if (bytes.length > limits.bytesMax) throw invalid(`More than ${limits.bytesMax} bytes`);
  const text = fromUtf8(bytes);
  if (text === null) throw invalid("The document is not UTF-8");
  return new Reader(text, limits.depthMax).document();
}

/** Reads a document that must already be in its canonical form, so that every byte of it counts. */
export function parseCanonical(bytes: Uint8Array, limits: JsonLimits = JSON_LIMITS): Json {
  const value = parseJson(bytes, limits);
  if (!equalBytes(canonicalBytes(value), bytes)) {
    throw invalid("The document is JSON but not in its canonical form");
  }
  return value;
}

const NEWLINE = 0x0a;

/** A file that holds one signed document: its canonical text and one newline, nothing else. */
export function documentBytes(value: Json): Uint8Array<ArrayBuffer> {
  return utf8(`${canonicalText(value)}\n`);
}

/** Reads such a file; any other byte in it is refused. */
export function parseDocument(bytes: Uint8Array, limits: JsonLimits = JSON_LIMITS): Json {
  if (bytes.at(-1) !== NEWLINE) throw invalid("The file does not end in a newline");
  return parseCanonical(bytes.subarray(0, -1), limits);
}

/**
 * Reads a file of this node's own state. One that was damaged is told by `damaged`, which knows what the file is and
 * what is lost without it.
 */
export function parseOwnDocument(
  bytes: Uint8Array,
  damaged: (where: string, problem: string) => Failure,
): Json {
  try {
    return parseDocument(bytes);
  } catch (cause) {
    throw damaged("the file", `is not as this program wrote it (${Failure.from(cause).message})`);
  }
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WHITESPACE = /[ \t\n\r]*/y;
// oxlint-disable-next-line no-control-regex
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

/** A recursive reader over the text; its position is the next character. */
class Reader {
  readonly #text: string;
  readonly #depthMax: number;
  #at = 0;

  constructor(text: string, depthMax: number) {
    this.#text = text;
    this.#depthMax = depthMax;
  }

  document(): Json {
    this.#match(WHITESPACE);
    const value = this.#value(0);
    this.#match(WHITESPACE);
    if (this.#at !== this.#text.length) throw this.#fail("Something follows the document");
    return value;
  }

  #fail(problem: string): Failure {
    return invalid(`${problem} at character ${this.#at}`, this.#at);
  }

  /** Takes what a sticky pattern matches here; every pattern but NUMBER also matches nothing. */
  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  #take(expected: string): boolean {
    if (!this.#text.startsWith(expected, this.#at)) return false;
    this.#at += expected.length;
    return true;
  }

  #value(depth: number): Json {
    if (depth > this.#depthMax) throw this.#fail("The document is nested too deeply");
    if (this.#take("{")) return this.#object(depth);
    if (this.#take("[")) return this.#array(depth);
    if (this.#take('"')) return this.#string();
    if (this.#take("true")) return true;
    if (this.#take("false")) return false;
    if (this.#take("null")) return null;
    const digits = this.#match(NUMBER);
    if (digits === "") throw this.#fail("A value is missing");
    const number = Number(digits);
    if (!Number.isFinite(number)) throw this.#fail("A number is too large");
    return number;
  }

  #array(depth: number): Json {
    const items: Json[] = [];
    this.#match(WHITESPACE);
    if (this.#take("]")) return items;
    for (;;) {
      this.#match(WHITESPACE);
      items.push(this.#value(depth + 1));
      this.#match(WHITESPACE);
      if (this.#take("]")) return items;
      if (!this.#take(",")) throw this.#fail("A comma or ] is missing");
    }
  }

  #object(depth: number): Json {
    const members = new Map<string, Json>();
    this.#match(WHITESPACE);
    if (this.#take("}")) return {};
    for (;;) {
      this.#match(WHITESPACE);
      if (!this.#take('"')) throw this.#fail("A member's name is missing");
      const name = this.#string();
      if (members.has(name)) throw this.#fail(`The name "${name}" stands twice`);
      this.#match(WHITESPACE);
      if (!this.#take(":")) throw this.#fail("A colon is missing");
      this.#match(WHITESPACE);
      members.set(name, this.#value(depth + 1));
      this.#match(WHITESPACE);
      // fromEntries defines own members, so that "__proto__" is a name like any other.
      if (this.#take("}")) return Object.fromEntries(members);
      if (!this.#take(",")) throw this.#fail("A comma or } is missing");
    }
  }

  /** The rest of a string after its opening quote. */
  #string(): string {
    let text = "";
    for (;;) {
      text += this.#match(PLAIN);
      if (this.#take('"')) break;
      if (!this.#take("\\")) throw this.#fail("A text is not closed or has a control character");
      text += this.#escape();
    }
    if (!text.isWellFormed()) throw this.#fail("A text has half of a surrogate pair");
    return text;
  }

  #escape(): string {
    const letter = this.#text.charAt(this.#at);
    this.#at += 1;
    const plain = ESCAPES[letter];
    if (plain !== undefined) return plain;
    const digits = this.#text.slice(this.#at, this.#at + 4);
    if (letter !== "u" || !/^[0-9A-Fa-f]{4}$/.test(digits)) throw this.#fail("An unknown escape");
    this.#at += 4;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }
}
