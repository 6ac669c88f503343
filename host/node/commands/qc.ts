/** `rtt qc`: plans one route on top of what is in force, as the published quick connect does. */
import { draftConnection } from "../../shared/fabric/drafting/draft.ts";
import { parseArrow } from "../../shared/fabric/planner/rule-text.ts";
import { parseSymbolReference } from "../../shared/fabric/symbol.ts";
import { Failure } from "../../shared/ports/failure.ts";
import { keepPlan, openPlanning, type PlanOptions } from "../project-plan.ts";
import type { CommandContext, Verb } from "./context.ts";
import { answerDraft } from "./plan.ts";

export const addQc: Verb = (program, context) => {
  program
    .command("qc <from> [to]")
    .summary("plan one route more: quick connect")
    .description(
      'Plans a route from one symbol to another, given as two addresses or as "A -> B"; a version may be missing. ' +
        "What is in force stays as it is. `rtt apply` puts it in force; the next `rtt plan` takes it back, unless " +
        ".rtt/routes.json has it.",
    )
    .option("--out <path>", "write the plan there too")
    .option("--passphrase-file <path>", "the passphrase of the identity")
    .action((from: string, to: string | undefined, options: PlanOptions) =>
      connect(context, from, to, options),
    );
};

async function connect(
  context: CommandContext,
  first: string,
  second: string | undefined,
  options: PlanOptions,
): Promise<void> {
  const [from, to] = second === undefined ? (parseArrow(first) ?? []) : [first, second];
  if (from === undefined || to === undefined) {
    throw new Failure("argument-invalid", `"${first.slice(0, 80)}" is no "A -> B"`, {
      origin: "local",
      remedy: 'Write `rtt qc <from> <to>`, or `rtt qc "<from> -> <to>"`.',
    });
  }
  parseSymbolReference(from);
  parseSymbolReference(to);
  const planning = await openPlanning(context, options);
  const place = { path: "command line", line: 1 };
  const wish = { from, to, capabilities: [], isOptional: false, ...place };
  const draft = await draftConnection(planning.input, wish);
  answerDraft(context, draft, await keepPlan(planning, draft.plan, options.out));
}
