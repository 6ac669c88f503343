/**
 * What a running node reads of its project: the generation in force, the objects that it names and the tools that were
 * reviewed. Everything is verified whenever it is read; nothing is written.
 */
import {
  readGeneration,
  generationPath,
} from "../../shared/fabric/generation-file/generation-file.ts";
import { ReviewedTools } from "../../shared/fabric/bridge/review.ts";
import type { Generation } from "../../shared/fabric/generation.ts";
import { applicablePlan, verifyPlan } from "../../shared/fabric/plan-file/plan-file.ts";
import type { SignedPlan } from "../../shared/fabric/plan.ts";
import { Registry } from "../../shared/fabric/registry/registry.ts";
import { Failure } from "../../shared/ports/failure.ts";
import type { TrustPorts } from "../../shared/trust/ports.ts";
import { type Project, registryOptions } from "../project.ts";

export class ProjectFiles {
  readonly project: Project;
  readonly #ports: TrustPorts;
  /** The state folder of the node. */
  readonly #home: string;

  constructor(ports: TrustPorts, home: string, project: Project) {
    this.#ports = ports;
    this.#home = home;
    this.project = project;
  }

  /** Another text whenever another generation may be in force. */
  generationStamp(): Promise<string> {
    return this.#stamp([generationPath(this.project.folder)]);
  }

  /** Another text whenever the registry may answer otherwise. */
  registryStamp(): Promise<string> {
    const { registry, panel } = this.project;
    return this.#stamp([`${registry}/index.json`, `${registry}/trust/signers.dsse.json`, panel]);
  }

  async openRegistry(): Promise<{ readonly registry: Registry; readonly isStrict: boolean }> {
    const options = await registryOptions({ home: this.#home }, this.project, { isReadOnly: true });
    const registry = await Registry.open(this.#ports, this.project.registry, options);
    return { registry, isStrict: options.strict ?? true };
  }

  /** The generation in force; null when nothing has been applied. */
  async generation(registry: Registry): Promise<Generation | null> {
    const signers = await registry.signers();
    const stored = await readGeneration(this.#ports, this.project.folder, signers);
    return stored?.generation ?? null;
  }

  reviewed(registry: Registry): Promise<ReviewedTools> {
    return ReviewedTools.read(registry);
  }

  /** Fails unless it is a plan that can be applied and a trusted signer has signed. */
  async checkPlan(registry: Registry, plan: SignedPlan | Uint8Array): Promise<void> {
    const verdict = verifyPlan(this.#ports, plan, await registry.signers());
    if (verdict.ok) {
      applicablePlan(verdict.opened);
      return;
    }
    throw new Failure(verdict.code, verdict.reason, {
      origin: "policy",
      remedy: "Make the plan again with `rtt plan`.",
    });
  }

  async #stamp(paths: readonly string[]): Promise<string> {
    const { files } = this.#ports;
    const stamps = paths.map(async (path) => {
      const [info, identity] = await Promise.all([files.info(path), files.identity(path)]);
      return info === null ? "-" : `${identity?.inode}/${info.modifiedMs}/${info.sizeBytes}`;
    });
    return (await Promise.all(stamps)).join(" ");
  }
}
