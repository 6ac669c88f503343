/** `rtt export`: the project's registry in a form that other tools read. */
import { resolve } from "node:path";
import { exportOci } from "../../shared/fabric/registry/oci-export.ts";
import { Failure } from "../../shared/ports/failure.ts";
import { currentProject, openRegistry } from "../project.ts";
import { trustPorts } from "../trust-ports.ts";
import type { CommandContext, Verb } from "./context.ts";

interface ExportOptions {
  readonly oci?: string;
}

export const addExport: Verb = (program, context) => {
  program
    .command("export")
    .summary("write the registry for other tools")
    .description("Writes everything that has an address, with its signatures, verified on the way.")
    .option("--oci <folder>", "as an OCI image layout, which skopeo and oras read")
    .action((options: ExportOptions) => exportRegistry(context, options));
};

async function exportRegistry(context: CommandContext, options: ExportOptions): Promise<void> {
  if (options.oci === undefined) {
    throw new Failure("argument-invalid", "Nothing says what to export the registry as", {
      origin: "local",
      remedy: "See `rtt export --help`.",
    });
  }
  const folder = resolve(options.oci);
  const registry = await openRegistry(context, currentProject(context), { isReadOnly: true });
  const { digest, objects } = await exportOci(trustPorts(), registry, folder);
  context.answer(
    { folder, digest, objects },
    `${objects} objects in ${folder}, image oci:${folder}:registry, ${digest}`,
  );
}
