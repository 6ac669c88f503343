/** Agents in Markdown: `.claude/agents`, `.cursor/agents`, `.github/agents`, `.opencode/agents`, `.agents/agents`. */
import type { LossyField } from "../found.ts";
import { SecretKeeper } from "../secrets.ts";
import { type Reader, Sheet, type SourceFile } from "../source-file.ts";
import { type FrontMatter, parseFrontMatter } from "../text/front-matter.ts";
import { Fields, present } from "./fields.ts";

export const readMarkdownAgent: Reader = (file) => {
  const sheet = new Sheet(file);
  const matter = parseFrontMatter(file.text);
  if ("fault" in matter) return sheet.fault(matter.fault);
  if (!matter.isPresent) {
    sheet.problem(1, "front-matter-missing", "An agent begins with --- and its fields");
    return sheet;
  }
  const fields = new Fields(matter.members, sheet, matter.lineOf);
  const name = fields.text("name") ?? stemOf(file);
  const description = fields.needed("description");
  const version = fields.text("version");
  if (!fields.isValid) return sheet;
  const secrets = new SecretKeeper(name);
  sheet.add({
    kind: "agent",
    name,
    version,
    line: matter.lineOf("name"),
    common: present({ description, instructions: matter.text }),
    native: fields.rest(secrets),
    lossy: [...secrets.lossy, ...lossOf(matter)],
  });
  return sheet;
};

/** The name of a file without its ending. */
export function stemOf({ place }: SourceFile): string {
  return (place.below.at(-1) ?? "").replace(/\.[^.]*$/, "").replace(/\.(?:agent|chatmode)$/, "");
}

/** What reading the front matter itself lost. */
export function lossOf({ asText, asLines }: FrontMatter): readonly LossyField[] {
  return [
    ...asText.map((field): LossyField => ({ field, reason: "as-text" })),
    ...asLines.map((field): LossyField => ({ field, reason: "line-as-text" })),
  ];
}
