/**
 * Policies on disk: `<state>/policy/<role>.dsse.json`, and `<role>.versions.json`, which remembers the highest
 * version accepted of each id, so that an old file put back is refused.
 */
import { Failure } from "../../ports/failure.ts";
import { documentBytes, isJsonObject, type Json, parseOwnDocument } from "../canonical-json.ts";
import { isDigestText } from "../digest-text.ts";
import type { TrustPorts } from "../ports.ts";
import { readSigners } from "../signers.ts";
import { type AcceptedVersion, openPolicy } from "./bundle.ts";
import type { Policy } from "./model.ts";

export type PolicyRole = "host" | "device";

/** Who enforces the policy. */
export interface Enforcer {
  readonly tenant: string;
  /** Id of this node. */
  readonly device: string;
}

type StorePorts = Pick<TrustPorts, "files" | "signatures" | "digest" | "clock">;
type Accepted = Map<string, AcceptedVersion>;

const OWNER_ONLY = 0o600;

export class PolicyStore {
  readonly #ports: StorePorts;
  readonly #state: string;

  /** `state` is the node's state folder. */
  constructor(ports: StorePorts, state: string) {
    this.#ports = ports;
    this.#state = state;
  }

  /** Where the signed policy of a role lies. */
  path(role: PolicyRole): string {
    return `${this.#state}/policy/${role}.dsse.json`;
  }

  /** The policy in force. Fails with `policy-missing` or what `openPolicy` fails with. */
  async load(role: PolicyRole, enforcer: Enforcer): Promise<Policy> {
    const file = await this.#ports.files.read(this.path(role));
    if (file === null) {
      throw new Failure("policy-missing", `There is no ${role} policy, so everything is denied`, {
        origin: "policy",
        remedy: "Permit a tool with `rtt allow`, or install one with `rtt policy install`.",
        context: { role, path: this.path(role) },
      });
    }
    return this.#accept(role, file, enforcer);
  }

  /** Checks a signed policy and puts it in force. */
  async install(
    role: PolicyRole,
    file: Uint8Array<ArrayBuffer>,
    enforcer: Enforcer,
  ): Promise<Policy> {
    const policy = await this.#accept(role, file, enforcer);
    await this.#ports.files.write(this.path(role), file, OWNER_ONLY);
    return policy;
  }

  async #accept(role: PolicyRole, file: Uint8Array, enforcer: Enforcer): Promise<Policy> {
    const { files, clock } = this.#ports;
    const signers = await readSigners(files, this.#state);
    const accepted = await this.#readAccepted(role);
    const policy = openPolicy(this.#ports, file, {
      ...enforcer,
      signers,
      wallMs: clock.wallMs(),
      accepted: (policyId) => accepted.get(policyId),
    });
    if (accepted.get(policy.id)?.digest !== policy.digest) {
      // Remembered before the policy is used: a crash in between leaves nothing to go back to.
      accepted.set(policy.id, { version: policy.version, digest: policy.digest });
      await this.#writeAccepted(role, accepted);
    }
    return policy;
  }

  #versionsPath(role: PolicyRole): string {
    return `${this.#state}/policy/${role}.versions.json`;
  }

  async #readAccepted(role: PolicyRole): Promise<Accepted> {
    const path = this.#versionsPath(role);
    const bytes = await this.#ports.files.read(path);
    const accepted: Accepted = new Map();
    if (bytes === null) return accepted;
    const value = parseOwnDocument(bytes, () => damagedRecord(path));
    for (const [key, entry] of Object.entries(isJsonObject(value) ? value : { "": null })) {
      accepted.set(key, acceptedOf(path, entry));
    }
    return accepted;
  }

  async #writeAccepted(role: PolicyRole, accepted: Accepted): Promise<void> {
    await this.#ports.files.makeFolder(`${this.#state}/policy`, 0o700);
    const bytes = documentBytes(
      Object.fromEntries([...accepted].map(([key, value]) => [key, { ...value }])),
    );
    await this.#ports.files.write(this.#versionsPath(role), bytes, OWNER_ONLY);
  }
}

function acceptedOf(path: string, entry: Json): AcceptedVersion {
  const { version, digest } = isJsonObject(entry) ? entry : {};
  if (typeof version !== "number" || !isDigestText(digest)) throw damagedRecord(path);
  return { version, digest };
}

/** Starting afresh instead would allow exactly the rollback that the file is there to prevent. */
function damagedRecord(path: string): Failure {
  return new Failure("policy-malformed", `The record of accepted versions, ${path}, is damaged`, {
    origin: "host",
    remedy: "Restore the file from a backup, or remove it if you accept that a policy may go back.",
    context: { path },
  });
}
