/**
 * Objects and their signatures as files. An object appears whole or not at all, and is there before its signature,
 * so a crash leaves at worst an object that nobody vouches for, which is refused and collected.
 */
import { equalBytes, toHex } from "../../trust/bytes.ts";
import {
  CONTENT_EXTENSIONS,
  type ContentExtension,
  FILE_MODE,
  isObjectId,
  OBJECT_MODE,
  type ObjectId,
  type RegistryLayout,
} from "./layout.ts";
import { bytesMaxOf, corrupt, missing } from "./object.ts";
import { PACK_BYTES_MAX, packedBytes, parseTable, TABLE_LIMITS } from "./pack.ts";
import { readPlainFile } from "./plain-file.ts";
import type { RegistryPorts, RegistrySigner } from "./ports.ts";
import { type ObjectClaim, signClaim, SIGNATURES_BYTES_MAX, withSignature } from "./signature.ts";

/** A file in the objects' folder, by what its name says. */
export interface StoredFile {
  readonly name: string;
  readonly id: ObjectId;
  readonly extension: ContentExtension | "dsse";
}

/** The bytes of an object, verified against its id. */
export interface Content {
  readonly extension: ContentExtension;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Bytes that are to be stored. */
export interface NewContent {
  readonly extension: ContentExtension;
  readonly bytes: Uint8Array;
}

const STORED_NAME = /^([0-9a-f]{64})\.(json|blob|dsse)$/;

export class ObjectStore {
  readonly #ports: RegistryPorts;
  readonly #layout: RegistryLayout;

  constructor(ports: RegistryPorts, layout: RegistryLayout) {
    this.#ports = ports;
    this.#layout = layout;
  }

  idOf(bytes: Uint8Array): ObjectId {
    return toHex(this.#ports.digest.sha256(bytes));
  }

  /** The bytes, which are those of the id; null when there are none. Fails with `object-corrupt`. */
  async read(id: ObjectId, extension: ContentExtension): Promise<Uint8Array<ArrayBuffer> | null> {
    const path = this.#layout.content(id, extension);
    const bytes = await readPlainFile(this.#ports.files, path, bytesMaxOf(extension));
    if (bytes !== null && this.idOf(bytes) !== id) throw corrupt(id, "has other bytes");
    return bytes;
  }

  /** In which form an object is there, whatever is in its file; null when it is not. */
  async formOf(id: ObjectId): Promise<ContentExtension | null> {
    for (const extension of CONTENT_EXTENSIONS) {
      if ((await this.#ports.files.info(this.#layout.content(id, extension))) !== null) {
        return extension;
      }
    }
    return null;
  }

  /** An object in whichever form it is there. Fails with `object-missing` or `object-corrupt`. */
  async readAny(id: ObjectId): Promise<Content> {
    const extension = await this.formOf(id);
    const bytes = extension === null ? null : await this.read(id, extension);
    if (extension === null || bytes === null) throw missing(`object ${id}`);
    return { extension, bytes };
  }

  /** Stores bytes under their id. What is there already stays, unless it has rotted: then it is replaced. */
  async write(extension: ContentExtension, bytes: Uint8Array): Promise<ObjectId> {
    const [id] = await this.writeAll([{ extension, bytes }]);
    return id as ObjectId;
  }

  /** The same for many. */
  async writeAll(contents: readonly NewContent[]): Promise<readonly ObjectId[]> {
    const { files } = this.#ports;
    const ids = contents.map(({ bytes }) => this.idOf(bytes));
    const all = contents.map(({ extension, bytes }, at) => ({
      path: this.#layout.content(ids[at] as ObjectId, extension),
      bytes,
      mode: OBJECT_MODE,
    }));
    const isNew = await files.createAll(all);
    for (const [at, { path, bytes }] of all.entries()) {
      if (isNew[at] === true) continue;
      const present = await readPlainFile(files, path, Number.MAX_SAFE_INTEGER);
      if (present !== null && equalBytes(present, bytes)) continue;
      await files.write(path, bytes, OBJECT_MODE);
    }
    return ids;
  }

  async signatures(id: ObjectId): Promise<Uint8Array<ArrayBuffer> | null> {
    const path = this.#layout.signatures(id);
    return readPlainFile(this.#ports.files, path, SIGNATURES_BYTES_MAX);
  }

  /** Puts the signer's envelopes beside those of others. */
  async signAll(claims: readonly ObjectClaim[], signer: RegistrySigner): Promise<void> {
    const lines = claims.map((claim): [ObjectId, Uint8Array] => [
      claim.id,
      signClaim(this.#ports.signatures, claim, signer.seed),
    ]);
    const isNew = await this.#ports.files.createAll(
      lines.map(([id, line]) => ({
        path: this.#layout.signatures(id),
        bytes: withSignature(id, null, line),
        mode: FILE_MODE,
      })),
    );
    for (const [at, [id, line]] of lines.entries()) {
      if (isNew[at] !== true) await this.addSignature(id, line);
    }
  }

  /** Puts a line beside those that are there. */
  async addSignature(id: ObjectId, line: Uint8Array): Promise<void> {
    const present = await this.signatures(id);
    const file = withSignature(id, present, line);
    // The same line may stand elsewhere in the file; its place means nothing.
    if (present !== null && present.length === file.length) return;
    await this.#ports.files.write(this.#layout.signatures(id), file, FILE_MODE);
  }

  /** Everything in the objects' folder whose name is one of ours, and the names of the rest. */
  async list(): Promise<{
    readonly stored: readonly StoredFile[];
    readonly odd: readonly string[];
  }> {
    const stored: StoredFile[] = [];
    const odd: string[] = [];
    for (const name of await this.#ports.files.list(this.#layout.objects)) {
      const [, id, extension] = STORED_NAME.exec(name) ?? [];
      if (!isObjectId(id)) odd.push(name);
      else stored.push({ name, id, extension: extension as StoredFile["extension"] });
    }
    return { stored, odd };
  }

  /** The object before its signatures: the other way round, a crash would look like a stripped signature. */
  async remove(id: ObjectId): Promise<void> {
    for (const extension of CONTENT_EXTENSIONS) {
      await this.#ports.files.remove(this.#layout.content(id, extension));
    }
    await this.#ports.files.remove(this.#layout.signatures(id));
  }

  /** The packed copy of an object, by its offset; null when there is none that is whole. */
  async packed(id: ObjectId): Promise<Uint8Array<ArrayBuffer> | null> {
    const { files } = this.#ports;
    const table = await readPlainFile(files, this.#layout.table, TABLE_LIMITS.bytesMax);
    const place = table === null ? undefined : parseTable(table).get(id);
    const pack = await readPlainFile(files, this.#layout.pack, PACK_BYTES_MAX);
    if (place === undefined || pack === null) return null;
    const bytes = packedBytes(pack, place);
    if (this.idOf(bytes) !== id) throw corrupt(id, "has other bytes in the pack");
    return bytes;
  }
}
