/** Readable twin of the AEAD: RFC 8439 §2.6 and §2.8. */
import { chacha20, chacha20Block } from "./chacha20.ts";
import { poly1305 } from "./poly1305.ts";

/** Ciphertext, then the tag. */
export function seal(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const ciphertext = chacha20(key, 1, nonce, plaintext);
  return Uint8Array.from([...ciphertext, ...tagOf(key, nonce, aad, ciphertext)]);
}

/** The plaintext, or undefined when the tag is wrong. */
export function open(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Uint8Array<ArrayBuffer> | undefined {
  const ciphertext = sealed.subarray(0, -16);
  const tag = tagOf(key, nonce, aad, ciphertext);
  const isAuthentic = tag.every((byte, index) => byte === sealed[ciphertext.length + index]);
  return isAuthentic ? chacha20(key, 1, nonce, ciphertext) : undefined;
}

function tagOf(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array) {
  const oneTimeKey = chacha20Block(key, 0, nonce).subarray(0, 32);
  const lengths = new DataView(new ArrayBuffer(16));
  lengths.setBigUint64(0, BigInt(aad.length), true);
  lengths.setBigUint64(8, BigInt(ciphertext.length), true);
  const message = [...padded(aad), ...padded(ciphertext), ...new Uint8Array(lengths.buffer)];
  return poly1305(oneTimeKey, Uint8Array.from(message));
}

function padded(bytes: Uint8Array): Uint8Array {
  const result = new Uint8Array(Math.ceil(bytes.length / 16) * 16);
  result.set(bytes);
  return result;
}
