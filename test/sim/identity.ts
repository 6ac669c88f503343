/** Keys and certificates of the simulated nodes: made as the product makes them, from the seed's numbers. */
import { nodeSignatures } from "../../host/node/signatures.ts";
import { issueCertificate } from "../../host/shared/trust/certificate.ts";
import { identityOf } from "../../host/shared/trust/identity.ts";
import type { Random } from "./random.ts";

/** Valid for every wall clock of a simulation. */
const NOT_BEFORE_MS = 1_700_000_000_000;
const NOT_AFTER_MS = 1_900_000_000_000;

export interface Authority {
  readonly seed: Uint8Array<ArrayBuffer>;
  readonly publicKey: Uint8Array<ArrayBuffer>;
}

export interface Identity {
  /** Ed25519 key. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  readonly staticPrivateKey: Uint8Array<ArrayBuffer>;
  readonly staticPublicKey: Uint8Array<ArrayBuffer>;
  readonly certificate: Uint8Array<ArrayBuffer>;
}

export function createAuthority(random: Random): Authority {
  const seed = random.bytes(32);
  return { seed, publicKey: nodeSignatures.publicKey(seed) };
}

/** An identity with a certificate by `authority`, or by itself when there is none. */
export function createIdentity(random: Random, authority: Authority | null): Identity {
  const seed = random.bytes(32);
  const { publicKey, staticPrivateKey, staticPublicKey } = identityOf(
    seed,
    random.bytes(32),
    nodeSignatures,
  );
  const certificate = issueCertificate(nodeSignatures, {
    identity: publicKey,
    staticKey: staticPublicKey,
    issuer: authority ?? { seed, publicKey },
    serial: random.u64(),
    notBeforeMs: NOT_BEFORE_MS,
    notAfterMs: NOT_AFTER_MS,
    names: ["simulated"],
  });
  return { publicKey, staticPrivateKey, staticPublicKey, certificate };
}
