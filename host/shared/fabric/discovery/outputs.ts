/**
 * What views have put into the folders that a scan looks at. Such a file is no source: it says what the registry says.
 * Unless a symbol was read from it before there was a view; then it is that person's own file as ever.
 */
import type { GenerationFile } from "../generation.ts";
import { readGeneration } from "../generation-file/generation-file.ts";
import { corrupt } from "../registry/object.ts";
import { idOfDigest } from "../registry/layout.ts";
import type { RegistryPorts } from "../registry/ports.ts";
import type { Registry } from "../registry/registry.ts";
import { readViewFields } from "../view/fields.ts";
import type { FoundSymbol, ScanProblem } from "./found.ts";
import type { ScannedFile } from "./skill-files.ts";
import { keptPath, type SourceBase, type SymbolSources } from "./sources.ts";

/** A file of the generation in force, or some entries of one. */
export interface ViewOutput {
  /** From the project's root. */
  readonly path: string;
  /** The view that shows it. */
  readonly view: string;
  /** "sha256:…" of what the view has put there. */
  readonly digest: string;
  /** The entries that are the view's in a file that is otherwise somebody's own; null: the whole file is. */
  readonly entries: ReadonlySet<string> | null;
}

export interface OutputCheck {
  readonly base: SourceBase;
  readonly outputs: readonly ViewOutput[];
  /** What symbols were read from before. */
  readonly sources: SymbolSources;
}

/** What the generation in force shows; `folder` is the project's `.rtt`. */
export async function viewOutputs(
  ports: RegistryPorts,
  registry: Registry,
  folder: string,
): Promise<readonly ViewOutput[]> {
  const stored = await readGeneration(ports, folder, await registry.signers());
  const outputs: ViewOutput[] = [];
  for (const file of stored?.generation.files ?? []) {
    const { path, view, digest } = file;
    outputs.push({ path, view, digest, entries: await entriesOf(registry, file) });
  }
  return outputs;
}

/** Names of the entries that a view has merged into a file; null for a file that is all its own. */
async function entriesOf(
  registry: Registry,
  file: GenerationFile,
): Promise<ReadonlySet<string> | null> {
  if (file.how === "link") return null;
  const id = idOfDigest(file.fields);
  if (id === null) throw corrupt(file.fields, "is no digest");
  const { fields } = readViewFields((await registry.get(id)).body);
  // The first name is the list's, the second one the entry's.
  return new Set(fields.flatMap(({ path }) => path.slice(1, 2)));
}

/** The scanned files without what views have put there; what was changed in one is told. */
export function withoutOutputs(
  scanned: readonly ScannedFile[],
  { base, outputs, sources }: OutputCheck,
  problems: ScanProblem[],
): readonly ScannedFile[] {
  if (outputs.length === 0) return scanned;
  const byPath = new Map(outputs.map((output) => [output.path, output]));
  const own = new Set(
    [...sources.values()]
      .flat()
      .map(({ path, entry }) => (entry === null ? path : `${path}\0${entry}`)),
  );
  return scanned.flatMap((one) => {
    const { file, entry } = one;
    const path = keptPath(file.path, base);
    const output = byPath.get(path);
    if (output === undefined) return [one];
    const { entries } = output;
    if (entries !== null) {
      const isOwn = ({ source }: FoundSymbol): boolean => {
        const name = source.entry ?? "";
        return !entries.has(name) || own.has(`${path}\0${name}`);
      };
      const found = entry.reading.found.filter(isOwn);
      return [{ file, entry: { ...entry, reading: { ...entry.reading, found } } }];
    }
    if (own.has(path)) return [one];
    if (`sha256:${entry.digest}` !== output.digest) problems.push(changed(file.path, output.view));
    return [];
  });
}

function changed(path: string, view: string): ScanProblem {
  const message = `It is what the view ${view} shows, and was changed; \`rtt view adopt\` takes the change`;
  return { path, line: 0, rule: "view-changed", message };
}
