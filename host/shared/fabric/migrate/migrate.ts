/**
 * Takes a tree of the published tools over, so that it can be undone to the byte.
 *
 *   originals kept ─▶ record "begun" ─▶ put aside, create, register ─▶ record "done"
 *
 * A loss of power before the record leaves the tree as it was, with some copies that nobody refers to; after it, the
 * next `rtt migrate` goes on, or `rtt migrate --undo` goes back.
 */
import { Failure } from "../../ports/failure.ts";
import { equalBytes } from "../../trust/bytes.ts";
import { isJsonObject, parseCanonical } from "../../trust/canonical-json.ts";
import { digestText } from "../../trust/digest-text.ts";
import { idOfDigest, RegistryLayout } from "../registry/layout.ts";
import {
  OBJECT_LIMITS,
  objectBytes,
  publishedKind,
  type RegistryObject,
} from "../registry/object.ts";
import { readPlainFile } from "../registry/plain-file.ts";
import type { RegistrySigner } from "../registry/ports.ts";
import { Registry } from "../registry/registry.ts";
import { trustSigner } from "../registry/signer-changes.ts";
import { parseSymbolAddress } from "../symbol.ts";
import { keptFolder, type MigrationRecord, readRecords, writeRecord } from "./record.ts";
import { type MigratePorts, type Survey, surveyTree } from "./survey.ts";

export interface MigrateOptions {
  readonly root: string;
  /** Who signs the record and the registry. */
  readonly owner: RegistrySigner;
  /** Other keys that may sign lists of signers. */
  readonly anchors?: readonly Uint8Array[];
}

export interface Migration {
  readonly record: MigrationRecord;
  /** Null for one that an earlier run began. */
  readonly survey: Survey | null;
}

export const REGISTRY = ".rtt/registry";
const KEPT_MODE = 0o600;
const FILE_MODE = 0o644;
const FOLDER_MODE = 0o755;
const BYTES_MAX = 64 << 20;

/** Migrates, or finishes what was begun; null when there is nothing to do. */
export async function migrate(
  ports: MigratePorts,
  options: MigrateOptions,
): Promise<Migration | null> {
  const { root, owner } = options;
  const folder = `${root}/.rtt`;
  const records = await readRecords(ports, folder, owner.publicKey);
  refuseUndoing(records);
  const begun = records.find(({ state }) => state === "begun");
  if (begun !== undefined) return { record: await perform(ports, options, begun), survey: null };
  const survey = await surveyTree(ports, root, owner.publicKey);
  if (survey === null) return null;
  const record: MigrationRecord = {
    number: (records.at(-1)?.number ?? 0) + 1,
    state: "begun",
    removed: survey.removed,
    created: survey.created.map(({ path, digest }) => ({ path, digest })),
    folders: survey.folders,
    makesRegistry: survey.makesRegistry,
    symbols: Object.fromEntries(survey.objects.map(({ symbol, digest }) => [symbol, digest])),
  };
  await keepBytes(ports, options, record, survey);
  await writeRecord(ports, folder, record, owner);
  return { record: await perform(ports, options, record), survey };
}

/** Half of an undone migration is neither; only going on with the undoing makes sense of it. */
export function refuseUndoing(records: readonly MigrationRecord[]): void {
  if (!records.some(({ state }) => state === "undoing")) return;
  throw new Failure("apply-refused", "A migration is half undone", {
    origin: "local",
    remedy: "Finish that with `rtt migrate --undo`.",
  });
}

/** Copies everything that will be gone, and writes what will be made, before anything changes. */
async function keepBytes(
  ports: MigratePorts,
  { root }: MigrateOptions,
  { number, removed }: MigrationRecord,
  survey: Survey,
): Promise<void> {
  const folder = keptFolder(`${root}/.rtt`, number);
  await ports.files.makeFolder(folder, 0o700);
  const keep = async (digest: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> => {
    const path = keptPath(folder, digest);
    if (await ports.files.create(path, bytes, KEPT_MODE)) return;
    const present = await readPlainFile(ports.files, path, BYTES_MAX);
    if (present === null || !equalBytes(present, bytes)) {
      await ports.files.write(path, bytes, KEPT_MODE);
    }
  };
  for (const one of removed) {
    if (one.kind === "link") continue;
    const bytes = await readPlainFile(ports.files, `${root}/${one.path}`, BYTES_MAX);
    if (bytes === null || digestText(ports.digest, bytes) !== one.digest) {
      throw new Failure("apply-refused", `${one.path} was changed while it was copied`, {
        origin: "host",
        remedy: "Try again when nothing else changes the tree.",
      });
    }
    await keep(one.digest, bytes);
  }
  for (const { digest, bytes } of survey.created) await keep(digest, bytes);
  for (const object of survey.objects) await keep(object.digest, objectBytes(object));
}

export function keptPath(folder: string, digest: string): string {
  return `${folder}/${idOfDigest(digest) ?? "none"}`;
}

/** Bytes that were kept. Fails with `object-missing` or `object-corrupt`. */
export async function keptBytes(
  { files, digest }: MigratePorts,
  folder: string,
  name: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await readPlainFile(files, keptPath(folder, name), BYTES_MAX);
  if (bytes !== null && digestText(digest, bytes) === name) return bytes;
  const code = bytes === null ? "object-missing" : "object-corrupt";
  throw new Failure(code, `The copy ${keptPath(folder, name)} is not what was kept`, {
    origin: "host",
    remedy: "Restore the folder .rtt/migration from a copy.",
    context: { digest: name },
  });
}

async function perform(
  ports: MigratePorts,
  options: MigrateOptions,
  record: MigrationRecord,
): Promise<MigrationRecord> {
  const { root, owner } = options;
  const { files } = ports;
  const kept = keptFolder(`${root}/.rtt`, record.number);
  const touched = new Set<string>();
  // Once the registry is ours, an object of the same bytes in the same place is ours too.
  const { signers } = new RegistryLayout(`${root}/${REGISTRY}`);
  const isOurs = record.makesRegistry && (await files.info(signers)) !== null;
  for (const one of record.removed) {
    if (isOurs && one.path.startsWith(`${REGISTRY}/`)) continue;
    const path = `${root}/${one.path}`;
    if (!(await isStillThere(ports, path, one))) continue;
    await files.remove(path);
    touched.add(path.slice(0, path.lastIndexOf("/")));
  }
  for (const folder of touched) await files.syncFolder(folder);
  for (const { path, digest } of record.created) {
    const whole = `${root}/${path}`;
    await checkInside(ports, root, whole);
    await files.makeFolder(whole.slice(0, whole.lastIndexOf("/")), FOLDER_MODE);
    await files.create(whole, await keptBytes(ports, kept, digest), FILE_MODE);
  }
  await register(ports, options, record, kept);
  const done: MigrationRecord = { ...record, state: "done" };
  await writeRecord(ports, `${root}/.rtt`, done, owner);
  return done;
}

/** Whether a path still has what was there; by now it may be ours, or somebody's who changed it. */
async function isStillThere(
  { files, links, digest }: MigratePorts,
  path: string,
  one: MigrationRecord["removed"][number],
): Promise<boolean> {
  const info = await files.info(path);
  if (one.kind === "link") return info?.kind === "other" && (await links.read(path)) === one.target;
  const bytes = info?.kind === "file" ? await readPlainFile(files, path, BYTES_MAX) : null;
  return bytes !== null && digestText(digest, bytes) === one.digest;
}

/** Puts the objects into the registry, which is made where there is none. What it has at an address stays. */
async function register(
  ports: MigratePorts,
  { root, owner, anchors = [owner.publicKey] }: MigrateOptions,
  { makesRegistry, symbols }: MigrationRecord,
  kept: string,
): Promise<void> {
  const folder = `${root}/${REGISTRY}`;
  if (makesRegistry) await trustSigner(ports, { folder, owner, anchors }, owner.publicKey);
  const registry = await Registry.open(ports, folder, { signer: owner, anchors });
  const { objects: present } = (await registry.view()).index;
  const objects: RegistryObject[] = [];
  for (const [symbol, digest] of Object.entries(symbols)) {
    if (present.has(symbol)) continue;
    const body = parseCanonical(await keptBytes(ports, kept, digest), OBJECT_LIMITS);
    const kind = isJsonObject(body) ? publishedKind(body) : null;
    if (kind !== null) objects.push({ kind, body, address: parseSymbolAddress(symbol) });
  }
  await registry.putAll(objects);
}

/** Fails with `path-denied` when a link on the way leads out of the tree. */
export async function checkInside(
  { files }: MigratePorts,
  root: string,
  path: string,
): Promise<void> {
  const base = (await files.realPath(root)) ?? root;
  for (let at = path.lastIndexOf("/"); at > root.length; at = path.lastIndexOf("/", at - 1)) {
    const real = await files.realPath(path.slice(0, at));
    if (real === null) continue;
    if (real === base || real.startsWith(`${base}/`)) return;
    throw new Failure("path-denied", `${path.slice(0, at)} leads out of the project`, {
      origin: "host",
      remedy: "Put a folder in place of the link.",
      context: { path },
    });
  }
}
