/**
 * The write-ahead log of changes in `.rtt/wal`: a tiled log (trust/log) under the key of whoever applies. What is
 * appended is durable when `append` returns; reading verifies it against the signed root.
 */
import { Failure } from "../../ports/failure.ts";
import { fromUtf8, toHex } from "../../trust/bytes.ts";
import type { Identity } from "../../trust/identity.ts";
import { logKey, openCheckpoint, type TreeHead } from "../../trust/log/checkpoint.ts";
import { type LogPorts, LogReader } from "../../trust/log/log-reader.ts";
import type { NoteKey } from "../../trust/log/note.ts";
import { TiledLog } from "../../trust/log/tiled-log.ts";
import { History, type LoggedTransaction } from "./history.ts";
import { decodeRecord, encodeRecord, type LogRecord } from "./log-record.ts";

/** Whose log it is. */
export type LogOwner = Pick<Identity, "id" | "publicKey">;

/** A history together with the tree head that it was verified against. */
export interface VerifiedLog {
  readonly entries: number;
  /** Hexadecimal; of the tree over all entries. */
  readonly root: string;
  readonly transactions: readonly LoggedTransaction[];
}

/** Where the log lies, in the folder `.rtt`. */
export function walFolder(folder: string): string {
  return `${folder}/wal`;
}

export class ApplyLog {
  readonly #ports: LogPorts;
  readonly #folder: string;
  readonly #owner: LogOwner;
  readonly #log: TiledLog;

  private constructor(ports: LogPorts, folder: string, owner: LogOwner, log: TiledLog) {
    this.#ports = ports;
    this.#folder = folder;
    this.#owner = owner;
    this.#log = log;
  }

  /** Opens the log to write to it, or begins it. Fails with `log-corrupt`. */
  static async open(ports: LogPorts, folder: string, identity: Identity): Promise<ApplyLog> {
    await checkOwner(ports, folder, identity);
    const log = await TiledLog.open(ports, walFolder(folder), identity);
    return new ApplyLog(ports, folder, identity, log);
  }

  /** The root of the tree over everything so far, in hexadecimal. */
  get root(): string {
    return toHex(openCheckpoint(this.#ports, this.#log.checkpoint, keyOf(this.#owner)).root);
  }

  /** Returns when the record will be there after any crash. */
  async append(record: LogRecord): Promise<void> {
    await this.#log.append(encodeRecord(record));
  }

  /** How many entries the log has. */
  get size(): number {
    return this.#log.size;
  }

  /** The transaction that the log ends with, over or not. */
  lastTransaction(): Promise<LoggedTransaction | null> {
    return lastTransaction(this.#ports, this.#folder, this.#owner);
  }
}

/**
 * The transaction that the log ends with; null where nothing has been applied. Only its own entries are read, each
 * proven against the signed root, so that this costs the same however long the log is. Fails with `log-corrupt`.
 */
export async function lastTransaction(
  ports: LogPorts,
  folder: string,
  owner: LogOwner,
): Promise<LoggedTransaction | null> {
  await checkOwner(ports, folder, owner);
  const reader = await openReader(ports, folder, owner);
  if (reader === null || reader.head.size === 0) return null;
  const records: LogRecord[] = [];
  let index = reader.head.size;
  do {
    index -= 1;
    records.unshift(decodeRecord(index, await reader.entry(index)));
    if (records.length > ENTRIES_MAX) throw tooLong(index);
  } while (index > 0 && !("facts" in (records[0] as LogRecord)));
  const history = new History(index);
  for (const record of records) history.add(record);
  return history.transactions.at(-1) ?? null;
}

/** begin, commit, revert, end. */
const ENTRIES_MAX = 4;

/**
 * Replays the log: every byte is checked against the signed root, every entry against the one before it. Null where
 * nothing has been applied. Fails with `log-corrupt`.
 */
export async function readHistory(
  ports: LogPorts,
  folder: string,
  owner: LogOwner,
): Promise<VerifiedLog | null> {
  await checkOwner(ports, folder, owner);
  const reader = await openReader(ports, folder, owner);
  if (reader === null) return null;
  const history = new History();
  const head: TreeHead = await reader.verify(async (index, entry) =>
    history.add(decodeRecord(index, entry)),
  );
  return { entries: head.size, root: toHex(head.root), transactions: history.transactions };
}

async function openReader(
  ports: LogPorts,
  folder: string,
  owner: LogOwner,
): Promise<LogReader | null> {
  const reader = await LogReader.open(ports, walFolder(folder), keyOf(owner));
  if (reader !== null) return reader;
  const bundles = await ports.files.list(`${walFolder(folder)}/tile/entries`);
  if (bundles.length === 0) return null;
  throw new Failure("log-corrupt", "The log of changes has entries but no checkpoint", {
    origin: "host",
    remedy: "Restore .rtt/wal from a copy, or put it aside to begin a new log.",
    context: { path: `${walFolder(folder)}/checkpoint` },
  });
}

function keyOf({ id, publicKey }: LogOwner): NoteKey {
  return logKey(id, publicKey);
}

/** A log of another identity is told from a forged one: it is whole, only not ours to write. */
async function checkOwner(ports: LogPorts, folder: string, owner: LogOwner): Promise<void> {
  const path = `${walFolder(folder)}/checkpoint`;
  const bytes = await ports.files.read(path);
  const [name = ""] = bytes === null ? [] : (fromUtf8(bytes) ?? "").split("\n");
  if (bytes === null || !name.startsWith(LOG_NAME) || name === keyOf(owner).name) return;
  throw new Failure("signer-untrusted", `The log of changes is that of ${name.slice(0, 120)}`, {
    origin: "host",
    remedy: "Apply as the identity that began it, or put .rtt/wal aside to begin a new log.",
    context: { path },
  });
}

const LOG_NAME = "mxp.log/";

function tooLong(index: number): Failure {
  return new Failure("log-corrupt", `The log of changes: no beginning before entry ${index}`, {
    origin: "host",
    remedy: "Restore .rtt/wal from a copy; do not trust what it says.",
    context: { index },
  });
}
