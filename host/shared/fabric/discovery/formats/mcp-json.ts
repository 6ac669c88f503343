/**
 * Lists of MCP servers in JSON: `.mcp.json`, `.cursor/mcp.json`, `.github/mcp.json` and `.gemini/settings.json` under
 * `mcpServers`, `.vscode/mcp.json` under `servers`. Only `.mcp.json` is plain JSON; the others may have comments.
 */
import { isJsonObject, type JsonObject } from "../../../trust/canonical-json.ts";
import { type Reader, Sheet, type SourceFile } from "../source-file.ts";
import { parseJsonText } from "../text/json-text.ts";
import type { ParsedText } from "../text/parsed.ts";
import { Fields } from "./fields.ts";
import { addServer } from "./mcp-server.ts";

export const readMcpJson: Reader = (file) => readServers(file, false);
export const readMcpJsonc: Reader = (file) => readServers(file, true);

function readServers(file: SourceFile, isCommented: boolean): Sheet {
  const sheet = new Sheet(file);
  const json = parseJsonText(file.text, { isCommented });
  if ("fault" in json) return sheet.fault(json.fault);
  // Of VS Code's own: in a project, and in the settings of a person.
  const isVsCode = /\/(?:\.vscode|Code\/User)\/mcp\.json$/.test(file.path);
  eachServer(sheet, json, [isVsCode ? "servers" : "mcpServers"], (name, entry, line) => {
    const fields = new Fields(entry, sheet, (field) =>
      json.lineOf([isVsCode ? "servers" : "mcpServers", name, field]),
    );
    // Gemini CLI and its kin call the address of a streamable server httpUrl, and url is that of an event stream.
    const http = fields.text("httpUrl");
    const url = fields.text("url");
    // Kimi Code says by transport what the others say by type.
    const type = fields.text("type") ?? fields.text("transport");
    const isGemini = file.place.tool === "gemini-cli" || file.place.tool === "qwen";
    const fallback = isGemini && url !== null ? "sse" : null;
    addServer(
      sheet,
      name,
      line,
      {
        command: fields.text("command"),
        args: fields.texts("args"),
        variables: fields.textMap("env"),
        variablesField: "env",
        url: http ?? url,
        headers: fields.textMap("headers"),
        headersField: "headers",
        folder: fields.text("cwd"),
        transport: http === null ? (type ?? fallback) : "http",
      },
      fields,
    );
  });
  return sheet;
}

/** Calls `task` for each entry of the list at `path`; a file without the list has no servers. */
export function eachServer(
  sheet: Sheet,
  parsed: ParsedText,
  path: readonly string[],
  task: (name: string, entry: JsonObject, line: number) => void,
): void {
  const [list = ""] = path;
  if (!Object.hasOwn(parsed.value, list)) return;
  const servers = parsed.value[list];
  if (!isJsonObject(servers)) {
    sheet.problem(parsed.lineOf(path), "field-type", `"${list}" must be an object of servers`);
    return;
  }
  for (const [name, entry] of Object.entries(servers)) {
    const line = parsed.lineOf([list, name]);
    if (isJsonObject(entry)) task(name, entry, line);
    else sheet.problem(line, "field-type", "A server must be an object");
  }
}
