/** What the verbs that change what is in force have in common: the lock, who takes part, and recovery before anything. */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { holdingApplyLock, type LockHolder } from "../shared/fabric/apply/apply-lock.ts";
import { lastTransaction } from "../shared/fabric/apply/apply-log.ts";
import { type HealthSource, withdrawAbandoned } from "../shared/fabric/apply/canary.ts";
import { Coordinator } from "../shared/fabric/apply/coordinator.ts";
import type { Participant } from "../shared/fabric/apply/participant.ts";
import type { TraceLine } from "../shared/fabric/apply/run.ts";
import { registryParticipant } from "../shared/fabric/apply/registry-participant.ts";
import { inForceAfter } from "../shared/fabric/apply/history.ts";
import {
  generationPath,
  readGeneration,
  type StoredGeneration,
} from "../shared/fabric/generation-file/generation-file.ts";
import type { Plan, SignedPlan } from "../shared/fabric/plan.ts";
import { applicablePlan } from "../shared/fabric/plan-file/plan-file.ts";
import { latestPlan, readPlan, resolvePlanId } from "../shared/fabric/plan-file/plan-store.ts";
import type { Registry } from "../shared/fabric/registry/registry.ts";
import type { SignerCheck } from "../shared/fabric/registry/signature.ts";
import { viewParticipants, viewsOf } from "../shared/fabric/view/files/participant.ts";
import { Failure } from "../shared/ports/failure.ts";
import { readIdentity, readPublicIdentity } from "../shared/trust/key-file.ts";
import type { TrustPorts } from "../shared/trust/ports.ts";
import type { CommandContext } from "./commands/context.ts";
import { readPassphrase } from "./passphrase.ts";
import { currentProject, openRegistry, type Project } from "./project.ts";
import { statePaths } from "./state.ts";
import { trustPorts } from "./trust-ports.ts";
import { nodeParticipant } from "./wiring/participant.ts";

export interface ApplyAccess {
  readonly passphraseFile?: string | undefined;
  /** How long to wait for another program that changes the project. */
  readonly waitMs: number;
  /** Whether views may copy where there are no links. */
  readonly mayCopy?: boolean;
}

/** A project that may be changed now, by nobody else. */
export interface Applying {
  readonly ports: TrustPorts;
  readonly project: Project;
  /** The project's root with every link resolved. */
  readonly root: string;
  readonly registry: Registry;
  readonly coordinator: Coordinator;
  /** How calls of the running node went; null when none runs for this project. */
  readonly health: HealthSource | null;
  /** Who takes part in a plan. */
  participantsOf(plan: Plan): readonly Participant[];
}

/** Says something to whoever waits at a terminal; never part of an answer. */
export function tell(context: CommandContext, text: string): void {
  if (!context.isJson()) process.stderr.write(`${text}\n`);
}

const DOING: Partial<Record<TraceLine["state"]["phase"], string>> = {
  preparing: "Asking everybody to prepare",
  committing: "Decided; showing it",
  observing: "Looking whether it is as planned",
  aborting: "Not decided; forgetting it",
  reverting: "Not as planned; going back",
};

/** What is being done, for somebody at a terminal; a program that reads the output has no use for it. */
function showProgress(context: CommandContext, { state, actions }: TraceLine): void {
  const what = DOING[state.phase];
  // Each answer is a step too; what begins is what has something to do.
  if (process.stderr.isTTY && what !== undefined && actions.length > 0) tell(context, `${what} …`);
}

/** Runs `task` as the only one that changes the project, after whatever a crash left open was ended. */
export async function changing<T>(
  context: CommandContext,
  access: ApplyAccess,
  task: (applying: Applying) => Promise<T>,
): Promise<T> {
  const ports = trustPorts();
  const project = currentProject(context);
  const passphrase = await readPassphrase(ports.files, access.passphraseFile);
  const identity = await readIdentity(ports, statePaths(context.home).identity, passphrase);
  const registry = await openRegistry(context, project, access);
  const signers = await registry.signers();
  const lock = {
    holder: processHolder(),
    waitMs: access.waitMs,
    onWait: (process: string) =>
      tell(context, `Waiting for ${process}, which changes this project`),
  };
  return holdingApplyLock(ports, project.folder, lock, async (checkLock) => {
    const root = (await ports.files.realPath(project.root)) ?? project.root;
    const node = await nodeParticipant(statePaths(context.home).control, root);
    const others = [registryParticipant(registry), ...(node === null ? [] : [node.participant])];
    const options = { mayCopy: access.mayCopy === true };
    const participantsOf = (plan: Plan): readonly Participant[] => [
      ...viewParticipants(ports, root, registry, viewsOf(plan.files), options),
      ...others,
    ];
    const onTrace = (line: TraceLine): void => showProgress(context, line);
    const { folder } = project;
    const around = { root, folder, identity, signers, participantsOf, checkLock, onTrace };
    const coordinator = await Coordinator.open(ports, around);
    await endWhatIsOpen(context, ports, coordinator);
    const health = node?.health ?? null;
    return task({ ports, project, root, registry, coordinator, health, participantsOf });
  });
}

async function endWhatIsOpen(
  context: CommandContext,
  ports: TrustPorts,
  coordinator: Coordinator,
): Promise<void> {
  const recovered = await coordinator.recover();
  if (recovered !== null) {
    const { facts, outcome, left } = recovered;
    const rest = left.length === 0 ? "" : `; still to be looked at: ${left.join(", ")}`;
    const what = `The change to generation ${facts.generation} was interrupted; it is ${outcome}`;
    tell(context, `${what} now${rest}`);
  }
  const withdrawn = await withdrawAbandoned(ports, coordinator);
  if (withdrawn !== null) {
    const number = withdrawn.stored.generation.generation;
    tell(context, `A canary that nobody watched any more was taken back by generation ${number}`);
  }
}

/**
 * Ends what a crash has left open, before something reads what is in force; nothing when another program is at work,
 * which does it itself. What is read without this is whole too, only perhaps not the newest that was decided.
 */
export async function recoverProject(
  context: CommandContext,
  access: { readonly passphraseFile?: string | undefined } = {},
): Promise<void> {
  const ports = trustPorts();
  const { folder } = currentProject(context);
  const owner = await readPublicIdentity(ports, statePaths(context.home).identity);
  const last = await lastTransaction(ports, folder, owner);
  if (last === null || last.outcome !== null) return;
  try {
    await changing(context, { ...access, waitMs: 0 }, async () => {});
  } catch (thrown) {
    if (Failure.from(thrown).code !== "would-block") throw thrown;
  }
}

/** This process as the holder of a lock. */
function processHolder(): LockHolder {
  const host = hostname().replaceAll(/\s/g, "-");
  return {
    token: randomBytes(16).toString("hex"),
    process: `${host}/${process.pid}`,
    isGone(other) {
      const [otherHost, pid] = other.split("/");
      if (otherHost !== host || !/^\d+$/.test(pid ?? "")) return null;
      try {
        process.kill(Number(pid), 0);
        // Its number may be another program's by now; whether it beats will tell.
        return null;
      } catch (error) {
        return (error as { readonly code?: unknown }).code === "ESRCH";
      }
    },
  };
}

/**
 * Fails where the index is lost although views show something. The registry would look empty: a plan would take all of
 * it away, and a scan would not take for a source what is a link by now.
 */
export async function checkIndex(
  project: Project,
  registry: Registry,
  current: StoredGeneration | null,
): Promise<void> {
  const { files = [], routes = [] } = current?.generation ?? {};
  if (files.length + routes.length === 0 || (await registry.view()).hasIndex) return;
  throw new Failure("signature-missing", "The registry has lost its index.json", {
    origin: "host",
    remedy:
      "Restore it from a copy. If there is none, take the views back with `rtt rollback 0`; then `rtt scan` and " +
      "`rtt tools import` make it anew.",
    context: { path: `${project.registry}/index.json` },
  });
}

// --- which plan ---

/**
 * What is in force, read without changing anything; null where nothing has been applied, which the log must not
 * contradict: a plan from nothing would take what views show for the user's own files.
 */
export async function inForce(
  context: Pick<CommandContext, "home">,
  { folder }: Project,
  signers: SignerCheck,
): Promise<StoredGeneration | null> {
  const ports = trustPorts();
  const stored = await readGeneration(ports, folder, signers);
  if (stored !== null) return stored;
  const owner = await readPublicIdentity(ports, statePaths(context.home).identity);
  const last = await lastTransaction(ports, folder, owner);
  if (last === null || inForceAfter(last).digest === null) return null;
  const { generation } = inForceAfter(last);
  const problem = `The generation ${generation} is in force, but generation.dsse.json is gone`;
  throw new Failure("generation-missing", problem, {
    origin: "host",
    remedy: "`rtt apply` puts it back.",
    context: { path: generationPath(folder), generation },
  });
}

/** The plan that is asked for, or the one that was made last; null when there is none. */
export async function choosePlan(
  project: Project,
  signers: SignerCheck,
  name: string | undefined,
): Promise<SignedPlan | null> {
  const ports = trustPorts();
  const { folder } = project;
  const planId =
    name === undefined ? await latestPlan(ports, folder) : await resolvePlanId(ports, folder, name);
  if (planId === null) return null;
  return applicablePlan(await readPlan(ports, folder, planId, signers));
}
