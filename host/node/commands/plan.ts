/** `rtt plan`: what would have to change so that every tool sees and reaches what the registry has. */
import { printable } from "../../shared/fabric/discovery/source-file.ts";
import { type Draft, draftPlan } from "../../shared/fabric/drafting/draft.ts";
import type { Plan, PlannedFile } from "../../shared/fabric/plan.ts";
import { exitCodeOf } from "../exit-codes.ts";
import { keepPlan, openPlanning, type PlanOptions } from "../project-plan.ts";
import type { CommandContext, Verb } from "./context.ts";

interface PlanVerbOptions extends PlanOptions {
  readonly strict?: true;
}

export const addPlan: Verb = (program, context) => {
  program
    .command("plan")
    .summary("what would change, signed and kept for `rtt apply`")
    .description(
      "Compares what the registry and the configuration want with what is in force and on the disk. Nothing that " +
        "anybody sees is changed. The same inputs give the same plan, wherever it is made. Ends with 2 when a route " +
        "that must be had cannot be, and says why.",
    )
    .option("--out <path>", "write the plan there too")
    .option("--env <name>", "apply the overlays of this environment, such as prod")
    .option("--strict", "end with the exit code of a conflict when a file has to be left alone")
    .option("--passphrase-file <path>", "the passphrase of the identity")
    .action((options: PlanVerbOptions) => plan(context, options));
};

async function plan(context: CommandContext, options: PlanVerbOptions): Promise<void> {
  const planning = await openPlanning(context, options);
  const draft = await draftPlan(planning.input);
  const path = await keepPlan(planning, draft.plan, options.out);
  answerDraft(context, draft, path);
  const [problem] = draft.problems;
  if (options.strict === true && problem !== undefined) context.exitWith(exitCodeOf(problem.code));
}

/** Answers with a plan: one object of JSON, or what a person reads before they apply it. */
export function answerDraft(context: CommandContext, draft: Draft, path: string): void {
  const { plan: made, isEmpty, routes, solution } = draft;
  context.answer(
    {
      planId: made.plan_id,
      path,
      isEmpty,
      base: made.base,
      routes,
      routesAdd: made.routes_add,
      routesDel: made.routes_del,
      placement: made.placement,
      symbols: made.symbols,
      files: made.files,
      problems: draft.problems,
      lossy: draft.lossy,
      kept: draft.kept,
      unshown: draft.unshown,
      leftOut: draft.leftOut.map(({ from, wanted, message }) => ({ from, wanted, message })),
      lost: draft.lost.map(({ wish, message }) => ({ from: wish.from, to: wish.to, message })),
      faulty: draft.faulty,
      notes: draft.notes,
      cost: solution.cost,
      isOptimal: solution.isOptimal,
    },
    draftText(draft),
  );
}

// --- text ---

/** How many lines of one kind are shown; the rest is counted. */
const LINES_MAX = 40;

function draftText(draft: Draft): string {
  const { plan: made, isEmpty } = draft;
  return [
    ...(isEmpty ? [] : [`Plan ${made.plan_id}, from generation ${made.base.generation}`]),
    ...section("routes", routeLines(made)),
    ...fileSections(made.files),
    ...section("left alone", draft.problems.map(problemLine)),
    ...(isEmpty ? [] : shownLines(draft)),
    ...section(
      "manifests that cannot be meant",
      draft.faulty.map(({ message }) => message),
    ),
    ...section("routes left out", leftOutLines(draft)),
    ...section("without effect", draft.notes.map(noteLine)),
    isEmpty ? "Nothing to do." : `${countsText(made)} \`rtt apply\` does it.`,
  ].join("\n");
}

/** What views show in another way than the files do, or not at all; the same as before when nothing changes. */
function shownLines(draft: Draft): readonly string[] {
  return [
    ...section("kept: the tool's own file shows it already", keptLines(draft)),
    ...section("not shown", unshownLines(draft)),
    ...section("fields that a tool cannot show", lossyLines(draft)),
  ];
}

function section(title: string, lines: readonly string[]): readonly string[] {
  if (lines.length === 0) return [];
  const rest = lines.length - LINES_MAX;
  const more = rest > 0 ? [`  and ${rest} more; --json has all of them`] : [];
  return [title, ...lines.slice(0, LINES_MAX).map((line) => `  ${printable(line)}`), ...more];
}

function routeLines({ routes_add, routes_del }: Plan): readonly string[] {
  return [
    ...routes_add.map(({ from, to, lane }) => `+ ${from} -> ${to} (${lane})`),
    ...routes_del.map(({ from, to, lane }) => `- ${from} -> ${to} (${lane})`),
  ];
}

function fileSections(files: readonly PlannedFile[]): readonly string[] {
  const views = [...Map.groupBy(files, ({ view }) => view)].toSorted(([a], [b]) =>
    a < b ? -1 : 1,
  );
  return views.flatMap(([view, some]) => section(view, some.map(fileLine)));
}

function fileLine({ path, before, after, how }: PlannedFile): string {
  const sign = before === null ? "+" : after === null ? "-" : before === after ? "=" : "~";
  if (how === "restore" && after !== null) return `${sign} ${path} (is yours again)`;
  const what = how === "merge" ? " (fields)" : sign === "=" ? " (becomes a link)" : "";
  return `${sign} ${path}${what}`;
}

function problemLine({ code, path, view, message }: Draft["problems"][number]): string {
  return `${code}  ${path} (${view}): ${message}`;
}

function keptLines({ kept }: Draft): readonly string[] {
  return kept.map(({ path, view, symbol }) => `${path} (${view}): ${symbol}`);
}

function unshownLines({ unshown }: Draft): readonly string[] {
  return unshown.map(({ symbol, view, reason, message }) => {
    return `${symbol} in ${view}: ${reason}: ${message}`;
  });
}

/** A line for each field and reason; of what one tool alone knows, that tool says more than a list of all others. */
function lossyLines({ lossy }: Draft): readonly string[] {
  const lines = new Map<string, Set<string>>();
  for (const { symbol, view, field, reason } of lossy) {
    const native = reason === "only-another-tool" ? /^native\.([^.]+)\.(.+)$/.exec(field) : null;
    const line =
      native === null
        ? `${symbol}: ${field} (${reason}) in `
        : `${symbol}: ${native[2]} (only ${native[1]} knows it)`;
    const views = lines.get(line) ?? new Set();
    lines.set(line, native === null ? views.add(view) : views);
  }
  return [...lines].map(([line, views]) => `${line}${[...views].join(", ")}`);
}

function leftOutLines({ leftOut, lost }: Draft): readonly string[] {
  return [
    ...leftOut.flatMap(({ message }) => message.split("\n")),
    ...lost.map(({ wish, message }) => `${wish.from} wants ${wish.to}, but ${message}`),
  ];
}

function noteLine({ path, line, message }: Draft["notes"][number]): string {
  return `${path}:${line}: ${message}`;
}

function countsText({ routes_add, routes_del, files }: Plan): string {
  const views = new Set(files.map(({ view }) => view)).size;
  const plural = (count: number, name: string): string =>
    `${count} ${name}${count === 1 ? "" : "s"}`;
  const routes = `${plural(routes_add.length, "route")} more, ${routes_del.length} less`;
  return `${routes}; ${plural(files.length, "file")} in ${plural(views, "view")}.`;
}
