/** `rtt rollback`: brings back what an earlier generation had, as a new generation. */
import { generationAfter, NOTHING, baseOf } from "../../shared/fabric/apply/target.ts";
import type { Coordinator } from "../../shared/fabric/apply/coordinator.ts";
import type { Generation } from "../../shared/fabric/generation.ts";
import {
  readGenerationNumber,
  type StoredGeneration,
} from "../../shared/fabric/generation-file/generation-file.ts";
import { makePlan } from "../../shared/fabric/plan-file/plan-file.ts";
import type { Plan } from "../../shared/fabric/plan.ts";
import type { Registry } from "../../shared/fabric/registry/registry.ts";
import { planFilesBack, type ViewProblem } from "../../shared/fabric/view/files/plan-files.ts";
import { printable } from "../../shared/fabric/discovery/source-file.ts";
import { Failure } from "../../shared/ports/failure.ts";
import { currentProject, openRegistry, type Project } from "../project.ts";
import { changing, inForce } from "../project-apply.ts";
import { trustPorts } from "../trust-ports.ts";
import { filesJson } from "./apply.ts";
import type { CommandContext, Verb } from "./context.ts";
import { wholeNumber } from "./numbers.ts";

interface RollbackFlags {
  readonly dryRun?: true;
  readonly wait: string;
  readonly copy?: true;
  readonly passphraseFile?: string;
}

export const addRollback: Verb = (program, context) => {
  program
    .command("rollback [generation]")
    .summary("bring an earlier generation back")
    .description(
      "Makes a new generation with the routes and files of an earlier one; without a number, of the one before the " +
        "last change, so that one rollback after the other goes ever further back. 0 is the time before the first. " +
        "It is applied like any other plan. A file that somebody has changed is left alone and reported.",
    )
    .option("--dry-run", "only tell what would change")
    .option("--wait <seconds>", "wait so long for another program that changes the project", "10")
    .option("--copy", "copy where the file system has no hard links")
    .option("--passphrase-file <path>", "the passphrase of the identity")
    .action((generation: string | undefined, flags: RollbackFlags) =>
      flags.dryRun === true ? preview(context, generation) : rollback(context, generation, flags),
    );
};

interface WayBack {
  readonly plan: Plan;
  readonly target: Generation;
  readonly problems: readonly ViewProblem[];
}

async function rollback(
  context: CommandContext,
  number: string | undefined,
  flags: RollbackFlags,
): Promise<void> {
  const { passphraseFile, copy } = flags;
  const waitMs = wholeNumber("--wait", flags.wait, 0, 86_400) * 1000;
  const access = { passphraseFile, waitMs, mayCopy: copy === true };
  await changing(context, access, async ({ coordinator, project, registry, root }) => {
    const current = await coordinator.current();
    const back = await wayBack({ project, registry, root, current, number });
    const plan = coordinator.sign(back.plan);
    const restores = back.target.generation === 0 ? null : back.target.generation;
    const applied = await coordinator.apply({
      plan,
      purpose: "rollback",
      of: null,
      restores,
      canaryPercent: 100,
    });
    answer(context, back, applied);
  });
}

async function preview(context: CommandContext, number: string | undefined): Promise<void> {
  const ports = trustPorts();
  const project = currentProject(context);
  const registry = await openRegistry(context, project, { isReadOnly: true });
  const root = (await ports.files.realPath(project.root)) ?? project.root;
  const current = await inForce(context, project, await registry.signers());
  const { plan, target, problems } = await wayBack({ project, registry, root, current, number });
  const { generation } = generationAfter(plan, current, { restores: null, canaryPercent: 100 });
  const { routes_add: routesAdd, routes_del: routesDel } = plan;
  const files = filesJson(plan.files);
  context.answer(
    {
      dryRun: true,
      generation,
      restores: target.generation,
      routesAdd,
      routesDel,
      files,
      problems,
    },
    [
      `Generation ${generation} would bring back generation ${target.generation}:`,
      `  ${routesAdd.length} routes more, ${routesDel.length} less, ${files.length} files`,
      ...plan.files.map(({ path }) => `  ${printable(path)}`),
      ...problems.map(problemText),
      "Nothing was changed.",
    ].join("\n"),
  );
}

interface WayBackFrom {
  readonly project: Project;
  readonly registry: Registry;
  readonly root: string;
  readonly current: StoredGeneration | null;
  readonly number: string | undefined;
}

/** The plan that brings an earlier generation back. */
async function wayBack(from: WayBackFrom): Promise<WayBack> {
  const { project, registry, root, current, number } = from;
  if (current === null) throw missing("Nothing has been applied yet");
  const signers = await registry.signers();
  const ports = trustPorts();
  const read = async (wanted: number): Promise<Generation> =>
    wanted === 0
      ? NOTHING
      : (await readGenerationNumber(ports, project.folder, wanted, signers)).generation;
  const last = current.generation.generation;
  const wanted =
    number === undefined
      ? await before(current.generation, read)
      : wholeNumber("The generation", number, 0, Number.MAX_SAFE_INTEGER);
  if (wanted >= last) throw missing(`${wanted} is no generation before ${last}, which is in force`);
  const target = await read(wanted);
  const { files, problems } = await planFilesBack(
    ports,
    root,
    registry,
    target,
    current.generation,
  );
  const plan = makePlan(ports, {
    base: baseOf(current),
    present: current.generation.routes,
    routes: target.routes,
    placement: target.placement,
    symbols: target.symbols,
    files,
  });
  return { plan, target, problems };
}

/**
 * The generation that the last change started from. What only brought an earlier one back counts as that one, and a
 * canary is a part of the change that followed it.
 */
async function before(
  generation: Generation,
  read: (number: number) => Promise<Generation>,
): Promise<number> {
  // What was brought back was the time before the first change.
  const isEmpty = generation.routes.length === 0 && generation.files.length === 0;
  if (isEmpty && generation.restores === null) throw missing("There is nothing to go back from");
  let number = (generation.restores ?? generation.generation) - 1;
  while (number > 0) {
    const candidate = await read(number);
    if (candidate.canaryPercent < 100) number -= 1;
    else return candidate.restores ?? number;
  }
  return 0;
}

function answer(
  context: CommandContext,
  { plan, target, problems }: WayBack,
  applied: Awaited<ReturnType<Coordinator["apply"]>>,
): void {
  const { stored, root, participants } = applied;
  const { generation } = stored.generation;
  context.answer(
    {
      generation,
      digest: stored.digest,
      root,
      restores: target.generation,
      planId: plan.plan_id,
      files: filesJson(plan.files),
      participants,
      problems,
    },
    [
      `Generation ${generation} is in force; it brings back generation ${target.generation}`,
      ...problems.map(problemText),
      `log ${root}`,
    ].join("\n"),
  );
}

function problemText({ code, path, message }: ViewProblem): string {
  return printable(`left alone: ${path}: ${code}: ${message}`);
}

function missing(problem: string): Failure {
  return new Failure("generation-missing", problem, {
    origin: "local",
    remedy: "`rtt log` lists the generations.",
  });
}
