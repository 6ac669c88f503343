/**
 * Goal: our evaluator decides as an independent, widely used engine does.
 * Method: random policies and requests; each rule is translated to Cedar, whose decision must be the same.
 */
import { isAuthorized } from "@cedar-policy/cedar-wasm/nodejs";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { JsonObject } from "../../../host/shared/trust/canonical-json.ts";
import { evaluate } from "../../../host/shared/trust/policy/evaluate.ts";
import type { PolicyRequest, PolicyRule } from "../../../host/shared/trust/policy/model.ts";
import { NOW_MS, policyOf } from "../../support/policies.ts";

const PRINCIPALS = ["local", "mcp:claude", "mcp:codex"];
const ACTIONS = ["tool.call", "tool.list"];
const TOOLS = ["fs.read", "fs.readable", "fs.write", "net.get"];
const VERSIONS = ["1.0.0", "1.2.0", "1.2.9", "2.0.0", "2.1.3"];
const PATHS = ["/data", "/data/a", "/data/a/b", "/database", "/etc/passwd"];
const HOSTS = ["a.org", "x.example.com", "example.com"];

// --- random policies and requests ---

const someOf = (values: readonly string[], min: number) =>
  fc.subarray([...values], { minLength: min, maxLength: 2 });
const rule = fc.record(
  {
    effect: fc.constantFrom("allow", "allow", "deny"),
    principals: someOf([...PRINCIPALS, "mcp:*", "*"], 1),
    actions: someOf([...ACTIONS, "tool.*"], 1),
    resources: someOf(
      ["fs.read", "fs.*", "*", "fs.read@^1", "fs.*@>=1.2.0", "*@2.0.0", "net.get@^2.1.0"],
      1,
    ),
    paths: someOf(["/data", "/data/a", "/"], 1),
    egress: someOf(["a.org", "*.example.com"], 1),
    maxDepth: fc.integer({ min: 1, max: 3 }),
  },
  { requiredKeys: ["effect", "principals", "actions", "resources"] },
);
const request = fc.record({
  principal: fc.constantFrom(...PRINCIPALS),
  action: fc.constantFrom(...ACTIONS),
  resource: fc.record({ name: fc.constantFrom(...TOOLS), version: fc.constantFrom(...VERSIONS) }),
  paths: someOf(PATHS, 0),
  egress: fc.oneof(fc.constant([]), fc.constant([]), fc.subarray(HOSTS, { maxLength: 2 })),
  depth: fc.integer({ min: 1, max: 3 }),
});

// --- translation to Cedar ---

const any = (parts: readonly string[]) => `(${parts.join(" || ")})`;
const all = (parts: readonly string[]) => `(${parts.join(" && ")})`;
const like = (what: string, pattern: string) => `${what} like "${pattern}"`;
const inFolder = (what: string, folder: string) =>
  folder === "/" ? "true" : `(${what} == "${folder}" || ${like(what, `${folder}/*`)})`;

/** Versions as one number, so that Cedar can compare them. */
const versionNumber = (text: string): number => {
  const [major = 0, minor = 0, patch = 0] = text.split(".").map(Number);
  return major * 1_000_000 + minor * 1000 + patch;
};

function rangeInCedar(range: string | null): string {
  if (range === null) return "true";
  const version = versionNumber(range.replace(/[^\d.]/g, ""));
  const above = `context.version >= ${version}`;
  if (range.startsWith(">=")) return above;
  if (!range.startsWith("^")) return `context.version == ${version}`;
  return all([above, `context.version < ${(Math.floor(version / 1_000_000) + 1) * 1_000_000}`]);
}

/** Conditions on the k-th path or host of the request, if it has one. */
const eachOf = (name: string, holds: (what: string) => string) =>
  all(
    [0, 1].map(
      (index) => `(!(context has ${name}${index}) || ${holds(`context.${name}${index}`)})`,
    ),
  );
const someOfThem = (name: string, holds: (what: string) => string) =>
  any(
    [0, 1].map((index) => `(context has ${name}${index} && ${holds(`context.${name}${index}`)})`),
  );

function scopeInCedar({ principals, actions, resources }: PolicyRule): string {
  return all([
    any(principals.map((pattern) => like("context.principal", pattern))),
    any(actions.map((pattern) => like("context.action", pattern))),
    any(resources.map(({ name, range }) => all([like("context.tool", name), rangeInCedar(range)]))),
  ]);
}

function ruleInCedar(policyRule: PolicyRule): string[] {
  const { effect, paths, egress, caps } = policyRule;
  const scope = scopeInCedar(policyRule);
  const inPaths = (what: string) => any((paths ?? []).map((folder) => inFolder(what, folder)));
  const inHosts = (what: string) => any((egress ?? []).map((pattern) => like(what, pattern)));
  if (effect === "deny") {
    const places = [
      ...(paths === null ? [] : [someOfThem("path", inPaths)]),
      ...(egress === null ? [] : [someOfThem("host", inHosts)]),
    ];
    const when = places.length === 0 ? scope : all([scope, any(places)]);
    return [`forbid(principal, action, resource) when { ${when} };`];
  }
  const permitted = all([
    scope,
    paths === null ? "true" : all(["context has path0", eachOf("path", inPaths)]),
    egress === null ? "!(context has host0)" : eachOf("host", inHosts),
  ]);
  return [
    `permit(principal, action, resource) when { ${permitted} };`,
    `forbid(principal, action, resource) when { ${permitted} && context.depth > ${caps.maxDepth} };`,
  ];
}

function cedarDecides(rules: readonly PolicyRule[], asked: PolicyRequest): string {
  const numbered = (name: string, values: readonly string[]) =>
    Object.fromEntries(values.map((value, index) => [`${name}${index}`, value]));
  const answer = isAuthorized({
    principal: { type: "Principal", id: asked.principal },
    action: { type: "Action", id: asked.action },
    resource: { type: "Tool", id: asked.resource.name },
    context: {
      principal: asked.principal,
      action: asked.action,
      tool: asked.resource.name,
      version: versionNumber(asked.resource.version),
      depth: asked.depth,
      ...numbered("path", asked.paths),
      ...numbered("host", asked.egress),
    },
    policies: { staticPolicies: rules.flatMap(ruleInCedar).join("\n") },
    entities: [],
  });
  if (answer.type === "failure") throw new Error(JSON.stringify(answer.errors));
  expect(answer.response.diagnostics.errors).toEqual([]);
  return answer.response.decision;
}

test("random policies and requests are decided as Cedar decides them", () => {
  const seen = { allow: 0, deny: 0 };
  fc.assert(
    fc.property(fc.array(rule, { minLength: 1, maxLength: 5 }), request, (rules, asked) => {
      const documents = rules.map(({ maxDepth, ...parts }, index): JsonObject => {
        const caps =
          parts.effect === "allow" && maxDepth !== undefined ? { caps: { maxDepth } } : {};
        return { id: `r${index}`, reason: "test", ...parts, ...caps };
      });
      const policy = policyOf(...documents);
      const { effect } = evaluate(policy, asked, NOW_MS);
      seen[effect] += 1;
      expect(effect).toBe(cedarDecides(policy.rules, asked));
    }),
    { numRuns: 1500 },
  );
  // A generator that only ever denies would prove nothing.
  expect(Math.min(seen.allow, seen.deny)).toBeGreaterThan(100);
});
