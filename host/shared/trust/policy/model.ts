/**
 * The one policy model: who (principal) may do what (action) with what (resource), how much (caps), where (paths,
 * egress), until when. Tool policy, route ACLs, driver grants and roles are all rules of this form.
 */
import type { ErrorCode } from "../../ports/failure.ts";

/** Limits of one call. */
export interface Caps {
  readonly timeoutMs: number;
  /** Largest result that is delivered; more is cut and marked. */
  readonly maxBytes: number;
  /** How deep calls may make calls; 1 means that a called tool may call none. */
  readonly maxDepth: number;
}

/** What a rule grants that names no caps of its own. */
export const DEFAULT_CAPS: Caps = { timeoutMs: 30_000, maxBytes: 1 << 20, maxDepth: 1 };

export type Effect = "allow" | "deny";

/** "fs.read@^1": a name or a prefix ("fs.*", "*"), and a semver range; without a range every version. */
export interface ResourcePattern {
  readonly name: string;
  readonly range: string | null;
}

export interface PolicyRule {
  readonly id: string;
  readonly effect: Effect;
  /** Ids or prefixes: "12D3Koo…", "mcp:*", "*". */
  readonly principals: readonly string[];
  readonly actions: readonly string[];
  readonly resources: readonly ResourcePattern[];
  readonly caps: Caps;
  /** Folders, absolute and without "..". Null: the rule does not look at paths. */
  readonly paths: readonly string[] | null;
  /** Lower-case host names or "*.example.com". Null: a permission permits no egress. */
  readonly egress: readonly string[] | null;
  readonly reason: string;
}

/** Whom a policy is for. Null: everyone. */
export interface PolicyScope {
  readonly tenants: readonly string[] | null;
  readonly devices: readonly string[] | null;
}

/** A policy whose signature, validity, version and scope were checked. */
export interface Policy {
  readonly id: string;
  /** Never goes back for one id. */
  readonly version: number;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly scope: PolicyScope;
  readonly rules: readonly PolicyRule[];
  /** Digest of the signed bytes. */
  readonly digest: string;
  /** The Ed25519 key that signed it. */
  readonly signer: Uint8Array;
}

export interface PolicyRequest {
  /** On a device: the calling node's PeerId. On a host: the client, such as "mcp:claude" or "local". */
  readonly principal: string;
  readonly action: string;
  /** `version` is semver; see `normalizeVersion`. */
  readonly resource: { readonly name: string; readonly version: string };
  /** Every path that the call names: real paths on a device, lexical ones on a host. */
  readonly paths: readonly string[];
  /** Every host that the call would reach. */
  readonly egress: readonly string[];
  /** How many calls deep this one is; 1 for a call that no other call made. */
  readonly depth: number;
  /** What the caller asks for; it can only lower what the policy grants. */
  readonly caps?: Partial<Caps>;
}

/** Names a policy in decisions and receipts. */
export interface PolicyRef {
  readonly id: string;
  readonly version: number;
  readonly digest: string;
}

/** Stands in decisions that were made without a policy. */
export const NO_POLICY: PolicyRef = {
  id: "none",
  version: 0,
  digest: `sha256:${"0".repeat(64)}`,
};

export interface Decision {
  readonly effect: Effect;
  /** Why not; null when allowed. */
  readonly code: ErrorCode | null;
  /** The rule that decided; null when none matched. */
  readonly ruleId: string | null;
  readonly reason: string;
  readonly caps: Caps;
  /** Folders that the rules which allow it name; null when one of them names none. */
  readonly paths: readonly string[] | null;
  /** Hosts that the rules which allow it name. */
  readonly egress: readonly string[];
  readonly policy: PolicyRef;
}
