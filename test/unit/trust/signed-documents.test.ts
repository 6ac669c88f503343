/**
 * Goal: envelopes, statements and bundles verify only as they were signed and are read only in their one form.
 * Method: DSSE's own example, every signed byte flipped, every member replaced by another type.
 */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Bundle,
  bundleJson,
  hintedKey,
  makeBundle,
  parseBundle,
  verifyBundle,
} from "../../../host/shared/trust/bundle.ts";
import { fromUtf8, utf8 } from "../../../host/shared/trust/bytes.ts";
import { canonicalBytes, type Json } from "../../../host/shared/trust/canonical-json.ts";
import { digestText, hmacSha256, isDigestText } from "../../../host/shared/trust/digest-text.ts";
import {
  envelopeJson,
  parseEnvelope,
  preAuthEncoding,
  signEnvelope,
  verifyEnvelope,
} from "../../../host/shared/trust/dsse.ts";
import { formatStaticKey } from "../../../host/shared/trust/key-text.ts";
import {
  parseStatement,
  STATEMENT_PAYLOAD_TYPE,
  statementBytes,
} from "../../../host/shared/trust/statement.ts";
import { failureCode, testDigest, testPorts } from "../../support/ports.ts";
import { deviceNode, digestOf, hostNode } from "../../support/receipts.ts";
import { toHex } from "../../support/wasm.ts";

const { signatures } = testPorts();
const payload = utf8("hello world");
const envelope = signEnvelope(signatures, "text/plain", payload, hostNode.seed);
const statement = {
  subjects: [{ name: "request", digest: digestOf("a") }],
  predicateType: "urn:test",
  predicate: { ok: true },
};

// DSSE protocol.md, the example of the pre-authentication encoding.
test("the pre-authentication encoding is DSSE's", () => {
  const encoded = preAuthEncoding("http://example.com/HelloWorld", payload);
  expect(fromUtf8(encoded)).toBe("DSSEv1 29 http://example.com/HelloWorld 11 hello world");
});

test("an envelope verifies with the key that signed it and with no other", async () => {
  const verify = (key: Uint8Array, type = "text/plain") =>
    verifyEnvelope(signatures, envelope, type, key);
  expect(verify(hostNode.publicKey)).toEqual(payload);
  for (const task of [() => verify(deviceNode.publicKey), () => verify(hostNode.publicKey, "x")]) {
    expect(await failureCode(task)).toBe("signature-invalid");
  }
});

test("no changed payload, type or signature verifies", async () => {
  const flip = (bytes: Uint8Array<ArrayBuffer>, at: number) => {
    const copy = bytes.slice();
    copy[at] = (copy[at] as number) ^ 1;
    return copy;
  };
  const { signature } = envelope;
  const changed = [
    ...Array.from(payload, (_, at) => ({ ...envelope, payload: flip(payload, at) })),
    ...Array.from(signature, (_, at) => ({ ...envelope, signature: flip(signature, at) })),
  ];
  for (const broken of changed) {
    const task = () => verifyEnvelope(signatures, broken, "text/plain", hostNode.publicKey);
    expect(await failureCode(task)).toBe("signature-invalid");
  }
});

test("an envelope reads back from its JSON", () => {
  expect(parseEnvelope(envelopeJson(envelope))).toEqual(envelope);
});

const envelopeObject = envelopeJson(envelope);
const entry = { keyid: "k", sig: Buffer.alloc(64).toString("base64") };
test.each<[string, Json]>([
  ["no object", []],
  ["a member more", { ...envelopeObject, more: 1 }],
  ["a payload that is no text", { ...envelopeObject, payload: 1 }],
  ["a type that is no text", { ...envelopeObject, payloadType: 1 }],
  ["no list of signatures", { ...envelopeObject, signatures: {} }],
  ["no signature", { ...envelopeObject, signatures: [] }],
  ["two signatures", { ...envelopeObject, signatures: [entry, entry] }],
  ["a signature that is no object", { ...envelopeObject, signatures: [1] }],
  ["a signature with a member more", { ...envelopeObject, signatures: [{ ...entry, cert: "" }] }],
  ["a short signature", { ...envelopeObject, signatures: [{ ...entry, sig: "AAAA" }] }],
  ["a signature that is no text", { ...envelopeObject, signatures: [{ ...entry, sig: 1 }] }],
  ["a key id that is no text", { ...envelopeObject, signatures: [{ ...entry, keyid: 1 }] }],
  ["a payload that is no base64", { ...envelopeObject, payload: "?" }],
])("an envelope with %s is refused", async (_name, value) => {
  expect(await failureCode(() => parseEnvelope(value))).toBe("signature-invalid");
});

test("a statement reads back as it was composed", () => {
  expect(parseStatement(statementBytes(statement))).toEqual(statement);
});

const statementObject = {
  _type: "https://in-toto.io/Statement/v1",
  subject: [{ name: "request", digest: { sha256: "a".repeat(64) } }],
  predicateType: "urn:test",
  predicate: {},
};
test.each<[string, Json]>([
  ["no object", 1],
  ["a member more", { ...statementObject, more: 1 }],
  ["another type", { ...statementObject, _type: "https://in-toto.io/Statement/v0.1" }],
  ["no predicate", { ...statementObject, predicate: 1 }],
  ["a predicate type that is no text", { ...statementObject, predicateType: 1 }],
  ["no list of subjects", { ...statementObject, subject: {} }],
  ["no subject", { ...statementObject, subject: [] }],
  ["a subject that is no object", { ...statementObject, subject: ["x"] }],
  ["a subject without a name", { ...statementObject, subject: [{ digest: {} }] }],
  ["a name that is no text", { ...statementObject, subject: [{ name: 1, digest: {} }] }],
  [
    "two digests",
    {
      ...statementObject,
      subject: [{ name: "x", digest: { sha256: "a".repeat(64), sha1: "" } }],
    },
  ],
  [
    "a name that is no text but a digest",
    {
      ...statementObject,
      subject: [{ name: 1, digest: { sha256: "a".repeat(64) } }],
    },
  ],
  [
    "a digest that is no text",
    { ...statementObject, subject: [{ name: "x", digest: { sha256: 1 } }] },
  ],
  ["a short digest", { ...statementObject, subject: [{ name: "x", digest: { sha256: "aa" } }] }],
])("a statement with %s is refused", async (_name, value) => {
  expect(await failureCode(() => parseStatement(canonicalBytes(value)))).toBe("receipt-invalid");
});

test("a bundle reads back and yields what was signed", () => {
  const signed = statementBytes(statement);
  const bundle = makeBundle(
    signEnvelope(signatures, STATEMENT_PAYLOAD_TYPE, signed, hostNode.seed),
  );
  const back = parseBundle(bundleJson(bundle));
  expect(back).toEqual(bundle);
  expect(verifyBundle(signatures, back, hostNode.publicKey)).toEqual(signed);
  expect(hintedKey(back)).toEqual(hostNode.publicKey);
});

const bundleObject = bundleJson(makeBundle(envelope)) as Record<string, Json>;
const material = bundleObject["verificationMaterial"] as Record<string, Json>;
const withMaterial = (parts: Record<string, Json>): Json => ({
  ...bundleObject,
  verificationMaterial: { ...material, ...parts },
});
test.each<[string, Json]>([
  ["no object", "x"],
  ["a member more", { ...bundleObject, more: 1 }],
  [
    "another version",
    { ...bundleObject, mediaType: "application/vnd.dev.sigstore.bundle.v0.2+json" },
  ],
  ["no material", { ...bundleObject, verificationMaterial: 1 }],
  ["a certificate", withMaterial({ certificate: {} })],
  ["a key that is no hint", withMaterial({ publicKey: { rawBytes: "" } })],
  ["a hint that is no text", withMaterial({ publicKey: { hint: 1 } })],
  ["a hint of another key", withMaterial({ publicKey: { hint: "z6MkOther" } })],
  ["a log entry", withMaterial({ tlogEntries: [{}] })],
  ["no list of log entries", withMaterial({ tlogEntries: {} })],
  ["a time stamp", withMaterial({ timestampVerificationData: { rfc3161Timestamps: [1] } })],
  ["other time stamps", withMaterial({ timestampVerificationData: 1 })],
  [
    "time stamps and more",
    withMaterial({
      timestampVerificationData: { rfc3161Timestamps: [], more: 1 },
    }),
  ],
  ["no envelope", { ...bundleObject, dsseEnvelope: null }],
])("a bundle with %s is refused", async (_name, value) => {
  expect(await failureCode(() => parseBundle(value))).toBe("signature-invalid");
});

test("a hint that is no identity key names nobody", async () => {
  for (const hint of ["me", formatStaticKey(hostNode.publicKey)]) {
    const bundle: Bundle = { envelope, hint };
    expect(await failureCode(() => hintedKey(bundle))).toBe("signature-invalid");
  }
});

// RFC 4231 §4.2, §4.3 and §4.7 (a key longer than a block).
test.each([
  [
    "0b".repeat(20),
    Buffer.from("Hi There").toString("hex"),
    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
  ],
  [
    Buffer.from("Jefe").toString("hex"),
    Buffer.from("what do ya want for nothing?").toString("hex"),
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  ],
  [
    "aa".repeat(131),
    Buffer.from("Test Using Larger Than Block-Size Key - Hash Key First").toString("hex"),
    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
  ],
])("HMAC-SHA256 of RFC 4231", (key, data, mac) => {
  const bytes = (text: string) => Uint8Array.from(Buffer.from(text, "hex"));
  expect(toHex(hmacSha256(testDigest, bytes(key), bytes(data)))).toBe(mac);
});

test("digest texts have one spelling", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (value) => {
      expect(isDigestText(digestText(testDigest, value))).toBe(true);
    }),
  );
  for (const text of ["sha256:", `sha256:${"A".repeat(64)}`, `sha512:${"a".repeat(64)}`, 1, null]) {
    expect(isDigestText(text)).toBe(false);
  }
});
