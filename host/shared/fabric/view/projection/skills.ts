/** Skills: every file of the folder, as it is. */
import { isJsonObject, type Json } from "../../../trust/canonical-json.ts";
import { idOfDigest } from "../../registry/layout.ts";
import type { WantedLink } from "./canvas.ts";
import { inBase, leaveOut, loseOverlay, noPlace, type Stage } from "./stage.ts";
import type { ShownSymbol } from "./symbols.ts";

export function projectSkills(stage: Stage, skills: readonly ShownSymbol[]): void {
  const { canvas, layout } = stage;
  const place = layout.skills;
  if (place === null) return noPlace(stage, skills, "skills");
  for (const skill of skills) {
    const { name } = skill.address;
    const files = filesOf(skill, inBase(skill, `${place.folder}/${name}`));
    if (files === null) {
      const message = "The registry does not have its files";
      leaveOut(stage, skill, place.view, "not-expressible", message);
    } else if (skill.inner["id"] !== name) {
      // Tools take a skill only from a folder of its name, which its file says.
      leaveOut(
        stage,
        skill,
        place.view,
        "not-expressible",
        `It calls itself otherwise than ${name}`,
      );
    } else if (canvas.link(skill, place.view, files)) {
      loseOverlay(stage, skill, place.view);
    }
  }
}

/** The files in `folder`; null when the body does not name them. */
function filesOf({ inner, sources }: ShownSymbol, folder: string): readonly WantedLink[] | null {
  const { files } = inner;
  if (!Array.isArray(files) || files.length === 0) return null;
  const wanted: WantedLink[] = [];
  for (const file of files as readonly Json[]) {
    const { path: below, digest } = isJsonObject(file) ? file : {};
    const object = idOfDigest(digest);
    if (typeof below !== "string" || object === null) return null;
    const path = `${folder}/${below}`;
    wanted.push({ path, object, isSource: sources.some((source) => source.path === path) });
  }
  return wanted;
}
