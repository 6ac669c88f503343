/** The order in which people write the members of a server; the registry keeps them sorted, which reads badly. */
import type { Json, JsonObject } from "../../../trust/canonical-json.ts";

const FIRST: readonly string[] = [
  "type",
  "transport",
  "command",
  "args",
  "cwd",
  "env",
  "env_vars",
  "environment",
  "url",
  "httpUrl",
  "headers",
];

/** The members of a table, the usual ones first. */
export function membersInOrder(table: JsonObject): readonly (readonly [string, Json])[] {
  const placeOf = (name: string): number => {
    const at = FIRST.indexOf(name);
    return at === -1 ? FIRST.length : at;
  };
  return Object.entries(table).sort(([a], [b]) => placeOf(a) - placeOf(b));
}
