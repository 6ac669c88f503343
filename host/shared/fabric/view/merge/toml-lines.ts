/**
 * The statements of a TOML document by their places: headers of tables, and keys with their values. The document was
 * read by a whole parser before, so what this one meets is well-formed; it only has to know where things end.
 */

export interface TomlStatement {
  readonly kind: "table" | "list-table" | "pair";
  /** All names from the top of the document. */
  readonly path: readonly string[];
  /** Of the line that it begins on, and behind its last line with its end. */
  readonly start: number;
  readonly end: number;
  /** Of the value of a pair, of the name in a header. */
  readonly valueStart: number;
  readonly valueEnd: number;
  /** How many of the names come from the header above a pair. */
  readonly headerNames: number;
}

/** In the path of what stands in a table of a list: no key has it, so nothing there is ever taken for ours. */
const IN_LIST = "\u0000";

const BLANKS = /[ \t]*/y;
const BLANKS_AND_COMMENTS = /(?:[ \t\r\n]+|#[^\n]*)*/y;
const BARE_KEY = /[A-Za-z0-9_-]+/y;
const BASIC = /"(?:[^"\\]|\\.)*"/y;
const LITERAL = /'[^']*'/y;
const BASIC_BLOCK = /"""(?:[^\\]|\\[^])*?"""(?:"{1,2}(?!"))?/y;
const LITERAL_BLOCK = /'''[^]*?'''(?:'{1,2}(?!'))?/y;
/** Numbers, booleans and dates; a date may have a blank in it. */
const PLAIN = /[^\s,\]}#]+(?: \d[^\s,\]}#]*)?/y;
const LINE_REST = /[^\n]*\n?/y;

/** The statements in their order. */
export function tomlStatements(text: string): readonly TomlStatement[] {
  return new Scanner(text).statements();
}

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  statements(): TomlStatement[] {
    const found: TomlStatement[] = [];
    let header: readonly string[] = [];
    while (this.#skipToStatement()) {
      const start = this.#text.lastIndexOf("\n", this.#at - 1) + 1;
      const one = this.#text[this.#at] === "[" ? this.#header() : this.#pair(header);
      this.#match(LINE_REST);
      if (one.kind !== "pair") header = one.path;
      found.push({ ...one, start, end: this.#at });
    }
    return found;
  }

  /** False at the end. */
  #skipToStatement(): boolean {
    this.#match(BLANKS_AND_COMMENTS);
    return this.#at < this.#text.length;
  }

  #header(): Omit<TomlStatement, "start" | "end"> {
    const isList = this.#text.startsWith("[[", this.#at);
    this.#at += isList ? 2 : 1;
    const valueStart = this.#at;
    const names = this.#names();
    const path = isList ? [...names, IN_LIST] : names;
    const kind = isList ? "list-table" : "table";
    return { kind, path, valueStart, valueEnd: this.#at, headerNames: path.length };
  }

  #pair(header: readonly string[]): Omit<TomlStatement, "start" | "end"> {
    const path = [...header, ...this.#names()];
    this.#match(BLANKS);
    this.#at += "=".length;
    this.#match(BLANKS);
    const valueStart = this.#at;
    this.#skipValue();
    return { kind: "pair", path, valueStart, valueEnd: this.#at, headerNames: header.length };
  }

  #names(): string[] {
    const names: string[] = [];
    do {
      if (names.length > 0) this.#at += ".".length;
      this.#match(BLANKS);
      names.push(this.#name());
      this.#match(BLANKS);
    } while (this.#text[this.#at] === ".");
    return names;
  }

  #name(): string {
    const literal = this.#match(LITERAL);
    if (literal !== "") return literal.slice(1, -1);
    const basic = this.#match(BASIC);
    if (basic !== "") return basicText(basic);
    const bare = this.#match(BARE_KEY);
    if (bare === "") throw new Error("the document was read before, so here is a key");
    return bare;
  }

  #skipValue(): void {
    // One bracket at a time instead of recursion: how deep they go is the user's choice.
    let depth = 0;
    do {
      if (depth > 0) this.#match(BLANKS_AND_COMMENTS);
      const one = this.#text[this.#at];
      if (one === undefined) throw new Error("the document was read before, so its lists end");
      if (one === "[" || one === "{") depth += 1;
      else if (one === "]" || one === "}") depth -= 1;
      else if (one !== "," && one !== "=" && one !== ".") {
        this.#skipScalar();
        continue;
      }
      this.#at += 1;
    } while (depth > 0);
  }

  #skipScalar(): void {
    for (const pattern of [BASIC_BLOCK, LITERAL_BLOCK, BASIC, LITERAL, PLAIN]) {
      if (this.#match(pattern) !== "") return;
    }
    throw new Error("the document was read before, so here is a value");
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }
}

/** The text of a key in double quotes. TOML has two escapes that JSON has not. */
function basicText(raw: string): string {
  const json = raw.replace(
    /\\(?:U([0-9A-Fa-f]{8})|x([0-9A-Fa-f]{2})|e|.)/g,
    (escape, long, short) => {
      const digits: unknown = long ?? short;
      if (typeof digits === "string") {
        return JSON.stringify(String.fromCodePoint(Number.parseInt(digits, 16))).slice(1, -1);
      }
      return escape === "\\e" ? "\\u001b" : escape;
    },
  );
  return String(JSON.parse(json.replaceAll("\t", "\\t")));
}
