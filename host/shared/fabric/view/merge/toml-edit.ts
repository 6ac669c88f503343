/**
 * Edits TOML as text, statement by statement: what belongs to somebody else is never written again, so its comments,
 * blanks and order stay. A new table comes behind the last one of its kind.
 *
 * Whoever calls reads the result again and compares it with what it should be; so a document that is written in a way
 * that this file cannot edit, such as all servers in one inline table, is told from one that it can.
 */
import { isJsonObject, type Json, type JsonObject } from "../../../trust/canonical-json.ts";
import { edited, lineEndOf, type TextEdit } from "./text-edits.ts";
import { type TomlStatement, tomlStatements } from "./toml-lines.ts";
import { tomlValue } from "../dialects/toml-writer.ts";
import { tomlPair, tomlPath, tomlTable } from "./toml-table.ts";

type Path = readonly string[];

/** Puts a value at a path where nothing is. */
export function insertToml(text: string, path: Path, value: Json): string {
  return isJsonObject(value) ? insertTable(text, path, value) : insertPair(text, path, value);
}

/** Takes out what is at a path. */
export function removeToml(text: string, path: Path): string {
  const edits = tomlStatements(text)
    .filter((statement) => isAtOrBelow(statement.path, path))
    .map((statement) => removal(text, statement));
  const removed = edited(text, edits);
  // A user who ends a file without an end of line gets it back without one.
  return text.endsWith("\n") ? removed : removed.replace(/\r?\n$/, "");
}

/** Writes another value behind the key at a path; null when no key of its own stands there. */
export function replaceToml(text: string, path: Path, value: Json): string | null {
  const pair = tomlStatements(text).find((one) => one.kind === "pair" && isSame(one.path, path));
  if (pair === undefined) return null;
  const { valueStart: at, valueEnd } = pair;
  const said = tomlValue(value);
  return said === null ? null : edited(text, [{ at, length: valueEnd - at, text: said }]);
}

// --- putting in ---

function insertTable(text: string, path: Path, table: JsonObject): string {
  const lines = tomlTable(path, table);
  const near = lastNear(tomlStatements(text), path.slice(0, -1));
  return insertBlock(text, near?.end ?? text.length, lines);
}

/** The last statement below `path`, or below the nearest table above it; never the top, where a header ends all. */
function lastNear(statements: readonly TomlStatement[], path: Path): TomlStatement | undefined {
  for (let length = path.length; length > 0; length--) {
    const names = path.slice(0, length);
    const last = statements.findLast((one) => isAtOrBelow(one.path, names));
    if (last === undefined) continue;
    // Keys in a table above must stay there: behind them comes the rest of that table.
    const next = statements[statements.indexOf(last) + 1];
    if (next?.kind !== "pair") return last;
  }
  return undefined;
}

/** Lines with an empty one before them, and one behind them where something follows at once. */
function insertBlock(text: string, at: number, lines: readonly string[]): string {
  const lineEnd = lineEndOf(text);
  const before = text.slice(0, at);
  const after = text.slice(at);
  const isOpen = before !== "" && !before.endsWith("\n");
  const gap = before === "" || /\n\r?\n$/.test(before) ? "" : lineEnd;
  const behind = after === "" || /^\r?\n/.test(after) ? "" : lineEnd;
  const block = `${lines.join(lineEnd)}${lineEnd}`;
  // A user who ends a file without an end of line gets it without one.
  const written = isOpen ? `${lineEnd}${gap}${block.slice(0, -lineEnd.length)}` : gap + block;
  return before + written + behind + after;
}

function insertPair(text: string, path: Path, value: Json): string {
  const statements = tomlStatements(text);
  const table = path.slice(0, -1);
  const header = statements.findIndex((one) => one.kind === "table" && isSame(one.path, table));
  if (header !== -1) {
    const own = statements.slice(header + 1).findIndex((one) => one.kind !== "pair");
    const last = statements[own === -1 ? statements.length - 1 : header + own];
    return insertLine(text, last?.end ?? text.length, path.slice(table.length), value);
  }
  // A table that has no header may still have keys with dots; among them is the place for one more.
  const near = statements.findLast(
    (one) => one.kind === "pair" && one.headerNames <= table.length && isAtOrBelow(one.path, table),
  );
  const isInline = near !== undefined && isSame(near.path, table);
  if (near !== undefined && !isInline) {
    return insertLine(text, near.end, path.slice(near.headerNames), value);
  }
  if (table.length === 0) return insertLine(text, 0, path, value);
  return insertBlock(text, text.length, [
    `[${tomlPath(table)}]`,
    ...tomlPair(path.slice(-1), value),
  ]);
}

function insertLine(text: string, at: number, names: Path, value: Json): string {
  const lineEnd = lineEndOf(text);
  const [line] = tomlPair(names, value);
  if (line === undefined) return text;
  const isOpen = at > 0 && text[at - 1] !== "\n";
  // Behind the first key of a document a header would follow at once.
  const gap = at === 0 && /^\s*\[/.test(text) ? lineEnd : "";
  const written = isOpen ? lineEnd + line : line + lineEnd + gap;
  return edited(text, [{ at, length: 0, text: written }]);
}

// --- taking out ---

/** A statement goes with its lines; a comment beside it stays, and an empty line before a header goes too. */
function removal(text: string, { kind, start, end, valueEnd }: TomlStatement): TextEdit {
  const comment = /#[^\r\n]*/.exec(text.slice(valueEnd, end))?.[0];
  if (comment !== undefined)
    return { at: start, length: text.indexOf("#", valueEnd) - start, text: "" };
  const lineEnd = lineEndOf(text);
  const isBehindEmpty = kind !== "pair" && text.slice(0, start).endsWith(`${lineEnd}${lineEnd}`);
  const at = start - (isBehindEmpty ? lineEnd.length : 0);
  return { at, length: end - at, text: "" };
}

function isAtOrBelow(path: Path, above: Path): boolean {
  return path.length >= above.length && above.every((name, at) => path[at] === name);
}

function isSame(a: Path, b: Path): boolean {
  return a.length === b.length && isAtOrBelow(a, b);
}
