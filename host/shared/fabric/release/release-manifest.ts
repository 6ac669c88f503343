/**
 * A signed release: an in-toto statement with the SHA-256 of every file, in a Sigstore bundle, so that stock tools
 * verify the signature and ours also compare the files.
 */
import type { Digest } from "../../ports/digest.ts";
import { Failure } from "../../ports/failure.ts";
import type { Files } from "../../ports/files.ts";
import type { Signatures } from "../../ports/signatures.ts";
import {
  bundleJson,
  hintedKey,
  makeBundle,
  parseBundle,
  verifyBundle,
} from "../../trust/bundle.ts";
import { equalBytes } from "../../trust/bytes.ts";
import { documentBytes, parseDocument } from "../../trust/canonical-json.ts";
import { digestText } from "../../trust/digest-text.ts";
import { signEnvelope } from "../../trust/dsse.ts";
import { formatIdentityKey } from "../../trust/key-text.ts";
import { parseStatement, statementBytes, STATEMENT_PAYLOAD_TYPE } from "../../trust/statement.ts";
import type { RegistrySigner } from "../registry/ports.ts";

const PREDICATE_TYPE = "urn:mxp:release:v1";

export interface ReleasePorts {
  readonly files: Files;
  readonly digest: Digest;
  readonly signatures: Signatures;
}

export interface Release {
  readonly name: string;
  readonly version: string;
  /** Path from the root of the release → "sha256:…", in the order of the paths. */
  readonly files: ReadonlyMap<string, string>;
}

/** Digests of files; each path is from the root. Fails with `file-missing`. */
export async function digestFiles(
  { files, digest }: ReleasePorts,
  root: string,
  paths: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const digests = new Map<string, string>();
  for (const path of [...paths].sort()) {
    const bytes = await files.read(`${root}/${path}`);
    if (bytes === null) {
      throw new Failure("file-missing", `${root}/${path} is not there`, {
        origin: "local",
        remedy: "Build it with `npm run build`.",
        context: { path },
      });
    }
    digests.set(path, digestText(digest, bytes));
  }
  return digests;
}

/** The manifest as a file. */
export function signRelease(
  { signatures }: ReleasePorts,
  { name, version, files }: Release,
  signer: RegistrySigner,
): Uint8Array<ArrayBuffer> {
  const statement = statementBytes({
    subjects: [...files].map(([path, digest]) => ({ name: path, digest })),
    predicateType: PREDICATE_TYPE,
    predicate: { name, version },
  });
  const envelope = signEnvelope(signatures, STATEMENT_PAYLOAD_TYPE, statement, signer.seed);
  return documentBytes(bundleJson(makeBundle(envelope)));
}

export interface VerifiedRelease extends Release {
  /** "z6Mk…". */
  readonly signer: string;
}

/**
 * Reads a manifest that one of `trusted` has signed. Fails with `signer-untrusted`, `signature-invalid` or
 * `receipt-invalid`.
 */
export function openRelease(
  { signatures }: ReleasePorts,
  file: Uint8Array,
  trusted: readonly Uint8Array[],
): VerifiedRelease {
  const bundle = parseBundle(parseDocument(file));
  const hinted = hintedKey(bundle);
  const key = trusted.find((one) => equalBytes(one, hinted));
  if (key === undefined) {
    throw new Failure("signer-untrusted", `The release is signed by ${bundle.hint}, not trusted`, {
      origin: "policy",
      remedy: "If you know whose key that is, name it with --signer.",
    });
  }
  const { subjects, predicateType, predicate } = parseStatement(
    verifyBundle(signatures, bundle, key),
  );
  const { name, version } = predicate;
  const files = new Map(subjects.map((subject) => [subject.name, subject.digest]));
  const isOne = predicateType === PREDICATE_TYPE && files.size === subjects.length;
  if (!isOne || typeof name !== "string" || typeof version !== "string") {
    throw new Failure("signature-invalid", "The statement is about something else than a release", {
      origin: "peer",
      remedy: "Get the manifest again from whoever made the release.",
    });
  }
  return { name, version, files, signer: formatIdentityKey(key) };
}

/**
 * Compares what is there with what was released. Fails with `build-differs`, naming the first file that is another
 * one, is missing, or is there and was not released.
 */
export function compareFiles(
  released: ReadonlyMap<string, string>,
  present: ReadonlyMap<string, string>,
): void {
  for (const path of [...new Set([...released.keys(), ...present.keys()])].sort()) {
    if (released.get(path) === present.get(path)) continue;
    const problem = !present.has(path)
      ? "is missing"
      : released.has(path)
        ? "is another one than was released"
        : "was not released";
    throw new Failure("build-differs", `${path} ${problem}`, {
      origin: "host",
      remedy: "Install the release again, or build it from the same sources and lock file.",
      context: { path },
    });
  }
}
