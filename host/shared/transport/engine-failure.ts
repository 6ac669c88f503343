/** Failures of the engine as values: one place that gives a status number its origin and its remedy. */
import { ERROR_CODES, errorCode, Failure, type ErrorCode, type Origin } from "../ports/failure.ts";

const REMEDIES: Partial<Record<ErrorCode, string>> = {
  "version-unsupported": "Update the older of the two nodes.",
  "handshake-failed": "Check that the address names the peer's present key: run `rtt id` there.",
  "handshake-timeout": "Check host and port, that the peer runs (`rtt up`), and that UDP passes.",
  "handshake-too-large": "Use a certificate with fewer or shorter names.",
  "key-unknown": "The peer has another key now. Pair again with `rtt invite` and `rtt join`.",
  "certificate-expired": "Renew the peer's certificate.",
  "certificate-not-yet-valid": "Check the clocks of both machines.",
  "certificate-name": "Dial the peer by a name that its certificate carries.",
  "certificate-issuer": "Trust the authority that issued the certificate, or pin the peer's key.",
  "peer-unknown": "Pair the two nodes with `rtt invite` and `rtt join`, or pin the peer's key.",
  "peer-refused": "Ask the peer's operator for an invitation.",
  "message-too-large":
    "Send the payload in parts: one message holds at most the peer's maxMessageBytes.",
  "datagram-too-large": "Send less in one datagram, or use a stream.",
  "stream-limit": "Finish streams before opening more.",
  "memory-limit": "Close connections, or give the endpoint a larger budget.",
  "idle-timeout": "Dial again; the path or the peer went silent.",
  "connection-lost": "Dial again; the path or the peer went silent.",
  "connection-closed": "Dial again if the call is still wanted.",
  "stream-reset": "The peer gave the stream up; its code says why.",
  "stream-stopped": "The peer wants no more of the stream; its code says why.",
  cancelled: "Nothing: the caller gave the call up.",
  "deadline-exceeded": "Allow more time, or look at the phases with `rtt why`.",
  "outcome-unknown": "Look at the peer's receipts before repeating a call that is not idempotent.",
  "agent-unknown": "Ask the peer which agents it serves.",
};

/** The failure of a negative status, or of the code of a `closed`, `stream-reset` or `stream-stopped` event. */
export function engineFailure(status: number, message: string, origin: Origin): Failure {
  const code = errorCode(Math.abs(status));
  return new Failure(code, message, {
    origin,
    remedy: REMEDIES[code] ?? `See ${code} in docs/errors.md.`,
    context: { status },
  });
}

/** The failure of a code by name. */
export function failureOf(code: ErrorCode, message: string, origin: Origin): Failure {
  return engineFailure(ERROR_CODES.indexOf(code) + 1, message, origin);
}
