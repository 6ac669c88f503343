/**
 * `.rtt/plans`: every plan under its id, and which one was made last.
 *
 *   plans/<hex>.json   a signed plan; <hex> are the digits of its id
 *   plans/LATEST       the id of the plan that `rtt apply` takes when it is given none
 */
import { Failure } from "../../ports/failure.ts";
import { equalBytes, fromUtf8, utf8 } from "../../trust/bytes.ts";
import type { PlanId, SignedPlan } from "../plan.ts";
import { checkFolder, readPlainFile } from "../registry/plain-file.ts";
import type { RegistryPorts } from "../registry/ports.ts";
import type { SignerCheck } from "../registry/signature.ts";
import { isPlanId, PLAN_LIMITS } from "./parts.ts";
import { invalidPlan } from "./plan-document.ts";
import { openPlan, type OpenedPlan, planBytes } from "./plan-file.ts";

const FILE_MODE = 0o644;
const FOLDER_MODE = 0o755;
const HEX_CHARACTERS = 64;
/** Fewer digits say too little to mean one plan. */
const PREFIX_CHARACTERS_MIN = 4;
const LATEST_BYTES_MAX = 128;

export interface PlanFile {
  readonly planId: PlanId;
  readonly modifiedMs: number;
}

function plansFolder(folder: string): string {
  return `${folder}/plans`;
}

/** Where a plan lies, in the folder `.rtt`. */
export function planPath(folder: string, planId: PlanId): string {
  if (!isPlanId(planId)) throw invalidPlan("plan_id", "is not an id");
  return `${plansFolder(folder)}/${planId.slice("sha256-".length)}.json`;
}

/** Keeps a plan, and makes it the latest one. */
export async function storePlan(
  { files }: Pick<RegistryPorts, "files">,
  folder: string,
  plan: SignedPlan,
): Promise<void> {
  const path = planPath(folder, plan.plan_id);
  const bytes = planBytes(plan);
  await checkFolder(files, plansFolder(folder));
  await files.makeFolder(plansFolder(folder), FOLDER_MODE);
  const there = await readPlainFile(files, path, PLAN_LIMITS.bytesMax);
  if (there === null || !equalBytes(there, bytes)) await files.write(path, bytes, FILE_MODE);
  if ((await latestPlan({ files }, folder)) === plan.plan_id) return;
  await files.write(`${plansFolder(folder)}/LATEST`, utf8(`${plan.plan_id}\n`), FILE_MODE);
}

/** The id of the plan that was made last; null when none was, or the file says nothing that can be an id. */
export async function latestPlan(
  { files }: Pick<RegistryPorts, "files">,
  folder: string,
): Promise<PlanId | null> {
  const bytes = await readPlainFile(files, `${plansFolder(folder)}/LATEST`, LATEST_BYTES_MAX);
  const text = bytes === null ? null : fromUtf8(bytes)?.trim();
  return isPlanId(text) ? text : null;
}

/** The plans that are kept, by their ids. Says nothing about what is in them. */
export async function listPlans(
  { files }: Pick<RegistryPorts, "files">,
  folder: string,
): Promise<readonly PlanFile[]> {
  const plans: PlanFile[] = [];
  for (const name of await files.list(plansFolder(folder))) {
    const planId = `sha256-${name.replace(/\.json$/, "")}`;
    if (!name.endsWith(".json") || !isPlanId(planId)) continue;
    const info = await files.info(`${plansFolder(folder)}/${name}`);
    if (info?.kind === "file") plans.push({ planId, modifiedMs: info.modifiedMs });
  }
  return plans;
}

/** The id that a text means: a whole one, its digits, or the first of them. Fails with `argument-invalid`. */
export async function resolvePlanId(
  ports: Pick<RegistryPorts, "files">,
  folder: string,
  text: string,
): Promise<PlanId> {
  const digits = text.startsWith("sha256-") ? text.slice("sha256-".length) : text;
  if (!/^[0-9a-f]+$/.test(digits) || digits.length > HEX_CHARACTERS) {
    throw unknown(text, "is neither the id of a plan nor the beginning of one");
  }
  const whole = `sha256-${digits}`;
  if (isPlanId(whole)) return whole;
  if (digits.length < PREFIX_CHARACTERS_MIN) {
    throw unknown(text, `has fewer than ${PREFIX_CHARACTERS_MIN} digits`);
  }
  const plans = await listPlans(ports, folder);
  const [only, ...more] = plans.filter(({ planId }) => planId.startsWith(whole));
  if (only === undefined) throw unknown(text, "begins the id of no plan that is kept");
  if (more.length > 0) throw unknown(text, `begins the ids of ${more.length + 1} plans`);
  return only.planId;
}

/** A plan of the store, verified. Fails with `file-missing`, or with what is wrong with it. */
export async function readPlan(
  ports: RegistryPorts,
  folder: string,
  planId: PlanId,
  signers: SignerCheck,
): Promise<OpenedPlan> {
  const opened = await readPlanFile(ports, planPath(folder, planId), signers);
  if (opened.plan.plan_id === planId) return opened;
  throw invalidPlan("plan_id", `is ${opened.plan.plan_id} in the file of ${planId}`);
}

/** A plan of any file, verified. */
export async function readPlanFile(
  ports: RegistryPorts,
  path: string,
  signers: SignerCheck,
): Promise<OpenedPlan> {
  const bytes = await readPlainFile(ports.files, path, PLAN_LIMITS.bytesMax);
  if (bytes !== null) return openPlan(ports, bytes, signers);
  throw new Failure("file-missing", `There is no plan ${path}`, {
    origin: "local",
    remedy: "`rtt ls plans` lists the plans; `rtt plan` makes one.",
    context: { path },
  });
}

function unknown(text: string, problem: string): Failure {
  return new Failure("argument-invalid", `"${text.slice(0, 80)}" ${problem}`, {
    origin: "local",
    remedy: "`rtt ls plans` lists the plans.",
  });
}
