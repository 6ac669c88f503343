/** MCP servers of Codex: `.codex/config.toml`, one table `[mcp_servers.<name>]` each. */
import type { JsonObject } from "../../../trust/canonical-json.ts";
import { type Reader, Sheet } from "../source-file.ts";
import { parseTomlText } from "../text/toml-text.ts";
import { Fields } from "./fields.ts";
import { eachServer } from "./mcp-json.ts";
import { addServer } from "./mcp-server.ts";

export const readCodexConfig: Reader = (file) => {
  const sheet = new Sheet(file);
  const toml = parseTomlText(file.text);
  if ("fault" in toml) return sheet.fault(toml.fault);
  eachServer(sheet, toml, ["mcp_servers"], (name, entry, line) => {
    const fields = new Fields(entry, sheet, () => line);
    const variables = new Map(fields.textMap("env"));
    for (const variable of passedOn(entry) ? fields.texts("env_vars") : []) {
      variables.set(variable, `\${env:${variable}}`);
    }
    const headers = new Map(fields.textMap("http_headers"));
    // These name variables instead of holding values, which is what a reference is.
    for (const [header, variable] of fields.textMap("env_http_headers")) {
      headers.set(header, `\${env:${variable}}`);
    }
    const bearer = fields.text("bearer_token_env_var");
    if (bearer !== null) headers.set("Authorization", `Bearer \${env:${bearer}}`);
    addServer(
      sheet,
      name,
      line,
      {
        command: fields.text("command"),
        args: fields.texts("args"),
        variables,
        variablesField: "env",
        url: fields.text("url"),
        headers,
        headersField: "http_headers",
        folder: fields.text("cwd"),
        // Codex speaks nothing else, whatever the address looks like.
        transport: "http",
      },
      fields,
    );
  });
  return sheet;
};

/** Whether the variables that Codex passes on are all its own; those of another machine only Codex understands. */
function passedOn(entry: JsonObject): boolean {
  const names = entry["env_vars"];
  return Array.isArray(names) && names.every((name) => typeof name === "string");
}
