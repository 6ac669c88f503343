/** YAML as configuration files have it, with the lines of its values, and the guard before the parser. */
import { readYaml, type YamlDocument } from "../../../config/yaml.ts";
import { isJsonObject } from "../../../trust/canonical-json.ts";
import { DEPTH_MAX, lineAt, type ParseOutcome, TextError } from "./parsed.ts";
import { plainJson } from "./plain-json.ts";

/** The parser of YAML takes more than linear time for some texts. */
const CHARACTERS_MAX = 64 << 10;
/** Lists in lists on one line (`- - -`) and keys of keys, which need no brackets. */
const COMPACT_NESTING = new RegExp(`(?:[-?][ \\t]+){${DEPTH_MAX + 1}}`);
const WHOLE = new Set([""]);

/** Refuses what would keep the parser busy: it goes down by recursion, without a limit of its own. */
export function checkYamlCost(yaml: string, firstLine: number, charactersMax: number): void {
  if (yaml.length > charactersMax) {
    const problem = `The fields have more than ${charactersMax} characters`;
    throw new TextError(1, "too-large", problem);
  }
  const tooDeep = (at: number): TextError =>
    new TextError(lineAt(yaml, at) + firstLine - 1, "too-deep", "It is nested too deeply");
  let depth = 0;
  for (let at = 0; at < yaml.length; at++) {
    const character = yaml[at];
    if (character === "[" || character === "{") depth += 1;
    else if (character === "]" || character === "}") depth -= 1;
    if (depth > DEPTH_MAX) throw tooDeep(at);
  }
  const compact = COMPACT_NESTING.exec(yaml);
  if (compact !== null) throw tooDeep(compact.index);
}

/** Reads a map. Total. What YAML has and JSON has not is refused, not turned into text. */
export function parseYamlText(text: string): ParseOutcome {
  try {
    checkYamlCost(text, 1, CHARACTERS_MAX);
    const { leaves, error } = readYaml(text, WHOLE);
    if (error !== null) {
      const rule = /unique/i.test(error.message) ? "duplicate-key" : "not-yaml";
      throw new TextError(error.line, rule, error.message);
    }
    const { value, asText } = plainJson(leaves.get("")?.value ?? {}, 1);
    if (!isJsonObject(value)) throw new TextError(1, "field-type", "The file is not a map");
    const lines = readYaml(text, new Set());
    const lineOf = (path: readonly string[]): number => lineOfLeaf(lines, path);
    const [odd] = asText;
    if (odd === undefined) return { value, lineOf };
    throw new TextError(lineOf(odd.split(".")), "field-type", `"${odd}" is of a type of YAML only`);
  } catch (thrown) {
    if (thrown instanceof TextError) return { fault: thrown.fault };
    throw thrown;
  }
}

/** The line of a value, of the first one in a map, or of the nearest one above. */
function lineOfLeaf({ leaves }: YamlDocument, path: readonly string[]): number {
  for (let length = path.length; length > 0; length--) {
    const name = path.slice(0, length).join(".");
    const exact = leaves.get(name);
    if (exact !== undefined) return exact.line;
    const inside = [...leaves].find(([leaf]) => leaf.startsWith(`${name}.`));
    if (inside !== undefined) return inside[1].line;
  }
  return 1;
}
