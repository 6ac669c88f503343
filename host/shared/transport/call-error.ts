/**
 * How a failure crosses the wire: the payload of an MXP Error message, as JSON.
 *
 * The peer's words are data, not instructions: lengths are bounded and unknown codes become `internal`.
 */
import {
  ERROR_CODES,
  Failure,
  type ErrorCode,
  type FailureContext,
  type Origin,
} from "../ports/failure.ts";

const TEXT_MAX = 1024;
const ORIGINS: readonly Origin[] = ["local", "peer", "host", "policy"];

/** The payload of an Error message for `failure`. */
export function encodeFailure(failure: Failure): Uint8Array {
  const prefix = `${failure.code}: `;
  const text = failure.message.startsWith(prefix)
    ? failure.message.slice(prefix.length)
    : failure.message;
  return new TextEncoder().encode(
    JSON.stringify({
      code: failure.code,
      message: text.slice(0, TEXT_MAX),
      origin: failure.origin,
      remedy: failure.remedy.slice(0, TEXT_MAX),
      context: failure.context,
    }),
  );
}

/** The failure of an Error message's payload. Anything malformed becomes `protocol-violation`. */
export function decodeFailure(payload: Uint8Array): Failure {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch {
    return malformed();
  }
  if (typeof value !== "object" || value === null) return malformed();
  const fields = value as Record<string, unknown>;
  const { code, message, origin, remedy } = fields;
  if (typeof code !== "string" || typeof message !== "string") return malformed();
  return new Failure(isErrorCode(code) ? code : "internal", message.slice(0, TEXT_MAX), {
    // "local" there is the peer's side here.
    origin: isOrigin(origin) && origin !== "local" ? origin : "peer",
    remedy: typeof remedy === "string" ? remedy.slice(0, TEXT_MAX) : "See docs/errors.md.",
    context: scalars(fields["context"]),
  });
}

function isErrorCode(code: string): code is ErrorCode {
  return (ERROR_CODES as readonly string[]).includes(code);
}

function isOrigin(origin: unknown): origin is Origin {
  return ORIGINS.includes(origin as Origin);
}

/** The scalar facts of a context; nested values are dropped. */
function scalars(value: unknown): FailureContext {
  if (typeof value !== "object" || value === null) return {};
  const facts: Record<string, string | number | boolean> = {};
  for (const [name, fact] of Object.entries(value).slice(0, 32)) {
    if (typeof fact === "string") facts[name] = fact.slice(0, TEXT_MAX);
    else if (typeof fact === "number" || typeof fact === "boolean") facts[name] = fact;
  }
  return facts;
}

function malformed(): Failure {
  return new Failure("protocol-violation", "the peer's error message cannot be read", {
    origin: "peer",
    remedy: "Update the older of the two nodes.",
  });
}
