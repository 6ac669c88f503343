/**
 * Markdown with YAML between two lines of `---` at its top, as agents, skills and rules have it.
 *
 *   ---                      line 1
 *   name: reviewer
 *   description: Use for: reviews     ← no YAML, yet common; tools take the rest of the line, and so does this
 *   ---
 *   You review code.         the text, without the empty lines around it
 */
import { readYaml } from "../../../config/yaml.ts";
import { isJsonObject, type JsonObject } from "../../../trust/canonical-json.ts";
import { lineAt, PROTOTYPE_NAME, type TextFault, TextError } from "./parsed.ts";
import { plainJson } from "./plain-json.ts";
import { checkYamlCost } from "./yaml-text.ts";

export interface FrontMatter {
  readonly members: JsonObject;
  readonly text: string;
  /** False: the file has no front matter. */
  readonly isPresent: boolean;
  readonly asText: readonly string[];
  /** Names whose values were taken as the rest of their lines. */
  readonly asLines: readonly string[];
  /** The line of a member; 1 when it has none of its own. */
  readonly lineOf: (name: string) => number;
}

const FENCE = /^---[ \t]*$/;
/** The fence is line 1 of the file, so the first line of YAML is line 2. */
const FIRST_LINE = 2;
/** Longer front matter is none. */
const CHARACTERS_MAX = 64 << 10;
/** One value: the whole front matter is walked by nobody but `plainJson`. */
const WHOLE = new Set([""]);

/** Reads a file. Total. */
export function parseFrontMatter(source: string): FrontMatter | { readonly fault: TextFault } {
  const lines = source.replace(/^\uFEFF/, "").split(/\r?\n/);
  const end = FENCE.test(lines[0] ?? "")
    ? lines.findIndex((line, at) => at > 0 && FENCE.test(line))
    : 0;
  if (end === -1) {
    return { fault: { line: 1, rule: "front-matter-missing", message: "--- is not closed" } };
  }
  const zero = source.indexOf("\u0000");
  if (zero !== -1) {
    return { fault: { line: lineAt(source, zero), rule: "not-utf8", message: "It is no text" } };
  }
  const yaml = lines.slice(1, end);
  const text = lines
    .slice(end === 0 ? 0 : end + 1)
    .join("\n")
    .trim();
  try {
    return {
      ...readMembers(yaml),
      text,
      isPresent: end > 0,
      lineOf: (name) => yaml.findIndex((line) => line.startsWith(`${name}:`)) + 2,
    };
  } catch (thrown) {
    if (thrown instanceof TextError) return { fault: thrown.fault };
    throw thrown;
  }
}

type Members = Pick<FrontMatter, "members" | "asText" | "asLines">;

function readMembers(yaml: readonly string[]): Members {
  if (yaml.length === 0) return { members: {}, asText: [], asLines: [] };
  const joined = yaml.join("\n");
  checkYamlCost(joined, FIRST_LINE, CHARACTERS_MAX);
  const { leaves, error } = readYaml(joined, WHOLE);
  if (error !== null) {
    const line = error.line + FIRST_LINE - 1;
    if (/unique/i.test(error.message)) throw new TextError(line, "duplicate-key", error.message);
    const taken = linesAsText(yaml);
    if (taken === null) throw new TextError(line, "not-yaml", error.message);
    return taken;
  }
  const { value, asText } = plainJson(leaves.get("")?.value ?? {}, FIRST_LINE);
  return { members: isJsonObject(value) ? value : {}, asText, asLines: [] };
}

const MEMBER = /^([A-Za-z][\w-]*):(?:[ \t]+(.*))?$/;

/** The members when every line is one; null when the text is not even that, or a name stands twice. */
function linesAsText(yaml: readonly string[]): Members | null {
  const members = new Map<string, string>();
  for (const line of yaml) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [, name, value = ""] = MEMBER.exec(line) ?? [];
    if (name === undefined || name === PROTOTYPE_NAME || members.has(name)) return null;
    // Anchors, aliases, tags, blocks and lists are YAML, and wrong YAML here. Patterns of Cursor are none, and it
    // wants them without quotes.
    const isPattern = name === "globs" && /^[*{]/.test(value);
    if (!isPattern && /^[&*!|>[{%@`]/.test(value)) return null;
    members.set(name, lineValue(value.trim()));
  }
  return { members: Object.fromEntries(members), asText: [], asLines: [...members.keys()] };
}

/** A text without its quotes; in double ones the escapes are those of JSON. */
function lineValue(value: string): string {
  if (/^"(?:[^"\\]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"$/.test(value)) {
    const text = JSON.parse(value) as string;
    if (text.isWellFormed()) return text;
  }
  return value.replace(/^(["'])(.*)\1$/, "$2");
}
