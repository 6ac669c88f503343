/** Entropy, as a port: only the operating system's generator in production, a seeded one in the simulator. */
export interface Random {
  /** `size` unpredictable bytes. */
  bytes(size: number): Uint8Array<ArrayBuffer>;
}
