/**
 * Reading a node's receipts: `<state>/receipts/<correlation id>.json` and the log in `<state>/log`, which has one
 * entry for each with the digest of the file. Works offline and without the node's private key.
 */
import { sleep } from "../../ports/clock.ts";
import { Failure } from "../../ports/failure.ts";
import { canonicalBytes, parseCanonical } from "../canonical-json.ts";
import { digestText } from "../digest-text.ts";
import { publicKeyOfPeerId } from "../identity.ts";
import { formatProof, logKey, parseProof, type TreeHead, verifyProof } from "../log/checkpoint.ts";
import { LogReader } from "../log/log-reader.ts";
import type { NoteKey } from "../log/note.ts";
import { TILE_WIDTH } from "../log/tiles.ts";
import type { TrustPorts } from "../ports.ts";
import { Shape } from "../shape.ts";
import type { Outcome, ReceiptFacts } from "./fields.ts";
import { OUTCOMES } from "./fields.ts";
import { type ExpectedSigners, parseReceipt, type VerifiedReceipt, verifyReceipt } from "./sign.ts";
import { readReceipt } from "./statement.ts";

const ENTRY_KIND = "mxp.log-entry/v1";
/** A running node replaces the right edge of its log while we read; then we begin again. */
const ATTEMPTS = 5;
const SETTLE_MS = 250;

export type ArchivePorts = Pick<TrustPorts, "files" | "digest" | "signatures" | "clock">;

/** What the log says about a receipt. */
export interface LoggedReceipt {
  readonly index: number;
  readonly correlationId: string;
  readonly outcome: Outcome;
  /** Digest of the receipt file. */
  readonly receipt: string;
}

export interface VerifiedArchive {
  readonly head: TreeHead;
  readonly receipts: number;
}

function invalid(where: string, problem: string): Failure {
  return new Failure("receipt-invalid", `${where} ${problem}`, {
    origin: "host",
    remedy: "Restore the file from a copy; do not rely on what it says.",
    context: { where },
  });
}

const shape = new Shape(invalid, { listMax: 1, textMax: 256 });

/** Folder of the log below a state folder. */
export function logFolder(state: string): string {
  return `${state}/log`;
}

/** Folder of the receipts below a state folder. */
export function receiptsFolder(state: string): string {
  return `${state}/receipts`;
}

/** The log entry of a receipt file: the same bytes for whoever holds the file. */
export function receiptEntry(
  ports: Pick<TrustPorts, "digest">,
  file: Uint8Array,
  facts: ReceiptFacts,
): Uint8Array<ArrayBuffer> {
  return canonicalBytes({
    kind: ENTRY_KIND,
    correlationId: facts.correlationId,
    outcome: facts.outcome,
    receipt: digestText(ports.digest, file),
  });
}

function readEntry(index: number, bytes: Uint8Array): LoggedReceipt {
  const where = `log entry ${index}`;
  const names = ["kind", "correlationId", "outcome", "receipt"];
  const entry = shape.object(parseCanonical(bytes), where, names);
  shape.oneOf(entry["kind"], where, [ENTRY_KIND]);
  return {
    index,
    correlationId: shape.text(entry["correlationId"], where),
    outcome: shape.oneOf(entry["outcome"], where, OUTCOMES),
    receipt: shape.digest(entry["receipt"], where),
  };
}

/** The log's key of a node. */
export function logKeyOf(id: string): NoteKey {
  const publicKey = publicKeyOfPeerId(id);
  if (publicKey === null) throw invalid(id, "is not the id of a node");
  return logKey(id, publicKey);
}

/**
 * Verifies a receipt with a proof that it is in the log of node `id`, as a stranger does who has nothing else.
 * Fails with `receipt-invalid`, `signature-invalid` or `log-corrupt`.
 */
export function verifyLoggedReceipt(
  ports: Pick<TrustPorts, "digest" | "signatures">,
  file: Uint8Array,
  proof: string,
  id: string,
  expected: ExpectedSigners = {},
): VerifiedReceipt & { readonly head: TreeHead } {
  const verified = verifyReceipt(ports, file, expected);
  const entry = receiptEntry(ports, file, verified.facts);
  const head = verifyProof(ports, parseProof(proof), entry, logKeyOf(id));
  return { ...verified, head };
}

export class ReceiptArchive {
  readonly #ports: ArchivePorts;
  readonly #state: string;
  readonly #key: NoteKey;

  /** `id` is the node's PeerId, under which it signs its log. */
  constructor(ports: ArchivePorts, state: string, id: string) {
    this.#ports = ports;
    this.#state = state;
    this.#key = logKeyOf(id);
  }

  /** Where the receipt of a call lies. */
  path(correlationId: string): string {
    // An id that could lead elsewhere is not one: it never comes from a receipt that we wrote.
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(correlationId)) {
      throw invalid(correlationId, "is not the id of a call");
    }
    return `${receiptsFolder(this.#state)}/${correlationId}.json`;
  }

  /** The receipt file of a call. Fails with `file-missing`. */
  async read(correlationId: string): Promise<Uint8Array<ArrayBuffer>> {
    const path = this.path(correlationId);
    const file = await this.#ports.files.read(path);
    if (file === null) {
      throw new Failure("file-missing", `There is no receipt of the call ${correlationId}`, {
        origin: "local",
        remedy: "`rtt receipt list` shows the receipts of this node.",
        context: { path },
      });
    }
    return file;
  }

  /** Everything that the log holds, oldest first. */
  list(): Promise<readonly LoggedReceipt[]> {
    return this.#settled(async (reader) => {
      const logged: LoggedReceipt[] = [];
      for (let bundle = 0; bundle * TILE_WIDTH < reader.head.size; bundle++) {
        for (const bytes of await reader.entries(bundle)) {
          logged.push(readEntry(logged.length, bytes));
        }
      }
      return logged;
    });
  }

  /** The proof, as text, that the receipt of a call is in the log. */
  async prove(correlationId: string): Promise<string> {
    const { index } = await this.#find(correlationId);
    return this.#settled(async (reader) => formatProof(await reader.prove(index)));
  }

  /** Verifies one receipt: both signatures, its digest in the log and the proof of its entry. */
  async verify(correlationId: string, expected: ExpectedSigners = {}): Promise<VerifiedReceipt> {
    const file = await this.read(correlationId);
    const proof = await this.prove(correlationId);
    return verifyLoggedReceipt(
      this.#ports,
      file,
      proof,
      this.#key.name.slice(this.#key.name.indexOf("/") + 1),
      expected,
    );
  }

  /** Verifies the whole log and every receipt. Fails at the first byte that is not what was signed. */
  async verifyAll(): Promise<VerifiedArchive> {
    // Listed before the log is read, so that a receipt written meanwhile is not missed in the log.
    const files = await this.#ports.files.list(receiptsFolder(this.#state));
    const logged = new Set<string>();
    const head = await this.#settled((reader) =>
      reader.verify(async (index, bytes) => {
        const entry = readEntry(index, bytes);
        await this.#checkFile(entry);
        logged.add(`${entry.correlationId}.json`);
      }),
    );
    const unlogged = files.filter((name) => name.endsWith(".json") && !logged.has(name));
    if (unlogged.length > 0) await this.#expectLogged(unlogged);
    return { head, receipts: logged.size };
  }

  /** A node writes the file first, then the entry: what is not logged yet may be so in a moment. */
  async #expectLogged(names: readonly string[]): Promise<void> {
    await sleep(this.#ports.clock, SETTLE_MS);
    const logged = new Set((await this.list()).map(({ correlationId }) => `${correlationId}.json`));
    const gap = names.find((name) => !logged.has(name));
    if (gap !== undefined) throw invalid(gap, "is in the folder of receipts but not in the log");
  }

  async #checkFile({ correlationId, receipt }: LoggedReceipt): Promise<void> {
    const file = await this.read(correlationId);
    if (digestText(this.#ports.digest, file) !== receipt) {
      throw invalid(correlationId, "is not the file that was logged");
    }
    verifyReceipt(this.#ports, file);
  }

  async #find(correlationId: string): Promise<LoggedReceipt> {
    const logged = await this.list();
    const found = logged.findLast((entry) => entry.correlationId === correlationId);
    if (found === undefined) throw invalid(correlationId, "is not in the log");
    return found;
  }

  /** Runs `task` on the log as it is now; again when the node wrote to it meanwhile. */
  async #settled<T>(task: (reader: LogReader) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const reader = await this.#openLog();
      try {
        return await task(reader);
      } catch (error) {
        const { checkpoint } = await this.#openLog();
        if (attempt === ATTEMPTS || checkpoint === reader.checkpoint) throw error;
      }
    }
  }

  async #openLog(): Promise<LogReader> {
    const folder = logFolder(this.#state);
    const reader = await LogReader.open(this.#ports, folder, this.#key);
    if (reader === null) {
      throw new Failure("file-missing", "This node has no log yet", {
        origin: "local",
        remedy: "The first call makes one; see `rtt up`.",
        context: { path: folder },
      });
    }
    return reader;
  }
}

/** The facts of a receipt file, unverified: for lists and pages that say so. */
export function peekReceipt(file: Uint8Array): ReceiptFacts {
  return readReceipt(parseReceipt(file).statement);
}
