/** Ed25519 signatures and X25519 keys, as a port: signing keys stay with the host's platform library. */
export interface Signatures {
  /** The 32-byte Ed25519 public key of a 32-byte seed. */
  publicKey(seed: Uint8Array): Uint8Array<ArrayBuffer>;
  /** The 64-byte Ed25519 signature (RFC 8032) of `message`. */
  sign(seed: Uint8Array, message: Uint8Array): Uint8Array<ArrayBuffer>;
  /** True when `signature` is a valid Ed25519 signature of `message`. Never throws. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /** The 32-byte X25519 public key of a 32-byte private key. */
  x25519PublicKey(privateKey: Uint8Array): Uint8Array<ArrayBuffer>;
}
