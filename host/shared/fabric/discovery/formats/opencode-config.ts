/** MCP servers of OpenCode: `opencode.json` and `opencode.jsonc` under `mcp`. */
import { type Reader, Sheet } from "../source-file.ts";
import { parseJsonText } from "../text/json-text.ts";
import { Fields } from "./fields.ts";
import { eachServer } from "./mcp-json.ts";
import { addServer } from "./mcp-server.ts";

export const readOpencodeConfig: Reader = (file) => {
  const sheet = new Sheet(file);
  const json = parseJsonText(file.text, { isCommented: true });
  if ("fault" in json) return sheet.fault(json.fault);
  eachServer(sheet, json, ["mcp"], (name, entry, line) => {
    const fields = new Fields(entry, sheet, (field) => json.lineOf(["mcp", name, field]));
    // "local" and "remote" say no more than the presence of command and url.
    fields.text("type");
    const [command = null, ...args] = fields.texts("command");
    addServer(
      sheet,
      name,
      line,
      {
        command,
        args,
        variables: fields.textMap("environment"),
        variablesField: "environment",
        url: fields.text("url"),
        headers: fields.textMap("headers"),
        headersField: "headers",
        folder: fields.text("cwd"),
        transport: null,
      },
      fields,
    );
  });
  return sheet;
};
