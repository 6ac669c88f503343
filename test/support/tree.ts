/** The files of the project as git sees them: tracked and new ones, without what is ignored. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT: string = join(import.meta.dirname, "../..");

/** Paths relative to the root, sorted. */
export function projectFiles(): string[] {
  const list = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  return list
    .split("\n")
    .filter((path) => path !== "" && existsSync(join(ROOT, path)))
    .sort();
}

/** The text of a file of the project. */
export function textOf(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** One import or re-export: its line number and what it names. */
export interface ImportLine {
  readonly line: number;
  readonly source: string;
}

/** Every static import, re-export and dynamic import of a TypeScript file. */
export function importsOf(text: string): ImportLine[] {
  const found: ImportLine[] = [];
  const statement = /^(?:import|export)\b[^"';]*?"([^"]+)"|\bimport\(\s*"([^"]+)"/gm;
  for (const match of text.matchAll(statement)) {
    const source = match[1] ?? match[2];
    const isDeclaration = match[0].startsWith("export") && !/\bfrom\s*"/.test(match[0]);
    if (source === undefined || isDeclaration) continue;
    found.push({ line: text.slice(0, match.index).split("\n").length, source });
  }
  return found;
}

/** Text with its comments replaced by spaces, so that line numbers stay. */
export function withoutComments(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, " "))
    .replace(/(^|[^:"'`])\/\/[^\n]*/g, (comment, before: string) =>
      before.padEnd(comment.length, " "),
    );
}
