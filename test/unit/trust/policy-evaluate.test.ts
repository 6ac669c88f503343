/**
 * Goal: deny by default, prohibitions beat permissions, caps only shrink, and nothing odd is ever allowed.
 * Method: one rule at a time around a policy that allows reading; properties over random caps.
 */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { JsonObject } from "../../../host/shared/trust/canonical-json.ts";
import { denial, evaluate, intersectCaps } from "../../../host/shared/trust/policy/evaluate.ts";
import { explainPolicy } from "../../../host/shared/trust/policy/explain.ts";
import { DEFAULT_CAPS, type PolicyRequest } from "../../../host/shared/trust/policy/model.ts";
import { isInRange, normalizeVersion } from "../../../host/shared/trust/policy/versions.ts";
import { allowRead, NOW_MS, policyOf, requestOf } from "../../support/policies.ts";

const deny = (parts: JsonObject): JsonObject => ({
  ...allowRead,
  id: "no",
  effect: "deny",
  reason: "It is forbidden",
  ...parts,
});
const decide = (rules: readonly JsonObject[], parts: Partial<PolicyRequest> = {}) =>
  evaluate(policyOf(...rules), requestOf(parts), NOW_MS);

test("a policy without rules denies", () => {
  expect(decide([])).toMatchObject({ effect: "deny", code: "policy-denied", ruleId: null });
});

test("a matching permission allows and is named with its caps", () => {
  expect(decide([allowRead])).toEqual({
    effect: "allow",
    code: null,
    ruleId: "read",
    reason: "Reading is allowed",
    caps: DEFAULT_CAPS,
    paths: null,
    egress: [],
    policy: { id: "test", version: 1, digest: `sha256:${"0".repeat(64)}` },
  });
});

test.each<[string, Partial<PolicyRequest>]>([
  ["another action", { action: "tool.list" }],
  ["another tool", { resource: { name: "fs.write", version: "1.0.0" } }],
  ["a tool whose name only begins alike", { resource: { name: "fs.reader", version: "1.0.0" } }],
  ["a version outside the range", { resource: { name: "fs.read", version: "2.0.0" } }],
  ["a pre-release", { resource: { name: "fs.read", version: "1.1.0-beta.1" } }],
  ["a version that is not one", { resource: { name: "fs.read", version: "newest" } }],
  ["a host where none is allowed", { egress: ["example.com"] }],
])("%s is denied", (_name, parts) => {
  expect(decide([allowRead], parts)).toMatchObject({ effect: "deny", code: "policy-denied" });
});

test("a prohibition beats every permission, wherever it stands", () => {
  for (const rules of [
    [allowRead, deny({})],
    [deny({}), allowRead],
  ]) {
    expect(decide(rules)).toMatchObject({ code: "policy-denied", ruleId: "no" });
  }
});

test("a prohibition of a range holds for its pre-releases too", () => {
  const rules = [{ ...allowRead, resources: ["fs.read"] }, deny({ resources: ["fs.read@^2"] })];
  const version = (text: string) => ({ resource: { name: "fs.read", version: text } });
  expect(decide(rules, version("1.0.0")).effect).toBe("allow");
  expect(decide(rules, version("2.0.1-rc.1")).effect).toBe("deny");
});

test("prefixes match names, actions and principals", () => {
  const rule = { ...allowRead, principals: ["mcp:*"], actions: ["*"], resources: ["fs.*@*"] };
  expect(decide([rule], { principal: "mcp:claude", action: "tool.list" }).effect).toBe("allow");
  expect(decide([rule], { principal: "local" }).effect).toBe("deny");
});

test("a permission for folders needs every path inside one of them", () => {
  const rules = [{ ...allowRead, paths: ["/data", "/srv/files"] }];
  const at = (...paths: string[]) => decide(rules, { paths });
  expect(at("/data", "/srv/files/a").effect).toBe("allow");
  expect(at("/data/x").paths).toEqual(["/data", "/srv/files"]);
  for (const paths of [["/data2"], ["/data/x", "/etc/passwd"], ["/srv"], []]) {
    expect(at(...paths)).toMatchObject({ code: "path-denied", ruleId: "read" });
  }
  expect(decide([{ ...allowRead, paths: ["/"] }], { paths: ["/etc"] }).effect).toBe("allow");
});

test("a path that was not resolved is refused before any rule", () => {
  for (const path of ["data/x", "/data/../etc", "/data//x", "/data/", "", "/a\0b"]) {
    expect(decide([allowRead], { paths: [path] })).toMatchObject({
      code: "path-denied",
      ruleId: null,
    });
  }
});

test("a prohibition of folders needs one path inside", () => {
  const rules = [allowRead, deny({ paths: ["/etc"] })];
  expect(decide(rules, { paths: ["/data", "/etc/passwd"] }).ruleId).toBe("no");
  expect(decide(rules, { paths: ["/data"] }).effect).toBe("allow");
  expect(decide(rules).effect).toBe("allow");
});

test("hosts are allowed and forbidden by name and by domain", () => {
  const rules = [
    { ...allowRead, egress: ["*.example.com", "a.org"] },
    deny({ egress: ["evil.example.com"] }),
  ];
  const to = (...egress: string[]) => decide(rules, { egress }).effect;
  expect(to("a.org", "x.example.com")).toBe("allow");
  expect(to()).toBe("allow");
  for (const host of ["example.com", "badexample.com", "b.org", "evil.example.com"]) {
    expect(to(host)).toBe("deny");
  }
  expect(decide(rules, { egress: ["a.org"] }).egress).toEqual(["*.example.com", "a.org"]);
});

test("a refused host under folders that fit names the rule", () => {
  const rules = [
    { ...allowRead, id: "elsewhere", paths: ["/srv"], egress: ["a.org"] },
    { ...allowRead, paths: ["/data"], egress: ["a.org"] },
  ];
  expect(decide(rules, { paths: ["/data/x"], egress: ["b.org"] })).toMatchObject({
    code: "policy-denied",
    ruleId: "read",
  });
});

test("several permissions together: the first is named, caps are the lowest, folders add up", () => {
  const rules = [
    { ...allowRead, caps: { timeoutMs: 500, maxDepth: 3 }, paths: ["/data"] },
    { ...allowRead, id: "second", caps: { maxBytes: 10, maxDepth: 2 }, paths: ["/data/x"] },
  ];
  expect(decide(rules, { paths: ["/data/x/y"], depth: 2 })).toMatchObject({
    effect: "allow",
    ruleId: "read",
    caps: { timeoutMs: 500, maxBytes: 10, maxDepth: 2 },
    paths: ["/data", "/data/x"],
  });
  expect(decide(rules, { paths: ["/data/z"], depth: 3 }).effect).toBe("allow");
  expect(decide(rules, { paths: ["/data/x"], depth: 3 })).toMatchObject({
    code: "call-depth",
    ruleId: "second",
  });
});

test("a caller can lower the caps and never raise them", () => {
  const count = fc.integer({ min: 1, max: 2 ** 31 });
  const caps = fc.record({ timeoutMs: count, maxBytes: count, maxDepth: count });
  fc.assert(
    fc.property(caps, caps, (granted, asked) => {
      const decision = decide([{ ...allowRead, caps: granted }], { caps: asked });
      expect(decision.caps).toEqual(intersectCaps(granted, asked));
      for (const name of ["timeoutMs", "maxBytes", "maxDepth"] as const) {
        expect(decision.caps[name]).toBeLessThanOrEqual(granted[name]);
      }
    }),
  );
});

test.each([0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])(
  "a count of %d is refused",
  (count) => {
    expect(decide([allowRead], { depth: count })).toMatchObject({ code: "call-depth" });
    expect(decide([allowRead], { caps: { maxBytes: count } })).toMatchObject({
      code: "policy-denied",
    });
  },
);

test("outside its validity a policy denies, at the exact bounds and for a broken clock", () => {
  const policy = policyOf(allowRead);
  const at = (wallMs: number) => evaluate(policy, requestOf(), wallMs).code;
  expect(at(policy.notBeforeMs)).toBeNull();
  expect(at(policy.notAfterMs - 1)).toBeNull();
  expect(at(policy.notBeforeMs - 1)).toBe("policy-not-yet-valid");
  expect(at(policy.notAfterMs)).toBe("policy-expired");
  expect(at(Number.NaN)).toBe("policy-not-yet-valid");
});

test("a refusal becomes a failure that names policy and rule", () => {
  const failure = denial(decide([allowRead, deny({})]));
  expect(failure).toMatchObject({
    code: "policy-denied",
    origin: "policy",
    message: "policy-denied: It is forbidden",
    context: { policy: "test", version: 1, rule: "no" },
  });
  expect(denial(decide([])).context["rule"]).toBe("none");
  expect(denial(decide([allowRead])).code).toBe("policy-denied");
});

test("an explanation says what each rule has to do with the request", () => {
  const rules = [
    { ...allowRead, paths: ["/data"] },
    deny({ paths: ["/etc"] }),
    deny({ id: "other", actions: ["tool.list"] }),
  ];
  const explain = (path: string) =>
    explainPolicy(policyOf(...rules), requestOf({ paths: [path] }), NOW_MS);
  expect(explain("/data/x")).toMatchObject({
    decision: { effect: "allow" },
    rules: [
      { ruleId: "read", applies: true, because: "Reading is allowed" },
      { ruleId: "no", applies: false },
      { ruleId: "other", applies: false },
    ],
  });
  expect(explain("/etc/x").rules.map((rule) => rule.applies)).toEqual([false, true, false]);
});

test.each([
  [undefined, "0.0.0"],
  ["1.2.3", "1.2.3"],
  ["v1.2.3", "1.2.3"],
  ["2026.8", "2026.8.0"],
  ["newest", "0.0.0"],
])("the version %s is taken as %s", (text, version) => {
  expect(normalizeVersion(text)).toBe(version);
  expect(isInRange(version, "*", "allow")).toBe(true);
});
