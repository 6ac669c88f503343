/** `rtt ls`: what the registry of the project has, or what is wrong with its files. */
import { Argument } from "commander";
import { formatSymbolAddress } from "../../shared/fabric/symbol.ts";
import { currentProject, openRegistry } from "../project.ts";
import type { CommandContext, Verb } from "./context.ts";
import { problemLine, scanProject } from "./scan.ts";

const SUBJECTS = ["symbols", "problems"] as const;

export const addLs: Verb = (program, context) => {
  program
    .command("ls")
    .summary("list the symbols of this project, or the problems of its files")
    .description(
      "symbols (default): every address of the registry with the id of its object. problems: every file that a " +
        "scan finds wrong, with line and rule; nothing is registered.",
    )
    .addArgument(new Argument("[subject]", "what to list").choices(SUBJECTS).default("symbols"))
    .action((subject: (typeof SUBJECTS)[number]) =>
      subject === "symbols" ? listSymbols(context) : listProblems(context),
    );
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

async function listProblems(context: CommandContext): Promise<void> {
  const { problems } = await scanProject(currentProject(context));
  context.answer(
    { problems },
    problems.length === 0 ? "No file is wrong." : problems.map(problemLine).join("\n"),
  );
}
