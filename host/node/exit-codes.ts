/**
 * Exit codes of `rtt`: the one mapping from error codes. A script can tell from the number what kind of thing went
 * wrong; the code itself is on the error line and in `--json`.
 *
 *   0 done · 1 fault of the program · 2 wrong usage or configuration · 3 denied by policy · 4 nobody there ·
 *   5 too late · 6 the tool failed · 7 proof does not hold · 8 identity · 9 invitation · 10 port taken ·
 *   11 not writable or not permitted · 12 something missing on disk · 13 running already or not running ·
 *   14 outcome unknown · 15 protocol or peer · 130 cancelled
 */
import type { ErrorCode } from "../shared/ports/failure.ts";

const EXIT_CODES: Partial<Record<ErrorCode, number>> = {
  internal: 1,
  "argument-invalid": 2,
  "config-invalid": 2,
  unsupported: 2,
  "tool-args-invalid": 2,
  "symbol-invalid": 2,
  "policy-missing": 3,
  "policy-malformed": 3,
  "policy-expired": 3,
  "policy-not-yet-valid": 3,
  "policy-rollback": 3,
  "policy-scope": 3,
  "policy-denied": 3,
  "path-denied": 3,
  "call-depth": 3,
  "device-offline": 4,
  "address-unreachable": 4,
  "handshake-timeout": 4,
  "agent-unknown": 4,
  "deadline-exceeded": 5,
  "tool-timeout": 5,
  "idle-timeout": 5,
  "tool-unknown": 6,
  "tool-version": 6,
  "tool-result-invalid": 6,
  "tool-failed": 6,
  "tool-crashed": 6,
  "tool-flooded": 6,
  "tool-protocol": 6,
  "would-block": 6,
  "signature-invalid": 7,
  "signer-untrusted": 7,
  "canonical-json-invalid": 7,
  "log-corrupt": 7,
  "receipt-invalid": 7,
  "object-corrupt": 7,
  "signature-missing": 7,
  "plan-invalid": 7,
  "plan-infeasible": 2,
  "plan-stale": 13,
  "apply-refused": 6,
  "apply-reverted": 6,
  "generation-missing": 12,
  "view-conflict": 13,
  "view-drift": 13,
  "tool-held": 3,
  "link-unsupported": 11,
  "mount-unsupported": 11,
  "build-differs": 7,
  "identity-missing": 8,
  "identity-locked": 8,
  "invitation-malformed": 9,
  "invitation-expired": 9,
  "invitation-used": 9,
  "invitation-unknown": 9,
  "port-in-use": 10,
  "folder-unwritable": 11,
  "permission-denied": 11,
  "file-missing": 12,
  "program-missing": 12,
  "object-missing": 12,
  "already-running": 13,
  "not-running": 13,
  "outcome-unknown": 14,
  cancelled: 130,
};

/** Everything else is a matter of the connection or the other side. */
const PEER = 15;

export function exitCodeOf(code: ErrorCode): number {
  return EXIT_CODES[code] ?? PEER;
}
