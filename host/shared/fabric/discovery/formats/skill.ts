/** Agent Skills: a folder with `SKILL.md`, whose rules are those of agentskills.io. */
import { isJsonObject } from "../../../trust/canonical-json.ts";
import { SecretKeeper } from "../secrets.ts";
import { type Reader, Sheet, shown } from "../source-file.ts";
import { parseFrontMatter } from "../text/front-matter.ts";
import { Fields, present } from "./fields.ts";
import { lossOf } from "./markdown-agent.ts";

const NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
const NAME_CHARACTERS_MAX = 64;
const DESCRIPTION_CHARACTERS_MAX = 1024;

export const readSkill: Reader = (file) => {
  const sheet = new Sheet(file);
  const matter = parseFrontMatter(file.text);
  if ("fault" in matter) return sheet.fault(matter.fault);
  if (!matter.isPresent) {
    sheet.problem(1, "front-matter-missing", "A skill begins with --- and its fields");
    return sheet;
  }
  const fields = new Fields(matter.members, sheet, matter.lineOf);
  const name = fields.needed("name");
  const description = fields.needed("description");
  const license = fields.text("license");
  const compatibility = fields.text("compatibility");
  const allowed = fields.any("allowed-tools");
  const metadata = fields.any("metadata");
  if (!fields.isValid) return sheet;
  const folder = file.place.below[0] ?? "";
  if (!NAME.test(name) || name.length > NAME_CHARACTERS_MAX) {
    const rule = `at most ${NAME_CHARACTERS_MAX} of a-z, 0-9 and single hyphens inside`;
    sheet.problem(matter.lineOf("name"), "name-invalid", `${shown(name)} is no name: ${rule}`);
    return sheet;
  }
  if (name !== folder) {
    const problem = `The skill ${shown(name)} lies in the folder ${shown(folder)}`;
    sheet.problem(matter.lineOf("name"), "name-mismatch", problem);
    return sheet;
  }
  if (description.length > DESCRIPTION_CHARACTERS_MAX) {
    const problem = `"description" has more than ${DESCRIPTION_CHARACTERS_MAX} characters`;
    sheet.problem(matter.lineOf("description"), "too-large", problem);
    return sheet;
  }
  const secrets = new SecretKeeper(name);
  sheet.add({
    kind: "skill",
    name,
    version: isJsonObject(metadata) ? metadata["version"] : undefined,
    line: matter.lineOf("name"),
    common: present({
      id: name,
      description,
      license,
      compatibility,
      "allowed-tools": secrets.value(allowed, "allowed-tools", ""),
      metadata: secrets.value(metadata, "metadata", ""),
    }),
    native: fields.rest(secrets),
    lossy: [...secrets.lossy, ...lossOf(matter)],
    isKept: true,
  });
  return sheet;
};
