/**
 * May this call be made? The one question that host and device both ask, each of its own signed policy, when tools
 * are listed and again when one is called. They differ only in what a path comes to: a text on the host, a real path
 * on the device.
 */
import type { Failure } from "../ports/failure.ts";
import { concerns, evaluate, forbids } from "../trust/policy/evaluate.ts";
import {
  type Caps,
  type Decision,
  DEFAULT_CAPS,
  NO_POLICY,
  type Policy,
  type PolicyRequest,
} from "../trust/policy/model.ts";
import { plainMessage } from "./frames.ts";
import { pathsIn } from "./tool-path.ts";

/** A receipt holds no longer text. */
const REASON_MAX = 500;

/** The action of policies that calling a tool is. */
export const CALL_ACTION = "tool.call";

/** A policy in force, or why there is none: then everything is denied. */
export type PolicyInForce = Policy | Failure;

export interface Question {
  /** On a host: the client, such as "mcp:claude" or "local". On a device: the calling node's id. */
  readonly principal: string;
  readonly tool: { readonly name: string; readonly version: string };
  readonly args: unknown;
  /** The arguments that a contract says are paths; null: nobody says. */
  readonly pathArguments: readonly string[] | null;
  readonly depth: number;
  readonly caps: Partial<Caps>;
}

/** What a path leads to, or null when that cannot be said for certain. */
export type PathResolver = (path: string) => Promise<string | null> | string | null;

export interface Permission {
  readonly decision: Decision;
  /** Each path of the arguments with what it leads to. */
  readonly paths: ReadonlyMap<string, string>;
}

/** Decides a call. Never throws for anything that a caller can send. */
export async function decideCall(
  policy: PolicyInForce,
  question: Question,
  wallMs: number,
  resolve: PathResolver,
): Promise<Permission> {
  const paths = new Map<string, string>();
  if (!isPolicy(policy)) return { decision: withoutPolicy(policy), paths };
  const request = requestOf(question);
  // A rule without folders does not look at paths, so arguments that only look like one do no harm there.
  if (policy.rules.some((rule) => rule.paths !== null && concerns(rule, request))) {
    for (const path of pathsIn(question.args, question.pathArguments)) {
      // What cannot be resolved goes to the evaluator as it is, and is refused there.
      paths.set(path, (await resolve(path)) ?? path);
    }
  }
  const decision = evaluate(policy, { ...request, paths: [...paths.values()] }, wallMs);
  return { decision, paths };
}

/** Whether a tool is worth showing: some call of it could be allowed. */
export function mayOffer(
  policy: PolicyInForce,
  principal: string,
  tool: { readonly name: string; readonly version: string },
  wallMs: number,
): boolean {
  if (!isPolicy(policy) || wallMs < policy.notBeforeMs || wallMs >= policy.notAfterMs) return false;
  const request = requestOf({
    principal,
    tool,
    args: null,
    pathArguments: null,
    depth: 1,
    caps: {},
  });
  const concerned = policy.rules.filter((rule) => concerns(rule, request));
  return (
    concerned.some((rule) => rule.effect === "allow") &&
    !concerned.some((rule) => rule.effect === "deny" && forbids(rule, request))
  );
}

function requestOf(question: Question): PolicyRequest {
  return {
    principal: question.principal,
    action: CALL_ACTION,
    resource: question.tool,
    paths: [],
    egress: [],
    depth: question.depth,
    caps: question.caps,
  };
}

function isPolicy(policy: PolicyInForce): policy is Policy {
  return "rules" in policy;
}

function withoutPolicy(failure: Failure): Decision {
  return {
    effect: "deny",
    code: failure.code,
    ruleId: null,
    reason: plainMessage(failure).slice(0, REASON_MAX) || "There is no policy",
    caps: DEFAULT_CAPS,
    paths: [],
    egress: [],
    policy: NO_POLICY,
  };
}
