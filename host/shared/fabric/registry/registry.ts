/**
 * The registry: every agent, tool and contract once, content-addressed and signed.
 *
 * Reading verifies everything, every time: the bytes against the id, the signature against the trusted signers, the
 * statement against what was asked for. Writing is object, then signature, then index, each in one step; a symbol is
 * in the registry exactly when a signed index names it. Writes that arrive together share one index.
 */
import { Failure } from "../../ports/failure.ts";
import {
  compareVersions,
  formatSymbolAddress,
  isReferredTo,
  parseSymbolAddress,
  parseSymbolReference,
  type SymbolAddress,
} from "../symbol.ts";
import { collectGarbage, type CollectOptions } from "./garbage.ts";
import { IndexFile, type RegistryOptions, type RegistryView } from "./index-file.ts";
import {
  type ContentExtension,
  FILE_MODE,
  FOLDER_MODE,
  type ObjectId,
  RegistryLayout,
} from "./layout.ts";
import {
  blobBytes,
  corrupt,
  missing,
  objectBytes,
  parseBody,
  publishedKind,
  type RegistryBlob,
  type RegistryObject,
  type StoredBlob,
  type StoredObject,
} from "./object.ts";
import { ObjectStore } from "./object-store.ts";
import { encodePack } from "./pack.ts";
import { checkFolder } from "./plain-file.ts";
import type { RegistryPorts } from "./ports.ts";
import { type IndexEntry, isRootName, labelOf } from "./registry-index.ts";
import { verifySignatures } from "./signature.ts";
import type { TrustedSigners } from "./trusted-signers.ts";
import { matchesAny } from "./unsigned.ts";

export interface RegistryEntry extends IndexEntry {
  readonly address: SymbolAddress;
}

/** What is known of an object besides its bytes. */
interface Standing {
  readonly kind: string;
  readonly address: SymbolAddress | null;
  readonly signer: string | null;
}

/** Bytes of which nothing says what they are. */
const NO_KIND = (): null => null;

/** How many objects are written or read at a time. */
const PARALLEL = 8;
/** Larger objects are read again: there may be many. */
const HELD_BYTES_MAX = 16 << 10;
/** How many are written before the first of them are signed. */
const BATCH = 1024;

export class Registry {
  readonly layout: RegistryLayout;
  readonly store: ObjectStore;
  readonly #ports: RegistryPorts;
  readonly #index: IndexFile;
  readonly #allowUnsigned: readonly string[];
  /** Small objects that were verified while somebody holds a view, by id and address. */
  readonly #held = new Map<string, StoredObject>();
  #holderCount = 0;

  private constructor(ports: RegistryPorts, layout: RegistryLayout, options: RegistryOptions) {
    this.#ports = ports;
    this.layout = layout;
    this.store = new ObjectStore(ports, layout);
    this.#index = new IndexFile(ports, layout, options);
    this.#allowUnsigned = options.allowUnsigned ?? [];
  }

  /**
   * Opens the registry in `folder`, which need not exist yet. Fails with `path-denied` where a link is in its place,
   * and with `signature-missing`, `signature-invalid` or `signer-untrusted` for an index that cannot be trusted.
   */
  static async open(
    ports: RegistryPorts,
    folder: string,
    options: RegistryOptions = {},
  ): Promise<Registry> {
    const layout = new RegistryLayout(folder);
    for (const path of layout.chain) await checkFolder(ports.files, path);
    const registry = new Registry(ports, layout, options);
    await registry.view();
    return registry;
  }

  /** What is in force now, verified. */
  view(): Promise<RegistryView> {
    return this.#index.load();
  }

  signers(): Promise<TrustedSigners> {
    return this.#index.signers();
  }

  /**
   * Runs a task that reads many objects by one view: the index is read once, and small objects that are asked for
   * again are not verified again. What others write or revoke meanwhile counts once the task is over.
   */
  async holding<T>(task: () => Promise<T>): Promise<T> {
    this.#holderCount += 1;
    try {
      return await this.#index.holding(task);
    } finally {
      this.#holderCount -= 1;
      if (this.#holderCount === 0) this.#held.clear();
    }
  }

  /** The number of the index: one more with every change. */
  async generation(): Promise<number> {
    return (await this.view()).index.generation;
  }

  // --- reading ---

  /** Whether there are bytes under this id. Says nothing about whether they can be trusted. */
  async has(id: ObjectId): Promise<boolean> {
    return (await this.store.formOf(id)) !== null;
  }

  /** An object, verified. Fails with `object-missing`, `object-corrupt` or what is wrong with its signature. */
  async get(id: ObjectId): Promise<StoredObject> {
    return this.#object(id, null);
  }

  async getBlob(id: ObjectId): Promise<StoredBlob> {
    return this.#blob(id, null);
  }

  /** The object at an address or the newest in a range, verified to be meant for that address. */
  async find(reference: string | SymbolAddress): Promise<StoredObject> {
    const entry = await this.resolve(reference);
    if (entry === null) throw missing(`symbol ${textOf(reference)}`);
    return this.#object(entry.id, entry);
  }

  /** The same for a blob. */
  async findBlob(reference: string | SymbolAddress): Promise<StoredBlob> {
    const entry = await this.resolve(reference);
    if (entry === null) throw missing(`symbol ${textOf(reference)}`);
    return this.#blob(entry.id, entry);
  }

  /** Everything that has an address, in the order of the addresses. */
  async list(): Promise<readonly RegistryEntry[]> {
    const { index } = await this.view();
    return [...index.objects].map(([text, entry]) => ({
      ...entry,
      address: parseSymbolAddress(text),
    }));
  }

  /** The entry at an address, or the newest one in a range of versions ("…@^1.2"); null when there is none. */
  async resolve(reference: string | SymbolAddress): Promise<RegistryEntry | null> {
    const text = textOf(reference);
    const { index } = await this.view();
    const exact = index.objects.get(text);
    if (exact !== undefined) return { ...exact, address: parseSymbolAddress(text) };
    const asked = parseSymbolReference(text);
    let newest: RegistryEntry | null = null;
    for (const [candidate, entry] of index.objects) {
      // Comparing texts first spares reading addresses of other names.
      if (!candidate.startsWith(`rtt://${asked.namespace}/${asked.type}/${asked.name}@`)) continue;
      const address = parseSymbolAddress(candidate);
      if (!isReferredTo(address, asked)) continue;
      if (newest === null || compareVersions(address.version, newest.address.version) > 0) {
        newest = { ...entry, address };
      }
    }
    return newest;
  }

  /** Checks the object at an address without its packed copy: it must be there, whole, and meant for the address. */
  async verify(address: SymbolAddress): Promise<void> {
    const entry = await this.resolve(address);
    if (entry === null) throw missing(`symbol ${formatSymbolAddress(address)}`);
    await this.verifyEntry(entry);
  }

  /** The same for an entry of the list. */
  async verifyEntry(entry: RegistryEntry): Promise<void> {
    const { extension } = await this.store.readAny(entry.id);
    await this.#standing(entry.id, extension, entry, NO_KIND);
  }

  async #object(id: ObjectId, entry: RegistryEntry | null): Promise<StoredObject> {
    const key = `${id} ${entry === null ? "" : `${entry.kind} ${formatSymbolAddress(entry.address)}`}`;
    const held = this.#held.get(key);
    if (held !== undefined) return held;
    const bytes = await this.#bytes(id, "json");
    const body = parseBody(id, bytes);
    const standing = await this.#standing(id, "json", entry, () => publishedKind(body));
    const stored: StoredObject = { id, body, ...standing };
    if (this.#holderCount > 0 && bytes.length <= HELD_BYTES_MAX) this.#held.set(key, stored);
    return stored;
  }

  async #blob(id: ObjectId, entry: RegistryEntry | null): Promise<StoredBlob> {
    const bytes = await this.#bytes(id, "blob");
    return { id, bytes, ...(await this.#standing(id, "blob", entry, NO_KIND)) };
  }

  /** Bytes that are those of the id: of its file, or of the pack where the file is gone. */
  async #bytes(id: ObjectId, extension: ContentExtension): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await this.store.read(id, extension);
    if (bytes !== null) return bytes;
    const packed = extension === "json" ? await this.store.packed(id) : null;
    if (packed === null) throw missing(`object ${id}`);
    return packed;
  }

  /** Who vouches for an object, and as what. Each way out that is not a trusted signature is a refusal. */
  async #standing(
    id: ObjectId,
    extension: ContentExtension,
    entry: RegistryEntry | null,
    kindOfBytes: () => string | null,
  ): Promise<Standing> {
    const signers = await this.signers();
    const file = await this.store.signatures(id);
    if (file === null) {
      const { index } = await this.view();
      const unsigned = this.#unsigned(id, index.objects, entry, kindOfBytes);
      if (unsigned !== null) return unsigned;
    }
    const claims = verifySignatures(this.#ports.signatures, id, file, signers);
    const wanted = entry === null ? null : formatSymbolAddress(entry.address);
    const claim = claims.find(
      ({ address, kind, ...claimed }) =>
        claimed.extension === extension &&
        (entry === null ||
          (kind === entry.kind && address !== null && formatSymbolAddress(address) === wanted)),
    );
    if (claim !== undefined)
      return { kind: claim.kind, address: claim.address, signer: claim.signer };
    throw corrupt(id, `is signed as something else than ${wanted ?? `a ${extension} object`}`);
  }

  /** The standing of an object without any signature, where that is allowed; else null. */
  #unsigned(
    id: ObjectId,
    objects: ReadonlyMap<string, IndexEntry>,
    asked: RegistryEntry | null,
    kindOfBytes: () => string | null,
  ): Standing | null {
    for (const [text, { id: listed, kind }] of objects) {
      if (listed !== id) continue;
      const address = parseSymbolAddress(text);
      if (asked !== null && text !== formatSymbolAddress(asked.address)) continue;
      if (this.#index.isStrict && !matchesAny(this.#allowUnsigned, address)) continue;
      return { kind, address, signer: null };
    }
    if (this.#index.isStrict || asked !== null) return null;
    return { kind: kindOfBytes() ?? "unknown", address: null, signer: null };
  }

  // --- writing ---

  /** Stores, signs and lists an object. The same object again changes nothing. */
  async put(object: RegistryObject): Promise<ObjectId> {
    const [id] = await this.putAll([object]);
    return id as ObjectId;
  }

  /** The same for many, with one write of the index. */
  async putAll(objects: readonly RegistryObject[]): Promise<readonly ObjectId[]> {
    // All are checked before the first is written.
    const prepared = objects.map((object) => ({
      ...object,
      extension: "json" as const,
      bytes: objectBytes(object),
      label: labelOf(object.kind, object.body),
    }));
    return this.#putAll(prepared);
  }

  async putBlob(blob: RegistryBlob): Promise<ObjectId> {
    const [id] = await this.putBlobs([blob]);
    return id as ObjectId;
  }

  async putBlobs(blobs: readonly RegistryBlob[]): Promise<readonly ObjectId[]> {
    return this.#putAll(
      blobs.map((blob) => ({
        ...blob,
        extension: "blob" as const,
        bytes: blobBytes(blob),
        label: null,
      })),
    );
  }

  async #putAll(prepared: readonly PreparedObject[]): Promise<readonly ObjectId[]> {
    const signer = await this.#index.writer();
    for (const { address } of prepared) if (address !== null) formatSymbolAddress(address);
    await this.#makeFolders();
    const ids: ObjectId[] = [];
    for (let at = 0; at < prepared.length; at += BATCH) {
      const some = prepared.slice(at, at + BATCH);
      const written = await this.store.writeAll(some);
      const claims = some.map(({ kind, address, extension }, index) => ({
        id: written[index] as ObjectId,
        kind,
        address,
        extension,
      }));
      if (signer !== null) await this.store.signAll(claims, signer);
      ids.push(...written);
    }
    const entries = prepared.flatMap(({ address, kind, label }, at): [string, IndexEntry][] =>
      address === null
        ? []
        : [[formatSymbolAddress(address), { id: ids[at] as ObjectId, kind, label }]],
    );
    await this.#listAll(entries);
    return ids;
  }

  /** Takes in objects with the signatures that they have, and lists entries. The caller has verified them. */
  async admit(
    objects: readonly AdmittedObject[],
    entries: readonly [string, IndexEntry][],
  ): Promise<void> {
    await this.#index.writer();
    await this.#makeFolders();
    await inParallel(objects, async ({ id, extension, bytes, lines }) => {
      await this.store.write(extension, bytes);
      for (const line of lines) await this.store.addSignature(id, line);
    });
    await this.#listAll(entries);
  }

  /** Lists entries, unless they are all listed already. */
  async #listAll(entries: readonly [string, IndexEntry][]): Promise<void> {
    const { objects } = (await this.view()).index;
    const isListed = ([text, { id, kind, label }]: [string, IndexEntry]): boolean => {
      const present = objects.get(text);
      return present?.id === id && present.kind === kind && present.label === label;
    };
    if (entries.every(isListed)) return;
    await this.#index.commit((index) => ({
      roots: index.roots,
      objects: new Map([...index.objects, ...entries]),
    }));
  }

  /** Takes addresses out of the index; their objects are garbage from then on, unless something else leads there. */
  async remove(addresses: readonly SymbolAddress[]): Promise<void> {
    const texts = new Set(addresses.map(formatSymbolAddress));
    await this.#index.commit((index) => ({
      roots: index.roots,
      objects: new Map([...index.objects].filter(([text]) => !texts.has(text))),
    }));
  }

  /** Writes the index again, under the present signer and list of signers. */
  async resignIndex(): Promise<void> {
    await this.#index.commit(({ objects, roots }) => ({ objects, roots }));
  }

  /** Keeps these objects under a name; an empty list lets go of it. Fails with `object-missing`. */
  async setRoots(name: string, ids: readonly ObjectId[]): Promise<void> {
    if (!isRootName(name)) {
      throw new Failure("argument-invalid", "A name of roots is a-z, 0-9, and : . _ - inside", {
        origin: "local",
        remedy: "Name them as in plan:current.",
      });
    }
    for (const id of ids) if (!(await this.has(id))) throw missing(`object ${id}`);
    const sorted = [...new Set(ids)].sort();
    await this.#index.commit((index) => {
      const roots = new Map(index.roots);
      if (sorted.length === 0) roots.delete(name);
      else roots.set(name, sorted);
      return { objects: index.objects, roots };
    });
  }

  /** Removes what nothing leads to and returns the ids. */
  async gc(options: CollectOptions = {}): Promise<readonly ObjectId[]> {
    return collectGarbage(this.#ports, this.layout, this.store, await this.view(), options);
  }

  /** Writes `agents.pack` and `index.lut` of all agents; returns how many. The table comes last: it points. */
  async writePack(): Promise<number> {
    const agents = (await this.list()).filter(({ kind }) => kind === "agent");
    const packed = await inParallel(agents, async ({ id }): Promise<[ObjectId, Uint8Array]> => {
      await this.get(id);
      return [id, await this.#bytes(id, "json")];
    });
    const { pack, table } = encodePack(new Map(packed));
    await this.#makeFolders();
    await this.#ports.files.write(this.layout.pack, pack, FILE_MODE);
    await this.#ports.files.write(this.layout.table, table, FILE_MODE);
    return new Map(packed).size;
  }

  async #makeFolders(): Promise<void> {
    for (const path of this.layout.folders) await this.#ports.files.makeFolder(path, FOLDER_MODE);
  }
}

/** An object from elsewhere, with the lines of its signature file. */
export interface AdmittedObject {
  readonly id: ObjectId;
  readonly extension: ContentExtension;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly lines: readonly Uint8Array[];
}

interface PreparedObject {
  readonly kind: string;
  readonly address: SymbolAddress | null;
  readonly extension: ContentExtension;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly label: string | null;
}

function textOf(reference: string | SymbolAddress): string {
  return typeof reference === "string" ? reference : formatSymbolAddress(reference);
}

/** `task` of every item, a few at a time, results in the order of the items. */
async function inParallel<T, R>(items: readonly T[], task: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const rest = items.entries();
  const worker = async (): Promise<void> => {
    for (const [at, item] of rest) results[at] = await task(item);
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return results;
}
