/**
 * What a migration changes, written down and signed before anything is changed:
 *
 *   .rtt/migration/<n>.dsse.json    the record, signed by whoever migrates
 *   .rtt/migration/<n>/<hash>       every original byte, and what the migration makes, by digest; mode 0600
 *
 *   planned ──▶ begun ──▶ done ──▶ undoing ──▶ (the record is gone, and the tree as it was)
 *
 * Every step can be done twice, so whoever finds a record that is begun or undoing goes on where the other stopped.
 * A record says which files to write, so none is believed that this node's own identity has not signed.
 */
import { Failure } from "../../ports/failure.ts";
import {
  canonicalBytes,
  documentBytes,
  type Json,
  type JsonObject,
  parseCanonical,
  parseDocument,
} from "../../trust/canonical-json.ts";
import { envelopeJson, parseEnvelope, signEnvelope, verifyEnvelope } from "../../trust/dsse.ts";
import { formatIdentityKey } from "../../trust/key-text.ts";
import { Shape } from "../../trust/shape.ts";
import type { DigestText } from "../plan.ts";
import { readPlainFile } from "../registry/plain-file.ts";
import type { RegistryPorts, RegistrySigner } from "../registry/ports.ts";
import { parseSymbolAddress } from "../symbol.ts";

export interface RemovedFile {
  readonly kind: "file";
  /** From the project's root. */
  readonly path: string;
  readonly digest: DigestText;
  readonly mode: number;
}

/** A symbolic link. */
export interface RemovedLink {
  readonly kind: "link";
  readonly path: string;
  /** As the link says it. */
  readonly target: string;
}

export interface CreatedFile {
  readonly path: string;
  readonly digest: DigestText;
}

export const RECORD_STATES = ["begun", "done", "undoing"] as const;

export interface MigrationRecord {
  readonly number: number;
  readonly state: (typeof RECORD_STATES)[number];
  readonly removed: readonly (RemovedFile | RemovedLink)[];
  readonly created: readonly CreatedFile[];
  /** Folders that were not there, the outer ones first. */
  readonly folders: readonly string[];
  /** Whether the registry is made by the migration, and goes with it. */
  readonly makesRegistry: boolean;
  /** Address → object that it puts into the registry. */
  readonly symbols: Readonly<Record<string, DigestText>>;
}

const PAYLOAD_TYPE = "application/vnd.mxp.migration.v1+json";
const KIND = "mxp.migration/v1";
const LIMITS = { bytesMax: 64 << 20, depthMax: 6 } as const;
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
const ENTRIES_MAX = 200_000;

function invalid(where: string, problem: string): Failure {
  return new Failure("signature-invalid", `The record of the migration: ${where} ${problem}`, {
    origin: "host",
    remedy: "The originals are in .rtt/migration by their digests; put them back by hand.",
  });
}

const shape = new Shape(invalid, { listMax: ENTRIES_MAX, textMax: 4096 });

/** The folder of all migrations, in the folder `.rtt`. */
export function migrationFolder(folder: string): string {
  return `${folder}/migration`;
}

function recordPath(folder: string, number: number): string {
  return `${migrationFolder(folder)}/${number}.dsse.json`;
}

/** Where the bytes of a migration lie. */
export function keptFolder(folder: string, number: number): string {
  return `${migrationFolder(folder)}/${number}`;
}

/** The records, oldest first. Fails with `signature-invalid` or `signer-untrusted`. */
export async function readRecords(
  ports: RegistryPorts,
  folder: string,
  publicKey: Uint8Array,
): Promise<readonly MigrationRecord[]> {
  const records: MigrationRecord[] = [];
  for (const name of await ports.files.list(migrationFolder(folder))) {
    const number = Number(/^([1-9]\d{0,8})\.dsse\.json$/.exec(name)?.[1] ?? "0");
    if (number === 0) continue;
    const path = recordPath(folder, number);
    const file = await readPlainFile(ports.files, path, LIMITS.bytesMax * 2);
    if (file !== null) records.push(openRecord(ports, file, number, publicKey));
  }
  return records.sort((a, b) => a.number - b.number);
}

function openRecord(
  { signatures }: RegistryPorts,
  file: Uint8Array,
  number: number,
  publicKey: Uint8Array,
): MigrationRecord {
  const limits = { ...LIMITS, bytesMax: LIMITS.bytesMax * 2 };
  const envelope = parseEnvelope(parseDocument(file, limits));
  if (envelope.keyId !== formatIdentityKey(publicKey)) {
    const named = envelope.keyId.slice(0, 80);
    throw new Failure("signer-untrusted", `The migration is signed by ${named}, not by this node`, {
      origin: "policy",
      remedy: "Undo it as the identity that migrated.",
    });
  }
  const payload = verifyEnvelope(signatures, envelope, PAYLOAD_TYPE, publicKey);
  const record = readRecord(parseCanonical(payload, LIMITS));
  if (record.number !== number) throw invalid("number", "is not that of its file");
  return record;
}

/** Writes a record in place of the former one of its number. */
export async function writeRecord(
  { files, signatures }: RegistryPorts,
  folder: string,
  record: MigrationRecord,
  signer: RegistrySigner,
): Promise<void> {
  const payload = canonicalBytes({ kind: KIND, ...recordJson(record) });
  readRecord(parseCanonical(payload, LIMITS));
  const envelope = signEnvelope(signatures, PAYLOAD_TYPE, payload, signer.seed);
  await files.makeFolder(migrationFolder(folder), FOLDER_MODE);
  const path = recordPath(folder, record.number);
  await files.write(path, documentBytes(envelopeJson(envelope)), FILE_MODE);
}

/** Removes a record and the folder of its bytes, which are gone already. */
export async function removeRecord(
  { files }: Pick<RegistryPorts, "files">,
  folder: string,
  number: number,
): Promise<void> {
  await files.remove(recordPath(folder, number));
  await files.removeFolder(keptFolder(folder, number));
  await files.removeFolder(migrationFolder(folder));
}

function recordJson(record: MigrationRecord): JsonObject {
  return {
    number: record.number,
    state: record.state,
    removed: record.removed.map((one): Json => ({ ...one })),
    created: record.created.map(({ path, digest }) => ({ path, digest })),
    folders: record.folders,
    makesRegistry: record.makesRegistry,
    symbols: { ...record.symbols },
  };
}

function readRecord(value: Json): MigrationRecord {
  const members = shape.object(value, "it", [
    "kind",
    "number",
    "state",
    "removed",
    "created",
    "folders",
    "makesRegistry",
    "symbols",
  ]);
  if (members["kind"] !== KIND) throw invalid("kind", `is not "${KIND}"`);
  const symbols = shape.object(
    members["symbols"],
    "symbols",
    [],
    Object.keys((members["symbols"] ?? {}) as JsonObject),
  );
  return {
    number: shape.count(members["number"], "number", 1),
    state: shape.oneOf(members["state"], "state", RECORD_STATES),
    removed: list(members["removed"], "removed").map(readRemoved),
    created: list(members["created"], "created").map((one) => {
      const { path, digest } = shape.object(one, "created", ["path", "digest"]);
      return { path: readPath(path), digest: shape.digest(digest, "created.digest") };
    }),
    folders: list(members["folders"], "folders").map(readPath),
    makesRegistry: shape.boolean(members["makesRegistry"], "makesRegistry"),
    symbols: Object.fromEntries(
      Object.entries(symbols).map(([address, digest]) => {
        parseSymbolAddress(address);
        return [address, shape.digest(digest, "symbols")];
      }),
    ),
  };
}

function list(value: Json | undefined, where: string): readonly Json[] {
  if (!Array.isArray(value) || value.length > ENTRIES_MAX) throw invalid(where, "is not a list");
  return value as readonly Json[];
}

function readRemoved(value: Json): RemovedFile | RemovedLink {
  const { kind, path, digest, mode, target } = shape.object(
    value,
    "removed",
    ["kind", "path"],
    ["digest", "mode", "target"],
  );
  if (shape.oneOf(kind, "removed.kind", ["file", "link"]) === "link") {
    return { kind: "link", path: readPath(path), target: shape.text(target, "removed.target") };
  }
  return {
    kind: "file",
    path: readPath(path),
    digest: shape.digest(digest, "removed.digest"),
    mode: shape.count(mode, "removed.mode", 0) & 0o777,
  };
}

/** A path from the root that stays in it. */
function readPath(value: Json | undefined): string {
  const path = shape.text(value, "path");
  const parts = path.split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..") || path.includes("\\")) {
    throw invalid("path", "leads out of the project");
  }
  return path;
}
