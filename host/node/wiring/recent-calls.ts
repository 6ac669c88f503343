/** How the last calls of wired servers went, by the generation under which they were made: what a canary is judged by. */
import type { CallSample } from "../../shared/fabric/apply/slo.ts";
import type { ServedCall } from "../../shared/gateway/device.ts";
import type { ErrorCode } from "../../shared/ports/failure.ts";

/** Calls that are remembered; a canary is watched for minutes. */
const CALLS_MAX = 8192;

/** What a server, or the way to it, is to blame for. A denial or a wrong argument is no sign of a bad change. */
const SERVER_ERRORS: ReadonlySet<string> = new Set<ErrorCode>([
  "tool-failed",
  "tool-timeout",
  "tool-crashed",
  "tool-flooded",
  "tool-protocol",
  "tool-result-invalid",
  "deadline-exceeded",
  "program-missing",
  "not-running",
  "internal",
]);

interface RecentCall extends CallSample {
  readonly generation: number;
}

export class RecentCalls {
  readonly #calls: RecentCall[] = [];

  note({ code, elapsedUs, planGeneration }: ServedCall): void {
    const isError = code !== null && SERVER_ERRORS.has(code);
    this.#calls.push({ generation: planGeneration, elapsedMs: elapsedUs / 1000, isError });
    // Rarely, so that a call does not pay for moving all others.
    if (this.#calls.length > 2 * CALLS_MAX) this.#calls.splice(0, CALLS_MAX);
  }

  /** The calls under a generation. */
  under(generation: number): readonly CallSample[] {
    return this.#calls
      .filter((call) => call.generation === generation)
      .slice(-CALLS_MAX)
      .map(({ elapsedMs, isError }) => ({ elapsedMs, isError }));
  }
}
