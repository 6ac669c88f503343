/**
 * A shared configuration as text and as value: reads it strictly, changes it field by field, and reads the result
 * again. What it cannot change without a doubt it leaves alone.
 */
import { isJsonObject, type Json, type JsonObject } from "../../../trust/canonical-json.ts";
import { parseJsonText } from "../../discovery/text/json-text.ts";
import { parseTomlText } from "../../discovery/text/toml-text.ts";
import type { ConfigFormat, ViewField } from "../model.ts";
import { insertMembers, removeMembers, replaceValue } from "./json-edit.ts";
import { insertToml, removeToml, replaceToml } from "./toml-edit.ts";
import { depthThere, EditableValue, isSameValue, type Path } from "./values.ts";

/** Why a file is left alone. Never shows what is in it. */
export interface ConfigProblem {
  /** 0: the file as a whole. */
  readonly line: number;
  readonly rule: string;
  readonly message: string;
}

export type ConfigReading =
  | { readonly ok: true; readonly value: JsonObject }
  | { readonly ok: false; readonly problem: ConfigProblem };

export type ConfigChange =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly problem: ConfigProblem };

/** Windows editors put it before everything else; it is kept where it is. */
const BYTE_ORDER_MARK = "\ufeff";

/** What a new file begins as. */
export function emptyConfig(format: ConfigFormat): string {
  return format === "toml" ? "" : "{}\n";
}

/** Reads a configuration. Total: a name that stands twice or reaches a prototype is a problem, not a value. */
export function readConfig(format: ConfigFormat, text: string): ConfigReading {
  const bare = text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
  const parsed =
    format === "toml"
      ? parseTomlText(bare)
      : parseJsonText(bare, { isCommented: format === "jsonc" });
  if ("fault" in parsed) return { ok: false, problem: parsed.fault };
  return { ok: true, value: parsed.value };
}

/** The text with these fields set and these paths without anything. `value` is what it says now. */
export function changeConfig(
  format: ConfigFormat,
  text: string,
  value: JsonObject,
  set: readonly ViewField[],
  remove: readonly Path[],
): ConfigChange {
  const mark = text.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK : "";
  const expected = changedValue(value, set, remove);
  const editor = new Editor(format, text.slice(mark.length), value);
  for (const [parent, names] of byParent(remove)) editor.remove(parent, names);
  editor.setAll(set);
  const after = readConfig(format, editor.text);
  // TOML has no empty table without a header; one that only held what goes is gone with it.
  const isEqual = (found: JsonObject): boolean =>
    isSameValue(found, expected) ||
    (format === "toml" && isSameValue(trimmed(found, remove), trimmed(expected, remove)));
  if (after.ok && isEqual(after.value)) return { ok: true, text: mark + editor.text };
  const message = "It is written in a way that cannot be changed safely; write the tables apart";
  return { ok: false, problem: { line: 0, rule: "not-editable", message } };
}

/** A value with these fields set and these paths without anything. */
function changedValue(
  value: JsonObject,
  set: readonly ViewField[],
  remove: readonly Path[],
): JsonObject {
  const changed = new EditableValue(value);
  for (const path of remove) changed.remove(path);
  for (const field of set) changed.set(field.path, field.value);
  return changed.value;
}

/** A value without empty tables above these paths. */
function trimmed(value: JsonObject, paths: readonly Path[]): JsonObject {
  const rest = new EditableValue(value);
  for (const path of paths) {
    for (let length = path.length - 1; length > 0; length--) {
      const table = path.slice(0, length);
      if (isSameValue(rest.at(table), {})) rest.remove(table);
    }
  }
  return rest.value;
}

/** Paths by the table that they are in. */
function byParent(paths: readonly Path[]): Iterable<readonly [Path, ReadonlySet<string>]> {
  const groups = Map.groupBy(paths, (path) => JSON.stringify(path.slice(0, -1)));
  return [...groups.values()].map((group) => [
    (group[0] as Path).slice(0, -1),
    new Set(group.map((path) => path.at(-1) as string)),
  ]);
}

class Editor {
  text: string;
  readonly #format: ConfigFormat;
  /** What the text says. */
  readonly #value: EditableValue;

  constructor(format: ConfigFormat, text: string, value: JsonObject) {
    this.#format = format;
    this.text = text;
    this.#value = new EditableValue(value);
  }

  remove(parent: Path, names: ReadonlySet<string>): void {
    if (this.#format !== "toml") this.text = removeMembers(this.text, parent, names);
    for (const name of names) {
      if (this.#format === "toml") this.text = removeToml(this.text, [...parent, name]);
      this.#value.remove([...parent, name]);
    }
  }

  /** New members of one object come in together. */
  setAll(fields: readonly ViewField[]): void {
    const isNew = ({ path }: ViewField): boolean => this.#value.at(path) === undefined;
    for (const { path, value } of fields.filter((field) => !isNew(field))) this.#set(path, value);
    const groups = Map.groupBy(fields.filter(isNew), ({ path }) =>
      JSON.stringify(path.slice(0, -1)),
    );
    for (const group of groups.values()) this.#insert(group);
  }

  #insert(fields: readonly ViewField[]): void {
    const parent = (fields[0] as ViewField).path.slice(0, -1);
    const there = depthThere(this.#value.value, parent);
    if (this.#format === "toml") {
      for (const { path, value } of fields) this.text = insertToml(this.text, path, value);
    } else {
      const members = fields.map(({ path, value }) => [path.at(-1) as string, value] as const);
      const missing = parent.slice(there).reverse();
      const nested = missing.reduce<readonly (readonly [string, Json])[]>(
        (inner, name) => [[name, Object.fromEntries(inner)]],
        members,
      );
      this.text = insertMembers(this.text, parent.slice(0, there), nested);
    }
    for (const { path, value } of fields) this.#value.set(path, value);
  }

  /** Another value where one is: as little as possible of it, so that comments inside survive. */
  #set(path: Path, value: Json): void {
    const present = this.#value.at(path);
    if (isSameValue(present, value)) return;
    if (isJsonObject(present) && isJsonObject(value) && this.#isOpen(path)) {
      const gone = Object.keys(present).filter((name) => !Object.hasOwn(value, name));
      if (gone.length > 0) this.remove(path, new Set(gone));
      this.setAll(
        Object.entries(value).map(([name, item]) => ({ path: [...path, name], value: item })),
      );
      return;
    }
    const replaced =
      this.#format === "toml"
        ? replaceToml(this.text, path, value)
        : replaceValue(this.text, path, value);
    if (replaced === null) {
      this.remove(path.slice(0, -1), new Set(path.slice(-1)));
      this.#insert([{ path, value }]);
    } else {
      this.text = replaced;
      this.#value.set(path, value);
    }
  }

  /** Whether what is in a table can be changed singly; an inline table of TOML is one value. */
  #isOpen(path: Path): boolean {
    return this.#format !== "toml" || replaceToml(this.text, path, {}) === null;
  }
}
