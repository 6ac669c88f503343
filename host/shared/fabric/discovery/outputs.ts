/**
 * What views have put into the folders that a scan looks at. Such a file is no source: it says what the registry says.
 * Unless a symbol was read from it before there was a view; then it is that person's own file as ever.
 */
import { Failure } from "../../ports/failure.ts";
import type { Generation, GenerationFile } from "../generation.ts";
import { readGeneration, readGenerationNumber } from "../generation-file/generation-file.ts";
import { corrupt } from "../registry/object.ts";
import { idOfDigest } from "../registry/layout.ts";
import type { RegistryPorts } from "../registry/ports.ts";
import type { Registry } from "../registry/registry.ts";
import type { SignerCheck } from "../registry/signature.ts";
import { readViewFields } from "../view/fields.ts";
import type { ScanProblem } from "./found.ts";
import type { ScannedFile } from "./skill-files.ts";
import { keptPath, type SourceBase, type SymbolSources } from "./sources.ts";

/** A file of a generation, or some entries of one. */
export interface ViewOutput {
  /** From the project's root. */
  readonly path: string;
  /** The view that shows it. */
  readonly view: string;
  /** "sha256:…" of what the view has put there. */
  readonly digest: string;
  /** The entries that are the view's in a file that is otherwise somebody's own; null: the whole file is. */
  readonly entries: ReadonlySet<string> | null;
  /** False: of a generation that is being applied, or was not; the file may not be there yet. */
  readonly isInForce: boolean;
}

export interface OutputCheck {
  readonly base: SourceBase;
  readonly outputs: readonly ViewOutput[];
  /** What symbols were read from before. */
  readonly sources: SymbolSources;
}

/**
 * What the generation in force shows, and what the next one would: views change before it is in force, and a loss of
 * power may come in between. `folder` is the project's `.rtt`.
 */
export async function viewOutputs(
  ports: RegistryPorts,
  registry: Registry,
  folder: string,
): Promise<readonly ViewOutput[]> {
  const signers = await registry.signers();
  const current = (await readGeneration(ports, folder, signers))?.generation ?? null;
  const next = await stagedGeneration(ports, folder, (current?.generation ?? 0) + 1, signers);
  const outputs: ViewOutput[] = [];
  for (const generation of [current, next]) {
    const isInForce = generation === current;
    for (const file of generation?.files ?? []) {
      const { path, view, digest } = file;
      outputs.push({ path, view, digest, entries: await entriesOf(registry, file), isInForce });
    }
  }
  return outputs;
}

/** A generation that was begun; null where there is none, or one that nobody would put in force. */
async function stagedGeneration(
  ports: RegistryPorts,
  folder: string,
  number: number,
  signers: SignerCheck,
): Promise<Generation | null> {
  try {
    return (await readGenerationNumber(ports, folder, number, signers)).generation;
  } catch (thrown) {
    if (Failure.from(thrown).code === "internal") throw thrown;
    return null;
  }
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
  const byPath = Map.groupBy(outputs, ({ path }) => path);
  const own = new Set([...sources.values()].flat().map(({ path, entry }) => keyOf(path, entry)));
  return scanned.flatMap((one) => {
    const { file, entry } = one;
    const path = keptPath(file.path, base);
    const shown = byPath.get(path);
    if (shown === undefined || own.has(keyOf(path, null))) return [one];
    const isShown = ({ digest }: ViewOutput): boolean => digest === `sha256:${entry.digest}`;
    const whole = shown.filter(({ entries }) => entries === null);
    if (whole.some(isShown)) return [];
    const inForce = whole.find(({ isInForce }) => isInForce);
    if (inForce !== undefined) {
      problems.push(changed(file.path, inForce.view));
      return [];
    }
    // Before the next generation has merged into it, an entry of that name is somebody's own.
    const merged = shown.filter((output) => output.isInForce || isShown(output));
    const names = new Set(merged.flatMap(({ entries }) => [...(entries ?? [])]));
    const found = entry.reading.found.filter(({ source }) => {
      const name = source.entry ?? "";
      return !names.has(name) || own.has(keyOf(path, name));
    });
    return [{ file, entry: { ...entry, reading: { ...entry.reading, found } } }];
  });
}

function keyOf(path: string, entry: string | null): string {
  return entry === null ? path : `${path}\0${entry}`;
}

function changed(path: string, view: string): ScanProblem {
  const message = `It is what the view ${view} shows, and was changed; \`rtt view adopt\` takes the change`;
  return { path, line: 0, rule: "view-changed", message };
}
