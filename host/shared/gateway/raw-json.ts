/**
 * JSON by its bytes: where the members of an object begin and end, without making values of them.
 *
 * A relayed call must reach the server byte for byte, because receipts hold digests of what was sent. So frames
 * and JSON-RPC messages are cut and spliced here instead of being parsed and written again. The scan is strict
 * (RFC 8259 grammar) and refuses a repeated name at any depth: two parsers may read `{"path":1,"path":2}`
 * differently, and then policy would judge one value and the server would use the other.
 */
import { Failure } from "../ports/failure.ts";
import { concatBytes, fromUtf8, utf8 } from "../trust/bytes.ts";

/** A half-open range of bytes. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface ScanLimits {
  /** How many arrays and objects may be inside each other. */
  readonly depthMax: number;
}

export const DEFAULT_SCAN_LIMITS: ScanLimits = { depthMax: 64 };

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** RFC 8259 §6: no leading zeros, no plus sign, a digit on both sides of the point. */
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;

class Scanner {
  readonly #bytes: Uint8Array;
  readonly #depthMax: number;
  #at = 0;

  constructor(bytes: Uint8Array, limits: ScanLimits) {
    this.#bytes = bytes;
    this.#depthMax = limits.depthMax;
  }

  /** Scans one whole value; `members` receives those of the outermost object. */
  document(members: Map<string, Span> | null): void {
    this.#space();
    if (members !== null && this.#bytes[this.#at] !== OPEN_BRACE) this.#refuse("an object");
    this.#value(1, members);
    this.#space();
    if (this.#at !== this.#bytes.length) this.#refuse("the end");
  }

  #value(depth: number, members: Map<string, Span> | null): void {
    const first = this.#bytes[this.#at];
    if (first === OPEN_BRACE) this.#object(depth, members);
    else if (first === OPEN_BRACKET) this.#array(depth);
    else if (first === QUOTE) this.#string();
    else this.#scalar();
  }

  #object(depth: number, members: Map<string, Span> | null): void {
    this.#deepen(depth);
    const names = new Set<string>();
    this.#at += 1;
    this.#space();
    if (this.#bytes[this.#at] === CLOSE_BRACE) {
      this.#at += 1;
      return;
    }
    for (;;) {
      const name = this.#string();
      if (names.has(name)) this.#refuse(`no second member ${JSON.stringify(name.slice(0, 64))}`);
      names.add(name);
      this.#space();
      this.#expect(COLON, "a colon");
      this.#space();
      const start = this.#at;
      this.#value(depth + 1, null);
      members?.set(name, { start, end: this.#at });
      this.#space();
      if (this.#bytes[this.#at] === CLOSE_BRACE) break;
      this.#expect(COMMA, "a comma or a closing brace");
      this.#space();
    }
    this.#at += 1;
  }

  #array(depth: number): void {
    this.#deepen(depth);
    this.#at += 1;
    this.#space();
    if (this.#bytes[this.#at] === CLOSE_BRACKET) {
      this.#at += 1;
      return;
    }
    for (;;) {
      this.#value(depth + 1, null);
      this.#space();
      if (this.#bytes[this.#at] === CLOSE_BRACKET) break;
      this.#expect(COMMA, "a comma or a closing bracket");
      this.#space();
    }
    this.#at += 1;
  }

  /** Passes a string and returns its value; escapes are checked by the platform's parser. */
  #string(): string {
    const start = this.#at;
    this.#expect(QUOTE, "a string");
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined || byte < 0x20) this.#refuse("the end of a string");
      this.#at += byte === BACKSLASH ? 2 : 1;
      if (byte === QUOTE) break;
    }
    const text = this.#text(start);
    try {
      return JSON.parse(text) as string;
    } catch {
      this.#at = start;
      return this.#refuse("a valid string");
    }
  }

  #scalar(): void {
    const start = this.#at;
    while (isScalarByte(this.#bytes[this.#at])) this.#at += 1;
    const text = this.#text(start);
    if (text === "true" || text === "false" || text === "null" || NUMBER.test(text)) return;
    this.#at = start;
    this.#refuse("a value");
  }

  #text(start: number): string {
    return fromUtf8(this.#bytes.subarray(start, this.#at)) ?? this.#refuse("valid UTF-8");
  }

  #space(): void {
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      this.#at += 1;
    }
  }

  #expect(byte: number, what: string): void {
    if (this.#bytes[this.#at] !== byte) this.#refuse(what);
    this.#at += 1;
  }

  #deepen(depth: number): void {
    if (depth > this.#depthMax) this.#refuse(`at most ${this.#depthMax} levels`);
  }

  #refuse(expected: string): never {
    throw new Failure("argument-invalid", `the JSON is not valid: expected ${expected}`, {
      origin: "peer",
      context: { offset: this.#at },
      remedy: "Send strict JSON (RFC 8259) without repeated member names.",
    });
  }
}

function isScalarByte(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  const isDigit = byte >= 0x30 && byte <= 0x39;
  const isLetter = (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a);
  return isDigit || isLetter || byte === 0x2b || byte === 0x2d || byte === 0x2e;
}

/** The members of the object that `bytes` hold, by name, each with the range of its value. */
export function scanObject(
  bytes: Uint8Array,
  limits: ScanLimits = DEFAULT_SCAN_LIMITS,
): Map<string, Span> {
  const members = new Map<string, Span>();
  new Scanner(bytes, limits).document(members);
  return members;
}

/** Fails unless `bytes` hold exactly one strict JSON value. */
export function checkJson(bytes: Uint8Array, limits: ScanLimits = DEFAULT_SCAN_LIMITS): void {
  new Scanner(bytes, limits).document(null);
}

/** The value of JSON bytes that a scan has passed. */
export function parseJson(bytes: Uint8Array): unknown {
  return JSON.parse(fromUtf8(bytes) ?? "");
}

/** The bytes of a member, or null when there is none. A view, not a copy. */
export function memberBytes(
  bytes: Uint8Array,
  members: ReadonlyMap<string, Span>,
  name: string,
): Uint8Array | null {
  const span = members.get(name);
  return span === undefined ? null : bytes.subarray(span.start, span.end);
}

/** Joins texts and bytes into one array: how a raw value is put inside a new message. */
export function splice(...parts: readonly (string | Uint8Array)[]): Uint8Array<ArrayBuffer> {
  return concatBytes(...parts.map((part) => (typeof part === "string" ? utf8(part) : part)));
}
