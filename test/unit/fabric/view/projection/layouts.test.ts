import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PROJECT_PLACES } from "../../../../../host/shared/fabric/discovery/places.ts";
import { TOOL_LAYOUTS } from "../../../../../host/shared/fabric/view/layouts.ts";

const GUIDE = readFileSync(
  join(import.meta.dirname, "../../../../../docs/operating/views.md"),
  "utf8",
);

/** The cells of the guide's row for a view. */
function rowOf(view: string): readonly string[] {
  const line = GUIDE.split("\n").find((one) => one.split("|")[2]?.trim() === `\`${view}\``);
  if (line === undefined) throw new Error(`docs/operating/views.md has no row for ${view}`);
  return line.split("|").map((cell) => cell.trim());
}

test("the guide names each tool's places", () => {
  for (const layout of TOOL_LAYOUTS.filter(({ isTool }) => isTool)) {
    const { view, agents, skills, instructions, rules, servers } = layout;
    const [, title, , ...cells] = rowOf(view);
    const quoted = (text: string | undefined): string => (text === undefined ? "—" : `\`${text}\``);
    const filesOf = (place: { readonly folder: string; readonly ending: string } | null): string =>
      quoted(place === null ? undefined : `${place.folder}/*${place.ending}`);
    const shown = [
      filesOf(agents),
      quoted(skills?.folder),
      quoted(instructions?.path),
      filesOf(rules),
      servers === null ? "—" : servers.paths.map(quoted).join(", "),
    ];
    const expected = shown.map((cell, at) => (cells[at] === "as above" ? "as above" : cell));
    expect([view, title, ...cells.slice(0, 5)]).toEqual([view, layout.title, ...expected]);
  }
});

test("a scan reads every place that a view writes to, as a file of the same tool", () => {
  const read: [string, string | null][] = [];
  for (const { agents, skills, instructions, rules, servers } of TOOL_LAYOUTS) {
    if (agents !== null) read.push([`${agents.folder}/x${agents.ending}`, agents.tool]);
    if (skills !== null) read.push([`${skills.folder}/x/SKILL.md`, skills.tool]);
    if (instructions !== null) read.push([instructions.path, instructions.tool ?? "shared"]);
    if (rules !== null) read.push([`${rules.folder}/x${rules.ending}`, rules.tool]);
    for (const path of servers?.paths ?? []) read.push([path, servers?.tool ?? null]);
  }
  const found = read.map(([path]) => [path, PROJECT_PLACES.placeOf(path.split("/"))?.tool]);
  expect(found).toEqual(read);
});

test("no two views have one name, and every name can be that of a participant", () => {
  const views = TOOL_LAYOUTS.map(({ view }) => view);
  expect(new Set(views).size).toBe(views.length);
  for (const view of views) expect(view).toMatch(/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/);
});
