/**
 * Ed25519 signatures: strict verification. Signing belongs to the host, where the private key
 * stays.
 *
 * Spec       RFC 8032 §5.1.7, with one reading of every choice it leaves: S below L; A and R only
 *            in their canonical encoding; A not of small order; [S]B = R + [k]A without the
 *            cofactor, compared as bytes
 * Layer      crypto (L1)
 * Invariant  a pair of message and signature has one verdict: nobody but the signer can make a
 *            second signature
 * Limits     everything here is public, so time may depend on it
 * Cost       about 250 doublings and 90 additions of points; no allocation
 * Twin       test/reference/ed25519.ts
 */
import {
  pointDecode,
  pointEncode,
  pointIsSmallOrder,
  pointMultiplyTwo,
  pointNegate,
} from "./edwards25519.ts";
import { scalarIsCanonical, scalarReduce } from "./scalar25519.ts";
import { sha512Final, sha512Init, sha512Update } from "./sha512.ts";

/** The point -A, then [S]B - [k]A. */
const KEY: usize = memory.data(320, 16);
const RESULT: usize = memory.data(320, 16);
const RESULT_BYTES: usize = memory.data(32, 16);
/**
 * SHA-512 at work; its digest; k and S, each with the bytes behind it that `pointMultiplyTwo`
 * reads.
 */
const HASH: usize = memory.data(208, 16);
const DIGEST: usize = memory.data(64, 16);
const K: usize = memory.data(48, 16);
const S: usize = memory.data(48, 16);

/**
 * True when `signature` (64 bytes) is that of the `len` bytes at `message` by `publicKey` (32
 * bytes).
 */
export function ed25519Verify(signature: usize, message: usize, len: i32, publicKey: usize): bool {
  if (!scalarIsCanonical(signature + 32)) return false;
  if (!pointDecode(KEY, publicKey) || pointIsSmallOrder(KEY)) return false;
  pointNegate(KEY);
  sha512Init(HASH);
  sha512Update(HASH, signature, 32);
  sha512Update(HASH, publicKey, 32);
  sha512Update(HASH, message, len);
  sha512Final(HASH, DIGEST);
  scalarReduce(K, DIGEST);
  memory.copy(S, signature + 32, 32);
  pointMultiplyTwo(RESULT, K, KEY, S);
  pointEncode(RESULT_BYTES, RESULT);
  return memory.compare(RESULT_BYTES, signature, 32) == 0;
}
