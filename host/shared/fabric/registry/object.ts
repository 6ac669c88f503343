/**
 * Objects: what the registry keeps. An object is its bytes; its id is their SHA-256. What it is (its kind) and where
 * it is found (its address) is said by its signature, and for the published forms by the bytes themselves.
 */
import { Failure } from "../../ports/failure.ts";
import {
  canonicalBytes,
  isJsonObject,
  type Json,
  type JsonLimits,
  type JsonObject,
  parseCanonical,
} from "../../trust/canonical-json.ts";
import { parseSymbolAddress, type SymbolAddress, symbolName } from "../symbol.ts";
import type { ContentExtension, ObjectId } from "./layout.ts";

/** Something to put into the registry. */
export interface RegistryObject {
  /** What it is: "agent", "skill", "mcp_tool", "rule", … */
  readonly kind: string;
  /** Null: it has no address of its own; something else refers to it, or it is a root. */
  readonly address: SymbolAddress | null;
  readonly body: Json;
}

/** Bytes that are no JSON, such as a Markdown file of a provider's dialect. */
export interface RegistryBlob {
  readonly kind: string;
  readonly address: SymbolAddress | null;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** An object that was read and verified. */
export interface StoredObject extends RegistryObject {
  readonly id: ObjectId;
  /** Who signed it ("z6Mk…"); null for one that is allowed to be unsigned. */
  readonly signer: string | null;
}

export interface StoredBlob extends RegistryBlob {
  readonly id: ObjectId;
  readonly signer: string | null;
}

/** Larger ones are refused before they are read. */
export const OBJECT_LIMITS: JsonLimits = { bytesMax: 1 << 20, depthMax: 32 };
export const BLOB_BYTES_MAX = 8 << 20;

/** The largest size of content of a kind. */
export function bytesMaxOf(extension: ContentExtension): number {
  return extension === "json" ? OBJECT_LIMITS.bytesMax : BLOB_BYTES_MAX;
}

const KIND = /^[a-z][a-z0-9_-]{0,63}$/;

/** A failure about the object `id`, whose bytes or signature are not as they should be. */
export function corrupt(id: ObjectId, problem: string): Failure {
  return new Failure("object-corrupt", `The object ${id} ${problem}`, {
    origin: "host",
    remedy: "`rtt fsck` puts it aside; then import or scan it again.",
    context: { id },
  });
}

export function missing(what: string): Failure {
  return new Failure("object-missing", `The registry has no ${what}`, {
    origin: "local",
    remedy: "`rtt scan` or `rtt registry import` brings it in.",
  });
}

function refused(problem: string): Failure {
  return new Failure("argument-invalid", `The object ${problem}`, {
    origin: "local",
    remedy: "Correct it where it comes from.",
  });
}

/** Checks a kind that comes from a caller or a file. */
export function isKind(text: unknown): text is string {
  return typeof text === "string" && KIND.test(text);
}

/** The bytes that are stored. Fails with `argument-invalid` or `canonical-json-invalid`. */
export function objectBytes(object: RegistryObject): Uint8Array<ArrayBuffer> {
  if (!isKind(object.kind)) throw refused(`has a kind that is not one`);
  const bytes = canonicalBytes(object.body);
  if (bytes.length > OBJECT_LIMITS.bytesMax) {
    throw refused(`has more than ${OBJECT_LIMITS.bytesMax} bytes`);
  }
  return bytes;
}

/** The bytes of a blob, when they may be stored. */
export function blobBytes(blob: RegistryBlob): Uint8Array<ArrayBuffer> {
  if (!isKind(blob.kind)) throw refused(`has a kind that is not one`);
  if (blob.bytes.length > BLOB_BYTES_MAX) throw refused(`has more than ${BLOB_BYTES_MAX} bytes`);
  return blob.bytes;
}

/** The body of stored bytes, which must be canonical: each byte of them counts. */
export function parseBody(id: ObjectId, bytes: Uint8Array): Json {
  try {
    return parseCanonical(bytes, OBJECT_LIMITS);
  } catch (thrown) {
    throw corrupt(id, `is no canonical JSON: ${Failure.from(thrown).message}`);
  }
}

// --- the published forms (bare agent manifests, and records with a "type") ---

const AGENT_SCHEMA = "https://rtt/agent-manifest/v1";

/** The kind that published bytes speak of: a bare agent manifest, or a record that names its type. */
export function publishedKind(body: Json): string | null {
  if (!isJsonObject(body)) return null;
  if (body["$schema"] === AGENT_SCHEMA) return "agent";
  const type = body["type"];
  return type === "agent" || type === "mcp_tool" || type === "skill" ? type : null;
}

/** The part of a published object that describes it: the manifest inside its wrapper. */
export function publishedManifest(body: JsonObject): JsonObject {
  const inner = ["agent", "skill", "tool"].map((name) => body[name]).find(isJsonObject);
  return body["$schema"] === AGENT_SCHEMA ? body : (inner ?? body);
}

/** The address that published bytes name, or that provider, name and version make; null when there is none. */
export function publishedAddress(body: Json): SymbolAddress | null {
  const kind = publishedKind(body);
  if (kind === null || !isJsonObject(body)) return null;
  const { rtt_saddr: named, id, name: title, version = "1.0.0" } = publishedManifest(body);
  const name = nameOf(title) ?? nameOf(id);
  const place =
    kind === "mcp_tool" ? `mcp/${nameOf(body["provider"]) ?? ""}/tool` : `local/${kind}`;
  const made = `rtt://${place}/${name ?? ""}@${nameOfVersion(version)}`;
  try {
    return parseSymbolAddress(typeof named === "string" ? named : made);
  } catch {
    return null;
  }
}

function nameOf(value: Json | undefined): string | null {
  return typeof value === "string" ? symbolName(value) : null;
}

function nameOfVersion(value: Json): string {
  return typeof value === "string" ? value : "";
}
