/** `rtt scan`: finds agents, skills, rules and servers in the folders of tools, and registers them. */
import { join, resolve } from "node:path";
import type { FoundSymbol, ScanProblem } from "../../shared/fabric/discovery/found.ts";
import {
  idOfSymbol,
  type Registered,
  registerSymbols,
} from "../../shared/fabric/discovery/register.ts";
import { ScanCache } from "../../shared/fabric/discovery/scan-cache.ts";
import { type Scan, scanTree } from "../../shared/fabric/discovery/scan.ts";
import { printable } from "../../shared/fabric/discovery/source-file.ts";
import { initialPanel, type Panel, readPanel } from "../../shared/fabric/panel.ts";
import { formatSymbolAddress } from "../../shared/fabric/symbol.ts";
import { Failure } from "../../shared/ports/failure.ts";
import { nodeFolders } from "../folders.ts";
import { currentProject, openRegistry, type Project, projectPanel } from "../project.ts";
import { trustPorts } from "../trust-ports.ts";
import type { CommandContext, Verb } from "./context.ts";

interface ScanVerbOptions {
  readonly register: boolean;
  readonly full?: true;
  readonly strict?: true;
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
        "that changed are read. A file that is wrong is named with line and rule, and hinders no other. Without a " +
        "project it scans the current folder and registers nothing.",
    )
    .option("--no-register", "only tell what is there")
    .option("--full", "read every file, also those that seem unchanged")
    .option("--strict", `end with exit code ${BAD_FILES} when any file is wrong`)
    .option("--passphrase-file <path>", "the passphrase of the identity")
    .action((options: ScanVerbOptions) => scan(context, options));
};

async function scan(context: CommandContext, options: ScanVerbOptions): Promise<void> {
  const project = projectOrNull(context);
  const scanned = await scanProject(project, options.full === true);
  let registered: Registered | null = null;
  if (project !== null && options.register) {
    const { passphraseFile } = options;
    const registry = await openRegistry(context, project, { passphraseFile });
    registered = await registerSymbols(trustPorts(), registry, scanned.found);
  }
  const problems = [...scanned.problems, ...(registered?.problems ?? [])];
  context.answer(
    {
      project: project?.root ?? null,
      symbols: scanned.found.map(symbolJson),
      problems,
      stats: scanned.stats,
      registered:
        registered === null
          ? null
          : {
              added: registered.added,
              changed: registered.changed,
              unchanged: registered.unchanged,
            },
    },
    summary(scanned, problems, registered),
  );
  if (options.strict === true && problems.length > 0) context.exitWith(BAD_FILES);
}

/** Scans the roots of a project with its cache, or the current folder without one. */
export async function scanProject(project: Project | null, isFull = false): Promise<Scan> {
  const ports = { ...trustPorts(), folders: nodeFolders };
  const base = project?.root ?? process.cwd();
  const panel = project === null ? defaults() : await projectPanel(project);
  const path = project === null ? null : join(project.folder, "cache", "scan.json");
  const cache = ScanCache.open(ports, path, base);
  const roots = panel["scan.roots"].map((root) => resolve(base, root));
  const result = await scanTree(ports, roots, cache, {
    base,
    ignore: panel["scan.ignore"],
    isFull,
  });
  await saveCache(await cache);
  return result;
}

/** A folder that cannot be written costs the next scan its speed, nothing else. */
async function saveCache(cache: ScanCache): Promise<void> {
  try {
    await cache.save();
  } catch (thrown) {
    const { code } = Failure.from(thrown);
    if (code !== "folder-unwritable" && code !== "permission-denied") throw thrown;
  }
}

function defaults(): Panel {
  return readPanel(initialPanel(), "panel.yaml");
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
  registered: Registered | null,
): string {
  const counts =
    registered === null
      ? "nothing was registered"
      : `${registered.added.length} new, ${registered.changed.length} changed, ` +
        `${registered.unchanged} as before`;
  return [
    ...problems.map(problemLine),
    `${found.length} symbols in ${stats.files} files, of which ${stats.read} were read: ${counts}.`,
  ].join("\n");
}

/** `path:line: rule: message`, safe on a terminal. */
export function problemLine({ path, line, rule, message }: ScanProblem): string {
  return printable(`${path}${line === 0 ? "" : `:${line}`}: ${rule}: ${message}`);
}
