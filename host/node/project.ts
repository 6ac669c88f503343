/**
 * A project: the folder whose `.rtt/` holds registry, plans and views. It is found upward from the current folder, by
 * `.rtt/panel.yaml`, so that the state folder of a node, which may be `~/.rtt`, is never taken for one.
 */
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { type Panel, readPanel } from "../shared/fabric/panel.ts";
import { Registry } from "../shared/fabric/registry/registry.ts";
import type { RegistryOptions } from "../shared/fabric/registry/index-file.ts";
import { Failure } from "../shared/ports/failure.ts";
import { fromUtf8 } from "../shared/trust/bytes.ts";
import { readIdentity, readPublicIdentity } from "../shared/trust/key-file.ts";
import { readSigners } from "../shared/trust/signers.ts";
import type { CommandContext } from "./commands/context.ts";
import { readPassphrase } from "./passphrase.ts";
import { statePaths } from "./state.ts";
import { trustPorts } from "./trust-ports.ts";

export interface Project {
  /** The folder in which `.rtt` lies. */
  readonly root: string;
  /** `.rtt` itself. */
  readonly folder: string;
  readonly registry: string;
  readonly panel: string;
}

export function projectPaths(root: string): Project {
  const folder = join(root, ".rtt");
  return { root, folder, registry: join(folder, "registry"), panel: join(folder, "panel.yaml") };
}

/** The project that a folder lies in. Fails with `file-missing`. */
export function findProject(start: string): Project {
  for (let root = resolve(start); ; root = dirname(root)) {
    const project = projectPaths(root);
    if (existsSync(project.panel)) return project;
    if (dirname(root) === root) break;
  }
  throw new Failure("file-missing", `No project has been made in ${resolve(start)} or above it`, {
    origin: "local",
    remedy: "Make one with `rtt init`.",
    context: { path: resolve(start) },
  });
}

/** The project that `RTT_PROJECT` names, or that the current folder lies in. */
export function currentProject(context: CommandContext): Project {
  return findProject(context.environment["RTT_PROJECT"] ?? process.cwd());
}

/** The same, or null where there is none; one that the environment names must exist. */
export function projectOrNull(context: Pick<CommandContext, "environment">): Project | null {
  const named = context.environment["RTT_PROJECT"];
  try {
    return findProject(named ?? process.cwd());
  } catch (thrown) {
    if (named !== undefined || Failure.from(thrown).code !== "file-missing") throw thrown;
    return null;
  }
}

/** The settings of a project. Fails with `config-invalid`. */
export async function projectPanel(project: Project): Promise<Panel> {
  const bytes = (await trustPorts().files.read(project.panel)) ?? new Uint8Array();
  return readPanel(fromUtf8(bytes) ?? "\0", project.panel);
}

export interface RegistryAccess {
  /** Only read: the private key stays where it is. */
  readonly isReadOnly?: boolean;
  readonly passphraseFile?: string | undefined;
}

/** How a project's registry is opened: who signs, whose lists of signers count, what may be unsigned. */
export async function registryOptions(
  context: Pick<CommandContext, "home">,
  project: Project,
  access: RegistryAccess = {},
): Promise<RegistryOptions> {
  const ports = trustPorts();
  const panel = await projectPanel(project);
  const path = statePaths(context.home).identity;
  const own = await readPublicIdentity(ports, path);
  const passphrase = await readPassphrase(ports.files, access.passphraseFile);
  const signer = access.isReadOnly === true ? null : await readIdentity(ports, path, passphrase);
  return {
    signer,
    anchors: [own.publicKey, ...(await readSigners(ports.files, context.home))],
    strict: panel["security.strict_manifests"],
    allowUnsigned: panel["security.allow_unsigned"],
  };
}

/** The registry of a project. */
export async function openRegistry(
  context: CommandContext,
  project: Project,
  access: RegistryAccess = {},
): Promise<Registry> {
  const options = await registryOptions(context, project, access);
  return Registry.open(trustPorts(), project.registry, options);
}
