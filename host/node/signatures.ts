/** The signatures port over node:crypto (OpenSSL). */
import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from "node:crypto";
import type { Signatures } from "../shared/ports/signatures.ts";

/** DER heads (RFC 8410): PKCS#8 before a private key, SubjectPublicKeyInfo before a public one. */
const ED25519_PRIVATE = Buffer.from("302e020100300506032b657004220420", "hex");
const ED25519_PUBLIC = Buffer.from("302a300506032b6570032100", "hex");
const X25519_PRIVATE = Buffer.from("302e020100300506032b656e04220420", "hex");
const KEY_BYTES = 32;

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
    try {
      const der = Buffer.concat([ED25519_PUBLIC, publicKey]);
      const key = createPublicKey({ key: der, format: "der", type: "spki" });
      return verify(null, message, key, signature);
    } catch {
      // A key of the wrong length or form cannot have signed anything.
      return false;
    }
  },

  x25519PublicKey: (key) => rawPublicKey(privateKey(X25519_PRIVATE, key)),
};
