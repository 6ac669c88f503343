/**
 * The one mapping from failures to what MCP clients see.
 *
 * A tool that cannot be called, or that fails, is a *result* with `isError`, so that the model reads why and what to
 * do; only what the protocol itself is about (an unknown tool, a node that is not there) is a protocol error.
 */
import { ProtocolError, ProtocolErrorCode } from "@modelcontextprotocol/server";
import { plainMessage } from "../../shared/gateway/frames.ts";
import { Failure } from "../../shared/ports/failure.ts";

/** Codes that are about the request rather than about the tool. */
const PROTOCOL_CODES: Readonly<Partial<Record<Failure["code"], number>>> = {
  "tool-unknown": ProtocolErrorCode.InvalidParams,
  "argument-invalid": ProtocolErrorCode.InvalidParams,
  "not-running": ProtocolErrorCode.InternalError,
  internal: ProtocolErrorCode.InternalError,
};

/** The protocol error of a failure, or null when it is told as a result. */
export function protocolErrorOf(failure: Failure): ProtocolError | null {
  const code = PROTOCOL_CODES[failure.code];
  if (code === undefined) return null;
  return new ProtocolError(code, `${failure.message}. ${failure.remedy}`, failure.toJSON());
}

/** Whatever was thrown, as what the library sends. */
export function toProtocolError(thrown: unknown): ProtocolError {
  if (thrown instanceof ProtocolError) return thrown;
  const failure = Failure.from(thrown);
  const text = `${failure.message}. ${failure.remedy}`;
  return (
    protocolErrorOf(failure) ??
    new ProtocolError(ProtocolErrorCode.InternalError, text, failure.toJSON())
  );
}

/** A failure as a tool's result. */
export function failedResult(failure: Failure, meta: Readonly<Record<string, unknown>>) {
  const text = `${failure.code}: ${plainMessage(failure)}. ${failure.remedy}`;
  return {
    content: [{ type: "text" as const, text }],
    isError: true,
    _meta: { ...meta, "rtt/failure": failure.toJSON() },
  };
}
