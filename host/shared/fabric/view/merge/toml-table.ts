/** Writes what comes into a TOML document: keys with values, and tables under headers of their own. */
import { isJsonObject, type Json, type JsonObject } from "../../../trust/canonical-json.ts";
import { tomlKey, tomlValue } from "../dialects/toml-writer.ts";
import { membersInOrder } from "./member-order.ts";

/** A key with its value; nothing for a value that TOML cannot say. */
export function tomlPair(names: readonly string[], value: Json): readonly string[] {
  const said = tomlValue(value);
  return said === null ? [] : [`${tomlPath(names)} = ${said}`];
}

/** Names with dots between them. */
export function tomlPath(names: readonly string[]): string {
  return names.map(tomlKey).join(".");
}

/** A table with its header, and the tables in it below; lines without their ends. */
export function tomlTable(path: readonly string[], table: JsonObject): readonly string[] {
  const members = membersInOrder(table);
  const below = members.filter(([, value]) => isJsonObject(value));
  return [
    `[${tomlPath(path)}]`,
    ...members.flatMap(([name, value]) => (isJsonObject(value) ? [] : tomlPair([name], value))),
    ...below.flatMap(([name, value]) => ["", ...tomlTable([...path, name], value as JsonObject)]),
  ];
}
