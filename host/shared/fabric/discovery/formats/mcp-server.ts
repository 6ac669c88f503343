/** What the entries of all tools' lists of MCP servers have in common. */
import type { Json, JsonObject } from "../../../trust/canonical-json.ts";
import { SecretKeeper } from "../secrets.ts";
import type { Sheet } from "../source-file.ts";
import { type Fields, present } from "./fields.ts";

/** How one tool names the parts of an entry. */
export interface ServerEntry {
  readonly command: string | null;
  readonly args: readonly string[];
  readonly variables: ReadonlyMap<string, string>;
  /** The field that the variables stand in. */
  readonly variablesField: string;
  readonly url: string | null;
  readonly headers: ReadonlyMap<string, string>;
  readonly headersField: string;
  readonly folder: string | null;
  readonly transport: string | null;
}

/** Adds the server to the sheet, unless its entry has neither a program nor an address, or a field is wrong. */
export function addServer(
  sheet: Sheet,
  name: string,
  line: number,
  entry: ServerEntry,
  fields: Fields,
): void {
  if (!fields.isValid) return;
  const { command, url } = entry;
  if ((command === null) === (url === null)) {
    const problem = url === null ? "has neither a program nor an address" : "has both";
    sheet.problem(line, "field-missing", `The server ${problem}: it needs one of command and url`);
    return;
  }
  const secrets = new SecretKeeper(name);
  const common = present({
    transport: transportOf(entry),
    command: command === null ? null : secrets.text(command, "command", "command"),
    args: secrets.words(entry.args, "args"),
    env: mapped(entry.variables, (key, value) =>
      secrets.variable(key, value, `${entry.variablesField}.${key}`),
    ),
    cwd: entry.folder === null ? null : secrets.text(entry.folder, "cwd", "cwd"),
    url: url === null ? null : secrets.text(url, "url", "url"),
    headers: mapped(entry.headers, (key, value) =>
      secrets.header(key, value, `${entry.headersField}.${key}`),
    ),
  });
  const native = fields.rest(secrets);
  const { lossy } = secrets;
  sheet.add({ kind: "mcp-server", name, line, common, native, lossy, entry: name });
}

function transportOf({ command, url, transport }: ServerEntry): string {
  if (command !== null) return "stdio";
  if (transport === "sse" || (transport === null && (url ?? "").endsWith("/sse"))) return "sse";
  return "streamable-http";
}

function mapped(
  values: ReadonlyMap<string, string>,
  keep: (key: string, value: string) => Json,
): JsonObject | null {
  if (values.size === 0) return null;
  return Object.fromEntries([...values].map(([key, value]) => [key, keep(key, value)]));
}
