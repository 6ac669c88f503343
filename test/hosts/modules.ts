/**
 * The portable modules as plain JavaScript, for runtimes that take no types: the suite and everything it imports.
 *
 * Types are stripped, not compiled, so every runtime runs the very lines of the source.
 */
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join, normalize } from "node:path";
import { importsOf, ROOT } from "../support/tree.ts";

/** JavaScript of one module of the tree. Importing keeps the `.ts` endings. */
export function javascriptOf(path: string): string {
  return stripTypeScriptTypes(readFileSync(join(ROOT, path), "utf8"));
}

/** `entry` and all modules that it reaches, as path → JavaScript. */
export function moduleGraph(entry: string): Map<string, string> {
  const modules = new Map<string, string>();
  const waiting = [entry];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (modules.has(path)) continue;
    const code = javascriptOf(path);
    modules.set(path, code);
    for (const { source } of importsOf(code)) {
      if (source.startsWith(".")) waiting.push(normalize(join(dirname(path), source)));
    }
  }
  return modules;
}
