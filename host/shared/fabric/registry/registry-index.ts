/**
 * `index.json`: what is in force. The published members (agents, mcp_tools, skills, signers) are kept, and derived
 * from ours: `objects` by address, `roots` by name, the generation and the signature over all of it.
 *
 * A file is accepted only when writing what was read gives the same bytes, so there is no member that nobody checks.
 */
import { Failure } from "../../ports/failure.ts";
import type { Signatures } from "../../ports/signatures.ts";
import { decodeBase64, encodeBase64 } from "../../trust/base64.ts";
import { equalBytes } from "../../trust/bytes.ts";
import {
  canonicalBytes,
  documentBytes,
  isJsonObject,
  type Json,
  type JsonObject,
  parseDocument,
} from "../../trust/canonical-json.ts";
import { preAuthEncoding } from "../../trust/dsse.ts";
import { formatIdentityKey } from "../../trust/key-text.ts";
import { Shape } from "../../trust/shape.ts";
import { parseSymbolAddress } from "../symbol.ts";
import { idOfDigest, type ObjectId } from "./layout.ts";
import { isKind, publishedManifest } from "./object.ts";
import type { RegistrySigner } from "./ports.ts";
import type { SignerCheck } from "./signature.ts";

const PAYLOAD_TYPE = "application/vnd.mxp.registry-index.v1+json";
const FORMAT = "mxp.registry-index/v1";
const SIGNER_PREFIX = "ed25519:";
const ROOT_NAME = /^[a-z0-9][a-z0-9:._-]{0,127}$/;
/** A published name: nothing that a terminal or a path could misread. */
const LABEL = /^[A-Za-z0-9][A-Za-z0-9._/@+-]{0,255}$/;

export const INDEX_LIMITS = { bytesMax: 64 << 20, depthMax: 4 } as const;

/** The member of the published index that lists objects of a kind. */
const LABELLED: Readonly<Record<string, "agents" | "mcp_tools" | "skills">> = {
  agent: "agents",
  mcp_tool: "mcp_tools",
  skill: "skills",
};

export interface IndexEntry {
  readonly id: ObjectId;
  readonly kind: string;
  /** Its published name ("search@1.0.0", "claude/search@1.0.0"); null when it has none. */
  readonly label: string | null;
}

export interface RegistryIndex {
  /** One more with every write. Plans bind it. */
  readonly generation: number;
  /** Version of the list of signers that the writer knew. */
  readonly signersVersion: number;
  /** Trusted signers at that time, as information for published tools. */
  readonly signers: readonly string[];
  /** By the text of its address. */
  readonly objects: ReadonlyMap<string, IndexEntry>;
  /** What is kept although no address leads to it. */
  readonly roots: ReadonlyMap<string, readonly ObjectId[]>;
}

export const EMPTY_INDEX: RegistryIndex = {
  generation: 0,
  signersVersion: 0,
  signers: [],
  objects: new Map(),
  roots: new Map(),
};

function invalid(where: string, problem: string): Failure {
  return new Failure("signature-invalid", `index.json: ${where} ${problem}`, {
    origin: "host",
    remedy: "Restore the registry from a copy, or import its objects into a new one.",
  });
}

const shape = new Shape(invalid, { listMax: 1 << 20, textMax: 4096 });

/** Whether a text may name roots. */
export function isRootName(text: string): boolean {
  return ROOT_NAME.test(text);
}

/** The published name of an object, or null. */
export function labelOf(kind: string, body: Json): string | null {
  if (!isJsonObject(body) || !Object.hasOwn(LABELLED, kind)) return null;
  const { id, name, version = "1.0.0" } = publishedManifest(body);
  const parts =
    kind === "agent"
      ? [id, "@", version]
      : kind === "mcp_tool"
        ? [body["provider"], "/", name, "@", version]
        : [id ?? name];
  // A member of another type than text makes no name.
  const label = parts.every((part) => typeof part === "string") ? parts.join("") : "";
  return LABEL.test(label) ? label : null;
}

/** The whole file. Without a signer it is not signed, and a strict reader refuses it. */
export function indexBytes(
  signatures: Signatures,
  index: RegistryIndex,
  signer: RegistrySigner | null,
): Uint8Array<ArrayBuffer> {
  const body = indexJson(index);
  if (signer === null) return documentBytes(body);
  const signed = preAuthEncoding(PAYLOAD_TYPE, canonicalBytes(body));
  const sig = encodeBase64(signatures.sign(signer.seed, signed));
  const keyId = `${SIGNER_PREFIX}${formatIdentityKey(signer.publicKey)}`;
  return documentBytes({ ...body, sign: { alg: "ed25519", key_id: keyId, sig } });
}

function indexJson(index: RegistryIndex): JsonObject {
  // fromEntries defines own members, so that no name reaches a prototype.
  const published = Object.entries(LABELLED).map(([kind, member]): [string, Json] => [
    member,
    Object.fromEntries(
      [...index.objects.values()]
        .filter((entry) => entry.kind === kind && entry.label !== null)
        .map(({ label, id }) => [label, `sha256:${id}`]),
    ),
  ]);
  const objects = [...index.objects].map(([address, { id, kind, label }]): [string, Json] => [
    address,
    { id: `sha256:${id}`, kind, ...(label === null ? {} : { label }) },
  ]);
  const roots = [...index.roots].map(([name, ids]): [string, Json] => [
    name,
    ids.map((id) => `sha256:${id}`),
  ]);
  return {
    ...Object.fromEntries(published),
    format: FORMAT,
    generation: index.generation,
    objects: Object.fromEntries(objects),
    roots: Object.fromEntries(roots),
    signers: index.signers.map((signer) => `${SIGNER_PREFIX}${signer}`),
    signers_version: index.signersVersion,
  };
}

export interface OpenIndexOptions {
  readonly signers: SignerCheck;
  /** Version of the list of signers that is in force. */
  readonly signersVersion: number;
  readonly isUnsignedAllowed: boolean;
}

/** Reads and verifies the file. Fails with `signature-missing`, `signer-untrusted` or `signature-invalid`. */
export function openIndex(
  signatures: Signatures,
  file: Uint8Array,
  options: OpenIndexOptions,
): RegistryIndex {
  const value = parseDocument(file, INDEX_LIMITS);
  if (!isJsonObject(value)) throw invalid("it", "is not an object");
  const { sign, ...body } = value;
  const signed = canonicalBytes(body);
  checkSignature(signatures, sign, signed, options);
  const index = readIndex(body);
  if (!equalBytes(canonicalBytes(indexJson(index)), signed)) {
    throw invalid("it", "has members that do not fit each other");
  }
  if (index.signersVersion > options.signersVersion) {
    throw invalid("signers_version", "is newer than the list of signers, which went back");
  }
  return index;
}

function checkSignature(
  signatures: Signatures,
  sign: Json | undefined,
  payload: Uint8Array,
  { signers, isUnsignedAllowed }: OpenIndexOptions,
): void {
  if (sign === undefined) {
    if (isUnsignedAllowed) return;
    throw new Failure("signature-missing", "The index of the registry is not signed", {
      origin: "host",
      remedy: "Restore it from a copy, or import the objects with `rtt registry import`.",
    });
  }
  const { alg, key_id: keyId, sig } = shape.object(sign, "sign", ["alg", "key_id", "sig"]);
  const signer = shape.text(keyId, "sign.key_id");
  if (alg !== "ed25519" || !signer.startsWith(SIGNER_PREFIX)) {
    throw invalid("sign", "is of another kind than ed25519");
  }
  const key = signers.keyOf(signer.slice(SIGNER_PREFIX.length));
  if (key === null) {
    throw new Failure("signer-untrusted", `The index is signed by ${signer.slice(0, 80)}`, {
      origin: "host",
      remedy: "If you trust the key, its owner adds it with `rtt registry trust <key>`.",
    });
  }
  const signature = decodeBase64(shape.text(sig, "sign.sig"));
  const signed = preAuthEncoding(PAYLOAD_TYPE, payload);
  if (signature === null || !signatures.verify(key, signed, signature)) {
    throw invalid("sign", "does not fit the rest: the file was changed");
  }
}

const MEMBERS = [
  "agents",
  "format",
  "generation",
  "mcp_tools",
  "objects",
  "roots",
  "signers",
  "signers_version",
  "skills",
] as const;

function readIndex(value: JsonObject): RegistryIndex {
  const members = shape.object(value, "it", MEMBERS);
  if (members["format"] !== FORMAT) throw invalid("format", `is not "${FORMAT}"`);
  const signers = members["signers"];
  if (!Array.isArray(signers)) throw invalid("signers", "is not a list");
  return {
    generation: shape.count(members["generation"], "generation", 1),
    signersVersion: shape.count(members["signers_version"], "signers_version", 0),
    signers: (signers as readonly Json[]).map((signer, at) =>
      shape.text(signer, `signers[${at}]`).slice(SIGNER_PREFIX.length),
    ),
    objects: mapOf(members["objects"], "objects", readEntry),
    roots: mapOf(members["roots"], "roots", readRoot),
  };
}

function mapOf<T>(
  value: Json | undefined,
  where: string,
  read: (name: string, value: Json, where: string) => T,
): ReadonlyMap<string, T> {
  if (!isJsonObject(value)) throw invalid(where, "is not an object");
  return new Map(
    Object.entries(value).map(([name, entry]) => [name, read(name, entry, `${where}."${name}"`)]),
  );
}

function readEntry(address: string, value: Json, where: string): IndexEntry {
  parseSymbolAddress(address);
  const { id, kind, label } = shape.object(value, where, ["id", "kind"], ["label"]);
  if (!isKind(kind)) throw invalid(where, "has a kind that is not one");
  return {
    id: readId(id, where),
    kind,
    label: label === undefined ? null : readLabel(label, kind, where),
  };
}

function readLabel(value: Json, kind: string, where: string): string {
  const label = shape.text(value, where);
  if (Object.hasOwn(LABELLED, kind) && LABEL.test(label)) return label;
  throw invalid(where, "has a label that is not one");
}

function readRoot(name: string, value: Json, where: string): readonly ObjectId[] {
  if (!isRootName(name)) throw invalid(where, "is no name of roots");
  if (!Array.isArray(value)) throw invalid(where, "is not a list");
  return (value as readonly Json[]).map((id) => readId(id, where));
}

function readId(value: Json | undefined, where: string): ObjectId {
  const id = idOfDigest(value);
  if (id === null) throw invalid(where, "names no SHA-256");
  return id;
}
