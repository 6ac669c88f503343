/** `rtt scan`: finds agents, skills, rules and servers in the folders of tools, and registers them. */
import type { FoundSymbol, ScanProblem } from "../../shared/fabric/discovery/found.ts";
import { type Refreshed, refreshRegistry } from "../../shared/fabric/discovery/refresh.ts";
import { idOfSymbol } from "../../shared/fabric/discovery/register.ts";
import type { Scan } from "../../shared/fabric/discovery/scan.ts";
import { printable } from "../../shared/fabric/discovery/source-file.ts";
import { formatSymbolAddress } from "../../shared/fabric/symbol.ts";
import { Failure } from "../../shared/ports/failure.ts";
import { currentProject, openRegistry, type Project } from "../project.ts";
import { scanProject } from "../project-scan.ts";
import { trustPorts } from "../trust-ports.ts";
import type { CommandContext, Verb } from "./context.ts";

export { scanProject };

interface ScanVerbOptions {
  readonly register: boolean;
  readonly full?: true;
  readonly strict?: true;
  readonly prune?: true;
  readonly passphraseFile?: string;
}

/** Exit code of `--strict` when a file is bad: that of a wrong configuration. */
const BAD_FILES = 2;

export const addScan: Verb = (program, context) => {
  program
    .command("scan")
    .summary("find the agents, skills, rules and servers of this project")
    .description(
      "Reads the files of Claude Code, Codex, Cursor, VS Code and Copilot, Gemini CLI, OpenCode, Agent Skills and " +
        "RTT manifests in the project's scan.roots, and registers what they hold, signed by this node. Only files " +
        "that changed are read. A file that is wrong is named with line and rule, and hinders no other. Symbols that no file " +
        "has any more are told. Without a project it scans the current folder and registers nothing.",
    )
    .option("--no-register", "only tell what is there")
    .option("--prune", "take symbols that no file has any more out of the registry")
    .option("--full", "read every file, also those that seem unchanged")
    .option("--strict", `end with exit code ${BAD_FILES} when any file is wrong`)
    .option("--passphrase-file <path>", "the passphrase of the identity")
    .action((options: ScanVerbOptions) => scan(context, options));
};

async function scan(context: CommandContext, options: ScanVerbOptions): Promise<void> {
  const project = projectOrNull(context);
  const { register, passphraseFile } = options;
  const registry =
    project === null
      ? null
      : await openRegistry(context, project, { isReadOnly: !register, passphraseFile });
  const scanned = await scanProject(project, { registry, isFull: options.full === true });
  const refreshed =
    registry === null || !register
      ? null
      : await refreshRegistry(trustPorts(), registry, scanned, {
          base: scanned.base,
          isPruning: options.prune === true,
        });
  const problems = [...scanned.problems, ...(refreshed?.problems ?? [])];
  context.answer(
    {
      project: project?.root ?? null,
      symbols: scanned.found.map(symbolJson),
      problems,
      stats: scanned.stats,
      registered: refreshed === null ? null : refreshedJson(refreshed),
    },
    summary(scanned, problems, refreshed),
  );
  if (options.strict === true && problems.length > 0) context.exitWith(BAD_FILES);
}

function refreshedJson({ added, changed, unchanged, vanished, isPruned }: Refreshed): object {
  return { added, changed, unchanged, vanished, isPruned };
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

function summary(
  { found, stats }: Scan,
  problems: readonly ScanProblem[],
  refreshed: Refreshed | null,
): string {
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
