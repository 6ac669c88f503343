/**
 * A failure: what went wrong, who is to blame, where, and what to do about it.
 *
 * A failure is a value with a stable code (`docs/errors.md` documents each). A broken invariant is not a failure
 * but a bug: the engine traps and the host throws `EngineBug`.
 */
import { ERROR_CODES, type ErrorCode } from "./gen/error-code.ts";

export { ERROR_CODES, type ErrorCode };

/** Who is to blame: the caller, the other side, the machine, or a signed policy that says no. */
export type Origin = "local" | "peer" | "host" | "policy";

/** Facts about the place of a failure. Never secrets: a failure is logged as it is. */
export type FailureContext = Readonly<Record<string, string | number | boolean>>;

export interface FailureOptions {
  readonly origin: Origin;
  /** What the person or program that reads this can do next. */
  readonly remedy: string;
  readonly context?: FailureContext;
  readonly cause?: unknown;
}

/** The only class that is thrown on purpose. Its message begins with the code, so that logs show it. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly code: ErrorCode;
  readonly origin: Origin;
  readonly remedy: string;
  readonly context: FailureContext;

  constructor(code: ErrorCode, message: string, options: FailureOptions) {
    super(
      `${code}: ${message}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.origin = options.origin;
    this.remedy = options.remedy;
    this.context = options.context ?? {};
  }

  /** Makes a failure of anything that was thrown. A failure comes back as it is. */
  static from(thrown: unknown): Failure {
    if (thrown instanceof Failure) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new Failure("internal", message, {
      origin: "host",
      remedy: "This is a fault of the program. Report it with the log.",
      cause: thrown,
    });
  }

  /** What logs, receipts and `--json` carry. */
  toJSON(): Record<string, unknown> {
    return {
      code: this.code,
      message: this.message,
      origin: this.origin,
      remedy: this.remedy,
      context: this.context,
    };
  }
}

/** The number of a code, as the engine and the wire use it: 1 for the first. */
export function errorNumber(code: ErrorCode): number {
  return ERROR_CODES.indexOf(code) + 1;
}

/** The code of a number from the wire; an unknown number is `internal`. */
export function errorCode(number: number): ErrorCode {
  return ERROR_CODES[number - 1] ?? "internal";
}
