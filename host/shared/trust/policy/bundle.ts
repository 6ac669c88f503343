/** Signed policies: a policy document in a DSSE envelope, opened only when every check passes. */
import { type ErrorCode, Failure } from "../../ports/failure.ts";
import { equalBytes } from "../bytes.ts";
import {
  canonicalBytes,
  documentBytes,
  isJsonObject,
  type Json,
  parseDocument,
  parseJson,
} from "../canonical-json.ts";
import { digestText } from "../digest-text.ts";
import {
  type Envelope,
  envelopeJson,
  parseEnvelope,
  signEnvelope,
  verifyEnvelope,
} from "../dsse.ts";
import { parseKeyText } from "../key-text.ts";
import type { TrustPorts } from "../ports.ts";
import { readPolicyDocument } from "./document.ts";
import type { Policy } from "./model.ts";

export const POLICY_PAYLOAD_TYPE = "application/vnd.mxp.policy.v1+json";

/** The version of a policy id that this node has accepted before; it may not go back. */
export interface AcceptedVersion {
  readonly version: number;
  readonly digest: string;
}

export interface PolicyChecks {
  /** Ed25519 keys whose policies are accepted. */
  readonly signers: readonly Uint8Array[];
  readonly wallMs: number;
  readonly tenant: string;
  /** Id of the node that enforces the policy. */
  readonly device: string;
  /** What was accepted before under this policy's id. */
  readonly accepted: (policyId: string) => AcceptedVersion | undefined;
}

function refuse(code: ErrorCode, problem: string, remedy: string): Failure {
  return new Failure(code, problem, { origin: "policy", remedy });
}

/** Signs a policy document, which must be one. The result is the whole file. */
export function signPolicy(
  ports: Pick<TrustPorts, "signatures">,
  document: Json,
  seed: Uint8Array,
): Uint8Array<ArrayBuffer> {
  readPolicyDocument(document);
  const payload = canonicalBytes(document);
  const envelope = signEnvelope(ports.signatures, POLICY_PAYLOAD_TYPE, payload, seed);
  return documentBytes(envelopeJson(envelope));
}

/**
 * Opens a signed policy. Fails with `signature-missing`, `signature-invalid`, `signer-untrusted`, `policy-malformed`,
 * `policy-not-yet-valid`, `policy-expired`, `policy-scope` or `policy-rollback`.
 */
export function openPolicy(
  ports: Pick<TrustPorts, "signatures" | "digest">,
  file: Uint8Array,
  checks: PolicyChecks,
): Policy {
  const envelope = envelopeOf(file);
  const signer = parseKeyText(envelope.keyId)?.key;
  if (signer === undefined || !checks.signers.some((key) => equalBytes(key, signer))) {
    const remedy = "If you trust the key, add it with `rtt policy trust <key>`.";
    throw refuse("signer-untrusted", `The policy names the signer "${envelope.keyId}"`, remedy);
  }
  const payload = verifyEnvelope(ports.signatures, envelope, POLICY_PAYLOAD_TYPE, signer);
  const policy: Policy = {
    ...readPolicyDocument(parseJson(payload)),
    digest: digestText(ports.digest, payload),
    signer,
  };
  checkValidity(policy, checks);
  checkScope(policy, checks);
  checkVersion(policy, checks.accepted(policy.id));
  return policy;
}

/** What is mistaken most often is the document itself for its signed form, so that is told apart from nonsense. */
function envelopeOf(file: Uint8Array): Envelope {
  try {
    return parseEnvelope(parseDocument(file));
  } catch (thrown) {
    if (!isUnsigned(file)) throw thrown;
    const remedy = "Sign it with `rtt policy sign`, and install what that writes.";
    throw refuse("signature-missing", "The policy is not signed", remedy);
  }
}

function isUnsigned(file: Uint8Array): boolean {
  try {
    const document = parseJson(file);
    return isJsonObject(document) && Object.hasOwn(document, "rules");
  } catch {
    return false;
  }
}

function checkValidity(policy: Policy, checks: PolicyChecks): void {
  const name = `The policy "${policy.id}" version ${policy.version}`;
  if (!(checks.wallMs >= policy.notBeforeMs)) {
    throw refuse(
      "policy-not-yet-valid",
      `${name} is not valid yet`,
      "Wait, or set the clock right.",
    );
  }
  if (!(checks.wallMs < policy.notAfterMs)) {
    throw refuse("policy-expired", `${name} has expired`, "Sign and install a newer version.");
  }
}

function checkScope(policy: Policy, checks: PolicyChecks): void {
  const { tenants, devices } = policy.scope;
  const isInScope =
    (tenants === null || tenants.includes(checks.tenant)) &&
    (devices === null || devices.includes(checks.device));
  if (!isInScope) {
    const remedy = "Install a policy whose scope names this tenant and this node.";
    throw refuse("policy-scope", `The policy "${policy.id}" is not for this node`, remedy);
  }
}

function checkVersion(policy: Policy, accepted: AcceptedVersion | undefined): void {
  if (accepted === undefined || policy.version > accepted.version) return;
  if (policy.version === accepted.version && policy.digest === accepted.digest) return;
  const problem = `The policy "${policy.id}" version ${policy.version} would replace version ${accepted.version}`;
  throw refuse("policy-rollback", problem, "Sign it again with a higher version.");
}
