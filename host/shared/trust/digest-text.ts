/** Digests as texts ("sha256:<64 hexadecimal digits>"), and HMAC, over the digest port. */
import type { Digest } from "../ports/digest.ts";
import { concatBytes, toHex } from "./bytes.ts";

const BLOCK_BYTES = 64;

/** The digest of `bytes` as every document of ours writes it. */
export function digestText(digest: Digest, bytes: Uint8Array): string {
  return `sha256:${toHex(digest.sha256(bytes))}`;
}

/** Whether `text` names a digest: "sha256:" and 64 lower-case hexadecimal digits. */
export function isDigestText(text: unknown): text is string {
  return typeof text === "string" && /^sha256:[0-9a-f]{64}$/.test(text);
}

/** HMAC-SHA256 (RFC 2104). */
export function hmacSha256(
  digest: Digest,
  key: Uint8Array,
  message: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(BLOCK_BYTES);
  block.set(key.length > BLOCK_BYTES ? digest.sha256(key) : key);
  const inner = digest.sha256(
    concatBytes(
      block.map((byte) => byte ^ 0x36),
      message,
    ),
  );
  return digest.sha256(
    concatBytes(
      block.map((byte) => byte ^ 0x5c),
      inner,
    ),
  );
}
