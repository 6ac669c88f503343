/** YAML with places: which line a value stands on. The only file that imports the package `yaml`. */
import { isMap, isScalar, LineCounter, parseDocument, type Node } from "yaml";

/** A value of a document with the line that it begins on. */
export interface Placed {
  readonly value: unknown;
  readonly line: number;
}

export interface YamlDocument {
  /** Values by their dotted path; maps are walked, lists and scalars are leaves. */
  readonly leaves: ReadonlyMap<string, Placed>;
  /** The first thing that is wrong with the text, or null. */
  readonly error: { readonly message: string; readonly line: number } | null;
}

/** Reads a YAML text. `opaque` names the paths whose maps are values themselves. */
export function readYaml(text: string, opaque: ReadonlySet<string>): YamlDocument {
  const lines = new LineCounter();
  // Aliases could blow a small file up to gigabytes; no configuration of ours needs them.
  // What the parser would warn of goes to nobody who could do anything about it.
  const document = parseDocument(text, { lineCounter: lines, version: "1.2", logLevel: "error" });
  const leaves = new Map<string, Placed>();
  const problem = document.errors[0];
  if (problem !== undefined) {
    const message = problem.message.split("\n")[0] ?? "";
    return { leaves, error: { message, line: lines.linePos(problem.pos[0]).line } };
  }
  const lineOf = (node: Node | null | undefined): number =>
    node?.range === undefined || node.range === null ? 1 : lines.linePos(node.range[0]).line;
  const walk = (node: Node | null, path: string): void => {
    if (!isMap(node) || opaque.has(path)) {
      leaves.set(path, {
        value: node?.toJS(document, { maxAliasCount: 0 }) as unknown,
        line: lineOf(node),
      });
      return;
    }
    for (const item of node.items) {
      const name = isScalar(item.key) ? String(item.key.value) : "?";
      walk((item.value ?? null) as Node | null, path === "" ? name : `${path}.${name}`);
    }
  };
  const root = document.contents;
  if (root === null) return { leaves, error: null };
  if (!isMap(root)) {
    return { leaves, error: { message: "the file is no map of settings", line: lineOf(root) } };
  }
  try {
    walk(root, "");
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return { leaves, error: { message, line: lineOf(root) } };
  }
  return { leaves, error: null };
}
