/**
 * The command line as a function: each verb is one file of `commands/`; here they are put together, and here every
 * failure becomes one line on standard error, what to do about it, and an exit code.
 */
import { Command, CommanderError } from "commander";
import { plainMessage } from "../shared/gateway/frames.ts";
import { Failure } from "../shared/ports/failure.ts";
import { SILENT } from "../shared/telemetry/logger.ts";
import type { CommandContext, Verb } from "./commands/context.ts";
import { JSON_FLAG } from "./commands/input.ts";
import { exitCodeOf } from "./exit-codes.ts";
import { homeOf } from "./state.ts";

/** Each verb in the order of the help. Only the one that is asked for is loaded, so that it starts at once. */
const VERBS: Readonly<Record<string, () => Promise<Verb>>> = {
  up: async () => (await import("./commands/up.ts")).addUp,
  down: async () => (await import("./commands/down.ts")).addDown,
  invite: async () => (await import("./commands/invite.ts")).addInvite,
  join: async () => (await import("./commands/join.ts")).addJoin,
  peers: async () => (await import("./commands/peers.ts")).addPeers,
  allow: async () => (await import("./commands/allow.ts")).addAllow,
  tools: async () => (await import("./commands/tools.ts")).addTools,
  call: async () => (await import("./commands/call.ts")).addCall,
  why: async () => (await import("./commands/why.ts")).addWhy,
  mcp: async () => (await import("./commands/mcp.ts")).addMcp,
  id: async () => (await import("./commands/id.ts")).addId,
  policy: async () => (await import("./commands/policy.ts")).addPolicy,
  receipt: async () => (await import("./commands/receipt.ts")).addReceipt,
  init: async () => (await import("./commands/init.ts")).addInit,
  registry: async () => (await import("./commands/registry.ts")).addRegistry,
  fsck: async () => (await import("./commands/fsck.ts")).addFsck,
  migrate: async () => (await import("./commands/migrate.ts")).addMigrate,
  export: async () => (await import("./commands/export.ts")).addExport,
  scan: async () => (await import("./commands/scan.ts")).addScan,
  plan: async () => (await import("./commands/plan.ts")).addPlan,
  apply: async () => (await import("./commands/apply.ts")).addApply,
  rollback: async () => (await import("./commands/rollback.ts")).addRollback,
  log: async () => (await import("./commands/log.ts")).addLog,
  audit: async () => (await import("./commands/audit.ts")).addAudit,
  qc: async () => (await import("./commands/qc.ts")).addQc,
  ls: async () => (await import("./commands/ls.ts")).addLs,
  view: async () => (await import("./commands/view.ts")).addView,
  doctor: async () => (await import("./commands/doctor.ts")).addDoctor,
  demo: async () => (await import("./commands/demo.ts")).addDemo,
};

/** Exit code of a command line that cannot be understood. */
const USAGE = 2;

/** What a command line runs in. */
export interface CliSurroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly writeOut: (text: string) => void;
  readonly writeError: (text: string) => void;
}

/** Runs one command line to its end and returns its exit code. */
export async function runCli(words: readonly string[], around: CliSurroundings): Promise<number> {
  // A line that cannot be understood has set no option yet, and is answered as it asks all the same.
  const isJsonAsked = words.includes(JSON_FLAG[0]);
  const program = createProgram(around, isJsonAsked ? () => {} : around.writeError);
  let exitCode = 0;
  const isJson = (): boolean => program.opts<{ readonly json?: true }>().json === true;
  const context: CommandContext = {
    home: homeOf(around.environment),
    environment: around.environment,
    log: SILENT,
    isJson,
    answer: (value, text) => around.writeOut(`${isJson() ? JSON.stringify(value) : text}\n`),
    exitWith: (code) => {
      exitCode = code;
    },
  };
  try {
    await addVerbs(program, context, words);
    await program.parseAsync([...words], { from: "user" });
    return exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode !== 0) {
      if (isJsonAsked) tell(misunderstood(thrown), around, true);
      return USAGE;
    }
    return tell(thrown, around, isJson());
  }
}

function createProgram(around: CliSurroundings, writeErr: CliSurroundings["writeError"]): Command {
  return new Command("rtt")
    .description(
      "Any agent, any permitted tool, any machine: encrypted, decided by policy, proven.",
    )
    .version("0.1.0")
    .option(...JSON_FLAG)
    .showHelpAfterError("Add --help to see what is possible.")
    .exitOverride()
    .configureOutput({ writeOut: around.writeOut, writeErr });
}

async function addVerbs(
  program: Command,
  context: CommandContext,
  words: readonly string[],
): Promise<void> {
  const asked = words.find((word) => Object.hasOwn(VERBS, word));
  // Without a known verb the answer is help or a complaint, and both name every verb.
  for (const [name, load] of Object.entries(VERBS)) {
    if (asked === undefined || asked === name) (await load())(program, context);
  }
  // `rtt call --json` reads as well as `rtt --json call`.
  for (const verb of program.commands) {
    verb.option(...JSON_FLAG);
    verb.hook("preAction", (_, action) => {
      if (action.opts<{ readonly json?: true }>().json === true) {
        program.setOptionValue("json", true);
      }
    });
  }
}

/** The same as commander says in several lines of text. */
function misunderstood({ code, message }: CommanderError): Failure {
  const problem = code === "commander.help" ? "No verb is named" : message.replace(/^error: /, "");
  return new Failure("argument-invalid", problem, {
    origin: "local",
    remedy: "Add --help to see what is possible.",
  });
}

/** Says what went wrong and returns the exit code. */
function tell(thrown: unknown, around: CliSurroundings, isJson: boolean): number {
  if (thrown instanceof CommanderError) return 0;
  const failure = Failure.from(thrown);
  if (isJson) around.writeError(`${JSON.stringify({ error: failure })}\n`);
  else {
    around.writeError(`rtt: ${failure.code}: ${plainMessage(failure)}\n`);
    around.writeError(`     → ${failure.remedy}\n`);
  }
  if (failure.code === "internal" && failure.cause instanceof Error) {
    around.writeError(`${failure.cause.stack ?? ""}\n`);
  }
  return exitCodeOf(failure.code);
}
