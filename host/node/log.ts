/** Where log lines go on Node: standard error, one JSON object a line. The only file that imports `pino`. */
import { destination, pino } from "pino";
import { createLogger, type Level, type Logger } from "../shared/telemetry/logger.ts";
import { nodeClock } from "./clock.ts";

/** A logger at `level`. Standard output stays free: it carries answers, or the MCP protocol. */
export function openLog(level: Level): Logger {
  // Written at once: a node that is killed must not take its last lines with it.
  const sink = pino(
    {
      level: "debug",
      base: null,
      timestamp: false,
      formatters: { level: (label) => ({ level: label }) },
      messageKey: "event",
    },
    destination({ dest: 2, sync: true }),
  );
  return createLogger({
    level,
    clock: nodeClock,
    write: ({ level: at, timeMs, event, fields }) =>
      sink[at]({ time: new Date(timeMs).toISOString(), ...fields }, event),
  });
}
