/** Instructions that apply without being called: `AGENTS.md` and its kin, `.cursor/rules/*.mdc`, `.claude/rules`. */
import { SecretKeeper } from "../secrets.ts";
import { type Reader, Sheet } from "../source-file.ts";
import { parseFrontMatter } from "../text/front-matter.ts";
import { Fields, present } from "./fields.ts";
import { lossOf } from "./markdown-agent.ts";

export const readRule: Reader = (file) => {
  const sheet = new Sheet(file);
  const matter = parseFrontMatter(file.text);
  if ("fault" in matter) return sheet.fault(matter.fault);
  const fields = new Fields(matter.members, sheet, matter.lineOf);
  const description = fields.text("description");
  if (!fields.isValid) return sheet;
  const name = file.place.below.join("-").replace(/(?:\.instructions)?\.mdc?$/, "");
  const secrets = new SecretKeeper(name);
  sheet.add({
    kind: "rule",
    name,
    line: 1,
    common: present({ description, file: file.place.below.join("/"), digest: `sha256:${file.id}` }),
    native: fields.rest(secrets),
    lossy: [...secrets.lossy, ...lossOf(matter)],
    isKept: true,
  });
  return sheet;
};
