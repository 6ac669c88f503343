/**
 * What a receipt says about one call. The host knows its half, the device its own; both sign the whole.
 *
 * No field is a wall clock: two honest nodes would never sign the same bytes. Durations are whole microseconds.
 */
import type { Caps, Decision, Effect, PolicyRef } from "../policy/model.ts";

/** How a call ended. "unknown": the lane died while it was in flight, so it may have been carried out. */
export const OUTCOMES = [
  "ok",
  "denied",
  "failed",
  "timed-out",
  "cancelled",
  "device-offline",
  "unknown",
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Durations by phase, such as { policy: 41, route: 3, network: 310, tool: 1022 }. */
export type ElapsedUs = Readonly<Record<string, number>>;

/** A decision as it stands in a receipt. */
export interface DecisionRecord {
  readonly effect: Effect;
  readonly code: string | null;
  readonly rule: string | null;
  readonly reason: string;
  readonly policy: PolicyRef;
}

export interface ToolRef {
  readonly name: string;
  readonly version: string;
}

/** The lane that carried the call. */
export interface ChannelRecord {
  /** Noise handshake hash, 64 hexadecimal digits, equal on both sides. */
  readonly binding: string;
  readonly handshake: string;
  readonly carrier: string;
}

/** The host's own half. */
export interface HostPart {
  readonly decision: DecisionRecord;
  readonly elapsedUs: ElapsedUs;
}

/** The device's own half. */
export interface DevicePart {
  readonly decision: DecisionRecord;
  readonly caps: Caps;
  /** Digest of the request as the device received it. */
  readonly received: string;
  /** Digest of the result as the tool returned it; null when there is none. */
  readonly returned: string | null;
  /** Digests of the JSON Schemas that both were checked against; null for a tool without a contract. */
  readonly argsSchema: string | null;
  readonly resultSchema: string | null;
  readonly outcome: Outcome;
  /** Code of the failure; null for "ok". */
  readonly code: string | null;
  readonly elapsedUs: ElapsedUs;
}

/** What both sides know of a call, in their own words: it must be equal for the device to sign. */
export interface SharedFacts {
  readonly correlationId: string;
  readonly auditId: string;
  readonly tenant: string;
  /** PeerId of the node that called. */
  readonly caller: string;
  /** PeerId of the device; null when no device was found. */
  readonly device: string | null;
  readonly tool: ToolRef;
  /** Generation of the plan that routed the call; 0 when routes are not planned. */
  readonly planGeneration: number;
}

/** What the device sends back with its answer and keeps until it has countersigned. */
export interface DeviceFacts extends SharedFacts {
  readonly device: string;
  readonly channelBinding: string;
  readonly served: DevicePart;
}

/** Everything in a receipt. */
export interface ReceiptFacts extends SharedFacts {
  readonly traceparent: string;
  /** Who asked the host: "local", "mcp:<client>". */
  readonly client: string;
  /** Null when only the device could make a receipt. */
  readonly host: HostPart | null;
  /** Null when no device served the call. */
  readonly served: DevicePart | null;
  /** Limits in force at the end. */
  readonly caps: Caps;
  /** Digest of what the caller sent; null when only the device made the receipt. */
  readonly sent: string | null;
  /** Digest of what the caller was given; null when nothing was. */
  readonly delivered: string | null;
  readonly isTruncated: boolean;
  readonly outcome: Outcome;
  readonly code: string | null;
  readonly channel: ChannelRecord | null;
}

/** A decision in the form that receipts keep. */
export function recordDecision(decision: Decision): DecisionRecord {
  const { effect, code, ruleId, reason, policy } = decision;
  return { effect, code, rule: ruleId, reason, policy };
}
