/** `rtt migrate`: takes a tree of the published tools over, reversibly. */
import { resolve } from "node:path";
import { migrate, type MigrateOptions } from "../../shared/fabric/migrate/migrate.ts";
import type { MigrationRecord } from "../../shared/fabric/migrate/record.ts";
import { type MigratePorts, type Survey, surveyTree } from "../../shared/fabric/migrate/survey.ts";
import { undoMigration } from "../../shared/fabric/migrate/undo.ts";
import { Failure } from "../../shared/ports/failure.ts";
import { readPublicIdentity } from "../../shared/trust/key-file.ts";
import { readSigners } from "../../shared/trust/signers.ts";
import { readPassphrase } from "../passphrase.ts";
import { openHome, statePaths } from "../state.ts";
import { nodeSymbolicLinks } from "../symbolic-links.ts";
import { openIdentity, trustPorts } from "../trust-ports.ts";
import type { CommandContext, Verb } from "./context.ts";

interface MigrateFlags {
  readonly dryRun?: true;
  readonly undo?: true;
  readonly force?: true;
  readonly passphraseFile?: string;
}

export const addMigrate: Verb = (program, context) => {
  program
    .command("migrate [folder]")
    .summary("take over a tree of the published RTT tools, reversibly")
    .description(
      "Puts the published registry, log and links aside, registers its objects and its lists of tools under this " +
        "node's signature, and makes the folder a project. Agents, manifests, policies, routes, views and plans stay " +
        "as they are, and are read under their published names. Every original is kept in .rtt/migration: --undo " +
        "brings back the exact bytes.",
    )
    .option("--dry-run", "only tell what would change")
    .option("--undo", "bring back what the last migration changed")
    .option("--force", "with --undo: also when the registry has more by now, which is lost")
    .option("--passphrase-file <path>", "the passphrase of the identity")
    .action((folder: string | undefined, flags: MigrateFlags) => run(context, folder, flags));
};

async function run(
  context: CommandContext,
  folder: string | undefined,
  flags: MigrateFlags,
): Promise<void> {
  const root = resolve(folder ?? context.environment["RTT_PROJECT"] ?? ".");
  const ports: MigratePorts = { ...trustPorts(), links: nodeSymbolicLinks };
  if (flags.dryRun === true && flags.undo !== true) return tellSurvey(context, ports, root);
  const { identity: path } = openHome(context.home);
  const passphrase = await readPassphrase(ports.files, flags.passphraseFile);
  const owner = await openIdentity(trustPorts(), path, passphrase);
  const anchors = [owner.publicKey, ...(await readSigners(ports.files, context.home))];
  const options: MigrateOptions = { root, owner, anchors };
  if (flags.undo === true) {
    if (flags.dryRun === true) throw both();
    return undo(context, ports, { ...options, isForced: flags.force === true });
  }
  const migration = await migrate(ports, options);
  if (migration === null) return nothing(context);
  const { record, survey } = migration;
  context.answer(
    { ...recordJson(record), ...(survey === null ? {} : surveyJson(survey)) },
    [
      ...(survey?.notes ?? ["An earlier run was finished."]).map((note) => `  ${note}`),
      `Migration ${record.number}: ${record.removed.length} files put aside, ` +
        `${record.created.length} made, ${Object.keys(record.symbols).length} symbols registered.`,
      ...keyLines(survey),
      "Next: rtt scan, rtt plan, rtt apply. `rtt migrate --undo` takes it back.",
    ].join("\n"),
  );
}

async function tellSurvey(
  context: CommandContext,
  ports: MigratePorts,
  root: string,
): Promise<void> {
  const { identity } = statePaths(context.home);
  const isThere = (await ports.files.info(identity)) !== null;
  const publicKey = isThere ? (await readPublicIdentity(ports, identity)).publicKey : null;
  const survey = await surveyTree(ports, root, publicKey);
  if (survey === null) return nothing(context);
  const { removed, created, objects, notes } = survey;
  context.answer(
    { migration: null, isDry: true, ...surveyJson(survey) },
    [
      ...removed.map(({ path }) => `put aside  ${path}`),
      ...created.map(({ path }) => `make       ${path}`),
      ...objects.map(({ symbol }) => `register   ${symbol}`),
      ...notes.map((note) => `note       ${note}`),
      ...keyLines(survey),
    ].join("\n"),
  );
}

async function undo(
  context: CommandContext,
  ports: MigratePorts,
  options: MigrateOptions & { readonly isForced: boolean },
): Promise<void> {
  const record = await undoMigration(ports, options);
  if (record === null) return nothing(context);
  context.answer(
    { ...recordJson(record), state: "undone" },
    `Migration ${record.number} is undone: ${record.removed.length} files are back.`,
  );
}

function nothing(context: CommandContext): void {
  context.answer({ migration: null }, "There is nothing to migrate.");
}

function both(): Failure {
  return new Failure("argument-invalid", "--dry-run and --undo exclude each other", {
    origin: "local",
    remedy: "Give one of them.",
  });
}

function recordJson({ number, state, removed, created, symbols }: MigrationRecord): object {
  return {
    migration: number,
    state,
    removed: removed.map(({ path }) => path),
    created: created.map(({ path }) => path),
    symbols: Object.keys(symbols),
  };
}

function surveyJson({ removed, created, objects, log, keys, notes }: Survey): object {
  return {
    removed: removed.map(({ path }) => path),
    created: created.map(({ path }) => path),
    symbols: objects.map(({ symbol }) => symbol),
    log,
    keys,
    notes,
  };
}

function keyLines(survey: Survey | null): readonly string[] {
  return (survey?.keys ?? []).map(
    (key) =>
      `The published tools trusted ${key}; this registry does not: rtt registry trust ${key}`,
  );
}
