/** `rtt view mount`: the views of the generation in force as a read-only file system. */
import type { Command } from "commander";
import { ViewMount } from "../fuse/view-mount.ts";
import { openLog } from "../log.ts";
import { currentProject, openRegistry } from "../project.ts";
import { trustPorts } from "../trust-ports.ts";
import type { CommandContext } from "./context.ts";

interface MountFlags {
  readonly provider?: string;
  readonly allowOther?: true;
}

/** Adds `mount` to the verb `view`. */
export function addViewMount(view: Command, context: CommandContext): void {
  view
    .command("mount")
    .summary("show the views as a read-only file system")
    .description(
      "Mounts every tool's layout on a folder, /<provider>/…, of the generation in force: every file verified before " +
        "its first byte is shown, another generation shown as soon as it is applied. Runs until it is stopped or " +
        "unmounted. Needs FUSE: Linux, as root or with fuse3 installed.",
    )
    .argument("<folder>", "where to mount: an empty folder, or one to be made")
    .option("--provider <name>", "only this tool's layout, at the root of the folder")
    .option("--allow-other", "let other users of this machine look, too")
    .action((folder: string, flags: MountFlags) => mount(context, folder, flags));
}

async function mount(context: CommandContext, folder: string, flags: MountFlags): Promise<void> {
  const project = currentProject(context);
  const registry = await openRegistry(context, project, { isReadOnly: true });
  const mounted = await ViewMount.open(folder, {
    ports: trustPorts(),
    project,
    signers: () => registry.signers(),
    view: flags.provider ?? null,
    allowOther: flags.allowOther === true,
    log: openLog("info"),
  });
  // Before anybody is told that it is there: whoever knows may stop it at once.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => void mounted.close());
  }
  context.answer(
    {
      ready: true,
      folder: mounted.folder,
      generation: mounted.generation,
      views: mounted.views,
    },
    [
      `Generation ${mounted.generation} is shown in ${mounted.folder}: ${mounted.views.join(", ")}`,
      "Stop with Ctrl-C, or unmount the folder.",
    ].join("\n"),
  );
  const failure = await mounted.ended;
  if (failure !== null) throw failure;
}
