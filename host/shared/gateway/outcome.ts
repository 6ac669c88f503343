/** How a failure counts in a receipt: the one place that maps error codes to outcomes. */
import type { Failure } from "../ports/failure.ts";
import type { Outcome } from "../trust/receipt/fields.ts";

export function outcomeOf(failure: Failure | null): Outcome {
  if (failure === null) return "ok";
  switch (failure.code) {
    case "tool-timeout":
    case "deadline-exceeded":
      return "timed-out";
    case "cancelled":
      return "cancelled";
    case "device-offline":
      return "device-offline";
    case "outcome-unknown":
    case "connection-lost":
    case "connection-closed":
    case "idle-timeout":
      return "unknown";
    case "call-depth":
    case "path-denied":
      return "denied";
    default:
      return failure.origin === "policy" ? "denied" : "failed";
  }
}
