/** `rtt scan`: finds agents, skills, rules and servers in the folders of tools, and registers them. */
import { homedir } from "node:os";
import type { FoundSymbol, ScanProblem } from "../../shared/fabric/discovery/found.ts";
import { type Refreshed, refreshRegistry } from "../../shared/fabric/discovery/refresh.ts";
import { idOfSymbol } from "../../shared/fabric/discovery/register.ts";
import type { Scan } from "../../shared/fabric/discovery/scan.ts";
import { printable } from "../../shared/fabric/discovery/source-file.ts";
import { watchScans } from "../../shared/fabric/discovery/watch.ts";
import type { Registry } from "../../shared/fabric/registry/registry.ts";
import { formatSymbolAddress } from "../../shared/fabric/symbol.ts";
import { Failure } from "../../shared/ports/failure.ts";
import { openFolderWatcher } from "../folder-watcher.ts";
import { currentProject, openRegistry, type Project } from "../project.ts";
import { checkIndex, inForce } from "../project-apply.ts";
import { type ProjectScan, scanProject } from "../project-scan.ts";
import { trustPorts } from "../trust-ports.ts";
import type { CommandContext, Verb } from "./context.ts";

interface ScanVerbOptions {
  readonly register: boolean;
  readonly full?: true;
  readonly strict?: true;
  readonly prune?: true;
  readonly user?: true;
  readonly watch?: true;
  readonly passphraseFile?: string;
}

/** Exit code of `--strict` when a file is bad: that of a wrong configuration. */
const BAD_FILES = 2;

export const addScan: Verb = (program, context) => {
  program
    .command("scan")
    .summary("find the agents, skills, rules and servers of this project")
    .description(
      "Reads the files of Claude Code, Codex, Cursor, VS Code and Copilot, Gemini CLI, OpenCode and eight other " +
        "tools, Agent Skills and RTT manifests in the project's scan.roots, and registers what they hold, signed by " +
        "this node. Only files that changed are read. A file that is wrong is named with line and rule, and hinders no other. Symbols that " +
        "no file has any more are told. Without a project it scans the current folder and registers nothing.",
    )
    .option("--no-register", "only tell what is there")
    .option("--prune", "take symbols that no file has any more out of the registry")
    .option("--user", "also read your own files in your home folder, under rtt://user/…")
    .option("--watch", "scan again whenever a file changes, until interrupted")
    .option("--full", "read every file, also those that seem unchanged")
    .option("--strict", `end with exit code ${BAD_FILES} when any file is wrong`)
    .option("--passphrase-file <path>", "the passphrase of the identity")
    .action((options: ScanVerbOptions) => scan(context, options));
};

interface Outcome {
  readonly scanned: ProjectScan;
  readonly refreshed: Refreshed | null;
  readonly problems: readonly ScanProblem[];
}

async function scan(context: CommandContext, options: ScanVerbOptions): Promise<void> {
  const project = projectOrNull(context);
  const { register, passphraseFile } = options;
  const registry =
    project === null
      ? null
      : await openRegistry(context, project, { isReadOnly: !register, passphraseFile });
  const once = (): Promise<Outcome> => scanOnce(context, project, registry, options);
  if (options.watch === true) return watch(context, project, once);
  const outcome = await once();
  context.answer(outcomeJson(project, outcome), summary(outcome));
  if (options.strict === true && outcome.problems.length > 0) context.exitWith(BAD_FILES);
}

async function scanOnce(
  context: CommandContext,
  project: Project | null,
  registry: Registry | null,
  { register, full, user, prune }: ScanVerbOptions,
): Promise<Outcome> {
  const home = context.environment["HOME"] ?? homedir();
  if (project !== null && registry !== null) {
    // Where that is lost, nobody knows which files views have put there, and all would become symbols.
    await checkIndex(project, registry, await inForce(context, project, await registry.signers()));
  }
  const scanned = await scanProject(project, {
    registry,
    isFull: full === true,
    home: user === true ? home : undefined,
  });
  const refreshed =
    registry === null || !register
      ? null
      : await refreshRegistry(trustPorts(), registry, scanned, {
          base: scanned.base,
          known: scanned.known,
          isPruning: prune === true,
        });
  return { scanned, refreshed, problems: [...scanned.problems, ...(refreshed?.problems ?? [])] };
}

/** Scans until a signal comes, and tells what each scan found to be different. */
async function watch(
  context: CommandContext,
  project: Project | null,
  once: () => Promise<Outcome>,
): Promise<void> {
  let before: ReadonlyMap<string, string> | null = null;
  const scanAndTell = async (): Promise<ProjectScan> => {
    const outcome = await once();
    const now = linesOf(outcome);
    const news = before === null ? null : newsOf(before, now);
    before = now;
    if (news === null) {
      const text = `${summary(outcome)}\nWatching; an interrupt ends it.`;
      context.answer({ ...outcomeJson(project, outcome), changes: [] }, text);
    } else if (news.length > 0) {
      context.answer({ ...outcomeJson(project, outcome), changes: news }, news.join("\n"));
    }
    return outcome.scanned;
  };
  let end = (): void => {};
  const until = new Promise<void>((resolve) => (end = resolve));
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.once(signal, end);
  try {
    const { clock, files } = trustPorts();
    const ports = { clock, files, openWatcher: openFolderWatcher };
    await watchScans(ports, { scan: scanAndTell, until });
  } finally {
    for (const signal of signals) process.off(signal, end);
  }
}

/** What a scan found, a line for each thing, and what would make the line another one. */
function linesOf({ scanned, problems }: Outcome): ReadonlyMap<string, string> {
  const { digest } = trustPorts();
  return new Map([
    ...scanned.found.map((symbol): [string, string] => [
      formatSymbolAddress(symbol.address),
      idOfSymbol(digest, symbol),
    ]),
    ...problems.map((problem): [string, string] => [problemLine(problem), "problem"]),
  ]);
}

function newsOf(
  before: ReadonlyMap<string, string>,
  now: ReadonlyMap<string, string>,
): readonly string[] {
  const gone = [...before.keys()].filter((line) => !now.has(line)).map((line) => `- ${line}`);
  const come = [...now.keys()].filter((line) => !before.has(line)).map((line) => `+ ${line}`);
  const changed = [...now]
    .filter(([line, id]) => before.has(line) && before.get(line) !== id)
    .map(([line]) => `~ ${line}`);
  return [...gone, ...changed, ...come];
}

/** The project of the current folder, or null; one that the environment names must exist. */
function projectOrNull(context: CommandContext): Project | null {
  try {
    return currentProject(context);
  } catch (thrown) {
    const isNamed = context.environment["RTT_PROJECT"] !== undefined;
    if (isNamed || Failure.from(thrown).code !== "file-missing") throw thrown;
    return null;
  }
}

function outcomeJson(project: Project | null, { scanned, refreshed, problems }: Outcome): object {
  return {
    project: project?.root ?? null,
    symbols: scanned.found.map(symbolJson),
    problems,
    stats: scanned.stats,
    registered: refreshed === null ? null : refreshedJson(refreshed),
  };
}

function refreshedJson({ added, changed, unchanged, vanished, isPruned }: Refreshed): object {
  return { added, changed, unchanged, vanished, isPruned };
}

function symbolJson(symbol: FoundSymbol): object {
  const { kind, address, source, others, lossy } = symbol;
  return {
    address: formatSymbolAddress(address),
    kind,
    id: idOfSymbol(trustPorts().digest, symbol),
    source,
    others,
    lossy,
  };
}

function summary({ scanned, refreshed, problems }: Outcome): string {
  const { found, stats }: Scan = scanned;
  const counts =
    refreshed === null
      ? "nothing was registered"
      : `${refreshed.added.length} new, ${refreshed.changed.length} changed, ` +
        `${refreshed.unchanged} as before`;
  return [
    ...problems.map(problemLine),
    ...(refreshed?.vanished ?? []).map(({ address }) => `${address} is in no file any more`),
    `${found.length} symbols in ${stats.files} files, of which ${stats.read} were read: ${counts}.`,
    ...pruneLines(refreshed),
  ].join("\n");
}

function pruneLines(refreshed: Refreshed | null): readonly string[] {
  const count = refreshed?.vanished.length ?? 0;
  if (refreshed === null || count === 0) return [];
  if (refreshed.isPruned) return [`${count} taken out of the registry.`];
  return [`${count} in no file any more: \`rtt scan --prune\` takes them out of the registry.`];
}

/** `path:line: rule: message`, safe on a terminal. */
export function problemLine({ path, line, rule, message }: ScanProblem): string {
  return printable(`${path}${line === 0 ? "" : `:${line}`}: ${rule}: ${message}`);
}
