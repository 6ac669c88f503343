#!/usr/bin/env node
/**
 * `rtt`, the command line. Each verb is one file of `commands/`; here they are put together, and here every failure
 * becomes one line on standard error, what to do about it, and an exit code.
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
  invite: async () => (await import("./commands/invite.ts")).addInvite,
  join: async () => (await import("./commands/join.ts")).addJoin,
  tools: async () => (await import("./commands/tools.ts")).addTools,
  call: async () => (await import("./commands/call.ts")).addCall,
  why: async () => (await import("./commands/why.ts")).addWhy,
  mcp: async () => (await import("./commands/mcp.ts")).addMcp,
  id: async () => (await import("./commands/id.ts")).addId,
  policy: async () => (await import("./commands/policy.ts")).addPolicy,
  receipt: async () => (await import("./commands/receipt.ts")).addReceipt,
  doctor: async () => (await import("./commands/doctor.ts")).addDoctor,
  demo: async () => (await import("./commands/demo.ts")).addDemo,
};

/** Exit code of a command line that cannot be understood. */
const USAGE = 2;

const program = new Command("rtt")
  .description("Any agent, any permitted tool, any machine: encrypted, decided by policy, proven.")
  .version("0.1.0")
  .option(...JSON_FLAG)
  .showHelpAfterError("Add --help to see what is possible.")
  .exitOverride()
  .configureHelp({ sortSubcommands: false });

const isJson = (): boolean => program.opts<{ readonly json?: true }>().json === true;
const context: CommandContext = {
  home: homeOf(process.env),
  environment: process.env,
  log: SILENT,
  isJson,
  answer: (value, text) => {
    process.stdout.write(`${isJson() ? JSON.stringify(value) : text}\n`);
  },
  exitWith: (code) => {
    process.exitCode = code;
  },
};
const asked = process.argv.slice(2).find((argument) => Object.hasOwn(VERBS, argument));
// Without a known verb the answer is help or a complaint, and both name every verb.
for (const [name, load] of Object.entries(VERBS)) {
  if (asked === undefined || asked === name) (await load())(program, context);
}
// `rtt call --json` reads as well as `rtt --json call`.
for (const verb of program.commands) {
  verb.exitOverride().option(...JSON_FLAG);
  verb.hook("preAction", (_, action) => {
    if (action.opts<{ readonly json?: true }>().json === true) program.setOptionValue("json", true);
  });
}

try {
  await program.parseAsync();
} catch (thrown) {
  process.exitCode = tell(thrown);
}

/** Says what went wrong and returns the exit code. */
function tell(thrown: unknown): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : USAGE;
  const failure = Failure.from(thrown);
  if (isJson()) process.stderr.write(`${JSON.stringify({ error: failure })}\n`);
  else {
    process.stderr.write(`rtt: ${failure.code}: ${plainMessage(failure)}\n`);
    process.stderr.write(`     → ${failure.remedy}\n`);
  }
  if (failure.code === "internal" && failure.cause instanceof Error) {
    process.stderr.write(`${failure.cause.stack ?? ""}\n`);
  }
  return exitCodeOf(failure.code);
}
