/**
 * MXP certificates: an issuer binds an Ed25519 identity to the X25519 static key of its handshakes, to names, to
 * grants (by digest) and to a validity. The engine verifies them in the handshake; this file makes and shows them.
 *
 *   0 "MXC1" | 4 version u8 = 1 | 5 flags u8 | 6 name count u8 | 7 zero | 8 serial u64
 *   16 not-before u64 | 24 not-after u64 | 32 identity 32 | 64 static key 32 | 96 issuer 32 | 128 grants digest 32
 *   160 names { length u8 (1..63), UTF-8 }* | signature 64
 *
 * Integers are little-endian, times are wall milliseconds; at most 192 bytes of names and 512 in all.
 *
 * Spec: docs/protocol.md "Certificates"
 */
import { Failure } from "../ports/failure.ts";
import type { Signatures } from "../ports/signatures.ts";
import { concatBytes, equalBytes, fromUtf8, utf8 } from "./bytes.ts";
import type { Identity } from "./identity.ts";
import type { TrustPorts } from "./ports.ts";

export const CERTIFICATE_MAX = 512;
const HEAD_BYTES = 160;
const NAMES_BYTES_MAX = 192;
const NAME_BYTES_MAX = 63;
const SIGNATURE_BYTES = 64;
const KEY_BYTES = 32;
const MAGIC = utf8("MXC1");
const VERSION = 1;
const FLAG_SELF_SIGNED = 1;
const FLAG_AUTHORITY = 2;
/** Stands before the signed bytes, so that a signature over something else is never one over a certificate. */
const LABEL = utf8("mxp certificate v1\0");
/** Clocks of two machines differ; a fresh certificate must hold on the other one at once. */
const CLOCK_SKEW_MS = 5 * 60_000;

export interface Certificate {
  readonly isSelfSigned: boolean;
  readonly isAuthority: boolean;
  readonly serial: bigint;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Ed25519 key of the subject. */
  readonly identity: Uint8Array<ArrayBuffer>;
  /** X25519 key of the subject's handshakes. */
  readonly staticKey: Uint8Array<ArrayBuffer>;
  /** Ed25519 key of the issuer. */
  readonly issuer: Uint8Array<ArrayBuffer>;
  /** SHA-256 of the grants; zero when there are none. */
  readonly grantsDigest: Uint8Array<ArrayBuffer>;
  readonly names: readonly string[];
  readonly signature: Uint8Array<ArrayBuffer>;
  /** Everything before the signature. */
  readonly signedBytes: Uint8Array<ArrayBuffer>;
}

export interface CertificateRequest {
  readonly identity: Uint8Array;
  readonly staticKey: Uint8Array;
  readonly issuer: { readonly seed: Uint8Array; readonly publicKey: Uint8Array };
  readonly serial: bigint;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly names: readonly string[];
  readonly grantsDigest?: Uint8Array;
  readonly isAuthority?: boolean;
}

function refuse(problem: string): Failure {
  return new Failure("argument-invalid", `A certificate cannot be issued: ${problem}`, {
    origin: "local",
    remedy: "Correct the names or the validity and issue it again.",
  });
}

function malformed(problem: string): Failure {
  return new Failure("certificate-malformed", `The certificate ${problem}`, {
    origin: "peer",
    remedy: "Ask the other side for its certificate again.",
  });
}

/** Issues a certificate; it is self-signed when issuer and subject are the same key. */
export function issueCertificate(
  signatures: Signatures,
  request: CertificateRequest,
): Uint8Array<ArrayBuffer> {
  const names = request.names.map(encodeName);
  const namesBytes = concatBytes(...names);
  if (namesBytes.length > NAMES_BYTES_MAX)
    throw refuse(`more than ${NAMES_BYTES_MAX} bytes of names`);
  if (!isWallTime(request.notBeforeMs) || !isWallTime(request.notAfterMs)) {
    throw refuse("a time is not a whole number of milliseconds");
  }
  if (request.notAfterMs <= request.notBeforeMs) throw refuse("it would end before it begins");
  const isSelfSigned = equalBytes(request.identity, request.issuer.publicKey);
  const head = new Uint8Array(HEAD_BYTES);
  const view = new DataView(head.buffer);
  head.set(MAGIC, 0);
  head[4] = VERSION;
  head[5] =
    (isSelfSigned ? FLAG_SELF_SIGNED : 0) | (request.isAuthority === true ? FLAG_AUTHORITY : 0);
  head[6] = names.length;
  view.setBigUint64(8, request.serial, true);
  view.setBigUint64(16, BigInt(request.notBeforeMs), true);
  view.setBigUint64(24, BigInt(request.notAfterMs), true);
  head.set(request.identity, 32);
  head.set(request.staticKey, 64);
  head.set(request.issuer.publicKey, 96);
  if (request.grantsDigest !== undefined) head.set(request.grantsDigest, 128);
  const body = concatBytes(head, namesBytes);
  const signature = signatures.sign(request.issuer.seed, concatBytes(LABEL, body));
  return concatBytes(body, signature);
}

/** The certificate that a node issues to itself: pinned by peers that were paired with it. */
export function selfSignedCertificate(
  ports: Pick<TrustPorts, "clock" | "random" | "signatures">,
  identity: Identity,
  names: readonly string[],
  validityMs: number,
): Uint8Array<ArrayBuffer> {
  const nowMs = ports.clock.wallMs();
  return issueCertificate(ports.signatures, {
    identity: identity.publicKey,
    staticKey: identity.staticPublicKey,
    issuer: identity,
    serial: new DataView(ports.random.bytes(8).buffer).getBigUint64(0, true),
    notBeforeMs: Math.max(0, nowMs - CLOCK_SKEW_MS),
    notAfterMs: nowMs + validityMs,
    names,
  });
}

function isWallTime(ms: number): boolean {
  return Number.isSafeInteger(ms) && ms >= 0;
}

function encodeName(name: string): Uint8Array<ArrayBuffer> {
  const bytes = utf8(name);
  if (bytes.length === 0 || bytes.length > NAME_BYTES_MAX || !name.isWellFormed()) {
    throw refuse(`a name is not 1 to ${NAME_BYTES_MAX} bytes of text`);
  }
  return concatBytes(Uint8Array.of(bytes.length), bytes);
}

/** Reads a certificate; says nothing about its signature. Fails with `certificate-malformed`. */
export function parseCertificate(bytes: Uint8Array<ArrayBuffer>): Certificate {
  if (bytes.length < HEAD_BYTES + SIGNATURE_BYTES || bytes.length > CERTIFICATE_MAX) {
    throw malformed("is shorter or longer than one can be");
  }
  if (!equalBytes(bytes.subarray(0, 4), MAGIC)) throw malformed("is not one");
  if (bytes[4] !== VERSION) throw malformed("is of another version");
  const flags = bytes[5] as number;
  if ((flags & ~(FLAG_SELF_SIGNED | FLAG_AUTHORITY)) !== 0 || bytes[7] !== 0) {
    throw malformed("uses reserved fields");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = bytes.length - SIGNATURE_BYTES;
  const key = (offset: number): Uint8Array<ArrayBuffer> => bytes.slice(offset, offset + KEY_BYTES);
  const certificate: Certificate = {
    isSelfSigned: (flags & FLAG_SELF_SIGNED) !== 0,
    isAuthority: (flags & FLAG_AUTHORITY) !== 0,
    serial: view.getBigUint64(8, true),
    notBeforeMs: Number(view.getBigUint64(16, true)),
    notAfterMs: Number(view.getBigUint64(24, true)),
    identity: key(32),
    staticKey: key(64),
    issuer: key(96),
    grantsDigest: key(128),
    names: parseNames(bytes.subarray(HEAD_BYTES, at), bytes[6] as number),
    signature: bytes.slice(at),
    signedBytes: bytes.slice(0, at),
  };
  if (certificate.isSelfSigned !== equalBytes(certificate.identity, certificate.issuer)) {
    throw malformed("contradicts itself about who signed it");
  }
  if (certificate.notAfterMs <= certificate.notBeforeMs) throw malformed("ends before it begins");
  return certificate;
}

function parseNames(bytes: Uint8Array, count: number): readonly string[] {
  if (bytes.length > NAMES_BYTES_MAX) throw malformed("has too many bytes of names");
  const names: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    const length = bytes[at] as number;
    const name = fromUtf8(bytes.subarray(at + 1, at + 1 + length));
    at += 1 + length;
    if (length === 0 || length > NAME_BYTES_MAX || at > bytes.length || name === null) {
      throw malformed("has a name that is not one");
    }
    names.push(name);
  }
  if (names.length !== count) throw malformed("has another number of names than it says");
  return names;
}

/** Whether the issuer named in the certificate signed it. Who may be an issuer is the caller's matter. */
export function isCertificateSigned(signatures: Signatures, certificate: Certificate): boolean {
  const signed = concatBytes(LABEL, certificate.signedBytes);
  return signatures.verify(certificate.issuer, signed, certificate.signature);
}
