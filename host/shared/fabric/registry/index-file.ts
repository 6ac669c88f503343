/**
 * The signed index and the list of signers on disk. Both are read again for each use and verified when they have
 * changed, so a revocation or another program's write counts at once. Changes that arrive during a write share the
 * next one.
 */
import { Failure } from "../../ports/failure.ts";
import type { Signatures } from "../../ports/signatures.ts";
import { equalBytes } from "../../trust/bytes.ts";
import { formatIdentityKey } from "../../trust/key-text.ts";
import { FILE_MODE, FOLDER_MODE, type RegistryLayout } from "./layout.ts";
import { readPlainFile } from "./plain-file.ts";
import type { RegistryPorts, RegistrySigner } from "./ports.ts";
import {
  EMPTY_INDEX,
  INDEX_LIMITS,
  indexBytes,
  openIndex,
  type RegistryIndex,
} from "./registry-index.ts";
import { readSignersFile, TrustedSigners } from "./trusted-signers.ts";
import { holdingLock } from "./write-lock.ts";

export interface RegistryOptions {
  /** Unsigned indexes and objects are refused. Default: true. */
  readonly strict?: boolean;
  /** Who signs what is put in; null or missing: the registry is only read. */
  readonly signer?: RegistrySigner | null;
  /** Keys that may sign the list of signers. Default: the signer's own. */
  readonly anchors?: readonly Uint8Array[];
  /** Symbols that may be unsigned although `strict` is set: patterns over `namespace/type/name`. */
  readonly allowUnsigned?: readonly string[];
}

/** What is in force. */
export interface RegistryView {
  readonly signers: TrustedSigners;
  readonly index: RegistryIndex;
  /** Whether there is an index at all; an absent one is empty. */
  readonly hasIndex: boolean;
}

/** Makes the next index of the present one. */
export type IndexChange = (index: RegistryIndex) => Pick<RegistryIndex, "objects" | "roots">;

/** A file as it was read and what it was verified to be. */
interface Read<T> {
  readonly file: Uint8Array | null;
  readonly value: T;
}

export class IndexFile {
  readonly #ports: RegistryPorts;
  readonly #layout: RegistryLayout;
  readonly #anchors: readonly Uint8Array[];
  readonly #isStrict: boolean;
  readonly #signer: RegistrySigner | null;
  #signers: Read<TrustedSigners> | null = null;
  #index: (Read<RegistryIndex> & { readonly signers: TrustedSigners }) | null = null;
  #waiting: IndexChange[] = [];
  /** The write that takes what is waiting; null when none is due. */
  #next: Promise<void> | null = null;
  #last: Promise<void> = Promise.resolve();
  /** How many tasks hold on to what was read. */
  #holderCount = 0;

  constructor(ports: RegistryPorts, layout: RegistryLayout, options: RegistryOptions) {
    this.#ports = ports;
    this.#layout = layout;
    this.#signer = options.signer ?? null;
    this.#anchors = options.anchors ?? (options.signer ? [options.signer.publicKey] : []);
    this.#isStrict = options.strict ?? true;
  }

  get isStrict(): boolean {
    return this.#isStrict;
  }

  /**
   * Who signs what is written; null: nobody has to. A key that readers would refuse writes nothing, because its index
   * would lock everybody out. Fails with `signature-missing` or `signer-untrusted`.
   */
  async writer(): Promise<RegistrySigner | null> {
    return this.#writer(await this.load());
  }

  #writer({ signers }: Pick<RegistryView, "signers">): RegistrySigner | null {
    if (this.#signer === null) {
      if (!this.#isStrict) return null;
      throw new Failure("signature-missing", "The registry was opened without a key to sign with", {
        origin: "local",
        remedy: "Unlock the identity, for example with --passphrase-file.",
      });
    }
    const key = formatIdentityKey(this.#signer.publicKey);
    if (signers.keyOf(key) !== null) return this.#signer;
    throw new Failure("signer-untrusted", `${key} may not write to this registry`, {
      origin: "local",
      remedy: "Its owner adds the key with `rtt registry trust <key>`.",
    });
  }

  /**
   * Runs a task that reads much by one view: what is in force at its beginning, and what this program writes
   * meanwhile. Whatever others write or revoke counts for it once it is over.
   */
  async holding<T>(task: () => Promise<T>): Promise<T> {
    await this.load();
    this.#holderCount += 1;
    try {
      return await task();
    } finally {
      this.#holderCount -= 1;
    }
  }

  /** Whose signatures count now. A list that is older than one seen before is refused. */
  async signers(): Promise<TrustedSigners> {
    const held = this.#holderCount > 0 ? this.#signers : null;
    return held === null ? this.#readSigners() : held.value;
  }

  async #readSigners(): Promise<TrustedSigners> {
    const file = await readSignersFile(this.#ports, this.#layout);
    const before = this.#signers;
    if (before !== null && isSame(before.file, file)) return before.value;
    const value = TrustedSigners.open(this.#ports.signatures, file, this.#anchors);
    if (before !== null && value.document.version < before.value.document.version) {
      throw new Failure("signature-invalid", "The list of signers went back to an older version", {
        origin: "host",
        remedy: "Restore the newest trust/signers.dsse.json; an older one may trust revoked keys.",
      });
    }
    this.#signers = { file, value };
    return value;
  }

  /** What is in force, verified. */
  async load(): Promise<RegistryView> {
    const held = this.#holderCount > 0 ? this.#index : null;
    if (held === null) return this.#read();
    return { signers: held.signers, index: held.value, hasIndex: held.file !== null };
  }

  /** What is on disk now. */
  async #read(): Promise<RegistryView> {
    const signers = await this.#readSigners();
    const { files, signatures } = this.#ports;
    const file = await readPlainFile(files, this.#layout.index, INDEX_LIMITS.bytesMax);
    const before = this.#index;
    const isKnown = before !== null && before.signers === signers && isSame(before.file, file);
    if (isKnown) return { signers, index: before.value, hasIndex: file !== null };
    const value = file === null ? EMPTY_INDEX : this.#open(signatures, file, signers);
    this.#index = { file, value, signers };
    return { signers, index: value, hasIndex: file !== null };
  }

  #open(signatures: Signatures, file: Uint8Array, signers: TrustedSigners): RegistryIndex {
    return openIndex(signatures, file, {
      signers,
      signersVersion: signers.document.version,
      isUnsignedAllowed: !this.#isStrict,
    });
  }

  /** Writes a next index; returns once it lasts. */
  commit(change: IndexChange): Promise<void> {
    this.#waiting.push(change);
    if (this.#next === null) {
      const next = this.#last.then(() => {
        const changes = this.#waiting;
        this.#waiting = [];
        this.#next = null;
        return this.#write(changes);
      });
      this.#last = next.catch(() => undefined);
      this.#next = next;
    }
    return this.#next;
  }

  async #write(changes: readonly IndexChange[]): Promise<void> {
    // Refused before the lock is taken: who may not write leaves nothing behind.
    await this.writer();
    await this.#ports.files.makeFolder(this.#layout.folder, FOLDER_MODE);
    await holdingLock(this.#ports, this.#layout.lock, () => this.#writeLocked(changes));
  }

  async #writeLocked(changes: readonly IndexChange[]): Promise<void> {
    const view = await this.#read();
    const { signers, index: before } = view;
    const signer = this.#writer(view);
    let index = before;
    for (const change of changes) index = { ...index, ...change(index) };
    const value: RegistryIndex = {
      generation: before.generation + 1,
      signersVersion: signers.document.version,
      signers: signers.document.trusted,
      objects: sorted(index.objects),
      roots: sorted(index.roots),
    };
    const file = indexBytes(this.#ports.signatures, value, signer);
    await this.#ports.files.write(this.#layout.index, file, FILE_MODE);
    // What was just signed need not be verified by its signer.
    this.#index = { file, value, signers };
  }
}

/** In the order in which the file lists it. */
function sorted<T>(map: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  return new Map([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Whether two files are the same: a large index is compared for every look at it, so eight bytes at a time. */
function isSame(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b;
  if (a.length !== b.length) return false;
  const whole = (a.byteOffset | b.byteOffset) % WORD_BYTES === 0 ? a.length >> 3 : 0;
  const [left, right] = [words(a, whole), words(b, whole)];
  for (let at = 0; at < whole; at += 1) if (left[at] !== right[at]) return false;
  return equalBytes(a.subarray(whole * WORD_BYTES), b.subarray(whole * WORD_BYTES));
}

const WORD_BYTES = 8;

function words(bytes: Uint8Array, count: number): BigUint64Array {
  return new BigUint64Array(bytes.buffer, count === 0 ? 0 : bytes.byteOffset, count);
}
