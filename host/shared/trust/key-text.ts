/**
 * Public keys as texts: multibase `z` (base58btc) of a multicodec and the key, as did:key writes them.
 * "z6Mk…" is an Ed25519 identity, "z6LS…" an X25519 static key.
 */
import { decodeBase58, encodeBase58 } from "./base58.ts";
import { concatBytes } from "./bytes.ts";
import { KEY_BYTES } from "./identity.ts";

export type KeyKind = "identity" | "static";

export interface PublicKeyText {
  readonly kind: KeyKind;
  readonly key: Uint8Array<ArrayBuffer>;
}

/** Multicodec codes as unsigned varints: ed25519-pub is 0xed, x25519-pub is 0xec. */
const IDENTITY_CODE = Uint8Array.of(0xed, 0x01);
const STATIC_CODE = Uint8Array.of(0xec, 0x01);

/** "z6Mk…" for an Ed25519 public key. */
export function formatIdentityKey(publicKey: Uint8Array): string {
  return `z${encodeBase58(concatBytes(IDENTITY_CODE, publicKey))}`;
}

/** "z6LS…" for an X25519 public key. */
export function formatStaticKey(publicKey: Uint8Array): string {
  return `z${encodeBase58(concatBytes(STATIC_CODE, publicKey))}`;
}

/** The key of a text and what it is for; null when the text is neither. */
export function parseKeyText(text: string): PublicKeyText | null {
  if (!text.startsWith("z")) return null;
  const bytes = decodeBase58(text.slice(1));
  if (bytes === null || bytes.length !== 2 + KEY_BYTES || bytes[1] !== 0x01) return null;
  if (bytes[0] === IDENTITY_CODE[0]) return { kind: "identity", key: bytes.slice(2) };
  if (bytes[0] === STATIC_CODE[0]) return { kind: "static", key: bytes.slice(2) };
  return null;
}
