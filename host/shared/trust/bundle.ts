/**
 * Sigstore bundle v0.3 around a DSSE envelope, with a public key hint instead of a certificate, so that stock
 * tools (`@sigstore/verify`, cosign) verify our receipts with a key that their user trusts.
 */
import { Failure } from "../ports/failure.ts";
import type { Signatures } from "../ports/signatures.ts";
import { isJsonObject, type Json, type JsonObject } from "./canonical-json.ts";
import { type Envelope, envelopeJson, hasExactly, parseEnvelope, verifyEnvelope } from "./dsse.ts";
import { parseKeyText } from "./key-text.ts";
import { STATEMENT_PAYLOAD_TYPE } from "./statement.ts";

const MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";

export interface Bundle {
  readonly envelope: Envelope;
  /** Says which key to take: "z6Mk…", equal to the envelope's key id. */
  readonly hint: string;
}

function malformed(problem: string): Failure {
  return new Failure("signature-invalid", `The Sigstore bundle ${problem}`, {
    origin: "peer",
    remedy: "Get the file again from whoever signed it.",
  });
}

/** A bundle of an envelope; the hint is the envelope's key id. */
export function makeBundle(envelope: Envelope): Bundle {
  return { envelope, hint: envelope.keyId };
}

/** The JSON form, which stock tools read. */
export function bundleJson(bundle: Bundle): JsonObject {
  return {
    mediaType: MEDIA_TYPE,
    verificationMaterial: {
      publicKey: { hint: bundle.hint },
      tlogEntries: [],
      timestampVerificationData: { rfc3161Timestamps: [] },
    },
    dsseEnvelope: envelopeJson(bundle.envelope),
  };
}

/** Reads the JSON form, exactly as `bundleJson` writes it. */
export function parseBundle(value: Json | undefined): Bundle {
  if (
    !isJsonObject(value) ||
    !hasExactly(value, ["mediaType", "verificationMaterial", "dsseEnvelope"]) ||
    value["mediaType"] !== MEDIA_TYPE
  ) {
    throw malformed("is not of version 0.3");
  }
  const material = value["verificationMaterial"];
  if (
    !isJsonObject(material) ||
    !hasExactly(material, ["publicKey", "tlogEntries", "timestampVerificationData"])
  ) {
    throw malformed("has other verification material than a public key");
  }
  const { publicKey, tlogEntries, timestampVerificationData: timestamps } = material;
  const stamps = isJsonObject(timestamps) ? timestamps["rfc3161Timestamps"] : null;
  const isBare =
    isEmptyList(tlogEntries) && isEmptyList(stamps) && Object.keys(Object(timestamps)).length === 1;
  const hint =
    isJsonObject(publicKey) && hasExactly(publicKey, ["hint"]) ? publicKey["hint"] : null;
  if (!isBare || typeof hint !== "string") throw malformed("has other material than a key hint");
  const envelope = parseEnvelope(value["dsseEnvelope"]);
  if (envelope.keyId !== hint) throw malformed("names two different keys");
  return { envelope, hint };
}

function isEmptyList(value: Json | undefined): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** The in-toto statement's bytes, once `publicKey` has signed them; otherwise fails with `signature-invalid`. */
export function verifyBundle(
  signatures: Signatures,
  bundle: Bundle,
  publicKey: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return verifyEnvelope(signatures, bundle.envelope, STATEMENT_PAYLOAD_TYPE, publicKey);
}

/** The Ed25519 key that the bundle says it was signed with. Being named proves nothing. */
export function hintedKey(bundle: Bundle): Uint8Array<ArrayBuffer> {
  const key = parseKeyText(bundle.hint);
  if (key?.kind !== "identity") throw malformed("does not name an Ed25519 key");
  return key.key;
}
