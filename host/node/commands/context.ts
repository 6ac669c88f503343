/** What every verb of `rtt` is given, and the form in which verbs answer. */
import type { Command } from "commander";
import type { Logger } from "../../shared/telemetry/logger.ts";

export interface CommandContext {
  /** The state folder. It may not exist yet. */
  readonly home: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
  /** Whether `--json` was given. */
  isJson(): boolean;
  /** Writes the answer to standard output: `value` as one line of JSON with `--json`, else `text`. */
  answer(value: object, text: string): void;
  /** Ends the command with this code once it returns. */
  exitWith(code: number): void;
}

/** One file of this folder exports one of these: it adds its verb, with its help, to the program. */
export type Verb = (program: Command, context: CommandContext) => void;
