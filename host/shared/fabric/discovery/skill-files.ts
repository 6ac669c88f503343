/** A skill is its whole folder: its body names every file by digest. One bad file, and the skill is not registered. */
import { isJsonObject, type Json } from "../../trust/canonical-json.ts";
import type { FoundSymbol, ScanProblem } from "./found.ts";
import type { CacheEntry } from "./scan-cache.ts";
import type { WalkedFile } from "./walk.ts";

export interface ScannedFile {
  readonly file: WalkedFile;
  readonly entry: CacheEntry;
}

export const SKILL_FILES_MAX = 512;

/** The folder of the skill that a file belongs to. */
function skillFolder({ path, place }: WalkedFile): string {
  const tail = place.below.slice(1).join("/");
  return path.slice(0, path.length - tail.length - 1);
}

/** Everything that was found, skills with their files, without those that are not whole. */
export function withSkillFiles(
  scanned: readonly ScannedFile[],
  problems: ScanProblem[],
): readonly FoundSymbol[] {
  const byFolder = new Map<string, ScannedFile[]>();
  for (const one of scanned) {
    const { format } = one.file.place;
    if (format !== "skill" && format !== "skill-file") continue;
    const folder = skillFolder(one.file);
    byFolder.set(folder, [...(byFolder.get(folder) ?? []), one]);
  }
  const bad = new Set(
    [...byFolder.keys()].filter((folder) =>
      problems.some(({ path }) => path.startsWith(`${folder}/`)),
    ),
  );
  return scanned.flatMap(({ file, entry }) => {
    const { found } = entry.reading;
    if (file.place.format !== "skill") return found;
    const files = byFolder.get(skillFolder(file)) ?? [];
    // A file without a digest was not read; a link that leads nowhere is no file, but the skill wants it.
    if (bad.has(skillFolder(file))) return [];
    if (files.length > SKILL_FILES_MAX) {
      const message = `The skill has more than ${SKILL_FILES_MAX} files`;
      problems.push({ path: file.path, line: 0, rule: "too-many", message });
      return [];
    }
    return found.map((symbol) => withFiles(symbol, files));
  });
}

function withFiles(symbol: FoundSymbol, files: readonly ScannedFile[]): FoundSymbol {
  const listed = files
    .map(({ file, entry }) => ({ name: file.place.below.slice(1).join("/"), file, entry }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const list = listed.map(({ name, entry }): Json => ({
    path: name,
    digest: `sha256:${entry.digest}`,
  }));
  const skill = isJsonObject(symbol.body) ? symbol.body["skill"] : undefined;
  if (!isJsonObject(skill)) return symbol;
  return {
    ...symbol,
    body: { type: "skill", skill: { ...skill, files: list } },
    contents: listed.map(({ file, entry }) => ({ id: entry.digest, path: file.path })),
  };
}
