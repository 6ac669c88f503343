/**
 * DSSE envelopes (Dead Simple Signing Envelope v1.0.2) with Ed25519 and exactly one signature.
 *
 * Two signers are two envelopes over the same bytes: Sigstore bundles take one signature each.
 */
import { Failure } from "../ports/failure.ts";
import type { Signatures } from "../ports/signatures.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { concatBytes, utf8 } from "./bytes.ts";
import { isJsonObject, type Json, type JsonObject } from "./canonical-json.ts";
import { formatIdentityKey } from "./key-text.ts";

export interface Envelope {
  readonly payloadType: string;
  /** The bytes that were signed, as received. */
  readonly payload: Uint8Array<ArrayBuffer>;
  /** A hint only: who says that they signed ("z6Mk…"). Trust comes from the key that verifies. */
  readonly keyId: string;
  readonly signature: Uint8Array<ArrayBuffer>;
}

const SIGNATURE_BYTES = 64;

function malformed(problem: string): Failure {
  return new Failure("signature-invalid", `The DSSE envelope ${problem}`, {
    origin: "peer",
    remedy: "Get the file again from whoever signed it.",
  });
}

/** PAE: what is really signed, so that neither type nor length can be confused with content. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const type = utf8(payloadType);
  const head = utf8(`DSSEv1 ${type.length} ${payloadType} ${payload.length} `);
  return concatBytes(head, payload);
}

/** Signs `payload` as it is. */
export function signEnvelope(
  signatures: Signatures,
  payloadType: string,
  payload: Uint8Array<ArrayBuffer>,
  seed: Uint8Array,
): Envelope {
  const signature = signatures.sign(seed, preAuthEncoding(payloadType, payload));
  return {
    payloadType,
    payload,
    keyId: formatIdentityKey(signatures.publicKey(seed)),
    signature,
  };
}

/** The payload, once `publicKey` has signed it under `payloadType`; otherwise fails with `signature-invalid`. */
export function verifyEnvelope(
  signatures: Signatures,
  envelope: Envelope,
  payloadType: string,
  publicKey: Uint8Array,
): Uint8Array<ArrayBuffer> {
  if (envelope.payloadType !== payloadType) {
    throw malformed(`holds "${envelope.payloadType.slice(0, 80)}" instead of "${payloadType}"`);
  }
  const signed = preAuthEncoding(envelope.payloadType, envelope.payload);
  if (!signatures.verify(publicKey, signed, envelope.signature)) {
    throw malformed("does not carry a valid signature of the expected key");
  }
  return envelope.payload;
}

/** The JSON form of an envelope. */
export function envelopeJson(envelope: Envelope): JsonObject {
  return {
    payload: encodeBase64(envelope.payload),
    payloadType: envelope.payloadType,
    signatures: [{ keyid: envelope.keyId, sig: encodeBase64(envelope.signature) }],
  };
}

/** Reads the JSON form. Unknown members are refused: everything in the file is signed or is a known hint. */
export function parseEnvelope(value: Json | undefined): Envelope {
  if (!isJsonObject(value) || !hasExactly(value, ["payload", "payloadType", "signatures"])) {
    throw malformed("does not have exactly the members payload, payloadType and signatures");
  }
  const { payload, payloadType, signatures: list } = value;
  if (typeof payload !== "string" || typeof payloadType !== "string" || !Array.isArray(list)) {
    throw malformed("has a member of the wrong type");
  }
  const entry = (list as readonly Json[])[0];
  if (list.length !== 1 || !isJsonObject(entry) || !hasExactly(entry, ["keyid", "sig"])) {
    throw malformed("does not have exactly one signature with keyid and sig");
  }
  const { keyid, sig } = entry;
  const bytes = decodeBase64(payload);
  const signature = typeof sig === "string" ? decodeBase64(sig) : null;
  if (bytes === null || signature?.length !== SIGNATURE_BYTES || typeof keyid !== "string") {
    throw malformed("is not encoded as it should be");
  }
  return { payloadType, payload: bytes, keyId: keyid, signature };
}

/** Whether `value` has these members and no others. */
export function hasExactly(value: JsonObject, names: readonly string[]): boolean {
  const keys = Object.keys(value);
  return keys.length === names.length && names.every((name) => Object.hasOwn(value, name));
}
