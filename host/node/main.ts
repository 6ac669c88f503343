#!/usr/bin/env node
/**
 * `rtt`, the command line. Each verb is one file of `commands/`; here they are put together, and here every failure
 * becomes one line on standard error, what to do about it, and an exit code.
 */
import { Command, CommanderError } from "commander";
import { plainMessage } from "../shared/gateway/frames.ts";
import { Failure } from "../shared/ports/failure.ts";
import { SILENT } from "../shared/telemetry/logger.ts";
import { addCall } from "./commands/call.ts";
import type { CommandContext, Verb } from "./commands/context.ts";
import { addDemo } from "./commands/demo.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addId } from "./commands/id.ts";
import { JSON_FLAG } from "./commands/input.ts";
import { addInvite } from "./commands/invite.ts";
import { addJoin } from "./commands/join.ts";
import { addMcp } from "./commands/mcp.ts";
import { addPolicy } from "./commands/policy.ts";
import { addReceipt } from "./commands/receipt.ts";
import { addTools } from "./commands/tools.ts";
import { addUp } from "./commands/up.ts";
import { addWhy } from "./commands/why.ts";
import { exitCodeOf } from "./exit-codes.ts";
import { homeOf } from "./state.ts";

const VERBS: readonly Verb[] = [
  addUp,
  addInvite,
  addJoin,
  addTools,
  addCall,
  addWhy,
  addMcp,
  addId,
  addPolicy,
  addReceipt,
  addDoctor,
  addDemo,
];

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
for (const add of VERBS) add(program, context);
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
