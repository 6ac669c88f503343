/**
 * Decides whether the peer of a handshake is who it says, from its certificates and what this
 * endpoint trusts.
 *
 * Spec       docs/protocol.md §5.7 (the order of the checks)
 * Layer      certificate (L2)
 * Memory     Verdict, VERDICT_SIZE = 16 bytes:
 *
 *              byte  0          4              8            12     16
 *                    | kind u32 | identity ptr | grants ptr | zero |
 *
 *            the pointers lead into the chain; all zero unless the status is OK or PEER_UNKNOWN
 * Invariant  OK means: the key that the handshake proved, the time, the name and the identity that
 *            were asked for, and every signature from the leaf to something trusted were right.
 *            Every other way out is a refusal
 * Limits     a chain is a leaf, or a leaf and the authority that issued it
 * Cost       one SHA-256 for a chain seen before, and one or two Ed25519 verifications for a new
 *            one
 */
import {
  CERTIFICATE_EXPIRED,
  CERTIFICATE_ISSUER,
  CERTIFICATE_KEY,
  CERTIFICATE_MALFORMED,
  CERTIFICATE_NAME,
  CERTIFICATE_NOT_YET_VALID,
  CERTIFICATE_SIGNATURE,
  OK,
  PEER_UNKNOWN,
} from "../base/status.ts";
import { equalConstantTime } from "../crypto/constant-time.ts";
import { ed25519Verify } from "../crypto/ed25519.ts";
import { sha256 } from "../crypto/sha256.ts";
import {
  certificateGrantsDigest,
  certificateHasBegun,
  certificateHasEnded,
  certificateHasName,
  certificateIdentity,
  certificateIsAuthority,
  certificateIsSelfSigned,
  certificateIssuer,
  certificateParse,
  certificateStaticKey,
  SIGNATURE_SIZE,
} from "./certificate.ts";
import {
  isAuthorityTrusted,
  isIdentityPinned,
  isVerified,
  rememberVerified,
} from "./trust-store.ts";

export const VERDICT_SIZE: i32 = 16;
/** Kinds of trust; 0 is none. */
export const VERDICT_CERTIFIED: u32 = 1;
export const VERDICT_PINNED: u32 = 2;
/**
 * Everything is right, but nobody has said that this identity is trusted: the host may be asked.
 */
export const VERDICT_UNKNOWN: u32 = 3;

const IDENTITY: usize = 4;
const GRANTS: usize = 8;

/**
 * "mxp certificate v1" and a zero byte stand before the signed bytes, so that no other signature
 * fits.
 */
const LABEL: usize = memory.data<u8>([
  0x6d, 0x78, 0x70, 0x20, 0x63, 0x65, 0x72, 0x74, 0x69, 0x66, 0x69, 0x63, 0x61, 0x74, 0x65, 0x20,
  0x76, 0x31, 0x00,
]);
const LABEL_SIZE: usize = 19;

/** The label and the signed bytes of one certificate; the digest of a chain. */
const SIGNED: usize = memory.data(384, 16);
const DIGEST: usize = memory.data(32, 16);

/**
 * Judges the `len` bytes at `chain`, a certificate and perhaps the one of its issuer.
 * `expectedName` is what was dialled (length 0 for any) and `expectedIdentity` the key that was
 * dialled (0 for any); `staticKey` is what the handshake proved. Returns OK, a status
 * CERTIFICATE_*, or PEER_UNKNOWN, and fills the verdict.
 */
export function certificateVerify(
  trust: usize,
  chain: usize,
  len: i32,
  wallMs: u64,
  expectedName: usize,
  expectedNameLen: i32,
  expectedIdentity: usize,
  staticKey: usize,
  outVerdict: usize,
): i32 {
  memory.fill(outVerdict, 0, <usize>VERDICT_SIZE);
  const leafSize = certificateParse(chain, len);
  if (leafSize < 0) return leafSize;
  if (
    leafSize < len &&
    certificateParse(chain + <usize>leafSize, len - leafSize) != len - leafSize
  ) {
    return CERTIFICATE_MALFORMED;
  }
  if (!equalConstantTime(certificateStaticKey(chain), staticKey, 32)) return CERTIFICATE_KEY;
  // Whoever dialled a key has named the peer by it, so that a wrong one is a wrong name.
  if (
    (expectedIdentity != 0 &&
      !equalConstantTime(certificateIdentity(chain), expectedIdentity, 32)) ||
    (expectedNameLen != 0 && !certificateHasName(chain, expectedName, expectedNameLen))
  ) {
    return CERTIFICATE_NAME;
  }
  const time = checkTime(chain, wallMs);
  if (time != OK) return time;
  if (leafSize < len && !isIssuedBy(chain, chain + <usize>leafSize)) return CERTIFICATE_ISSUER;
  const kind = certificateIsSelfSigned(chain)
    ? judgeSelfSigned(trust, chain, leafSize)
    : judgeIssued(trust, chain, leafSize, len, wallMs);
  if (kind < 0) return kind;
  store<u32>(outVerdict, kind);
  store<usize>(outVerdict, certificateIdentity(chain), IDENTITY);
  store<usize>(outVerdict, certificateGrantsDigest(chain), GRANTS);
  return kind == <i32>VERDICT_UNKNOWN ? PEER_UNKNOWN : OK;
}

/** True when what follows the leaf is the certificate of an authority that is the leaf's issuer. */
function isIssuedBy(leaf: usize, issuer: usize): bool {
  return (
    !certificateIsSelfSigned(leaf) &&
    !certificateIsSelfSigned(issuer) &&
    certificateIsAuthority(issuer) &&
    equalConstantTime(certificateIssuer(leaf), certificateIdentity(issuer), 32)
  );
}

function checkTime(certificate: usize, wallMs: u64): i32 {
  if (!certificateHasBegun(certificate, wallMs)) return CERTIFICATE_NOT_YET_VALID;
  return certificateHasEnded(certificate, wallMs) ? CERTIFICATE_EXPIRED : OK;
}

/** A certificate by its own subject says nothing until somebody has pinned that subject. */
function judgeSelfSigned(trust: usize, leaf: usize, leafSize: i32): i32 {
  const isPinned = isIdentityPinned(trust, certificateIdentity(leaf));
  if (!isSigned(trust, leaf, leafSize, 0, isPinned)) return CERTIFICATE_SIGNATURE;
  return isPinned ? VERDICT_PINNED : VERDICT_UNKNOWN;
}

/**
 * Looks for a trusted authority: the issuer of the leaf, or else the issuer of the issuer. The
 * first makes the second certificate needless, so that a chain cross-signed by an old authority
 * outlives it.
 */
function judgeIssued(trust: usize, leaf: usize, leafSize: i32, len: i32, wallMs: u64): i32 {
  let issuerSize: i32 = 0;
  if (!isAuthorityTrusted(trust, certificateIssuer(leaf))) {
    const issuer = leaf + <usize>leafSize;
    issuerSize = len - leafSize;
    if (issuerSize == 0 || !isAuthorityTrusted(trust, certificateIssuer(issuer))) {
      return CERTIFICATE_ISSUER;
    }
    const time = checkTime(issuer, wallMs);
    if (time != OK) return time;
  }
  return isSigned(trust, leaf, leafSize, issuerSize, true)
    ? VERDICT_CERTIFIED
    : CERTIFICATE_SIGNATURE;
}

/**
 * True when the leaf, and the certificate behind it unless `issuerSize` is 0, are signed by the
 * issuers that they name. Exactly the verified bytes are remembered by their digest; those of
 * strangers are not, or strangers could empty the cache.
 */
function isSigned(
  trust: usize,
  leaf: usize,
  leafSize: i32,
  issuerSize: i32,
  isTrusted: bool,
): bool {
  sha256(leaf, leafSize + issuerSize, DIGEST);
  if (isVerified(trust, DIGEST)) return true;
  if (!isSignedByIssuer(leaf, leafSize)) return false;
  if (issuerSize != 0 && !isSignedByIssuer(leaf + <usize>leafSize, issuerSize)) return false;
  if (isTrusted) rememberVerified(trust, DIGEST);
  return true;
}

function isSignedByIssuer(certificate: usize, size: i32): bool {
  const bodySize = size - SIGNATURE_SIZE;
  memory.copy(SIGNED, LABEL, LABEL_SIZE);
  memory.copy(SIGNED + LABEL_SIZE, certificate, <usize>bodySize);
  return ed25519Verify(
    certificate + <usize>bodySize,
    SIGNED,
    <i32>LABEL_SIZE + bodySize,
    certificateIssuer(certificate),
  );
}
