/**
 * What all connections of one endpoint share: who this side is, what it grants, and its generator.
 *
 * Layer      connection (L3)
 * Memory     Local, one record; the endpoint fills it when it is created and wipes it when it is disposed of
 */

@unmanaged
export class Local {
  /** X25519 pair: private key 32 bytes, public key 32. */
  staticPair: usize;
  /** This node's certificate; its size is 0 when the endpoint only dials anonymously. */
  certificate: usize;
  certificateSize: i32;

  /** What this side grants (transport parameters). */
  maxStreamsBidi: i32;
  maxData: u64;
  maxStreamData: u64;
  idleTimeoutMs: u32;
  maxDatagramBytes: u32;
  maxMessageBytes: u32;
  maxAckDelayUs: u32;

  /** Largest packet of the carrier, and the size to which first messages are padded. */
  maxPacketBytes: i32;
  basePacketBytes: i32;
  acceptsConnections: i32;
  asksForUnknownPeers: i32;

  /** Datagrams that the 3× rule has held back. */
  amplificationDrops: u64;

  /** Authorities and pinned identities (trust-store.ts). */
  trust: usize;
  /** Fast-key-erasure generator (crypto/generator.ts). */
  generator: usize;
  /** Stream records and blocks of all connections (stream-memory.ts). */
  streamSlab: usize;
  blockPool: usize;
  /** Where whole messages are put together for the application. */
  output: usize;
  outputSize: i32;
}
