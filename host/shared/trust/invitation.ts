/**
 * Invitations: a short code that lets one node join another, once. The code carries where to connect, whom to
 * expect and a secret; the joiner proves that it knows the secret without sending it, bound to the connection.
 *
 *   0 version u8 = 1 | 1 expiry u64 wall ms | 9 secret 16 | 25 static key 32 | 57 identity 32 | 89 port u16
 *   91 host length u8, host | policy length u8, policy id | first 4 bytes of SHA-256 of all before
 *
 * Integers are little-endian. The code is "rtt1-" and base58 of these bytes.
 */
import type { Digest } from "../ports/digest.ts";
import { type ErrorCode, Failure } from "../ports/failure.ts";
import { decodeBase58, encodeBase58 } from "./base58.ts";
import { concatBytes, equalBytes, fromUtf8, utf8 } from "./bytes.ts";
import { hmacSha256 } from "./digest-text.ts";

export const INVITATION_SECRET_BYTES = 16;
const PREFIX = "rtt1-";
const VERSION = 1;
const HEAD_BYTES = 91;
const CHECK_BYTES = 4;
const TEXT_BYTES_MAX = 255;
const LABEL = utf8("mxp invitation");

export interface Invitation {
  readonly expiresMs: number;
  readonly secret: Uint8Array<ArrayBuffer>;
  /** The inviter's X25519 static key and Ed25519 identity. */
  readonly staticKey: Uint8Array<ArrayBuffer>;
  readonly identity: Uint8Array<ArrayBuffer>;
  readonly host: string;
  readonly port: number;
  /** The policy under which the joiner will be let in. */
  readonly policyId: string;
}

export function invitationFailure(code: ErrorCode, problem: string): Failure {
  return new Failure(code, problem, {
    origin: "peer",
    remedy: "Ask the other side for a new code from `rtt invite`.",
  });
}

/** The code of an invitation. */
export function formatInvitation(digest: Digest, invitation: Invitation): string {
  const host = utf8(invitation.host);
  const policy = utf8(invitation.policyId);
  if ([host, policy].some(({ length }) => length === 0 || length > TEXT_BYTES_MAX)) {
    throw new Failure(
      "argument-invalid",
      "The host's name or the policy's id is empty or too long",
      {
        origin: "local",
        remedy: "Invite with an address instead of a name, or with a shorter policy id.",
      },
    );
  }
  const head = new Uint8Array(HEAD_BYTES);
  const view = new DataView(head.buffer);
  head[0] = VERSION;
  view.setBigUint64(1, BigInt(invitation.expiresMs), true);
  head.set(invitation.secret, 9);
  head.set(invitation.staticKey, 25);
  head.set(invitation.identity, 57);
  view.setUint16(89, invitation.port, true);
  const body = concatBytes(
    head,
    Uint8Array.of(host.length),
    host,
    Uint8Array.of(policy.length),
    policy,
  );
  // The check only tells a mistyped code from a wrong one; what protects the join is the secret.
  const check = digest.sha256(body).subarray(0, CHECK_BYTES);
  return PREFIX + encodeBase58(concatBytes(body, check));
}

/** Reads a code. Fails with `invitation-malformed`, or `invitation-expired` when it is too late to join. */
export function parseInvitation(digest: Digest, code: string, wallMs: number): Invitation {
  const text = code.trim();
  const bytes = text.startsWith(PREFIX) ? decodeBase58(text.slice(PREFIX.length)) : null;
  if (bytes === null || bytes.length < HEAD_BYTES + 2 + CHECK_BYTES) {
    throw invitationFailure("invitation-malformed", `A code begins with "${PREFIX}" and is longer`);
  }
  const body = bytes.subarray(0, -CHECK_BYTES);
  if (!equalBytes(digest.sha256(body).subarray(0, CHECK_BYTES), bytes.subarray(-CHECK_BYTES))) {
    throw invitationFailure("invitation-malformed", "The code is incomplete or mistyped");
  }
  const invitation = readBody(body);
  if (!(wallMs < invitation.expiresMs)) {
    throw invitationFailure("invitation-expired", "The invitation has expired");
  }
  return invitation;
}

function readBody(body: Uint8Array<ArrayBuffer>): Invitation {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const hostEnd = HEAD_BYTES + 1 + (body[HEAD_BYTES] as number);
  const policyEnd = hostEnd + 1 + (body[hostEnd] ?? TEXT_BYTES_MAX);
  const host = fromUtf8(body.subarray(HEAD_BYTES + 1, hostEnd));
  const policyId = fromUtf8(body.subarray(hostEnd + 1, policyEnd));
  const port = view.getUint16(89, true);
  // An empty text is as wrong as one that is not UTF-8.
  if (body[0] !== VERSION || policyEnd !== body.length || !host || !policyId || port === 0) {
    throw invitationFailure("invitation-malformed", "The code is of another version or damaged");
  }
  return {
    expiresMs: Number(view.getBigUint64(1, true)),
    secret: body.slice(9, 25),
    staticKey: body.slice(25, 57),
    identity: body.slice(57, 89),
    host,
    port,
    policyId,
  };
}

/**
 * What the joiner sends: HMAC-SHA256 under the secret over the connection's channel binding and the joiner's
 * identity. Nobody in between can use it on another connection or for another node.
 */
export function invitationProof(
  digest: Digest,
  secret: Uint8Array,
  channelBinding: Uint8Array,
  joiner: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return hmacSha256(digest, secret, concatBytes(LABEL, channelBinding, joiner));
}
