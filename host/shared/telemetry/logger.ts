/**
 * The structured logger that portable code writes to: one JSON object a line, with a level, an event name that
 * never changes, and fields. The host gives the sink (`host/node/log.ts`); secrets are taken out before it.
 */
import type { Clock } from "../ports/clock.ts";
import { LEVELS, type Level } from "../ports/log-level.ts";
import { redact } from "./redact.ts";

export { LEVELS, type Level };

export type Fields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(event: string, fields?: Fields): void;
  info(event: string, fields?: Fields): void;
  warn(event: string, fields?: Fields): void;
  error(event: string, fields?: Fields): void;
  /** A logger whose every line carries `fields`. */
  with(fields: Fields): Logger;
}

/** One line, ready to be written. Nothing in it is secret. */
export interface LogLine {
  readonly level: Exclude<Level, "silent">;
  readonly timeMs: number;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface LoggerOptions {
  readonly level: Level;
  readonly clock: Pick<Clock, "wallMs">;
  readonly write: (line: LogLine) => void;
}

/** Makes a logger over a sink. Lines below the level cost one comparison. */
export function createLogger(options: LoggerOptions, bound: Fields = {}): Logger {
  const least = LEVELS.indexOf(options.level);
  const at = (level: LogLine["level"]) => {
    const isOn = LEVELS.indexOf(level) >= least;
    return (event: string, fields: Fields = {}): void => {
      if (!isOn) return;
      const merged = redact({ ...bound, ...fields }) as Record<string, unknown>;
      options.write({ level, timeMs: options.clock.wallMs(), event, fields: merged });
    };
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    with: (fields) => createLogger(options, { ...bound, ...fields }),
  };
}

const nothing = (): void => {};

/** A logger that drops everything, for callers that have no log. */
export const SILENT: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  with: () => SILENT,
};
