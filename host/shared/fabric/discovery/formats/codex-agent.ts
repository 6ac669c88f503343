/** Agents of Codex: `.codex/agents/*.toml`. */
import type { LossyField } from "../found.ts";
import { SecretKeeper } from "../secrets.ts";
import { type Reader, Sheet } from "../source-file.ts";
import { parseTomlText } from "../text/toml-text.ts";
import { Fields, present } from "./fields.ts";
import { stemOf } from "./markdown-agent.ts";

export const readCodexAgent: Reader = (file) => {
  const sheet = new Sheet(file);
  const toml = parseTomlText(file.text);
  if ("fault" in toml) return sheet.fault(toml.fault);
  const lineOf = (field: string): number => toml.lineOf([field]);
  const fields = new Fields(toml.value, sheet, lineOf);
  const name = fields.text("name") ?? stemOf(file);
  const description = fields.needed("description");
  const instructions = fields.needed("developer_instructions");
  const version = fields.text("version");
  if (!fields.isValid) return sheet;
  const secrets = new SecretKeeper(name);
  sheet.add({
    kind: "agent",
    name,
    version,
    line: lineOf("name"),
    common: present({ description, instructions: instructions.trim() }),
    native: fields.rest(secrets),
    lossy: [
      ...secrets.lossy,
      ...toml.asText.map((field): LossyField => ({ field, reason: "as-text" })),
    ],
  });
  return sheet;
};
