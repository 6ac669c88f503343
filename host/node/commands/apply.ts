/** `rtt apply`: puts a plan in force, as a whole or not at all. */
import { applyCanary, type CanaryProgress } from "../../shared/fabric/apply/canary.ts";
import { type Applied, wholeChange } from "../../shared/fabric/apply/coordinator.ts";
import { parseSlo, type SloCondition } from "../../shared/fabric/apply/slo.ts";
import { generationAfter } from "../../shared/fabric/apply/target.ts";
import { readConfiguration } from "../../shared/fabric/configuration/configuration.ts";
import type { HealthRule } from "../../shared/fabric/configuration/policy-file.ts";
import { printable } from "../../shared/fabric/discovery/source-file.ts";
import type { PlannedFile, SignedPlan } from "../../shared/fabric/plan.ts";
import { isEmptyPlan } from "../../shared/fabric/plan-file/plan-file.ts";
import { viewParticipants, viewsOf } from "../../shared/fabric/view/files/participant.ts";
import { Failure } from "../../shared/ports/failure.ts";
import { exitCodeOf } from "../exit-codes.ts";
import { currentProject, openRegistry } from "../project.ts";
import { type Applying, changing, choosePlan, inForce, tell } from "../project-apply.ts";
import { trustPorts } from "../trust-ports.ts";
import type { CommandContext, Verb } from "./context.ts";
import { wholeNumber } from "./numbers.ts";

interface ApplyFlags {
  readonly dryRun?: true;
  readonly canary?: string;
  readonly watchMs: string;
  readonly slo?: string;
  readonly wait: string;
  readonly copy?: true;
  readonly passphraseFile?: string;
}

export const addApply: Verb = (program, context) => {
  program
    .command("apply [plan]")
    .summary("put a plan in force, as a whole or not at all")
    .description(
      "Takes the plan that was made last, or the one that is named. Every view and the " +
        "running node agree before anybody sees a difference; what does not come out as planned is taken back. " +
        "What a crash has left open is ended first. Nothing is done with a plan that is not signed, or stale.",
    )
    .option("--dry-run", "only tell what would change")
    .option(
      "--canary <percent>",
      "first a share of the changed routes, watched; then the rest, or back",
    )
    .option("--watch-ms <ms>", "how long a canary is watched", "10000")
    .option("--slo <conditions>", 'what is expected of its calls, as in "p95<5ms,err<0.1%"')
    .option("--wait <seconds>", "wait so long for another program that changes the project", "10")
    .option("--copy", "copy where the file system has no hard links")
    .option("--passphrase-file <path>", "the passphrase of the identity")
    .action((plan: string | undefined, flags: ApplyFlags) =>
      flags.dryRun === true ? preview(context, plan) : apply(context, plan, flags),
    );
};

async function apply(
  context: CommandContext,
  name: string | undefined,
  flags: ApplyFlags,
): Promise<void> {
  const { passphraseFile, copy } = flags;
  const percent = flags.canary === undefined ? null : wholeNumber("--canary", flags.canary, 1, 99);
  const watchMs = wholeNumber("--watch-ms", flags.watchMs, 0, 86_400_000);
  const waitMs = wholeNumber("--wait", flags.wait, 0, 86_400) * 1000;
  const given = flags.slo === undefined ? [] : parseSlo(flags.slo);
  const access = { passphraseFile, waitMs, mayCopy: copy === true };
  await changing(context, access, async (applying) => {
    const { coordinator, project, registry } = applying;
    const current = await coordinator.current();
    const plan = await choosePlan(project, await registry.signers(), name);
    if (plan === null) throw noPlan();
    const isInForce = plan.plan_id === current?.generation.plan;
    const isEmpty = current !== null && isEmptyPlan(plan, current.generation);
    if (current !== null && (isInForce || (isEmpty && plan.base.digest === current.digest))) {
      const { root } = coordinator;
      answerApplied(context, plan, { stored: current, root, participants: [] }, false);
      return;
    }
    const applied =
      percent === null
        ? await coordinator.apply(wholeChange(plan))
        : await throughCanary(context, applying, plan, { percent, watchMs, given });
    answerApplied(context, plan, applied, true);
  });
}

// --- canary ---

interface CanaryFlags {
  readonly percent: number;
  readonly watchMs: number;
  readonly given: readonly SloCondition[];
}

async function throughCanary(
  context: CommandContext,
  { ports, project, coordinator, health }: Applying,
  plan: SignedPlan,
  { percent, watchMs, given }: CanaryFlags,
): Promise<Applied> {
  if (health === null) throw nobodyToWatch();
  const { policy } = await readConfiguration(ports.files, project.root);
  const conditions = given.length > 0 ? given : policy.health.flatMap(conditionsOf);
  let said = Number.POSITIVE_INFINITY;
  const onProgress = ({ generation, routes, remainingMs, calls }: CanaryProgress): void => {
    // Once a second is enough for whoever waits.
    if (said - remainingMs < 1000 && remainingMs > 0) return;
    said = remainingMs;
    const left = `${Math.ceil(remainingMs / 1000)} s left`;
    tell(
      context,
      `Canary ${generation}: ${counted(routes, "route")}, ${counted(calls, "call")}, ${left}`,
    );
  };
  const giveUp = new AbortController();
  const stop = (): void => giveUp.abort();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  const { signal } = giveUp;
  const options = { percent, watchMs, conditions, health, signal, onProgress };
  try {
    return await applyCanary(ports, coordinator, plan, options);
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}

function conditionsOf({ conditions }: HealthRule): readonly SloCondition[] {
  return conditions.flatMap(({ metric, below }) =>
    parseSlo(`${metric}<${below}${metric === "err" ? "%" : "ms"}`),
  );
}

function nobodyToWatch(): Failure {
  return new Failure("not-running", "A canary is watched on a running node, and none runs here", {
    origin: "local",
    remedy: "Start one with `rtt up` in this project, or apply without --canary.",
  });
}

// --- answers ---

/** What becomes of a file, in one word. */
export function changeOf({ before, after }: PlannedFile): string {
  if (before === null) return "added";
  if (after === null) return "removed";
  return before === after ? "same" : "changed";
}

export function filesJson(files: readonly PlannedFile[]): readonly object[] {
  return files.map((file) => {
    const { path, view, how } = file;
    return { path, view, how, change: changeOf(file) };
  });
}

function answerApplied(
  context: CommandContext,
  plan: SignedPlan,
  { stored, root, participants }: Applied,
  isNew: boolean,
): void {
  const { generation, digest } = stored;
  const answer = {
    generation: generation.generation,
    digest,
    root,
    planId: plan.plan_id,
    isNew,
    routes: generation.routes.length,
    files: isNew ? filesJson(plan.files) : [],
    participants,
  };
  if (!isNew) {
    // Whether every file still shows it is another question, which nobody has looked into here.
    const text = `Nothing to do: generation ${generation.generation} is in force already`;
    context.answer(answer, `${text}; \`rtt view status\` tells whether it is still shown`);
    return;
  }
  const more = counted(plan.routes_add.length, "route");
  const routes = `${more} more, ${plan.routes_del.length} less`;
  context.answer(
    answer,
    [
      `Generation ${generation.generation} is in force: ${routes}; ${counted(plan.files.length, "file")}`,
      `agreed on by ${participants.join(", ")}`,
      `log ${root}`,
    ].join("\n"),
  );
}

/** "1 route", "2 routes". */
function counted(count: number, name: string): string {
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}

function noPlan(): Failure {
  return new Failure("file-missing", "No plan has been made yet", {
    origin: "local",
    remedy: "Make one with `rtt plan` and look at it.",
  });
}

// --- preview ---

/** Tells what would change, and whether the world is still the one that the plan was made for. Writes nothing. */
async function preview(context: CommandContext, name: string | undefined): Promise<void> {
  const ports = trustPorts();
  const project = currentProject(context);
  const registry = await openRegistry(context, project, { isReadOnly: true });
  const signers = await registry.signers();
  const current = await inForce(context, project, signers);
  const plan = await choosePlan(project, signers, name);
  if (plan === null) throw noPlan();
  const root = (await ports.files.realPath(project.root)) ?? project.root;
  const stale: string[] = [];
  if (plan.base.digest !== (current?.digest ?? null)) {
    const number = current?.generation.generation ?? 0;
    stale.push(`the plan starts from generation ${plan.base.generation}, ${number} is in force`);
  }
  const target = generationAfter(plan, current, { restores: null, canaryPercent: 100 });
  const transaction = { id: "dry-run", plan, current: current?.generation ?? null, target };
  const planned = new Map(plan.files.map((file) => [file.path, file]));
  for (const view of viewParticipants(ports, root, registry, viewsOf(plan.files))) {
    for (const [path, digest] of await view.observe(transaction)) {
      const file = planned.get(path);
      if (file === undefined || digest === file.before || digest === file.after) continue;
      stale.push(`${path} is not what it was when the plan was made`);
    }
  }
  const views = viewsOf(plan.files);
  const { routes_add: routesAdd, routes_del: routesDel } = plan;
  const generation = target.generation;
  context.answer(
    {
      dryRun: true,
      planId: plan.plan_id,
      generation,
      routesAdd,
      routesDel,
      files: filesJson(plan.files),
      views,
      stale,
    },
    previewText(plan, generation, stale),
  );
  if (stale.length > 0) context.exitWith(exitCodeOf("plan-stale"));
}

const LINES_MAX = 40;

function previewText(plan: SignedPlan, generation: number, stale: readonly string[]): string {
  const lines = [
    ...plan.routes_add.map(({ from, to, lane }) => `+ ${from} -> ${to} (${lane})`),
    ...plan.routes_del.map(({ from, to, lane }) => `- ${from} -> ${to} (${lane})`),
    ...plan.files.map((file) => `${changeOf(file).padEnd(7)} ${file.path} (${file.view})`),
  ];
  const rest = lines.length - LINES_MAX;
  return [
    `Plan ${plan.plan_id} would make generation ${generation}`,
    ...lines.slice(0, LINES_MAX).map((line) => `  ${printable(line)}`),
    ...(rest > 0 ? [`  and ${rest} more; --json has all of them`] : []),
    ...stale.map((problem) => `stale: ${printable(problem)}`),
    stale.length === 0 ? "Nothing was changed." : "Nothing was changed; make a new plan.",
  ].join("\n");
}
