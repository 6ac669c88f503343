/**
 * Whom an endpoint trusts: authorities that may issue certificates, identities pinned by their own
 * key, and the digests of certificates whose signatures it has already verified.
 *
 * Spec       docs/protocol.md §5.7
 * Layer      certificate (L2)
 * Memory     TrustStore, TRUST_STORE_SIZE = 35344 bytes, 8-aligned, zeroed by trustStoreInit:
 *
 *              byte  0               4           8           12         16               528
 *                    | authorities n | pinned n  | digests n | next u32 | authorities 32 × 16 |
 *              byte  528                 33296                 35344
 *                    | pinned 32 × 1024  | digests 32 × 64     |
 *
 *            next = where the next digest goes
 * Invariant  n <= capacity, and the n keys at the front of each table differ
 * Limits     AUTHORITIES_MAX, PINNED_MAX: a full table refuses, it never forgets. The digests are a
 *            cache: the oldest makes room
 * Cost       a look-up compares every key; it happens once for each handshake
 */
import { MEMORY_LIMIT, OK } from "../base/status.ts";
import { equalConstantTime, wipe } from "../crypto/constant-time.ts";

export const AUTHORITIES_MAX: i32 = 16;
export const PINNED_MAX: i32 = 1024;
export const VERIFIED_MAX: i32 = 64;

const AUTHORITY_COUNT: usize = 0;
const PINNED_COUNT: usize = 4;
const VERIFIED_COUNT: usize = 8;
const VERIFIED_NEXT: usize = 12;
const AUTHORITIES: usize = 16;
const PINNED: usize = 528;
const VERIFIED: usize = 33296;

export const TRUST_STORE_SIZE: i32 = 35344;

/** Makes the record at `trust` a store that trusts nobody. */
export function trustStoreInit(trust: usize): void {
  wipe(trust, TRUST_STORE_SIZE);
}

/** Trusts certificates of this Ed25519 key. OK, also when it is known already, or MEMORY_LIMIT. */
export function trustAuthority(trust: usize, publicKey: usize): i32 {
  return add(trust + AUTHORITY_COUNT, trust + AUTHORITIES, AUTHORITIES_MAX, publicKey);
}

/** No longer trusts certificates of this key; false when it was not trusted. */
export function distrustAuthority(trust: usize, publicKey: usize): bool {
  return remove(trust + AUTHORITY_COUNT, trust + AUTHORITIES, publicKey);
}

export function isAuthorityTrusted(trust: usize, publicKey: usize): bool {
  return find(trust + AUTHORITY_COUNT, trust + AUTHORITIES, publicKey) != 0;
}

/** Trusts this Ed25519 key itself. OK, also when it is known already, or MEMORY_LIMIT. */
export function pinIdentity(trust: usize, publicKey: usize): i32 {
  return add(trust + PINNED_COUNT, trust + PINNED, PINNED_MAX, publicKey);
}

/** Forgets a pinned identity; false when it was not pinned. */
export function unpinIdentity(trust: usize, publicKey: usize): bool {
  return remove(trust + PINNED_COUNT, trust + PINNED, publicKey);
}

export function isIdentityPinned(trust: usize, publicKey: usize): bool {
  return find(trust + PINNED_COUNT, trust + PINNED, publicKey) != 0;
}

/** Remembers that the signatures in the bytes with this SHA-256 are valid. That fact has no end. */
export function rememberVerified(trust: usize, digest: usize): void {
  const next = load<u32>(trust, VERIFIED_NEXT);
  memory.copy(trust + VERIFIED + ((<usize>next) << 5), digest, 32);
  store<u32>(trust, (next + 1) % <u32>VERIFIED_MAX, VERIFIED_NEXT);
  const count = load<u32>(trust, VERIFIED_COUNT);
  store<u32>(trust, min<u32>(count + 1, <u32>VERIFIED_MAX), VERIFIED_COUNT);
}

export function isVerified(trust: usize, digest: usize): bool {
  return find(trust + VERIFIED_COUNT, trust + VERIFIED, digest) != 0;
}

/** Address of `key` in a table of keys, or 0. */
function find(countAt: usize, table: usize, key: usize): usize {
  const end = table + ((<usize>load<u32>(countAt)) << 5);
  for (let at = table; at < end; at += 32) {
    if (equalConstantTime(at, key, 32)) return at;
  }
  return 0;
}

/** Adds `key` unless it is there. */
function add(countAt: usize, table: usize, max: i32, key: usize): i32 {
  if (find(countAt, table, key) != 0) return OK;
  const count = load<u32>(countAt);
  if (count >= <u32>max) return MEMORY_LIMIT;
  memory.copy(table + ((<usize>count) << 5), key, 32);
  store<u32>(countAt, count + 1);
  return OK;
}

/** Puts the last key in the place of `key`. */
function remove(countAt: usize, table: usize, key: usize): bool {
  const at = find(countAt, table, key);
  if (at == 0) return false;
  const count = load<u32>(countAt) - 1;
  const last = table + ((<usize>count) << 5);
  memory.copy(at, last, 32);
  wipe(last, 32);
  store<u32>(countAt, count);
  return true;
}
