/**
 * The signatures port over node:crypto (OpenSSL), strict as the engine is: a public key of small order is refused,
 * because one signature of it is valid for many messages.
 */
import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from "node:crypto";
import type { Signatures } from "../shared/ports/signatures.ts";

/** DER heads (RFC 8410): PKCS#8 before a private key, SubjectPublicKeyInfo before a public one. */
const ED25519_PRIVATE = Buffer.from("302e020100300506032b657004220420", "hex");
const ED25519_PUBLIC = Buffer.from("302a300506032b6570032100", "hex");
const X25519_PRIVATE = Buffer.from("302e020100300506032b656e04220420", "hex");
const KEY_BYTES = 32;

/**
 * The y coordinates of the points of small order, little-endian, with every spelling of each (RFC 8032 §5.1.3;
 * p + 0 and p + 1 are not canonical). The top bit is the sign of x and does not matter.
 */
const SMALL_ORDER = new Set([
  "00".repeat(32),
  `01${"00".repeat(31)}`,
  `ec${"ff".repeat(30)}7f`,
  `ed${"ff".repeat(30)}7f`,
  `ee${"ff".repeat(30)}7f`,
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
]);

function hasSmallOrder(publicKey: Uint8Array): boolean {
  const y = Buffer.from(publicKey);
  y[KEY_BYTES - 1] = (y[KEY_BYTES - 1] as number) & 0x7f;
  return SMALL_ORDER.has(y.toString("hex"));
}

function privateKey(head: Buffer, bytes: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([head, bytes]), format: "der", type: "pkcs8" });
}

/** The raw public key, which is the end of its SubjectPublicKeyInfo. */
function rawPublicKey(key: KeyObject): Uint8Array<ArrayBuffer> {
  const der = createPublicKey(key).export({ format: "der", type: "spki" });
  return new Uint8Array(der.subarray(der.length - KEY_BYTES));
}

export const nodeSignatures: Signatures = {
  publicKey: (seed) => rawPublicKey(privateKey(ED25519_PRIVATE, seed)),

  sign: (seed, message) => new Uint8Array(sign(null, message, privateKey(ED25519_PRIVATE, seed))),

  verify(publicKey, message, signature) {
    if (publicKey.length !== KEY_BYTES || hasSmallOrder(publicKey)) return false;
    const der = Buffer.concat([ED25519_PUBLIC, publicKey]);
    const key = createPublicKey({ key: der, format: "der", type: "spki" });
    return verify(null, message, key, signature);
  },

  x25519PublicKey: (key) => rawPublicKey(privateKey(X25519_PRIVATE, key)),
};
