/**
 * Who the peer is: its certificate against the key that the handshake proved, and against what we trust.
 *
 * Spec       docs/protocol.md §5.7
 * Layer      connection (L3)
 * Invariant  an identity is written down only after `certificateVerify` has bound it to the proved key
 */
import { OK, PEER_UNKNOWN } from "../base/status.ts";
import { certificateVerify, VERDICT_CERTIFIED, VERDICT_SIZE } from "../certificate/verify.ts";
import { certificateIdentity } from "../certificate/certificate.ts";
import { patternNeedsResponderKey, patternShowsInitiator } from "./handshake.ts";
import {
  Connection,
  TRUST_ANONYMOUS,
  TRUST_CERTIFIED,
  TRUST_PINNED,
  TRUST_UNKNOWN,
} from "./state.ts";

/** Everything is right, but only the application can say whether this peer is known. */
export const VERDICT_ASK: i32 = 1;

const verdict = memory.data(VERDICT_SIZE, 8);

/** OK, VERDICT_ASK, or the status with which the peer is refused. */
export function authenticatePeer(connection: Connection, wallMs: u64): i32 {
  if (connection.isInitiator == 0 && !patternShowsInitiator(connection.pattern)) {
    connection.trust = TRUST_ANONYMOUS;
    return OK;
  }
  const status = certificateVerify(
    connection.local.trust,
    connection.certificate,
    connection.certificateSize,
    wallMs,
    connection.expectedName,
    connection.expectedNameSize,
    connection.hasExpectedIdentity != 0 ? connection.expectedIdentity : 0,
    connection.peerStatic,
    verdict,
  );
  if (status != OK && status != PEER_UNKNOWN) return status;
  memory.copy(connection.peerIdentity, certificateIdentity(connection.certificate), 32);
  connection.hasPeerIdentity = 1;
  if (status == OK) {
    const isCertified = load<u32>(verdict) == VERDICT_CERTIFIED;
    connection.trust = isCertified ? TRUST_CERTIFIED : TRUST_PINNED;
    return OK;
  }
  if (isDialledByKey(connection)) {
    connection.trust = TRUST_PINNED;
    return OK;
  }
  connection.trust = TRUST_UNKNOWN;
  return connection.local.asksForUnknownPeers != 0 ? VERDICT_ASK : PEER_UNKNOWN;
}

/** Whoever dials a key, static or identity, has thereby said which peer it trusts. */
function isDialledByKey(connection: Connection): bool {
  if (connection.isInitiator == 0) return false;
  return connection.hasExpectedIdentity != 0 || patternNeedsResponderKey(connection.pattern);
}
