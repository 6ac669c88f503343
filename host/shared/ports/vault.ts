/** Passphrase encryption of small secrets, as a port: a slow key derivation belongs to the platform's library. */

/** A sealed secret with everything but the passphrase that opening it takes. */
export interface SealedSecret {
  readonly kdf: "scrypt";
  /** Base-2 logarithm of scrypt's cost N; blockSize and parallelism are its r and p (RFC 7914 §2). */
  readonly costLog2: number;
  readonly blockSize: number;
  readonly parallelism: number;
  readonly salt: Uint8Array;
  readonly cipher: "aes-256-gcm";
  readonly nonce: Uint8Array;
  /** Ciphertext and 16-byte tag. */
  readonly ciphertext: Uint8Array;
}

export interface Vault {
  /** Seals `secret` under `passphrase`; `context` is authenticated with it and must be given again to open. */
  seal(passphrase: string, secret: Uint8Array, context: Uint8Array): Promise<SealedSecret>;
  /** The secret; null when passphrase, context or any byte is not the one that it was sealed with. */
  open(
    passphrase: string,
    sealed: SealedSecret,
    context: Uint8Array,
  ): Promise<Uint8Array<ArrayBuffer> | null>;
}
