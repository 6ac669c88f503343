/** What `rtt plan` and `rtt qc` have in common: everything that a plan is made of, and keeping it. */
import { resolve } from "node:path";
import { readConfiguration } from "../shared/fabric/configuration/configuration.ts";
import type { DraftInput } from "../shared/fabric/drafting/draft.ts";
import { planBytes, signPlan, verifyPlan } from "../shared/fabric/plan-file/plan-file.ts";
import { planPath, storePlan } from "../shared/fabric/plan-file/plan-store.ts";
import type { Plan, SignedPlan } from "../shared/fabric/plan.ts";
import { loadHighsSolver } from "../shared/fabric/planner/highs-solver.ts";
import type { RegistrySigner } from "../shared/fabric/registry/ports.ts";
import { idOfDigest } from "../shared/fabric/registry/layout.ts";
import { Registry } from "../shared/fabric/registry/registry.ts";
import { Failure } from "../shared/ports/failure.ts";
import type { CommandContext } from "./commands/context.ts";
import { checkIndex, inForce } from "./project-apply.ts";
import { currentProject, type Project, projectPanel, registryOptions } from "./project.ts";
import { trustPorts } from "./trust-ports.ts";

/** The root of the registry that keeps what the latest plan refers to until it is applied. */
const LATEST_ROOT = "plan:latest";
const FILE_MODE = 0o644;

export interface PlanOptions {
  readonly passphraseFile?: string;
  /** Whose overlays apply. */
  readonly env?: string;
  /** A second place to write the plan to. */
  readonly out?: string;
}

export interface Planning {
  readonly project: Project;
  readonly input: DraftInput;
  readonly signer: RegistrySigner;
}

/** Opens what a plan is made of. Fails closed where any of it is wrong. */
export async function openPlanning(
  context: CommandContext,
  { passphraseFile, env }: PlanOptions,
): Promise<Planning> {
  const ports = trustPorts();
  const project = currentProject(context);
  const panel = await projectPanel(project);
  const configuration = await readConfiguration(ports.files, project.root);
  const options = await registryOptions(context, project, { passphraseFile });
  const registry = await Registry.open(ports, project.registry, options);
  const { signer } = options;
  if (!signer) throw noSigner();
  const current = await inForce(context, project, await registry.signers());
  await checkIndex(project, registry, current);
  const input: DraftInput = {
    ports,
    root: (await ports.files.realPath(project.root)) ?? project.root,
    registry,
    panel,
    configuration,
    current,
    solver: await loadHighsSolver(),
    environment: env ?? null,
  };
  return { project, input, signer };
}

/** Signs a plan and keeps it, with everything that it refers to. Answers where it lies. */
export async function keepPlan(
  { project, input, signer }: Planning,
  plan: Plan,
  out: string | undefined,
): Promise<string> {
  const { ports, registry } = input;
  const signed = signPlan(ports, plan, signer);
  // A plan that nobody would take is not written: a key that was revoked, say.
  const verdict = verifyPlan(ports, signed, await registry.signers());
  if (!verdict.ok) {
    const prefix = `${verdict.code}: `;
    const reason = verdict.reason.replace(prefix, "");
    throw new Failure(verdict.code, reason, {
      origin: "local",
      remedy: "The registry's owner adds this node's key with `rtt registry trust <key>`.",
    });
  }
  await keepObjects(registry, signed);
  await storePlan(ports, project.folder, signed);
  if (out !== undefined) await ports.files.write(resolve(out), planBytes(signed), FILE_MODE);
  return planPath(project.folder, plan.plan_id);
}

/** Nothing but the plan leads to derived files, and garbage collection must not take them before it is applied. */
async function keepObjects(registry: Registry, { symbols, files }: SignedPlan): Promise<void> {
  const digests = [
    ...Object.values(symbols),
    // What is restored is the user's own, and an earlier generation keeps what a link of it led to.
    ...files.map((file) => {
      if (file.how === "restore") return null;
      return file.how === "link" ? file.after : file.fields;
    }),
  ];
  const ids = [...new Set(digests.map(idOfDigest).filter((id) => id !== null))].sort();
  const { index } = await registry.view();
  const present = index.roots.get(LATEST_ROOT) ?? [];
  if (present.length === ids.length && ids.every((id, at) => present[at] === id)) return;
  await registry.setRoots(LATEST_ROOT, ids);
}

function noSigner(): Failure {
  return new Failure("identity-missing", "A plan is signed, and there is no identity", {
    origin: "local",
    remedy: "`rtt init` makes one.",
  });
}
