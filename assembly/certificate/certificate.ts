/**
 * One MXP certificate: its fields by offset, and the check that bytes are one.
 *
 * Spec       docs/protocol.md §5.8
 * Layer      certificate (L2)
 * Memory     224 to 416 bytes, little-endian, as it travels:
 *
 *              byte  0      4         5       6            7      8        16           24
 *                    | MXC1 | version | flags | name count | zero | serial | not-before | not-after
 *              byte  32         64           96       128             160     …           +64
 *                    | identity | static key | issuer | grants digest | names | signature |
 *
 *            a name is its length u8 (1 to 63), then UTF-8; times are wall milliseconds
 * Invariant  certificateParse reads nothing at or after ptr + len; what it accepts has one length
 * Limits     192 bytes of names, their length bytes included
 */
import { CERTIFICATE_MALFORMED } from "../base/status.ts";
import { equalConstantTime } from "../crypto/constant-time.ts";
import { isUtf8 } from "./utf8.ts";

export const CERTIFICATE_SIZE_MAX: i32 = 416;
export const SIGNATURE_SIZE: i32 = 64;
const HEAD_SIZE: i32 = 160;
const NAMES_SIZE_MAX: i32 = 192;
const NAME_SIZE_MAX: u32 = 63;

/** "MXC1" as a little-endian number. */
const MAGIC: u32 = 0x3143584d;
const VERSION: u32 = 1;
const FLAG_SELF_SIGNED: u32 = 1;
const FLAG_AUTHORITY: u32 = 2;

const VERSION_AT: usize = 4;
const FLAGS_AT: usize = 5;
const NAME_COUNT_AT: usize = 6;
const RESERVED_AT: usize = 7;
const NOT_BEFORE_AT: usize = 16;
const NOT_AFTER_AT: usize = 24;
const IDENTITY_AT: usize = 32;
const STATIC_KEY_AT: usize = 64;
const ISSUER_AT: usize = 96;
const GRANTS_AT: usize = 128;

/**
 * Returns the length of the certificate at the front of the `len` bytes at `ptr`, or
 * CERTIFICATE_MALFORMED. What follows it, and who signed it, is the caller's matter.
 */
export function certificateParse(ptr: usize, len: i32): i32 {
  if (len < HEAD_SIZE + SIGNATURE_SIZE) return CERTIFICATE_MALFORMED;
  const flags: u32 = load<u8>(ptr, FLAGS_AT);
  if (
    load<u32>(ptr) != MAGIC ||
    load<u8>(ptr, VERSION_AT) != VERSION ||
    flags > (FLAG_SELF_SIGNED | FLAG_AUTHORITY) ||
    load<u8>(ptr, RESERVED_AT) != 0 ||
    load<u64>(ptr, NOT_AFTER_AT) <= load<u64>(ptr, NOT_BEFORE_AT)
  ) {
    return CERTIFICATE_MALFORMED;
  }
  const isSelfSigned = (flags & FLAG_SELF_SIGNED) != 0;
  if (isSelfSigned != equalConstantTime(ptr + IDENTITY_AT, ptr + ISSUER_AT, 32)) {
    return CERTIFICATE_MALFORMED;
  }
  const namesSize = parseNames(
    ptr + <usize>HEAD_SIZE,
    min<i32>(len - HEAD_SIZE - SIGNATURE_SIZE, NAMES_SIZE_MAX),
    load<u8>(ptr, NAME_COUNT_AT),
  );
  return namesSize < 0 ? CERTIFICATE_MALFORMED : HEAD_SIZE + namesSize + SIGNATURE_SIZE;
}

/** Bytes of `count` names in at most `len` bytes, or -1. */
function parseNames(ptr: usize, len: i32, count: u32): i32 {
  let size: i32 = 0;
  for (; count > 0; count--) {
    if (size >= len) return -1;
    const nameSize: u32 = load<u8>(ptr + <usize>size);
    size++;
    if (nameSize == 0 || nameSize > NAME_SIZE_MAX || <i32>nameSize > len - size) return -1;
    if (!isUtf8(ptr + <usize>size, nameSize)) return -1;
    size += <i32>nameSize;
  }
  return size;
}

/** True when a parsed certificate carries exactly this name. */
export function certificateHasName(certificate: usize, name: usize, nameLen: i32): bool {
  let at = certificate + <usize>HEAD_SIZE;
  for (let count: u32 = load<u8>(certificate, NAME_COUNT_AT); count > 0; count--) {
    const size: i32 = load<u8>(at);
    if (size == nameLen && memory.compare(at + 1, name, <usize>size) == 0) return true;
    at += <usize>size + 1;
  }
  return false;
}

/** True from not-before on and until not-after, which itself is too late. */
export function certificateHasBegun(certificate: usize, wallMs: u64): bool {
  return wallMs >= load<u64>(certificate, NOT_BEFORE_AT);
}

export function certificateHasEnded(certificate: usize, wallMs: u64): bool {
  return wallMs >= load<u64>(certificate, NOT_AFTER_AT);
}

/** True when subject and issuer are the same key. */
export function certificateIsSelfSigned(certificate: usize): bool {
  return (load<u8>(certificate, FLAGS_AT) & FLAG_SELF_SIGNED) != 0;
}

/** True when the subject may issue certificates. */
export function certificateIsAuthority(certificate: usize): bool {
  return (load<u8>(certificate, FLAGS_AT) & FLAG_AUTHORITY) != 0;
}

/** Address of the subject's Ed25519 key. */
export function certificateIdentity(certificate: usize): usize {
  return certificate + IDENTITY_AT;
}

/** Address of the subject's X25519 key, the one that its handshakes prove. */
export function certificateStaticKey(certificate: usize): usize {
  return certificate + STATIC_KEY_AT;
}

/** Address of the issuer's Ed25519 key. */
export function certificateIssuer(certificate: usize): usize {
  return certificate + ISSUER_AT;
}

/** Address of the SHA-256 of the subject's grants; zeros when there are none. */
export function certificateGrantsDigest(certificate: usize): usize {
  return certificate + GRANTS_AT;
}
