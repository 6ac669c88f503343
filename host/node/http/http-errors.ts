/** The one mapping from error codes to HTTP statuses. */
import { type ErrorCode, Failure } from "../../shared/ports/failure.ts";

const STATUSES: Partial<Record<ErrorCode, 400 | 401 | 403 | 404 | 409 | 413 | 429 | 503>> = {
  "argument-invalid": 400,
  "tool-args-invalid": 400,
  "policy-denied": 403,
  "tool-held": 403,
  "peer-refused": 403,
  "permission-denied": 403,
  "file-missing": 404,
  "tool-unknown": 404,
  "already-running": 409,
  "message-too-large": 413,
  "would-block": 429,
  "not-running": 503,
  "device-offline": 503,
};

export function httpStatusOf(
  failure: Failure,
): 400 | 401 | 403 | 404 | 409 | 413 | 429 | 500 | 503 {
  return STATUSES[failure.code] ?? 500;
}
