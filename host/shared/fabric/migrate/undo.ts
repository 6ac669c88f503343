/**
 * Brings back what a migration has changed, to the byte. Everything is checked before the first change; once the
 * record says "undoing", a loss of power changes nothing about the end: the next run goes on.
 */
import { Failure } from "../../ports/failure.ts";
import { digestText } from "../../trust/digest-text.ts";
import { idOfDigest } from "../registry/layout.ts";
import { readPlainFile } from "../registry/plain-file.ts";
import { Registry } from "../registry/registry.ts";
import { parseSymbolAddress } from "../symbol.ts";
import { checkInside, keptBytes, keptPath, type MigrateOptions, REGISTRY } from "./migrate.ts";
import { everythingIn } from "./published-files.ts";
import {
  keptFolder,
  type MigrationRecord,
  readRecords,
  removeRecord,
  writeRecord,
} from "./record.ts";
import { type MigratePorts, refuseInForce } from "./survey.ts";

export interface UndoOptions extends MigrateOptions {
  /** Also when the registry has more by now, which is lost. */
  readonly isForced?: boolean;
}

const BYTES_MAX = 64 << 20;
const FOLDER_MODE = 0o755;

/** Undoes the last migration, or finishes doing so; null when there is none. */
export async function undoMigration(
  ports: MigratePorts,
  options: UndoOptions,
): Promise<MigrationRecord | null> {
  const { root, owner } = options;
  const folder = `${root}/.rtt`;
  const record = (await readRecords(ports, folder, owner.publicKey)).at(-1);
  if (record === undefined) return null;
  if (record.state !== "undoing") {
    await check(ports, options, record);
    await writeRecord(ports, folder, { ...record, state: "undoing" }, owner);
  }
  await bringBack(ports, options, record);
  await forget(ports, root, record);
  return record;
}

function refused(problem: string, remedy: string): Failure {
  return new Failure("apply-refused", problem, { origin: "local", remedy });
}

/** Refuses where something would be lost that the migration did not make. */
async function check(
  ports: MigratePorts,
  options: UndoOptions,
  record: MigrationRecord,
): Promise<void> {
  const { root, isForced = false } = options;
  const kept = keptFolder(`${root}/.rtt`, record.number);
  await refuseInForce(ports, root, options.owner.publicKey);
  for (const one of record.removed) {
    await checkInside(ports, root, `${root}/${one.path}`);
    if (one.kind === "file") await keptBytes(ports, kept, one.digest);
    const isOfRegistry = record.makesRegistry && one.path.startsWith(`${REGISTRY}/`);
    if (!isOfRegistry && !(await isFree(ports, root, one))) {
      throw refused(`${one.path} is somebody's by now`, "Move it away; it would be lost.");
    }
  }
  if (isForced) return;
  const others = await othersInRegistry(ports, options, record);
  if (others.length === 0) return;
  throw refused(
    `The registry has ${others.length} symbols that the migration did not bring, such as ${others[0]}`,
    "With --force they go, and with them what only the registry has; a scan finds those of files again.",
  );
}

/** Whether a path has nothing, or already what will be there. */
async function isFree(
  { files, links, digest }: MigratePorts,
  root: string,
  one: MigrationRecord["removed"][number],
): Promise<boolean> {
  const path = `${root}/${one.path}`;
  const info = await files.info(path);
  if (info === null) return true;
  if (one.kind === "link") return (await links.read(path)) === one.target;
  const bytes = info.kind === "file" ? await readPlainFile(files, path, BYTES_MAX) : null;
  return bytes !== null && digestText(digest, bytes) === one.digest;
}

/** Addresses of a registry that goes, which others have put there. */
async function othersInRegistry(
  ports: MigratePorts,
  { root, owner, anchors = [owner.publicKey] }: UndoOptions,
  { makesRegistry, symbols, state }: MigrationRecord,
): Promise<readonly string[]> {
  // One that was only begun may not even be readable, and nobody could have put anything into it.
  if (!makesRegistry || state === "begun") return [];
  const registry = await Registry.open(ports, `${root}/${REGISTRY}`, { anchors });
  const { objects } = (await registry.view()).index;
  return [...objects].flatMap(([address, { id }]) =>
    symbols[address] === `sha256:${id}` ? [] : [address],
  );
}

async function bringBack(
  ports: MigratePorts,
  options: UndoOptions,
  record: MigrationRecord,
): Promise<void> {
  const { root } = options;
  const { files, links } = ports;
  const kept = keptFolder(`${root}/.rtt`, record.number);
  for (const { path, digest } of record.created) {
    const bytes = await readPlainFile(files, `${root}/${path}`, BYTES_MAX);
    // What somebody has changed since is theirs.
    if (bytes === null || digestText(ports.digest, bytes) !== digest) continue;
    await removeLasting(ports, `${root}/${path}`);
  }
  if (record.makesRegistry) await removeRegistry(ports, root, record);
  else await takeOut(ports, options, record);
  for (const one of record.removed) {
    const path = `${root}/${one.path}`;
    if (await isBack(ports, path, one)) continue;
    await checkInside(ports, root, path);
    await files.makeFolder(path.slice(0, path.lastIndexOf("/")), FOLDER_MODE);
    if (one.kind === "file") {
      await files.write(path, await keptBytes(ports, kept, one.digest), one.mode);
    } else await links.create(one.target, path);
  }
}

/** Whether a path is as it was; its copy may be gone by then. */
async function isBack(
  { files, links, digest }: MigratePorts,
  path: string,
  one: MigrationRecord["removed"][number],
): Promise<boolean> {
  if (one.kind === "link") return (await links.read(path)) === one.target;
  const info = await files.info(path);
  if (info?.kind !== "file" || (info.mode & 0o777) !== one.mode) return false;
  const bytes = await readPlainFile(files, path, BYTES_MAX);
  return bytes !== null && digestText(digest, bytes) === one.digest;
}

/** Removes what lies in the registry, except what is an original again. */
async function removeRegistry(
  ports: MigratePorts,
  root: string,
  { removed }: MigrationRecord,
): Promise<void> {
  const originals = new Map(removed.map((one) => [one.path, one]));
  for (const { path } of await everythingIn(ports, root, REGISTRY)) {
    const original = originals.get(path);
    if (original !== undefined && (await isFree(ports, root, original))) continue;
    await removeLasting(ports, `${root}/${path}`);
  }
}

/** Takes the migration's symbols out of a registry that was there before. */
async function takeOut(
  ports: MigratePorts,
  { root, owner, anchors = [owner.publicKey] }: UndoOptions,
  { symbols }: MigrationRecord,
): Promise<void> {
  const registry = await Registry.open(ports, `${root}/${REGISTRY}`, { signer: owner, anchors });
  const { objects } = (await registry.view()).index;
  const own = Object.entries(symbols).filter(([address, digest]) => {
    return `sha256:${objects.get(address)?.id}` === digest;
  });
  if (own.length > 0) await registry.remove(own.map(([address]) => parseSymbolAddress(address)));
}

/** Removes the copies, then the record, then the folders that were not there. */
async function forget(
  ports: MigratePorts,
  root: string,
  { number, removed, created, symbols, folders }: MigrationRecord,
): Promise<void> {
  const { files } = ports;
  const kept = keptFolder(`${root}/.rtt`, number);
  const digests = [
    ...removed.flatMap((one) => (one.kind === "file" ? [one.digest] : [])),
    ...created.map(({ digest }) => digest),
    ...Object.values(symbols),
  ];
  for (const digest of new Set(digests)) {
    if (idOfDigest(digest) !== null) await files.remove(keptPath(kept, digest));
  }
  for (const folder of folders.toReversed()) await files.removeFolder(`${root}/${folder}`);
  await removeRecord(ports, `${root}/.rtt`, number);
  if (folders.includes(".rtt")) await files.removeFolder(`${root}/.rtt`);
}

async function removeLasting({ files }: MigratePorts, path: string): Promise<void> {
  await files.remove(path);
  await files.syncFolder(path.slice(0, path.lastIndexOf("/")));
}
