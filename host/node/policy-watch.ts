/**
 * The policy in force of one role, kept up to date: a newly installed file is taken in within a second, and whatever
 * is wrong with it (tampered, expired, rolled back, gone) leaves the role without a policy, which denies everything.
 */
import { Failure } from "../shared/ports/failure.ts";
import type { PolicyInForce } from "../shared/gateway/permission.ts";
import type { TrustPorts } from "../shared/trust/ports.ts";
import { resolvePolicyPaths } from "../shared/trust/policy/paths.ts";
import { type Enforcer, type PolicyRole, PolicyStore } from "../shared/trust/policy/store.ts";
import type { Logger } from "../shared/telemetry/logger.ts";

const LOOK_MS = 1000;

export interface PolicyWatchOptions {
  readonly ports: TrustPorts;
  readonly home: string;
  readonly role: PolicyRole;
  readonly enforcer: Enforcer;
  readonly log: Logger;
}

export class PolicyWatch {
  readonly #options: PolicyWatchOptions;
  readonly #store: PolicyStore;
  #inForce: PolicyInForce;
  #stamp = "";
  #cancel: () => void = () => {};

  private constructor(options: PolicyWatchOptions) {
    this.#options = options;
    this.#store = new PolicyStore(options.ports, options.home);
    this.#inForce = new Failure("policy-missing", "no policy was loaded yet", {
      origin: "policy",
      remedy: "Install one with `rtt policy install`.",
    });
  }

  static async open(options: PolicyWatchOptions): Promise<PolicyWatch> {
    const watch = new PolicyWatch(options);
    await watch.#look();
    watch.#arm();
    return watch;
  }

  get current(): PolicyInForce {
    return this.#inForce;
  }

  close(): void {
    this.#cancel();
    this.#cancel = () => {};
  }

  #arm(): void {
    const { clock } = this.#options.ports;
    this.#cancel = clock.at(clock.nowUs() + LOOK_MS * 1000, () => {
      void this.#look().then(() => this.#arm());
    });
  }

  /** Loads the file again when it is another one than before. */
  async #look(): Promise<void> {
    const { ports, role, enforcer, log } = this.#options;
    try {
      const info = await ports.files.info(this.#store.path(role));
      const stamp = info === null ? "none" : `${info.modifiedMs}/${info.sizeBytes}`;
      if (stamp === this.#stamp) return;
      this.#stamp = stamp;
      const policy = await this.#store.load(role, enforcer);
      // Only a device has the files that paths lead to.
      this.#inForce = role === "device" ? await resolvePolicyPaths(ports.files, policy) : policy;
      log.info("policy.loaded", { role, id: policy.id, version: policy.version });
    } catch (thrown) {
      this.#inForce = Failure.from(thrown);
      log.warn("policy.refused", { role, failure: this.#inForce });
    }
  }
}
