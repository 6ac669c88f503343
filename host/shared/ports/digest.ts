/** SHA-256, as a port: the engine's own in every host. */
export interface Digest {
  /** The 32-byte SHA-256 of `bytes`. */
  sha256(bytes: Uint8Array): Uint8Array<ArrayBuffer>;
}
