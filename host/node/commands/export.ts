/** `rtt export`: the project's registry for other tools, what it is made of, and this program's signed release. */
import { existsSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { exportOci } from "../../shared/fabric/registry/oci-export.ts";
import {
  compareFiles,
  digestFiles,
  openRelease,
  signRelease,
} from "../../shared/fabric/release/release-manifest.ts";
import { Failure } from "../../shared/ports/failure.ts";
import { utf8 } from "../../shared/trust/bytes.ts";
import { readIdentity, readPublicIdentity } from "../../shared/trust/key-file.ts";
import { formatIdentityKey, parseKeyText } from "../../shared/trust/key-text.ts";
import { readSigners } from "../../shared/trust/signers.ts";
import { readPassphrase } from "../passphrase.ts";
import { currentProject, openRegistry } from "../project.ts";
import { statePaths } from "../state.ts";
import { trustPorts } from "../trust-ports.ts";
import type { CommandContext, Verb } from "./context.ts";

interface ExportOptions {
  readonly oci?: string;
  readonly sbom?: string | true;
  readonly release?: string;
  readonly verify?: true;
  readonly signer?: string;
  readonly passphraseFile?: string;
}

const FILE_MODE = 0o644;

export const addExport: Verb = (program, context) => {
  program
    .command("export")
    .summary("write the registry for other tools, a bill of materials, or a signed release")
    .description("Writes what other tools read. Everything of the registry is verified on the way.")
    .option("--oci <folder>", "the registry as an OCI image layout, which skopeo and oras read")
    .option(
      "--sbom [file]",
      "what the project and this program are made of, as CycloneDX 1.6; the same project gives the same bytes",
    )
    .option("--release <file>", "this program's files with their digests, signed by this node")
    .option("--verify", "with --release: check the file's signature, and every file against it")
    .option(
      "--signer <key>",
      "with --verify: whose signature counts besides the trusted ones (z6Mk…)",
    )
    .option("--passphrase-file <path>", "the passphrase of the identity")
    .action((options: ExportOptions) => run(context, options));
};

async function run(context: CommandContext, options: ExportOptions): Promise<void> {
  const { oci, sbom, release } = options;
  const asked = [oci, sbom, release].filter((one) => one !== undefined);
  if (asked.length !== 1) {
    throw usage(asked.length === 0 ? "Nothing says what to export" : "Only one thing at a time");
  }
  if (oci !== undefined) return exportRegistry(context, resolve(oci));
  if (sbom !== undefined) return exportSbom(context, sbom === true ? null : resolve(sbom));
  const file = resolve(release ?? "");
  return options.verify === true
    ? verifyRelease(context, file, options.signer)
    : exportRelease(context, file, options.passphraseFile);
}

async function exportRegistry(context: CommandContext, folder: string): Promise<void> {
  const registry = await openRegistry(context, currentProject(context), { isReadOnly: true });
  const { digest, objects } = await exportOci(trustPorts(), registry, folder);
  context.answer(
    { folder, digest, objects },
    `${objects} objects in ${folder}, image oci:${folder}:registry, ${digest}`,
  );
}

async function exportSbom(context: CommandContext, file: string | null): Promise<void> {
  const project = currentProject(context);
  const registry = await openRegistry(context, project, { isReadOnly: true });
  const { packageRoot } = await import("../release/package-files.ts");
  const { projectSbom } = await import("../release/project-sbom.ts");
  const text = await projectSbom(registry, project.root, packageRoot());
  const bill = JSON.parse(text) as {
    readonly serialNumber: string;
    readonly components: readonly object[];
  };
  if (file === null) {
    context.answer(bill, text.trimEnd());
    return;
  }
  await trustPorts().files.write(file, utf8(text), FILE_MODE);
  const { serialNumber, components } = bill;
  context.answer(
    { path: file, serialNumber, components: components.length },
    `${components.length} components in ${file}, ${serialNumber}`,
  );
}

async function exportRelease(
  context: CommandContext,
  file: string,
  passphraseFile: string | undefined,
): Promise<void> {
  const ports = trustPorts();
  const { packageList, packageRoot, releaseFiles } = await import("../release/package-files.ts");
  const root = packageRoot();
  if (!existsSync(join(root, "dist"))) throw unbuilt(root);
  const passphrase = await readPassphrase(ports.files, passphraseFile);
  const owner = await readIdentity(ports, statePaths(context.home).identity, passphrase);
  // The manifest may lie among the files, and cannot be one of them.
  const paths = releaseFiles(root).filter((path) => join(root, path) !== file);
  const files = await digestFiles(ports, root, paths);
  const { name, version } = packageList(root).root;
  await ports.files.write(file, signRelease(ports, { name, version, files }, owner), FILE_MODE);
  const signer = formatIdentityKey(owner.publicKey);
  context.answer(
    { path: file, name, version, files: files.size, signer },
    `${name} ${version}: ${files.size} files in ${basename(file)}, signed by ${signer}`,
  );
}

async function verifyRelease(
  context: CommandContext,
  file: string,
  signerText: string | undefined,
): Promise<void> {
  const ports = trustPorts();
  const { isBesidePackage, packageRoot, releaseFiles } =
    await import("../release/package-files.ts");
  const bytes = await ports.files.read(file);
  if (bytes === null) {
    throw new Failure("file-missing", `There is no ${file}`, {
      origin: "local",
      remedy: `Look for it in ${dirname(file)}.`,
      context: { path: file },
    });
  }
  const root = packageRoot();
  const trusted = await trustedKeys(context, signerText);
  const { name, version, files, signer } = openRelease(ports, bytes, trusted);
  const paths = releaseFiles(root).filter((path) => join(root, path) !== file);
  const present = await digestFiles(ports, root, paths);
  // Where the package was installed, what is only beside it is not there.
  const expected = new Map(
    [...files].filter(([path]) => present.has(path) || !isBesidePackage(path)),
  );
  compareFiles(expected, present);
  context.answer(
    { ok: true, name, version, files: expected.size, signer },
    `${name} ${version}: all ${expected.size} files are those that ${signer} has signed`,
  );
}

/** This node's own key, those of its state folder, and the one that was named. */
async function trustedKeys(
  context: CommandContext,
  signerText: string | undefined,
): Promise<readonly Uint8Array[]> {
  const ports = trustPorts();
  const path = statePaths(context.home).identity;
  const isThere = (await ports.files.info(path)) !== null;
  const own = isThere ? [(await readPublicIdentity(ports, path)).publicKey] : [];
  const keys = [...own, ...(await readSigners(ports.files, context.home))];
  if (signerText === undefined) return keys;
  const named = parseKeyText(signerText);
  if (named?.kind !== "identity") throw usage(`"${signerText}" is no z6Mk… key`);
  return [...keys, named.key];
}

function unbuilt(root: string): Failure {
  return new Failure("file-missing", `${root} has no dist/, so there is nothing to release`, {
    origin: "local",
    remedy: "Build it with `npm run build`.",
    context: { path: root },
  });
}

function usage(problem: string): Failure {
  return new Failure("argument-invalid", problem, {
    origin: "local",
    remedy: "See `rtt export --help`.",
  });
}
