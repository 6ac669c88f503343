/** `rtt init`: makes a project: `.rtt/` with its settings and a registry that this node's identity signs. */
import { resolve } from "node:path";
import { initialPanel } from "../../shared/fabric/panel.ts";
import { trustSigner } from "../../shared/fabric/registry/signer-changes.ts";
import { utf8 } from "../../shared/trust/bytes.ts";
import { formatIdentityKey } from "../../shared/trust/key-text.ts";
import { readPassphrase } from "../passphrase.ts";
import { projectPaths, registryOptions } from "../project.ts";
import { openHome } from "../state.ts";
import { openIdentity, trustPorts } from "../trust-ports.ts";
import type { CommandContext, Verb } from "./context.ts";

interface InitOptions {
  readonly passphraseFile?: string;
}

export const addInit: Verb = (program, context) => {
  program
    .command("init [folder]")
    .summary("make a project here")
    .description(
      "Makes .rtt/ in the folder: settings, and a registry signed by this node's identity, which is made when " +
        "there is none. What is there already stays as it is.",
    )
    .option("--passphrase-file <path>", "the passphrase of the identity")
    .action((folder: string | undefined, options: InitOptions) =>
      init(context, folder ?? ".", options),
    );
};

async function init(context: CommandContext, folder: string, options: InitOptions): Promise<void> {
  const ports = trustPorts();
  const { identity: path } = openHome(context.home);
  const passphrase = await readPassphrase(ports.files, options.passphraseFile);
  const identity = await openIdentity(ports, path, passphrase);
  const project = projectPaths(resolve(folder));
  await ports.files.makeFolder(project.folder, 0o755);
  const isNew = await ports.files.create(project.panel, utf8(initialPanel()), 0o644);
  const { anchors = [] } = await registryOptions(context, project, options);
  const change = { folder: project.registry, owner: identity, anchors };
  await trustSigner(ports, change, identity.publicKey);
  const signer = formatIdentityKey(identity.publicKey);
  context.answer(
    { project: project.root, folder: project.folder, signer, isNew },
    isNew
      ? `Made the project ${project.root}; its registry is signed by ${signer}`
      : `The project ${project.root} was there already; its registry is signed by ${signer}`,
  );
}
