/**
 * The policy document, `mxp.policy/v1`, as it is written and signed:
 *
 *   { kind, id, version, notBefore, notAfter, scope { tenants?, devices? },
 *     rules [ { id, effect, principals, actions, resources, caps?, paths?, egress?, reason } ] }
 *
 * Unknown members are refused: a limit that this version does not know must not be ignored.
 */
import { Failure } from "../../ports/failure.ts";
import type { Json } from "../canonical-json.ts";
import { Shape } from "../shape.ts";
import {
  type Caps,
  DEFAULT_CAPS,
  type Effect,
  type Policy,
  type PolicyRule,
  type PolicyScope,
  type ResourcePattern,
} from "./model.ts";
import { lexicalPath } from "./paths.ts";
import { isVersionRange } from "./versions.ts";

export const POLICY_KIND = "mxp.policy/v1";
const RULES_MAX = 1024;

type PolicyDocument = Omit<Policy, "digest" | "signer">;

function malformed(where: string, problem: string): Failure {
  return new Failure("policy-malformed", `${where} ${problem}`, {
    origin: "policy",
    remedy: "Correct the policy document and sign it again.",
    context: { where },
  });
}

const shape = new Shape(malformed, { listMax: 256, textMax: 512 });

/** Reads a document. Fails with `policy-malformed`, naming the member. */
export function readPolicyDocument(value: Json): PolicyDocument {
  const document = shape.object(
    value,
    "policy",
    ["kind", "id", "version", "notBefore", "notAfter", "rules"],
    ["scope"],
  );
  if (document["kind"] !== POLICY_KIND) throw malformed("kind", `is not "${POLICY_KIND}"`);
  const rules = document["rules"];
  if (!Array.isArray(rules) || rules.length > RULES_MAX) {
    throw malformed("rules", `is not a list of at most ${RULES_MAX} rules`);
  }
  const policy: PolicyDocument = {
    id: shape.text(document["id"], "id"),
    version: shape.count(document["version"], "version", 1),
    notBeforeMs: shape.count(document["notBefore"], "notBefore", 0),
    notAfterMs: shape.count(document["notAfter"], "notAfter", 1),
    scope: scopeOf(document["scope"]),
    rules: (rules as readonly Json[]).map((rule, index) => ruleOf(rule, `rules[${index}]`)),
  };
  if (policy.notAfterMs <= policy.notBeforeMs)
    throw malformed("notAfter", "is not after notBefore");
  const ids = new Set(policy.rules.map((rule) => rule.id));
  if (ids.size !== policy.rules.length) throw malformed("rules", "has two rules of one id");
  return policy;
}

function scopeOf(value: Json | undefined): PolicyScope {
  if (value === undefined) return { tenants: null, devices: null };
  const scope = shape.object(value, "scope", [], ["tenants", "devices"]);
  return {
    tenants: optionalTexts(scope["tenants"], "scope.tenants"),
    devices: optionalTexts(scope["devices"], "scope.devices"),
  };
}

function ruleOf(value: Json, where: string): PolicyRule {
  const rule = shape.object(
    value,
    where,
    ["id", "effect", "principals", "actions", "resources", "reason"],
    ["caps", "paths", "egress"],
  );
  const effect = shape.oneOf(rule["effect"], `${where}.effect`, ["allow", "deny"]);
  const paths = optionalTexts(rule["paths"], `${where}.paths`);
  const unresolved = paths?.find((path) => lexicalPath(path) !== path);
  if (unresolved !== undefined)
    throw malformed(`${where}.paths`, "has a path that is not absolute");
  const egress = optionalTexts(rule["egress"], `${where}.egress`);
  if (egress?.some((host) => host !== host.toLowerCase()) === true) {
    throw malformed(`${where}.egress`, "has a host that is not in lower case");
  }
  return {
    id: shape.text(rule["id"], `${where}.id`),
    effect,
    principals: patternsOf(rule["principals"], `${where}.principals`),
    actions: patternsOf(rule["actions"], `${where}.actions`),
    resources: shape
      .texts(rule["resources"], `${where}.resources`)
      .map((text) => resourceOf(text, `${where}.resources`)),
    caps: capsOf(rule["caps"], `${where}.caps`, effect),
    paths,
    egress,
    reason: shape.text(rule["reason"], `${where}.reason`),
  };
}

function resourceOf(text: string, where: string): ResourcePattern {
  // The last "@": a scoped name such as "@acme/fs" begins with one.
  const at = text.lastIndexOf("@");
  const name = at <= 0 ? text : text.slice(0, at);
  const range = at <= 0 ? null : text.slice(at + 1);
  checkPattern(name, where);
  if (range !== null && !isVersionRange(range)) throw malformed(where, `has no range in "${text}"`);
  return { name, range };
}

function capsOf(value: Json | undefined, where: string, effect: Effect): Caps {
  if (value === undefined) return DEFAULT_CAPS;
  if (effect === "deny") throw malformed(where, "stands in a prohibition, where it means nothing");
  const caps = shape.object(value, where, [], ["timeoutMs", "maxBytes", "maxDepth"]);
  const capOf = (name: keyof Caps): number =>
    caps[name] === undefined ? DEFAULT_CAPS[name] : shape.count(caps[name], `${where}.${name}`, 1);
  return {
    timeoutMs: capOf("timeoutMs"),
    maxBytes: capOf("maxBytes"),
    maxDepth: capOf("maxDepth"),
  };
}

function optionalTexts(value: Json | undefined, where: string): readonly string[] | null {
  return value === undefined ? null : shape.texts(value, where);
}

function patternsOf(value: Json | undefined, where: string): readonly string[] {
  const patterns = shape.texts(value, where);
  for (const pattern of patterns) checkPattern(pattern, where);
  return patterns;
}

function checkPattern(pattern: string, where: string): void {
  if (pattern.slice(0, -1).includes("*")) {
    throw malformed(where, `has a "*" that is not at the end of "${pattern}"`);
  }
}
