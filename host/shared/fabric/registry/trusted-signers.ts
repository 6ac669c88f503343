/**
 * Whose signatures count in a registry.
 *
 * One signed document lists the trusted and the revoked keys. It counts when an anchor has signed it: a key that the
 * reader knows from elsewhere (its own identity, and the signers of its state folder), never one that the registry
 * itself brings along. Its version only grows; the signed index names the version that it was written under, so that
 * an older list, from before a revocation, is refused.
 *
 * A revoked key stays revoked, and everything that only it has signed is worthless from then on: without a witness
 * of time, nobody can tell what a stolen key has signed before it was stolen.
 */
import { Failure } from "../../ports/failure.ts";
import type { Signatures } from "../../ports/signatures.ts";
import { utf8 } from "../../trust/bytes.ts";
import { decodeBase64, encodeBase64 } from "../../trust/base64.ts";
import {
  canonicalBytes,
  documentBytes,
  type Json,
  parseCanonical,
  parseDocument,
} from "../../trust/canonical-json.ts";
import { envelopeJson, parseEnvelope, signEnvelope, verifyEnvelope } from "../../trust/dsse.ts";
import { KEY_BYTES } from "../../trust/identity.ts";
import { formatIdentityKey, parseKeyText, type PublicKeyText } from "../../trust/key-text.ts";
import { Shape } from "../../trust/shape.ts";
import { FILE_MODE, FOLDER_MODE, type RegistryLayout } from "./layout.ts";
import { readPlainFile } from "./plain-file.ts";
import type { RegistryPorts, RegistrySigner } from "./ports.ts";
import type { SignerCheck } from "./signature.ts";

const PAYLOAD_TYPE = "application/vnd.mxp.registry-signers.v1+json";
const KIND = "mxp.registry-signers/v1";
const SIGNERS_MAX = 64;
const FILE_BYTES_MAX = 1 << 18;
const REASON_CHARACTERS_MAX = 200;

export interface RevokedSigner {
  /** "z6Mk…". */
  readonly key: string;
  readonly reason: string;
}

export interface SignersDocument {
  readonly version: number;
  readonly trusted: readonly string[];
  readonly revoked: readonly RevokedSigner[];
}

function invalid(where: string, problem: string): Failure {
  return new Failure("signature-invalid", `The list of signers: ${where} ${problem}`, {
    origin: "host",
    remedy: "Restore trust/signers.dsse.json from a copy, or get it again from its owner.",
  });
}

const shape = new Shape(invalid, { listMax: SIGNERS_MAX, textMax: REASON_CHARACTERS_MAX });

export class TrustedSigners implements SignerCheck {
  readonly document: SignersDocument;
  readonly #keys: ReadonlyMap<string, Uint8Array>;

  private constructor(document: SignersDocument) {
    this.document = document;
    const revoked = new Set(document.revoked.map(({ key }) => key));
    const trusted = document.trusted.filter((key) => !revoked.has(key));
    this.#keys = new Map(trusted.map((key) => [key, keyBytes(key)]));
  }

  /**
   * The signers that the file lists. Without a file the anchors are the signers, as version 0. Fails with
   * `signature-invalid`, `canonical-json-invalid` or `signer-untrusted`.
   */
  static open(
    signatures: Signatures,
    file: Uint8Array | null,
    anchors: readonly Uint8Array[],
  ): TrustedSigners {
    if (file === null) {
      const trusted = [...new Set(anchors.map(formatIdentityKey))];
      return new TrustedSigners({ version: 0, trusted, revoked: [] });
    }
    const envelope = parseEnvelope(parseDocument(file));
    const anchor = anchors.find((key) => formatIdentityKey(key) === envelope.keyId);
    if (anchor === undefined) {
      const signer = envelope.keyId.slice(0, 80);
      throw new Failure("signer-untrusted", `The list of signers is signed by "${signer}"`, {
        origin: "policy",
        remedy: "If you trust the owner's key, add it with `rtt policy trust <key>`.",
      });
    }
    const payload = verifyEnvelope(signatures, envelope, PAYLOAD_TYPE, anchor);
    return new TrustedSigners(readDocument(parseCanonical(payload)));
  }

  /** The key of a trusted signer; null for anybody else and for revoked ones. */
  keyOf(signer: string): Uint8Array | null {
    return this.#keys.get(signer) ?? null;
  }

  isRevoked(signer: string): boolean {
    return this.document.revoked.some(({ key }) => key === signer);
  }

  /** The list with one more signer. Fails with `signer-untrusted` for a revoked one. */
  adding(publicKey: Uint8Array): SignersDocument {
    const { trusted, revoked, version } = this.document;
    const key = formatIdentityKey(publicKey);
    if (this.isRevoked(key)) {
      throw new Failure("signer-untrusted", `${key} was revoked, and stays so`, {
        origin: "local",
        remedy: "Make a new key.",
      });
    }
    if (trusted.includes(key)) return this.document;
    return { version: version + 1, trusted: [...trusted, key], revoked };
  }

  /** The list without a signer, for good. */
  revoking(publicKey: Uint8Array, reason: string): SignersDocument {
    const { trusted, revoked, version } = this.document;
    const key = formatIdentityKey(publicKey);
    if (this.isRevoked(key)) return this.document;
    return {
      version: version + 1,
      trusted: trusted.filter((other) => other !== key),
      revoked: [...revoked, { key, reason }],
    };
  }
}

/** The file of the list, or null. */
export async function readSignersFile(
  ports: RegistryPorts,
  layout: RegistryLayout,
): Promise<Uint8Array | null> {
  return readPlainFile(ports.files, layout.signers, FILE_BYTES_MAX);
}

/** Signs and writes a list, then the same keys in the published form, which nothing here relies on. */
export async function writeSigners(
  ports: RegistryPorts,
  layout: RegistryLayout,
  document: SignersDocument,
  signer: RegistrySigner,
): Promise<void> {
  const payload = canonicalBytes(documentJson(document));
  readDocument(parseCanonical(payload));
  const envelope = signEnvelope(ports.signatures, PAYLOAD_TYPE, payload, signer.seed);
  await ports.files.makeFolder(layout.keys, FOLDER_MODE);
  await ports.files.write(layout.signers, documentBytes(envelopeJson(envelope)), FILE_MODE);
  for (const key of document.trusted) {
    const text = utf8(formatPublishedKey(keyBytes(key)));
    await ports.files.write(`${layout.keys}/${key}.pub`, text, FILE_MODE);
  }
  for (const { key } of document.revoked) await ports.files.remove(`${layout.keys}/${key}.pub`);
}

function documentJson({ version, trusted, revoked }: SignersDocument): Json {
  return {
    kind: KIND,
    version,
    trusted: [...trusted],
    revoked: revoked.map(({ key, reason }) => ({ key, reason })),
  };
}

function readDocument(value: Json): SignersDocument {
  const members = ["kind", "version", "trusted", "revoked"];
  const { kind, version, trusted, revoked } = shape.object(value, "it", members);
  if (kind !== KIND) throw invalid("kind", `is not "${KIND}"`);
  return {
    version: shape.count(version, "version", 1),
    trusted: list(trusted, "trusted").map((key, at) => readKey(key, `trusted[${at}]`)),
    revoked: list(revoked, "revoked").map((entry, at) => {
      const where = `revoked[${at}]`;
      const { key, reason } = shape.object(entry, where, ["key", "reason"]);
      return { key: readKey(key, `${where}.key`), reason: shape.text(reason, `${where}.reason`) };
    }),
  };
}

function list(value: Json | undefined, where: string): readonly Json[] {
  if (!Array.isArray(value) || value.length > SIGNERS_MAX) {
    throw invalid(where, `is not a list of up to ${SIGNERS_MAX} entries`);
  }
  return value;
}

function readKey(value: Json | undefined, where: string): string {
  const text = shape.text(value, where);
  if (parseKeyText(text)?.kind !== "identity") throw invalid(where, "is not a z6Mk… key");
  return text;
}

/** The bytes of a key that was checked before. */
function keyBytes(text: string): Uint8Array {
  return (parseKeyText(text) as PublicKeyText).key;
}

// --- the published form of keys ---

/** "ed25519:<base64>", as trust/keys/<id>.pub holds it. */
export function formatPublishedKey(publicKey: Uint8Array): string {
  return `ed25519:${encodeBase64(publicKey)}`;
}

/** The key of such a text, with or without a newline at its end; null when it is none. */
export function parsePublishedKey(text: string): Uint8Array<ArrayBuffer> | null {
  const match = /^ed25519:([A-Za-z0-9+/=]+)\n?$/.exec(text);
  const key = match === null ? null : decodeBase64(match[1] as string);
  return key?.length === KEY_BYTES ? key : null;
}
