/**
 * Writing a node's receipts: first the file, then the log entry. A crash in between leaves a file without an entry,
 * which the next start logs.
 */
import { Failure } from "../../ports/failure.ts";
import { equalBytes } from "../bytes.ts";
import type { Identity } from "../identity.ts";
import { TiledLog } from "../log/tiled-log.ts";
import {
  type ArchivePorts,
  logFolder,
  ReceiptArchive,
  receiptEntry,
  receiptsFolder,
} from "./archive.ts";
import type { ReceiptFacts } from "./fields.ts";
import { verifyReceipt } from "./sign.ts";

const OWNER_ONLY = 0o600;
const FOLDER_MODE = 0o700;

export class ReceiptStore {
  readonly archive: ReceiptArchive;
  readonly #ports: ArchivePorts;
  readonly #log: TiledLog;
  readonly #turns = new Map<string, Promise<void>>();

  private constructor(ports: ArchivePorts, archive: ReceiptArchive, log: TiledLog) {
    this.#ports = ports;
    this.archive = archive;
    this.#log = log;
  }

  /** Opens the receipts of a node and logs what a crash left unlogged. Fails with `log-corrupt`. */
  static async open(
    ports: ArchivePorts,
    options: { readonly folder: string; readonly identity: Identity },
  ): Promise<ReceiptStore> {
    const { folder, identity } = options;
    await ports.files.makeFolder(receiptsFolder(folder), FOLDER_MODE);
    const log = await TiledLog.open(ports, logFolder(folder), identity);
    const archive = new ReceiptArchive(ports, folder, identity.id);
    const store = new ReceiptStore(ports, archive, log);
    await store.#logLeftovers(receiptsFolder(folder));
    return store;
  }

  /** The signed note over all receipts so far. */
  get checkpoint(): string {
    return this.#log.checkpoint;
  }

  /**
   * Keeps a receipt; resolves when it and its log entry will survive a crash. Recording the same file again changes
   * nothing. Fails with `receipt-invalid` for another receipt of the same call.
   */
  async record(file: Uint8Array<ArrayBuffer>): Promise<void> {
    const { facts } = verifyReceipt(this.#ports, file);
    const { correlationId } = facts;
    // One after the other for one call: two at once must not both find it unlogged.
    const before = this.#turns.get(correlationId) ?? Promise.resolve();
    const keep = (): Promise<void> => this.#keep(file, facts);
    const turn = before.then(keep, keep);
    this.#turns.set(correlationId, turn);
    try {
      await turn;
    } finally {
      if (this.#turns.get(correlationId) === turn) this.#turns.delete(correlationId);
    }
  }

  async #keep(file: Uint8Array<ArrayBuffer>, facts: ReceiptFacts): Promise<void> {
    const { correlationId } = facts;
    if (!(await this.#ports.files.create(this.archive.path(correlationId), file, OWNER_ONLY))) {
      if (!equalBytes(await this.archive.read(correlationId), file)) {
        throw new Failure("receipt-invalid", "There is another receipt of this call already", {
          origin: "local",
          remedy: "Give each call a correlation id of its own.",
          context: { correlationId },
        });
      }
      const logged = await this.archive.list();
      if (logged.some((entry) => entry.correlationId === correlationId)) return;
    }
    await this.#log.append(receiptEntry(this.#ports, file, facts));
  }

  async #logLeftovers(folder: string): Promise<void> {
    const names = await this.#ports.files.list(folder);
    const logged = new Set((await this.archive.list()).map(({ correlationId }) => correlationId));
    for (const name of names) {
      const correlationId = name.replace(/\.json$/, "");
      if (logged.has(correlationId) || !name.endsWith(".json")) continue;
      const file = await this.archive.read(correlationId);
      const facts = this.#factsOf(file);
      // What is not a receipt is left unlogged, and `rtt receipt verify` reports it.
      if (facts === null) continue;
      await this.#log.append(receiptEntry(this.#ports, file, facts));
    }
  }

  #factsOf(file: Uint8Array): ReceiptFacts | null {
    try {
      return verifyReceipt(this.#ports, file).facts;
    } catch (error) {
      if (error instanceof Failure) return null;
      throw error;
    }
  }
}
