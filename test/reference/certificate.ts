/**
 * Certificates as the format is written down, for tests: every field can be set, also to what is
 * not allowed.
 *
 * Source: docs/protocol.md §5.8. Keys and signatures are those of node:crypto.
 */
import { createPrivateKey, createPublicKey, randomBytes, sign } from "node:crypto";

type Bytes = Uint8Array<ArrayBuffer>;

const PKCS8_ED25519 = Buffer.from("302e020100300506032b657004220420", "hex");
const LABEL = "mxp certificate v1\0";

/** An Ed25519 key pair. */
export interface Signer {
  readonly publicKey: Bytes;
  sign(message: Uint8Array): Bytes;
}

/** A fresh signer, or that of a 32-byte seed. */
export function signer(seed: Uint8Array = randomBytes(32)): Signer {
  const key = createPrivateKey({
    key: Buffer.concat([PKCS8_ED25519, seed]),
    format: "der",
    type: "pkcs8",
  });
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  return {
    publicKey: new Uint8Array(spki.subarray(-32)),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  };
}

/** Fields of a certificate; what is left out is that of an honest leaf. */
export interface CertificateFields {
  readonly subject: Signer;
  readonly issuer: Signer;
  readonly staticKey?: Uint8Array;
  readonly flags?: number;
  readonly isAuthority?: boolean;
  readonly notBeforeMs?: bigint;
  readonly notAfterMs?: bigint;
  readonly names?: readonly (string | Uint8Array)[];
  readonly nameCount?: number;
  /** Changes the bytes before they are signed. */
  readonly edit?: (body: Bytes) => void;
}

/** The bytes of a certificate, signed by its issuer. */
export function buildCertificate(fields: CertificateFields): Bytes {
  const names = (fields.names ?? []).map((name) =>
    typeof name === "string" ? new TextEncoder().encode(name) : name,
  );
  const head = new Uint8Array(160);
  const view = new DataView(head.buffer);
  const isSelfSigned = fields.subject === fields.issuer;
  head.set(new TextEncoder().encode("MXC1"), 0);
  head[4] = 1;
  head[5] = fields.flags ?? (isSelfSigned ? 1 : 0) | (fields.isAuthority === true ? 2 : 0);
  head[6] = fields.nameCount ?? names.length;
  view.setBigUint64(8, 7n, true);
  view.setBigUint64(16, fields.notBeforeMs ?? 1000n, true);
  view.setBigUint64(24, fields.notAfterMs ?? 2000n, true);
  head.set(fields.subject.publicKey, 32);
  head.set(fields.staticKey ?? new Uint8Array(32).fill(9), 64);
  head.set(fields.issuer.publicKey, 96);
  const body = new Uint8Array(
    Buffer.concat([head, ...names.flatMap((name) => [Uint8Array.of(name.length), name])]),
  );
  fields.edit?.(body);
  const signature = fields.issuer.sign(Buffer.concat([Buffer.from(LABEL), body]));
  return new Uint8Array(Buffer.concat([body, signature]));
}
