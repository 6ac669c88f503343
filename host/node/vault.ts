/** The vault port: scrypt and AES-256-GCM of node:crypto. */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from "node:crypto";
import type { SealedSecret, Vault } from "../shared/ports/vault.ts";

/** OWASP's recommendation for interactive use (N = 2^17, r = 8, p = 1): 128 MiB and about 0.4 s. */
const COST_LOG2 = 17;
const COST_LOG2_MAX = 20;
const BLOCK_SIZE = 8;
const PARALLELISM = 1;
const KEY_BYTES = 32;
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

function deriveKey(passphrase: string, salt: Uint8Array, costLog2: number): Promise<Buffer> {
  const cost = 2 ** costLog2;
  const options = { N: cost, r: BLOCK_SIZE, p: PARALLELISM, maxmem: 256 * cost * BLOCK_SIZE };
  return new Promise((resolve, reject) => {
    // NFC, so that the same passphrase typed on another system is the same bytes.
    scrypt(passphrase.normalize("NFC"), salt, KEY_BYTES, options, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
}

/** Whether the parameters are ones that this port could have written; others would only cost memory. */
function isOurs(sealed: SealedSecret): boolean {
  return (
    sealed.kdf === "scrypt" &&
    sealed.cipher === "aes-256-gcm" &&
    Number.isInteger(sealed.costLog2) &&
    sealed.costLog2 >= 10 &&
    sealed.costLog2 <= COST_LOG2_MAX &&
    sealed.blockSize === BLOCK_SIZE &&
    sealed.parallelism === PARALLELISM &&
    sealed.nonce.length === NONCE_BYTES &&
    sealed.ciphertext.length >= TAG_BYTES
  );
}

/** A vault; tests take a lower cost. */
export function nodeVault(costLog2: number = COST_LOG2): Vault {
  return {
    async seal(passphrase, secret, context) {
      const salt = new Uint8Array(randomBytes(SALT_BYTES));
      const nonce = new Uint8Array(randomBytes(NONCE_BYTES));
      const key = await deriveKey(passphrase, salt, costLog2);
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(context);
      const body = [cipher.update(secret), cipher.final(), cipher.getAuthTag()];
      key.fill(0);
      return {
        kdf: "scrypt",
        costLog2,
        blockSize: BLOCK_SIZE,
        parallelism: PARALLELISM,
        salt,
        cipher: "aes-256-gcm",
        nonce,
        ciphertext: new Uint8Array(Buffer.concat(body)),
      };
    },

    async open(passphrase, sealed, context) {
      if (!isOurs(sealed)) return null;
      const key = await deriveKey(passphrase, sealed.salt, sealed.costLog2);
      const at = sealed.ciphertext.length - TAG_BYTES;
      const decipher = createDecipheriv("aes-256-gcm", key, sealed.nonce, {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(context).setAuthTag(sealed.ciphertext.subarray(at));
      try {
        const body = [decipher.update(sealed.ciphertext.subarray(0, at)), decipher.final()];
        return new Uint8Array(Buffer.concat(body));
      } catch {
        return null;
      } finally {
        key.fill(0);
      }
    },
  };
}
