/**
 * Decides a request under a policy: deny by default, a matching prohibition beats every permission, caps are the
 * intersection of all permissions that match. Pure, total and the same on host and device.
 *
 * Cost: linear in the rules. Twin: the same rules as Cedar policies (test/unit/trust/policy-cedar.test.ts).
 */
import { type ErrorCode, Failure } from "../../ports/failure.ts";
import {
  type Caps,
  type Decision,
  DEFAULT_CAPS,
  type Policy,
  type PolicyRequest,
  type PolicyRule,
} from "./model.ts";
import { isInside, lexicalPath } from "./paths.ts";
import { isInRange, isVersion } from "./versions.ts";

/** Decides `request` at `wallMs`. Never throws. */
export function evaluate(policy: Policy, request: PolicyRequest, wallMs: number): Decision {
  const invalid = invalidity(policy, request, wallMs);
  if (invalid !== null) return refusal(policy, invalid[0], null, invalid[1]);
  const concerned = policy.rules.filter((rule) => concerns(rule, request));
  const prohibition = concerned.find((rule) => rule.effect === "deny" && forbids(rule, request));
  if (prohibition !== undefined) {
    return refusal(policy, "policy-denied", prohibition.id, prohibition.reason);
  }
  const candidates = concerned.filter((rule) => rule.effect === "allow");
  const permissions = candidates.filter((rule) => permitsPlaces(rule, request));
  const [first] = permissions;
  if (first === undefined) return unpermitted(policy, candidates, request);
  let caps = permissions.reduce((lowest, rule) => intersectCaps(lowest, rule.caps), first.caps);
  const shallow = permissions.find((rule) => request.depth > rule.caps.maxDepth);
  if (shallow !== undefined) {
    const reason = `Calls may be ${caps.maxDepth} deep and this one is ${request.depth}`;
    return refusal(policy, "call-depth", shallow.id, reason);
  }
  caps = intersectCaps(caps, { ...caps, ...request.caps });
  return {
    effect: "allow",
    code: null,
    ruleId: first.id,
    reason: first.reason,
    caps,
    paths: union(permissions.map((rule) => rule.paths)),
    egress: [...new Set(permissions.flatMap((rule) => rule.egress ?? []))],
    policy: referTo(policy),
  };
}

/** The lower of each cap. */
export function intersectCaps(a: Caps, b: Caps): Caps {
  return {
    timeoutMs: Math.min(a.timeoutMs, b.timeoutMs),
    maxBytes: Math.min(a.maxBytes, b.maxBytes),
    maxDepth: Math.min(a.maxDepth, b.maxDepth),
  };
}

/** The failure that a caller sees for a refusal. */
export function denial(decision: Decision): Failure {
  const { policy, ruleId } = decision;
  return new Failure(decision.code ?? "policy-denied", decision.reason, {
    origin: "policy",
    remedy:
      decision.code === "policy-missing"
        ? "Permit it there with `rtt allow`, or install a policy with `rtt policy install`."
        : "Ask whoever signs the policy for a rule that allows it; `rtt policy explain` shows why.",
    context: { policy: policy.id, version: policy.version, rule: ruleId ?? "none" },
  });
}

/** Whether principal, action and resource are those of the rule. */
export function concerns(rule: PolicyRule, request: PolicyRequest): boolean {
  const { name, version } = request.resource;
  return (
    rule.principals.some((pattern) => matches(pattern, request.principal)) &&
    rule.actions.some((pattern) => matches(pattern, request.action)) &&
    rule.resources.some(
      (pattern) =>
        matches(pattern.name, name) &&
        (pattern.range === null || isInRange(version, pattern.range, rule.effect)),
    )
  );
}

/** A permission holds when everything that the call names lies within what it lists. */
export function permitsPlaces(rule: PolicyRule, request: PolicyRequest): boolean {
  return permitsPaths(rule, request) && permitsEgress(rule, request);
}

function permitsPaths(rule: PolicyRule, request: PolicyRequest): boolean {
  const { paths } = rule;
  if (paths === null) return true;
  // A rule for certain folders does not permit a call that names none: nobody knows where it would go.
  return request.paths.length > 0 && request.paths.every((path) => isInAny(path, paths));
}

function permitsEgress(rule: PolicyRule, request: PolicyRequest): boolean {
  const { egress } = rule;
  // No network by default: a rule that lists no hosts permits none.
  if (egress === null) return request.egress.length === 0;
  return request.egress.every((host) => egress.some((pattern) => matchesHost(pattern, host)));
}

/** A prohibition holds when anything that the call names lies within what it lists. */
export function forbids(rule: PolicyRule, request: PolicyRequest): boolean {
  const { paths, egress } = rule;
  if (paths === null && egress === null) return true;
  const touchesPath = paths !== null && request.paths.some((path) => isInAny(path, paths));
  const touchesHost =
    egress !== null &&
    request.egress.some((host) => egress.some((pattern) => matchesHost(pattern, host)));
  return touchesPath || touchesHost;
}

/** What refuses before any rule is looked at. */
function invalidity(
  policy: Policy,
  request: PolicyRequest,
  wallMs: number,
): readonly [ErrorCode, string] | null {
  // Written so that a clock that gives NaN also refuses.
  if (!(wallMs >= policy.notBeforeMs))
    return ["policy-not-yet-valid", "The policy is not valid yet"];
  if (!(wallMs < policy.notAfterMs)) return ["policy-expired", "The policy has expired"];
  if (!isVersion(request.resource.version)) {
    return ["policy-denied", "The tool's version is not a semantic version"];
  }
  if (request.paths.some((path) => lexicalPath(path) !== path)) {
    return ["path-denied", "A path is not absolute or was not resolved"];
  }
  if (!isCount(request.depth)) return ["call-depth", "The call does not say how deep it is"];
  if (!Object.values(request.caps ?? {}).every(isCount)) {
    return ["policy-denied", "The caps that the call asks for are not whole numbers"];
  }
  return null;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

function unpermitted(
  policy: Policy,
  candidates: readonly PolicyRule[],
  request: PolicyRequest,
): Decision {
  const [nearest] = candidates;
  if (nearest === undefined) {
    return refusal(policy, "policy-denied", null, "No rule allows it");
  }
  const fitting = candidates.find((rule) => permitsPaths(rule, request));
  if (fitting === undefined) {
    return refusal(policy, "path-denied", nearest.id, "A path is outside the allowed folders");
  }
  return refusal(policy, "policy-denied", fitting.id, "A host is outside the allowed ones");
}

function refusal(policy: Policy, code: ErrorCode, ruleId: string | null, reason: string): Decision {
  return {
    effect: "deny",
    code,
    ruleId,
    reason,
    caps: DEFAULT_CAPS,
    paths: null,
    egress: [],
    policy: referTo(policy),
  };
}

function referTo(policy: Policy): Decision["policy"] {
  return { id: policy.id, version: policy.version, digest: policy.digest };
}

/** A pattern is a text, or a prefix that ends in "*". */
function matches(pattern: string, text: string): boolean {
  return pattern.endsWith("*") ? text.startsWith(pattern.slice(0, -1)) : pattern === text;
}

function matchesHost(pattern: string, host: string): boolean {
  return pattern.startsWith("*.") ? host.endsWith(pattern.slice(1)) : pattern === host;
}

function isInAny(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => isInside(path, folder));
}

/** All entries of all lists; null when one of them sets no limit. */
function union(lists: readonly (readonly string[] | null)[]): readonly string[] | null {
  const all = new Set<string>();
  for (const list of lists) {
    if (list === null) return null;
    for (const entry of list) all.add(entry);
  }
  return [...all];
}
