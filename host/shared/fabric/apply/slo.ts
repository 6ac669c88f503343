/**
 * What is expected of calls, in the published spelling: "p95<5ms,err<0.1%". Every condition has to hold.
 *
 *   condition   p<1..99> | err      <  or  <=      a number      ms | us | s for a percentile, % for errors
 */
import { Failure } from "../../ports/failure.ts";

export interface SloCondition {
  /** A percentile of the durations, or the share of the calls that failed. */
  readonly metric: { readonly percentile: number } | "errors";
  readonly isInclusive: boolean;
  /** Milliseconds, or a share between 0 and 1. */
  readonly bound: number;
  /** As it was written. */
  readonly text: string;
}

/** One call that a node has carried out. */
export interface CallSample {
  readonly elapsedMs: number;
  readonly isError: boolean;
}

const CONDITION = /^(p[1-9]\d?|err)(<=?)(\d{1,9}(?:\.\d{1,6})?)(us|ms|s|%)$/;
const MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000 };

/** Reads a text of conditions. Fails with `config-invalid`. */
export function parseSlo(text: string): readonly SloCondition[] {
  const parts = text.replaceAll(/\s/g, "").split(",");
  return parts.map((part) => {
    const [, metric = "", operator, digits, unit = ""] = CONDITION.exec(part) ?? [];
    const isErrors = metric === "err";
    if (digits === undefined || isErrors !== (unit === "%")) throw unreadable(text, part);
    return {
      metric: isErrors ? "errors" : { percentile: Number(metric.slice(1)) },
      isInclusive: operator === "<=",
      bound: isErrors ? Number(digits) / 100 : Number(digits) * (MS[unit] as number),
      text: part,
    };
  });
}

/** The first condition that the calls do not keep, with what was seen; null when all hold, or there were no calls. */
export function breachOf(
  conditions: readonly SloCondition[],
  calls: readonly CallSample[],
): string | null {
  if (calls.length === 0) return null;
  const durations = calls.map(({ elapsedMs }) => elapsedMs).sort((a, b) => a - b);
  for (const { metric, isInclusive, bound, text } of conditions) {
    const seen =
      metric === "errors"
        ? calls.filter(({ isError }) => isError).length / calls.length
        : percentileOf(durations, metric.percentile);
    if (isInclusive ? seen <= bound : seen < bound) continue;
    const shown = metric === "errors" ? `${round(seen * 100)} %` : `${round(seen)} ms`;
    return `${text}, but ${shown} in ${calls.length} calls`;
  }
  return null;
}

/** The smallest duration that so many percent of the calls did not exceed (nearest rank). */
function percentileOf(sorted: readonly number[], percentile: number): number {
  const rank = Math.max(1, Math.ceil((percentile / 100) * sorted.length));
  return sorted[rank - 1] as number;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function unreadable(text: string, part: string): Failure {
  return new Failure("config-invalid", `"${part.slice(0, 40)}" is no condition`, {
    origin: "local",
    remedy: 'Write conditions as in "p95<5ms,err<0.1%".',
    context: { text: text.slice(0, 200) },
  });
}
