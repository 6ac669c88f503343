/** `rtt view`: what views show, whether they still do, and how an edit of theirs comes back into the registry. */
import { relative, resolve, sep } from "node:path";
import { readConfiguration } from "../../shared/fabric/configuration/configuration.ts";
import { sourcesOf } from "../../shared/fabric/discovery/sources.ts";
import { configuredViews } from "../../shared/fabric/drafting/draft.ts";
import type { Generation } from "../../shared/fabric/generation.ts";
import type { Registry } from "../../shared/fabric/registry/registry.ts";
import { adoptFile, type Adopted } from "../../shared/fabric/view/adopt/adopt.ts";
import { projectViews } from "../../shared/fabric/view/projection.ts";
import {
  type DriftKind,
  type ViewDrift,
  type ViewStatus,
  viewStatus,
} from "../../shared/fabric/view/status/status.ts";
import { usedViews } from "../../shared/fabric/view/used-views.ts";
import { printable } from "../../shared/fabric/discovery/source-file.ts";
import { Failure } from "../../shared/ports/failure.ts";
import { equalBytes } from "../../shared/trust/bytes.ts";
import { exitCodeOf } from "../exit-codes.ts";
import { inForce } from "../project-apply.ts";
import { currentProject, openRegistry, type Project } from "../project.ts";
import { trustPorts } from "../trust-ports.ts";
import type { CommandContext, Verb } from "./context.ts";
import { JSON_FLAG } from "./input.ts";
import { addViewMount } from "./view-mount.ts";

interface AdoptFlags {
  readonly passphraseFile?: string | undefined;
}

export const addView: Verb = (program, context) => {
  const view = program
    .command("view")
    .description("what the tools of this project are shown: drift, edits to adopt, a mount");
  view
    .command("status")
    .summary("whether every view shows what is in force")
    .description(
      "Reads every file that a view shows. Ends with 0 when each is as the generation in force says it, and tells " +
        "how many files on the disk the links are: as many as there are objects, when nothing is there twice.",
    )
    .option(...JSON_FLAG)
    .action(() => status(context));
  view
    .command("list")
    .summary("the views and the files that they show")
    .option(...JSON_FLAG)
    .action(() => list(context));
  view
    .command("adopt <path>")
    .summary("take an edit of a view's file back into the registry")
    .description(
      "Reads the file as its tool does, and makes what was changed in it a new signed object of the symbol. The next " +
        "plan then shows it in every view. The edited file is kept in .rtt/private.",
    )
    .option("--passphrase-file <path>", "the passphrase of the identity")
    .option(...JSON_FLAG)
    .action((path: string, flags: AdoptFlags) => adopt(context, path, flags));
  addViewMount(view, context);
};

async function status(context: CommandContext): Promise<void> {
  const { project, registry, generation } = await open(context);
  const report = await viewStatus(trustPorts(), project.root, registry, generation, {
    hasModes: process.platform !== "win32",
  });
  context.answer(report, statusText(report));
  if (!report.ok) context.exitWith(exitCodeOf("view-drift"));
}

async function list(context: CommandContext): Promise<void> {
  const { generation } = await open(context);
  const files = generation?.files ?? [];
  const views = [...Map.groupBy(files, ({ view }) => view)]
    .map(([view, shown]) => ({
      view,
      links: shown.filter(({ how }) => how === "link").length,
      merged: shown.filter(({ how }) => how === "merge").length,
      files: shown.map(({ path, how, digest }) => ({ path, how, digest })),
    }))
    .sort((a, b) => (a.view < b.view ? -1 : 1));
  const lines = views.flatMap((one) => [
    `${one.view}: ${one.links} links, ${one.merged} merged`,
    ...one.files.map(({ path }) => `  ${printable(path)}`),
  ]);
  const none = "Nothing is shown yet. `rtt plan` and `rtt apply` show what the registry has.";
  context.answer(
    { generation: generation?.generation ?? null, views },
    lines.length === 0 ? none : lines.join("\n"),
  );
}

async function adopt(
  context: CommandContext,
  path: string,
  { passphraseFile }: AdoptFlags,
): Promise<void> {
  const { project, registry, generation } = await open(context, { passphraseFile });
  if (generation === null) {
    throw new Failure("generation-missing", "Nothing is shown yet, so nothing can be adopted", {
      origin: "local",
      remedy: "`rtt scan` takes in files of your own; `rtt plan` and `rtt apply` show them.",
    });
  }
  const shown = pathInProject(project, path);
  const adopted = await adoptFile(
    {
      ports: trustPorts(),
      root: project.root,
      registry,
      generation,
      symbolsAt: (file) => symbolsAt(project, registry, file),
    },
    shown,
  );
  const others = await otherSources(project, registry, adopted);
  context.answer({ ...adopted, others }, adoptedText(adopted, others));
}

async function open(
  context: CommandContext,
  access: AdoptFlags | null = null,
): Promise<{ project: Project; registry: Registry; generation: Generation | null }> {
  const project = currentProject(context);
  const registry = await openRegistry(
    context,
    project,
    access === null ? { isReadOnly: true } : { passphraseFile: access.passphraseFile },
  );
  const stored = await inForce(context, project, await registry.signers());
  return { project, registry, generation: stored?.generation ?? null };
}

/** Which symbols a path shows; making the projection again also brings back derived objects that are gone. */
async function symbolsAt(
  project: Project,
  registry: Registry,
  path: string,
): Promise<readonly string[]> {
  const { files, digest } = trustPorts();
  const sources = await sourcesOf(registry);
  const configuration = await readConfiguration(files, project.root);
  const projection = await projectViews({
    registry,
    files,
    digest,
    root: project.root,
    views: await usedViews(files, project.root, sources, configuredViews(configuration)),
    sources,
    environment: null,
  });
  return projection.files.find((file) => file.path === path)?.symbols ?? [];
}

/** The user's own files that still say what a symbol said before: the next scan would bring that back. */
async function otherSources(
  { root }: Project,
  registry: Registry,
  { path, symbols }: Adopted,
): Promise<readonly string[]> {
  const sources = await sourcesOf(registry);
  const all = symbols.flatMap(({ address }) => sources.get(address) ?? []);
  const own = all.filter(({ format }) => !format.endsWith("-file")).map((source) => source.path);
  const { files } = trustPorts();
  const adopted = await files.read(resolve(root, path));
  const others: string[] = [];
  for (const other of new Set(own)) {
    const bytes = await files.read(resolve(root, other));
    // What is another name of the file that was changed, or was changed alike, says it already.
    const isSame = bytes !== null && adopted !== null && equalBytes(bytes, adopted);
    if (other !== path && !isSame) others.push(other);
  }
  return others.sort();
}

/** A path as the user gives it, from the current folder or, outside of the project, from its root. */
function pathInProject({ root }: Project, path: string): string {
  const folder = process.cwd();
  const isInside = folder === root || folder.startsWith(root + sep);
  return relative(root, resolve(isInside ? folder : root, path))
    .split(sep)
    .join("/");
}

// --- texts ---

const DRIFT_TEXTS: Readonly<Record<DriftKind, string>> = {
  changed: "was changed; `rtt view adopt` takes the change, deleting the file undoes it",
  missing: "is gone; `rtt plan` and `rtt apply` bring it back",
  replaced:
    "is a file of its own now with the same bytes; `rtt plan` and `rtt apply` link it again",
  mode: "may be written to; take the permission away",
  "object-changed": "was changed in place, and the registry's object with it; `rtt view adopt` it",
  "object-missing": "is shown, and the registry has lost the object; see `rtt fsck`",
  "not-a-file": "is no plain file any more",
  unreadable: "cannot be read any more",
  "field-changed": "was changed; `rtt view adopt` takes the change, deleting the field undoes it",
  "field-missing": "was removed",
};

function driftText({ path, view, kind, field }: ViewDrift): string {
  const where = field === null ? path : `${path}: ${field}`;
  return `${kind}  ${printable(where)} (${view}) ${DRIFT_TEXTS[kind]}`;
}

function statusText(report: ViewStatus): string {
  const { generation, files, merged, objects, inodes, copies, duplicateBytes, drift } = report;
  if (generation === null) return "Nothing is shown yet.";
  const copied = copies === 0 ? "" : `, ${copies} of them copies`;
  return [
    ...drift.map(driftText),
    `Generation ${generation}: ${files} links to ${objects} objects in ${inodes} inodes${copied}, ` +
      `${duplicateBytes} bytes twice; ${merged} merged files.`,
    drift.length === 0 ? "Every view shows what is in force." : `${drift.length} drifted.`,
  ].join("\n");
}

function adoptedText({ path, symbols, object }: Adopted, others: readonly string[]): string {
  const lines = symbols.map(({ address, id }) => `${id.slice(0, 12)}  ${address}`);
  if (object === "restored") lines.push("The object that was changed in place is whole again.");
  if (object === "quarantined") {
    lines.push("The object that was changed in place is in .rtt/registry/quarantine.");
  }
  for (const other of others) {
    lines.push(
      `${printable(other)} still says what it said: change it too, or a scan undoes this.`,
    );
  }
  if (symbols.length === 0) return [`${path} says nothing new.`, ...lines].join("\n");
  return [...lines, "`rtt plan` and `rtt apply` show it in every view."].join("\n");
}
