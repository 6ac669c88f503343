/** Policy documents for tests: one that allows `fs.read` in a folder, with any part replaced. */
import type { Json, JsonObject } from "../../host/shared/trust/canonical-json.ts";
import { readPolicyDocument } from "../../host/shared/trust/policy/document.ts";
import type { Policy, PolicyRequest } from "../../host/shared/trust/policy/model.ts";

export const NOW_MS = 1_750_000_000_000;

export const allowRead: JsonObject = {
  id: "read",
  effect: "allow",
  principals: ["*"],
  actions: ["tool.call"],
  resources: ["fs.read@^1"],
  reason: "Reading is allowed",
};

export function policyDocument(parts: JsonObject = {}): JsonObject {
  return {
    kind: "mxp.policy/v1",
    id: "test",
    version: 1,
    notBefore: NOW_MS - 1000,
    notAfter: NOW_MS + 1000,
    rules: [allowRead],
    ...parts,
  };
}

/** A policy that was not signed: the evaluator looks at neither signature nor digest. */
export function policyOf(...rules: readonly Json[]): Policy {
  return {
    ...readPolicyDocument(policyDocument({ rules })),
    digest: `sha256:${"0".repeat(64)}`,
    signer: new Uint8Array(32),
  };
}

export function requestOf(parts: Partial<PolicyRequest> = {}): PolicyRequest {
  return {
    principal: "local",
    action: "tool.call",
    resource: { name: "fs.read", version: "1.0.0" },
    paths: [],
    egress: [],
    depth: 1,
    ...parts,
  };
}
