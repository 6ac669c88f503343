/**
 * Generations on disk: signed, each kept under its number, one of them in force.
 *
 *   .rtt/generations/<n>.dsse.json   written first, and never again with other content once it was in force
 *   .rtt/generation.dsse.json        the same bytes as one of those; replacing it is the flip
 *
 * Whoever reads verifies: the signature of a trusted signer, the one form of the document, the number in the name. A
 * file that is there and cannot be believed is a failure, never "nothing has been applied".
 */
import { Failure } from "../../ports/failure.ts";
import { equalBytes } from "../../trust/bytes.ts";
import { documentBytes, parseDocument } from "../../trust/canonical-json.ts";
import { digestText } from "../../trust/digest-text.ts";
import { envelopeJson, parseEnvelope, signEnvelope, verifyEnvelope } from "../../trust/dsse.ts";
import type { Generation } from "../generation.ts";
import type { DigestText } from "../plan.ts";
import { PLAN_LIMITS } from "../plan-file/parts.ts";
import { readPlainFile } from "../registry/plain-file.ts";
import type { RegistryPorts, RegistrySigner } from "../registry/ports.ts";
import type { SignerCheck } from "../registry/signature.ts";
import { decodeGeneration, encodeGeneration } from "./document.ts";

export { encodeGeneration } from "./document.ts";

const PAYLOAD_TYPE = "application/vnd.mxp.generation.v1+json";
const FILE_MODE = 0o644;
const FOLDER_MODE = 0o755;
/** The payload in base64, with its signature. */
const FILE_LIMITS = { ...PLAN_LIMITS, bytesMax: Math.ceil((PLAN_LIMITS.bytesMax * 4) / 3) + 4096 };

/** A generation that was verified. */
export interface StoredGeneration {
  readonly generation: Generation;
  /** Of the document that was signed, whoever signed it: what `previous` and a plan's base name. */
  readonly digest: DigestText;
  readonly signer: string;
}

/** A generation ready to be written. */
export interface SignedGeneration {
  readonly generation: Generation;
  readonly digest: DigestText;
  /** The whole file. */
  readonly file: Uint8Array<ArrayBuffer>;
}

/** Where the generation in force lies, in the folder `.rtt`. */
export function generationPath(folder: string): string {
  return `${folder}/generation.dsse.json`;
}

/** Where the generation of a number lies. */
export function historyPath(folder: string, number: number): string {
  if (!Number.isSafeInteger(number) || number < 1) {
    throw new Failure("argument-invalid", "A generation has a number of at least 1", {
      origin: "local",
      remedy: "`rtt log` lists the generations.",
    });
  }
  return `${folder}/generations/${number}.dsse.json`;
}

/** The digest that names a generation. */
export function generationDigest(
  { digest }: Pick<RegistryPorts, "digest">,
  generation: Generation,
): DigestText {
  return digestText(digest, encodeGeneration(generation));
}

/** Signs a generation. */
export function signGeneration(
  { digest, signatures }: Pick<RegistryPorts, "digest" | "signatures">,
  generation: Generation,
  signer: RegistrySigner,
): SignedGeneration {
  const payload = encodeGeneration(generation);
  const envelope = signEnvelope(signatures, PAYLOAD_TYPE, payload, signer.seed);
  return {
    generation,
    digest: digestText(digest, payload),
    file: documentBytes(envelopeJson(envelope)),
  };
}

/**
 * The generation of a file's bytes. Fails with `signature-invalid`, `canonical-json-invalid` or `signer-untrusted`;
 * an empty list of signatures is `signature-invalid`, as any other envelope that is not one.
 */
export function openGeneration(
  { digest, signatures }: Pick<RegistryPorts, "digest" | "signatures">,
  file: Uint8Array,
  signers: SignerCheck,
): StoredGeneration {
  const envelope = parseEnvelope(parseDocument(file, FILE_LIMITS));
  const key = signers.keyOf(envelope.keyId);
  if (key === null) {
    const named = envelope.keyId.slice(0, 80);
    throw new Failure("signer-untrusted", `The generation is signed by "${named}", not trusted`, {
      origin: "policy",
      remedy: "If you trust the key, `rtt registry trust <key>`.",
    });
  }
  const payload = verifyEnvelope(signatures, envelope, PAYLOAD_TYPE, key);
  return {
    generation: decodeGeneration(payload),
    digest: digestText(digest, payload),
    signer: envelope.keyId,
  };
}

/** The generation in force, or null where nothing has been applied. */
export async function readGeneration(
  ports: RegistryPorts,
  folder: string,
  signers: SignerCheck,
): Promise<StoredGeneration | null> {
  const path = generationPath(folder);
  const file = await readPlainFile(ports.files, path, FILE_LIMITS.bytesMax);
  if (file === null) return null;
  try {
    return openGeneration(ports, file, signers);
  } catch (thrown) {
    const failure = Failure.from(thrown);
    if (failure.code === "signer-untrusted") throw failure;
    const problem = failure.message.slice(failure.code.length + 2);
    throw new Failure(failure.code, `generation.dsse.json: ${problem}`, {
      origin: "host",
      remedy: "Delete it; `rtt apply` puts back the generation that the log names.",
      context: { path },
    });
  }
}

/** The generation of a number. Fails with `generation-missing`. */
export async function readGenerationNumber(
  ports: RegistryPorts,
  folder: string,
  number: number,
  signers: SignerCheck,
): Promise<StoredGeneration> {
  const path = historyPath(folder, number);
  const file = await readPlainFile(ports.files, path, FILE_LIMITS.bytesMax);
  if (file === null) {
    throw new Failure("generation-missing", `There is no generation ${number}`, {
      origin: "local",
      remedy: "`rtt log` lists the generations.",
      context: { number, path },
    });
  }
  const stored = openGeneration(ports, file, signers);
  if (stored.generation.generation === number) return stored;
  const problem = `${path} holds the generation ${stored.generation.generation}`;
  throw new Failure("signature-invalid", problem, {
    origin: "host",
    remedy: "Somebody has exchanged the files; restore them from a copy.",
    context: { number, path },
  });
}

/** The numbers of the generations that are kept, in their order. Says nothing about what is in the files. */
export async function listGenerations(
  { files }: Pick<RegistryPorts, "files">,
  folder: string,
): Promise<readonly number[]> {
  const names = await files.list(`${folder}/generations`);
  return names
    .map((name) => /^([1-9]\d{0,14})\.dsse\.json$/.exec(name)?.[1])
    .filter((text) => text !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

/**
 * Writes the history file of the next generation; nobody sees a difference yet. It must follow the one in force,
 * which is the one that the caller has read and based its decision on. The same bytes again change nothing; other
 * bytes under the number replace those of a change that was never decided.
 */
export async function stageGeneration(
  { files }: Pick<RegistryPorts, "files">,
  folder: string,
  current: StoredGeneration | null,
  next: SignedGeneration,
): Promise<void> {
  const { generation: number, previous } = next.generation;
  const isNext = number === (current?.generation.generation ?? 0) + 1;
  if (!isNext || previous !== (current?.digest ?? null)) {
    throw new Failure("plan-stale", `The generation ${number} does not follow the one in force`, {
      origin: "local",
      remedy: "Make the plan again with `rtt plan`.",
      context: { number, inForce: current?.generation.generation ?? 0 },
    });
  }
  const path = historyPath(folder, number);
  const there = await readPlainFile(files, path, FILE_LIMITS.bytesMax);
  if (there !== null && equalBytes(there, next.file)) return;
  await files.makeFolder(`${folder}/generations`, FOLDER_MODE);
  await files.write(path, next.file, FILE_MODE);
}

/** The flip: from now on readers see this generation. Its history file must be there. Doing it again is harmless. */
export async function flipGeneration(
  { files }: Pick<RegistryPorts, "files">,
  folder: string,
  next: Pick<SignedGeneration, "file">,
): Promise<void> {
  const path = generationPath(folder);
  const there = await readPlainFile(files, path, FILE_LIMITS.bytesMax);
  if (there !== null && equalBytes(there, next.file)) return;
  await files.write(path, next.file, FILE_MODE);
}

/** Both at once, for whoever has nothing to decide in between. */
export async function writeGeneration(
  ports: Pick<RegistryPorts, "files">,
  folder: string,
  current: StoredGeneration | null,
  next: SignedGeneration,
): Promise<void> {
  await stageGeneration(ports, folder, current, next);
  await flipGeneration(ports, folder, next);
}
