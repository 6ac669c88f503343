/**
 * Who a node is: an Ed25519 key, whose libp2p PeerId is the node's id, and the X25519 static key of its handshakes.
 *
 * Spec: libp2p "Peer Ids and Keys" (PublicKey protobuf, identity multihash, base58btc).
 */
import type { Random } from "../ports/random.ts";
import type { Signatures } from "../ports/signatures.ts";
import { decodeBase58, encodeBase58 } from "./base58.ts";
import { concatBytes } from "./bytes.ts";

export const KEY_BYTES = 32;

/**
 * What stands before the key: multihash "identity" (0x00) of 36 bytes (0x24), which are the protobuf
 * `PublicKey { Type = 1 (Ed25519), Data = 32 bytes }`.
 */
const PEER_ID_PREFIX = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20);

export interface Identity {
  /** libp2p PeerId, "12D3Koo…". */
  readonly id: string;
  /** Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  /** Ed25519 seed (private), 32 bytes. */
  readonly seed: Uint8Array<ArrayBuffer>;
  /** X25519 keys of the Noise handshakes, 32 bytes each. */
  readonly staticPublicKey: Uint8Array<ArrayBuffer>;
  readonly staticPrivateKey: Uint8Array<ArrayBuffer>;
}

/** A new identity of two keys drawn independently. */
export function createIdentity(random: Random, signatures: Signatures): Identity {
  return identityOf(random.bytes(KEY_BYTES), random.bytes(KEY_BYTES), signatures);
}

/** The identity of two private keys. */
export function identityOf(
  seed: Uint8Array<ArrayBuffer>,
  staticPrivateKey: Uint8Array<ArrayBuffer>,
  signatures: Signatures,
): Identity {
  const publicKey = signatures.publicKey(seed);
  const staticPublicKey = signatures.x25519PublicKey(staticPrivateKey);
  return { id: peerId(publicKey), publicKey, seed, staticPublicKey, staticPrivateKey };
}

/** The PeerId of an Ed25519 public key. */
export function peerId(publicKey: Uint8Array): string {
  return encodeBase58(concatBytes(PEER_ID_PREFIX, publicKey));
}

/** The Ed25519 public key inside a PeerId, or null when the text is not the id of such a key. */
export function publicKeyOfPeerId(id: string): Uint8Array<ArrayBuffer> | null {
  const bytes = decodeBase58(id);
  if (bytes === null || bytes.length !== PEER_ID_PREFIX.length + KEY_BYTES) return null;
  if (PEER_ID_PREFIX.some((byte, index) => bytes[index] !== byte)) return null;
  return bytes.slice(PEER_ID_PREFIX.length);
}
