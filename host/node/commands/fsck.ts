/** `rtt fsck`: checks every byte and signature of the project's registry. */
import { fsck, type FsckReport } from "../../shared/fabric/registry/fsck.ts";
import { exitCodeOf } from "../exit-codes.ts";
import { currentProject, registryOptions } from "../project.ts";
import { trustPorts } from "../trust-ports.ts";
import type { CommandContext, Verb } from "./context.ts";

interface FsckFlags {
  readonly dryRun?: true;
}

export const addFsck: Verb = (program, context) => {
  program
    .command("fsck")
    .summary("check the registry for rot and forgery")
    .description(
      "Reads every object, signature and address of the project's registry. Rotten files are moved to " +
        ".rtt/registry/quarantine; what the pack still has whole is restored. Ends with 0 when everything held.",
    )
    .option("--dry-run", "only look, mend nothing")
    .action((flags: FsckFlags) => check(context, flags));
};

async function check(context: CommandContext, flags: FsckFlags): Promise<void> {
  const project = currentProject(context);
  const isDry = flags.dryRun === true;
  const options = await registryOptions(context, project, { isReadOnly: true });
  const report = await fsck(trustPorts(), project.registry, { ...options, isDry });
  context.answer(report, reportText(report));
  const [worst] = report.findings;
  if (worst !== undefined) context.exitWith(exitCodeOf(worst.code));
}

function reportText({ ok, objects, symbols, findings, leftovers }: FsckReport): string {
  const lines = findings.map(({ code, where, problem, action }) => {
    const done = action === "none" ? "" : ` (${action})`;
    return `${code}  ${where}: ${problem}${done}`;
  });
  if (leftovers.length > 0) {
    lines.push(
      `${leftovers.length} leftovers of interrupted writes; \`rtt registry gc\` removes them`,
    );
  }
  const verdict = ok ? "everything holds" : `${findings.length} problems`;
  return [...lines, `${objects} objects, ${symbols} symbols: ${verdict}`].join("\n");
}
