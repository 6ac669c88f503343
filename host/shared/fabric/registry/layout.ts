/**
 * Where everything of a registry lies. The names are the published ones; `.dsse` and what has no published name is
 * ours, and no published tool looks at it.
 *
 *   index.json                      what is in force, signed
 *   cas/sha256/<hash>.json          an object: canonical JSON, read-only
 *   cas/sha256/<hash>.blob          bytes that are no JSON, such as a derived dialect
 *   cas/sha256/<hash>.dsse          signatures of either: one envelope a line
 *   pack/agents.pack  pack/index.lut   all agents in one file, and where each begins
 *   trust/signers.dsse.json         whose signatures count, signed by the owner
 *   trust/keys/<key>.pub            the same keys in the published form
 *   quarantine/                     what `rtt fsck` has put aside
 */
import { Failure } from "../../ports/failure.ts";

/** 64 lower-case hexadecimal digits: the SHA-256 of an object's bytes. */
export type ObjectId = string;

const OBJECT_ID = /^[0-9a-f]{64}$/;

/** Whether a text is an id. Nothing else ever becomes part of a path. */
export function isObjectId(text: unknown): text is ObjectId {
  return typeof text === "string" && OBJECT_ID.test(text);
}

/** The id of "sha256:<id>", or null. */
export function idOfDigest(text: unknown): ObjectId | null {
  if (typeof text !== "string" || !text.startsWith("sha256:")) return null;
  const id = text.slice("sha256:".length);
  return isObjectId(id) ? id : null;
}

export const CONTENT_EXTENSIONS = ["json", "blob"] as const;

/** What an object's bytes are: canonical JSON, or anything. */
export type ContentExtension = (typeof CONTENT_EXTENSIONS)[number];

/** Objects never change, so nobody may write to them, not even through a hard link in a view. */
export const OBJECT_MODE = 0o444;
export const FILE_MODE = 0o644;
export const FOLDER_MODE = 0o755;

export class RegistryLayout {
  readonly folder: string;
  readonly index: string;
  /** There while somebody writes the index. */
  readonly lock: string;
  readonly objects: string;
  readonly pack: string;
  readonly table: string;
  readonly signers: string;
  readonly keys: string;
  readonly quarantine: string;

  constructor(folder: string) {
    this.folder = folder;
    this.index = `${folder}/index.json`;
    this.lock = `${folder}/index.lock`;
    this.objects = `${folder}/cas/sha256`;
    this.pack = `${folder}/pack/agents.pack`;
    this.table = `${folder}/pack/index.lut`;
    this.signers = `${folder}/trust/signers.dsse.json`;
    this.keys = `${folder}/trust/keys`;
    this.quarantine = `${folder}/quarantine`;
  }

  /** Every folder of a registry. */
  get folders(): readonly string[] {
    return [this.objects, `${this.folder}/pack`, this.keys, this.quarantine];
  }

  /** Every folder between the registry and its files, from the top: none of them may be a link. */
  get chain(): readonly string[] {
    const { folder } = this;
    return [folder, `${folder}/cas`, `${folder}/trust`, ...this.folders];
  }

  content(id: ObjectId, extension: ContentExtension): string {
    return `${this.objects}/${checked(id)}.${extension}`;
  }

  signatures(id: ObjectId): string {
    return `${this.objects}/${checked(id)}.dsse`;
  }
}

function checked(id: ObjectId): ObjectId {
  if (isObjectId(id)) return id;
  throw new Failure("argument-invalid", "An id of an object is 64 lower-case hexadecimal digits", {
    origin: "local",
    remedy: "Take the id from `rtt ls`.",
  });
}
