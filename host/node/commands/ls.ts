/** `rtt ls`: what the registry of the project has, what is in force, which plans there are, what is wrong with files. */
import { Argument } from "commander";
import { printable } from "../../shared/fabric/discovery/source-file.ts";
import { latestPlan, listPlans, readPlan } from "../../shared/fabric/plan-file/plan-store.ts";
import type { SignerCheck } from "../../shared/fabric/registry/signature.ts";
import { formatSymbolAddress } from "../../shared/fabric/symbol.ts";
import { Failure } from "../../shared/ports/failure.ts";
import { inForce } from "../project-apply.ts";
import { scanProject } from "../project-scan.ts";
import { currentProject, openRegistry } from "../project.ts";
import { trustPorts } from "../trust-ports.ts";
import type { CommandContext, Verb } from "./context.ts";
import { problemLine } from "./scan.ts";

const SUBJECTS = ["symbols", "routes", "plans", "problems"] as const;

type Subject = (typeof SUBJECTS)[number];

const LISTS: Readonly<Record<Subject, (context: CommandContext) => Promise<void>>> = {
  symbols: listSymbols,
  routes: listRoutes,
  plans: listPlansKept,
  problems: listProblems,
};

export const addLs: Verb = (program, context) => {
  program
    .command("ls")
    .summary("list symbols, routes in force, plans, or problems of this project's files")
    .description(
      "symbols (default): every address of the registry with the id of its object. routes: those in force. plans: " +
        "every plan that is kept, verified. problems: every file that a scan finds wrong, with line and rule; " +
        "nothing is registered.",
    )
    .addArgument(new Argument("[subject]", "what to list").choices(SUBJECTS).default("symbols"))
    .action((subject: Subject) => LISTS[subject](context));
};

async function listSymbols(context: CommandContext): Promise<void> {
  const registry = await openRegistry(context, currentProject(context), { isReadOnly: true });
  const symbols = (await registry.list()).map(({ address, kind, id }) => ({
    address: formatSymbolAddress(address),
    kind,
    id,
  }));
  const lines = symbols.map(({ address, id }) => `${id.slice(0, 12)}  ${address}`);
  context.answer(
    { symbols },
    lines.length === 0 ? "The registry has no symbols. `rtt scan` finds some." : lines.join("\n"),
  );
}

async function listRoutes(context: CommandContext): Promise<void> {
  const project = currentProject(context);
  const registry = await openRegistry(context, project, { isReadOnly: true });
  const stored = await inForce(context, project, await registry.signers());
  const routes = (stored?.generation.routes ?? []).map(({ from, to, lane }) => ({
    from,
    to,
    lane,
    node: stored?.generation.placement[to] ?? null,
  }));
  const lines = routes.map(({ from, to, lane, node }) => {
    return `${from} -> ${to} (${lane}${node === null ? "" : `, ${node}`})`;
  });
  context.answer(
    { generation: stored?.generation.generation ?? null, routes },
    lines.length === 0
      ? "No route is in force. `rtt plan` and `rtt apply` put them in force."
      : lines.join("\n"),
  );
}

/** A plan as it is listed. One that cannot be believed says why, and nothing else. */
interface ListedPlan {
  readonly planId: string;
  readonly isLatest: boolean;
  readonly isInForce: boolean;
  readonly base: number | null;
  readonly routesAdd: number;
  readonly routesDel: number;
  readonly files: number;
  readonly problem: string | null;
}

async function listPlansKept(context: CommandContext): Promise<void> {
  const ports = trustPorts();
  const project = currentProject(context);
  const registry = await openRegistry(context, project, { isReadOnly: true });
  const signers = await registry.signers();
  const stored = await inForce(context, project, signers);
  const latest = await latestPlan(ports, project.folder);
  const plans: ListedPlan[] = [];
  for (const { planId } of await listPlans(ports, project.folder)) {
    const marks = {
      planId,
      isLatest: planId === latest,
      isInForce: planId === stored?.generation.plan,
    };
    const shown = await shownPlan(project.folder, planId, signers);
    plans.push({ ...marks, ...shown });
  }
  context.answer(
    { plans },
    plans.length === 0 ? "No plan is kept. `rtt plan` makes one." : plans.map(planLine).join("\n"),
  );
}

async function shownPlan(
  folder: string,
  planId: string,
  signers: SignerCheck,
): Promise<Omit<ListedPlan, "planId" | "isLatest" | "isInForce">> {
  try {
    const { form, plan } = await readPlan(trustPorts(), folder, planId, signers);
    return {
      base: form === "mxp" ? plan.base.generation : null,
      routesAdd: plan.routes_add.length,
      routesDel: plan.routes_del.length,
      files: form === "mxp" ? plan.files.length : 0,
      problem: null,
    };
  } catch (thrown) {
    const { message } = Failure.from(thrown);
    return { base: null, routesAdd: 0, routesDel: 0, files: 0, problem: message };
  }
}

function planLine(plan: ListedPlan): string {
  const { planId, isLatest, isInForce, base, routesAdd, routesDel, files, problem } = plan;
  const marks = `${isInForce ? "  in force" : ""}${isLatest ? "  latest" : ""}`;
  const id = planId.slice("sha256-".length, "sha256-".length + 12);
  if (problem !== null) return printable(`${id}  ${problem}${marks}`);
  const from = base === null ? "of the published form" : `from generation ${base}`;
  return `${id}  ${from}: ${routesAdd} routes more, ${routesDel} less, ${files} files${marks}`;
}

async function listProblems(context: CommandContext): Promise<void> {
  const project = currentProject(context);
  const registry = await openRegistry(context, project, { isReadOnly: true });
  const { problems } = await scanProject(project, { registry });
  context.answer(
    { problems },
    problems.length === 0 ? "No file is wrong." : problems.map(problemLine).join("\n"),
  );
}
