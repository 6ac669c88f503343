/** `rtt audit`: who changed what, when. */
import {
  type AuditEntry,
  type AuditQuery,
  auditTrail,
  matchesQuery,
  type SymbolChange,
} from "../../shared/fabric/apply/audit.ts";
import { printable } from "../../shared/fabric/discovery/source-file.ts";
import { Failure } from "../../shared/ports/failure.ts";
import { readPublicIdentity } from "../../shared/trust/key-file.ts";
import { currentProject } from "../project.ts";
import { statePaths } from "../state.ts";
import { trustPorts } from "../trust-ports.ts";
import { changeOf, filesJson } from "./apply.ts";
import type { CommandContext, Verb } from "./context.ts";
import { changeJson } from "./log.ts";
import { wholeNumber } from "./numbers.ts";

interface AuditFlags {
  readonly symbol?: string;
  readonly route?: string;
  readonly file?: string;
  readonly by?: string;
  readonly generation?: string;
  readonly outcome?: string;
  readonly since?: string;
  readonly until?: string;
}

export const addAudit: Verb = (program, context) => {
  program
    .command("audit")
    .summary("who changed which symbol, route or file, when")
    .description(
      "Every change of the log, verified, with what it changed and how it ended; refused and reverted ones too. " +
        "Several filters all have to fit.",
    )
    .option("--symbol <text>", "changes of symbols whose address has this in it")
    .option("--route <text>", "changes of routes from or to an address that has this in it")
    .option(
      "--file <path>",
      "changes of this file, or of files in this folder, from the project's root",
    )
    .option("--by <key>", "made by this identity (z6Mk…)")
    .option("--generation <number>", "that made this generation")
    .option("--outcome <outcome>", "applied, aborted, reverted or open")
    .option("--since <time>", "begun then or later, as in 2026-11-25 or 2026-11-25T16:00:00Z")
    .option("--until <time>", "begun then or earlier")
    .action((flags: AuditFlags) => audit(context, flags));
};

async function audit(context: CommandContext, flags: AuditFlags): Promise<void> {
  const query = queryOf(flags);
  const ports = trustPorts();
  const { folder } = currentProject(context);
  const owner = await readPublicIdentity(ports, statePaths(context.home).identity);
  const trail = await auditTrail(ports, folder, owner);
  const entries = trail.filter((entry) => matchesQuery(entry, query));
  const none = trail.length === 0 ? "Nothing has been applied yet." : "No change is like that.";
  context.answer(
    { changes: entries.map(entryJson) },
    entries.length === 0 ? none : entries.flatMap(entryLines).join("\n"),
  );
}

const OUTCOMES = ["applied", "aborted", "reverted", "open"];

function queryOf(flags: AuditFlags): AuditQuery {
  const { symbol, route, file, by, generation, outcome, since, until } = flags;
  if (outcome !== undefined && !OUTCOMES.includes(outcome)) {
    throw usage(`--outcome is one of ${OUTCOMES.join(", ")}`);
  }
  return {
    ...(symbol === undefined ? {} : { symbol }),
    ...(route === undefined ? {} : { route }),
    ...(file === undefined ? {} : { file: file.replace(/^\.\//, "").replace(/\/+$/, "") }),
    ...(by === undefined ? {} : { by }),
    ...(generation === undefined
      ? {}
      : { generation: wholeNumber("--generation", generation, 1, Number.MAX_SAFE_INTEGER) }),
    ...(outcome === undefined ? {} : { outcome }),
    ...(since === undefined ? {} : { sinceMs: timeOf("--since", since) }),
    ...(until === undefined ? {} : { untilMs: timeOf("--until", until) }),
  };
}

function timeOf(name: string, text: string): number {
  const time = Date.parse(text);
  if (!Number.isNaN(time)) return time;
  throw usage(`${name} "${text.slice(0, 40)}" is no time`);
}

function entryJson(entry: AuditEntry): object {
  const { logged, symbols, routesAdd, routesDel, files, isUnknown } = entry;
  return {
    ...changeJson(logged),
    symbols,
    routesAdd,
    routesDel,
    files: filesJson(files),
    isUnknown,
  };
}

/** How many lines of one change are shown; the rest is counted. */
const LINES_MAX = 40;

function entryLines({ logged, ...entry }: AuditEntry): readonly string[] {
  const { at, generation, purpose, outcome, by, planId, refusals } = changeJson(logged);
  const lines = [
    ...refusals.map(({ participant, code, message }) => `${participant}: ${code}: ${message}`),
    ...entry.symbols.map(symbolLine),
    ...entry.routesAdd.map(({ from, to }) => `+ ${from} -> ${to}`),
    ...entry.routesDel.map(({ from, to }) => `- ${from} -> ${to}`),
    ...entry.files.map((file) => `${changeOf(file)} ${file.path} (${file.view})`),
    ...(entry.isUnknown ? ["its plan cannot be read any more"] : []),
  ];
  const rest = lines.length - LINES_MAX;
  return [
    `${at}  generation ${generation}  ${purpose}  ${outcome}  by ${by}  ${planId}`,
    ...lines.slice(0, LINES_MAX).map((line) => `    ${printable(line)}`),
    ...(rest > 0 ? [`    and ${rest} more; --json has all of them`] : []),
  ];
}

function symbolLine({ address, before, after }: SymbolChange): string {
  if (before === null) return `symbol added: ${address}`;
  return `symbol ${after === null ? "removed" : "changed"}: ${address}`;
}

function usage(problem: string): Failure {
  return new Failure("argument-invalid", problem, {
    origin: "local",
    remedy: "See `rtt audit --help`.",
  });
}
