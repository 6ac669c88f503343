/** Writes values as TOML: strings on one line, tables in tables under headers of their own. */
import { isJsonObject, type Json, type JsonObject } from "../../../trust/canonical-json.ts";
import { membersInOrder } from "./member-order.ts";

const BARE_KEY = /^[A-Za-z0-9_-]+$/;

/** A value that stands behind "=". Tables in it are inline. Null, which TOML has not, is left out of tables. */
export function tomlValue(value: Json): string {
  // TOML's basic strings have JSON's escapes, and want one more character escaped.
  if (typeof value === "string") return JSON.stringify(value).replaceAll("\u007f", "\\u007F");
  if (Array.isArray(value)) return `[${value.map(tomlValue).join(", ")}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const members = membersInOrder(value).filter(([, item]) => item !== null);
  const pairs = members.map(([name, item]) => `${tomlKey([name])} = ${tomlValue(item)}`);
  return pairs.length === 0 ? "{}" : `{ ${pairs.join(", ")} }`;
}

/** Names with dots between them. */
export function tomlKey(names: readonly string[]): string {
  return names.map((name) => (BARE_KEY.test(name) ? name : tomlValue(name))).join(".");
}

/** A table with its header, and the tables in it below; lines without their ends. */
export function tomlTable(path: readonly string[], table: JsonObject): readonly string[] {
  const members = membersInOrder(table).filter(([, value]) => value !== null);
  const pairs = members.filter(([, value]) => !isJsonObject(value));
  const below = members.filter(([, value]) => isJsonObject(value));
  return [
    `[${tomlKey(path)}]`,
    ...pairs.map(([name, value]) => `${tomlKey([name])} = ${tomlValue(value)}`),
    ...below.flatMap(([name, value]) => ["", ...tomlTable([...path, name], value as JsonObject)]),
  ];
}
