/** `rtt registry`: imports objects, packs agents, collects garbage, and says whose signatures count. */
import { resolve } from "node:path";
import { importFolder } from "../../shared/fabric/registry/import.ts";
import {
  revokeSigner,
  rotateOwner,
  type SignerChange,
  trustSigner,
} from "../../shared/fabric/registry/signer-changes.ts";
import { Failure } from "../../shared/ports/failure.ts";
import { publicKeyOfPeerId } from "../../shared/trust/identity.ts";
import { readIdentity } from "../../shared/trust/key-file.ts";
import { formatIdentityKey, parseKeyText } from "../../shared/trust/key-text.ts";
import { readPassphrase } from "../passphrase.ts";
import { currentProject, openRegistry, type Project, registryOptions } from "../project.ts";
import { trustPorts } from "../trust-ports.ts";
import type { CommandContext, Verb } from "./context.ts";
import { JSON_FLAG } from "./input.ts";

interface Unlocking {
  readonly passphraseFile?: string;
}

interface ImportFlags extends Unlocking {
  readonly vouch?: true;
}

interface CollectFlags {
  readonly dryRun?: true;
  readonly grace: string;
}

const PASSPHRASE = ["--passphrase-file <path>", "the passphrase of the identity"] as const;

export const addRegistry: Verb = (program, context) => {
  const registry = program
    .command("registry")
    .description("import objects, pack them, collect garbage, trust and revoke signers");
  registry
    .command("import <folder>")
    .description(
      "take in another registry, a published one, or an OCI image layout; all or nothing",
    )
    .option("--vouch", "sign what comes unsigned with this node's own key")
    .option(...PASSPHRASE)
    .option(...JSON_FLAG)
    .action((folder: string, flags: ImportFlags) => importFrom(context, folder, flags));
  registry
    .command("pack")
    .description("write all agents into pack/agents.pack, from which fsck restores them")
    .option(...JSON_FLAG)
    .action(() => pack(context));
  registry
    .command("gc")
    .description("remove objects that no address, plan or view leads to")
    .option("--grace <seconds>", "keep younger ones", "3600")
    .option("--dry-run", "only tell what would go")
    .option(...JSON_FLAG)
    .action((flags: CollectFlags) => collect(context, flags));
  registry
    .command("signers")
    .description("whose signatures count, and whose were revoked")
    .option(...JSON_FLAG)
    .action(() => signers(context));
  registry
    .command("trust <key>")
    .description("accept objects that this key signs (z6Mk…, or the id of a node)")
    .option(...PASSPHRASE)
    .option(...JSON_FLAG)
    .action((key: string, flags: Unlocking) => trust(context, key, flags));
  registry
    .command("revoke <key>")
    .description("refuse everything that only this key has signed, for good")
    .requiredOption("--reason <text>", "why, for whoever finds it later")
    .option(...PASSPHRASE)
    .option(...JSON_FLAG)
    .action((key: string, flags: Unlocking & { readonly reason: string }) =>
      revoke(context, key, flags),
    );
  registry
    .command("rotate <old-identity>")
    .description("sign everything with this node's present identity; the old one is revoked")
    .option("--old-passphrase-file <path>", "the passphrase of the old identity")
    .option(...PASSPHRASE)
    .option(...JSON_FLAG)
    .action((path: string, flags: Unlocking & { readonly oldPassphraseFile?: string }) =>
      rotate(context, path, flags),
    );
};

async function importFrom(
  context: CommandContext,
  folder: string,
  { vouch, passphraseFile }: ImportFlags,
): Promise<void> {
  const registry = await openRegistry(context, currentProject(context), { passphraseFile });
  const options = { isVouching: vouch === true };
  const report = await importFolder(trustPorts(), registry, resolve(folder), options);
  const { imported, vouched, symbols } = report;
  context.answer(
    report,
    [
      `${imported.length} objects and ${symbols.length} symbols imported`,
      ...(vouched.length === 0 ? [] : [`${vouched.length} of them signed by this node now`]),
      ...symbols.map((symbol) => `  ${symbol}`),
    ].join("\n"),
  );
}

async function pack(context: CommandContext): Promise<void> {
  const registry = await openRegistry(context, currentProject(context), { isReadOnly: true });
  const agents = await registry.writePack();
  context.answer({ agents, path: registry.layout.pack }, `${agents} agents packed`);
}

async function collect(context: CommandContext, { dryRun, grace }: CollectFlags): Promise<void> {
  const graceMs = Number(grace) * 1000;
  if (!Number.isFinite(graceMs) || graceMs < 0) {
    throw usage(`"${grace}" is no number of seconds`);
  }
  const registry = await openRegistry(context, currentProject(context), { isReadOnly: true });
  const isDry = dryRun === true;
  const removed = await registry.gc({ graceMs, isDry });
  const verb = isDry ? "would be removed" : "removed";
  context.answer({ removed, isDry }, [`${removed.length} objects ${verb}`, ...removed].join("\n"));
}

async function signers(context: CommandContext): Promise<void> {
  const registry = await openRegistry(context, currentProject(context), { isReadOnly: true });
  const { document } = await registry.signers();
  const lines = [
    ...document.trusted.map((key) => `trusted  ${key}`),
    ...document.revoked.map(({ key, reason }) => `revoked  ${key}  ${reason}`),
  ];
  context.answer(document, lines.join("\n"));
}

async function trust(context: CommandContext, text: string, flags: Unlocking): Promise<void> {
  const key = keyOf(text);
  await trustSigner(trustPorts(), await changeBy(context, currentProject(context), flags), key);
  const signer = formatIdentityKey(key);
  context.answer({ signer }, `Objects signed by ${signer} are accepted`);
}

async function revoke(
  context: CommandContext,
  text: string,
  flags: Unlocking & { readonly reason: string },
): Promise<void> {
  const key = keyOf(text);
  const change = await changeBy(context, currentProject(context), flags);
  await revokeSigner(trustPorts(), change, key, flags.reason);
  const signer = formatIdentityKey(key);
  context.answer({ signer }, `Objects that only ${signer} has signed are refused`);
}

async function rotate(
  context: CommandContext,
  path: string,
  flags: Unlocking & { readonly oldPassphraseFile?: string },
): Promise<void> {
  const ports = trustPorts();
  const project = currentProject(context);
  const change = await changeBy(context, project, flags);
  const passphrase = await readPassphrase(ports.files, flags.oldPassphraseFile);
  const owner = await readIdentity(ports, resolve(path), passphrase);
  const count = await rotateOwner(ports, { ...change, owner }, change.owner);
  const signer = formatIdentityKey(change.owner.publicKey);
  context.answer(
    { signer, revoked: formatIdentityKey(owner.publicKey), signatures: count },
    `${count} signatures made again by ${signer}`,
  );
}

/** A change of signers by this node's identity. */
async function changeBy(
  context: CommandContext,
  project: Project,
  { passphraseFile }: Unlocking,
): Promise<SignerChange> {
  const { signer, anchors = [] } = await registryOptions(context, project, { passphraseFile });
  if (!signer) throw usage("There is no identity to sign with");
  return { folder: project.registry, owner: signer, anchors };
}

/** A key from "z6Mk…" or from the id of a node. */
function keyOf(text: string): Uint8Array {
  const key = parseKeyText(text);
  const publicKey = key?.kind === "identity" ? key.key : publicKeyOfPeerId(text);
  if (publicKey !== null) return publicKey;
  throw usage(`"${text}" is neither a z6Mk… key nor the id of a node`);
}

function usage(problem: string): Failure {
  return new Failure("argument-invalid", problem, {
    origin: "local",
    remedy: "See `rtt registry --help`.",
  });
}
