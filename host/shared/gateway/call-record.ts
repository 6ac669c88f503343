/** The record that every call carries (design, "trust" 3), made where a call begins. */
import type { CallRecord } from "../ports/lane.ts";
import type { Random } from "../ports/random.ts";
import { toHex } from "../trust/bytes.ts";

/** W3C Trace Context, version 00, with a trace and a parent that are not all zeros. */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

export interface RecordOptions {
  readonly tenant: string;
  readonly timeoutMs: number;
  readonly depth: number;
  /** The caller's own trace; a malformed one is replaced, as the specification asks. */
  readonly traceparent?: string | undefined;
  /** Whether the call may be repeated: then its id is its idempotency key. */
  readonly isIdempotent: boolean;
}

export function makeCallRecord(random: Random, options: RecordOptions): CallRecord {
  const correlationId = toHex(random.bytes(16));
  return {
    version: 1,
    traceparent: traceparentOf(random, options.traceparent),
    tenant: options.tenant,
    auditId: toHex(random.bytes(8)),
    correlationId,
    timeoutMs: options.timeoutMs,
    idempotencyKey: options.isIdempotent ? correlationId : "",
    depth: options.depth,
  };
}

/** Keeps the caller's trace and takes a new parent in it; without one begins a trace, marked as sampled. */
function traceparentOf(random: Random, given: string | undefined): string {
  const parent = toHex(random.bytes(8));
  if (given === undefined || !TRACEPARENT.test(given)) {
    return `00-${toHex(random.bytes(16))}-${parent}-01`;
  }
  return `${given.slice(0, 36)}${parent}${given.slice(52)}`;
}
