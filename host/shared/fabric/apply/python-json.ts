/**
 * JSON as Python's `json.dumps(value, sort_keys=True)` writes it, made of JSON text rather than of values: a number
 * keeps its digits, since "1700000000.0" and "1700000000" are one number and two different digests.
 */
import { Failure } from "../../ports/failure.ts";
import { utf8 } from "../../trust/bytes.ts";

/** What stands between items and after names: Python's own default, or nothing. */
export type PythonSpacing = "default" | "compact";

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\\n\r]|\\.)*"/y;
const WORD = /true|false|null/y;
const DEPTH_MAX = 32;

/** A document whose parts keep their spelling. */
export type PythonJson =
  | { readonly kind: "plain"; readonly text: string }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "list"; readonly items: readonly PythonJson[] }
  | { readonly kind: "object"; readonly members: ReadonlyMap<string, PythonJson> };

/** Reads a document. Fails with `canonical-json-invalid`. */
export function parsePythonJson(text: string): PythonJson {
  return new Reader(text).document();
}

/** Writes it with sorted names and nothing but ASCII. */
export function pythonText(value: PythonJson, spacing: PythonSpacing): string {
  const [comma, colon] = spacing === "default" ? [", ", ": "] : [",", ":"];
  switch (value.kind) {
    case "plain":
      return value.text;
    case "string":
      return asciiString(value.value);
    case "list":
      return `[${value.items.map((item) => pythonText(item, spacing)).join(comma)}]`;
    default: {
      const members = [...value.members]
        .sort(([a], [b]) => compareCodePoints(a, b))
        .map(([name, item]) => `${asciiString(name)}${colon}${pythonText(item, spacing)}`);
      return `{${members.join(comma)}}`;
    }
  }
}

function asciiString(text: string): string {
  const escaped = JSON.stringify(text);
  // oxlint-disable-next-line no-control-regex
  return escaped.replaceAll(/[^\u0020-\u007e]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** Python compares code points, JavaScript halves of surrogate pairs; bytes of UTF-8 are in the order of the former. */
function compareCodePoints(a: string, b: string): number {
  const [left, right] = [utf8(a), utf8(b)];
  const at = left.findIndex((byte, index) => byte !== right[index]);
  return at === -1 ? left.length - right.length : (left[at] as number) - (right[at] ?? -1);
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): PythonJson {
    const value = this.#value(0);
    if (this.#at !== this.#text.length) throw this.#fail("something follows the document");
    return value;
  }

  #value(depth: number): PythonJson {
    if (depth > DEPTH_MAX) throw this.#fail("it is nested too deeply");
    this.#match(SPACE);
    const value = this.#bare(depth);
    this.#match(SPACE);
    return value;
  }

  #bare(depth: number): PythonJson {
    if (this.#take("{")) return this.#object(depth);
    if (this.#take("[")) return this.#list(depth);
    const string = this.#string();
    if (string !== null) return { kind: "string", value: string };
    const text = this.#match(WORD) || this.#match(NUMBER);
    if (text === "") throw this.#fail("a value is missing");
    return { kind: "plain", text };
  }

  #object(depth: number): PythonJson {
    const members = new Map<string, PythonJson>();
    this.#match(SPACE);
    if (this.#take("}")) return { kind: "object", members };
    for (;;) {
      this.#match(SPACE);
      const name = this.#string();
      if (name === null) throw this.#fail("a name is missing");
      if (members.has(name)) throw this.#fail("a name stands twice");
      this.#match(SPACE);
      if (!this.#take(":")) throw this.#fail("a colon is missing");
      members.set(name, this.#value(depth + 1));
      if (this.#take("}")) return { kind: "object", members };
      if (!this.#take(",")) throw this.#fail("a comma or } is missing");
    }
  }

  #list(depth: number): PythonJson {
    const items: PythonJson[] = [];
    this.#match(SPACE);
    if (this.#take("]")) return { kind: "list", items };
    for (;;) {
      items.push(this.#value(depth + 1));
      if (this.#take("]")) return { kind: "list", items };
      if (!this.#take(",")) throw this.#fail("a comma or ] is missing");
    }
  }

  #string(): string | null {
    const token = this.#match(STRING);
    if (token === "") return null;
    try {
      return JSON.parse(token) as string;
    } catch {
      throw this.#fail("a text is not one");
    }
  }

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

  #fail(problem: string): Failure {
    const where = `at character ${this.#at}`;
    return new Failure("canonical-json-invalid", `The document is no JSON: ${problem} ${where}`, {
      origin: "peer",
      remedy: "Get the file again from whoever wrote it.",
      context: { at: this.#at },
    });
  }
}
