/** Keys and certificates for the suite, made by Node and handed to every runtime as text. */
import { randomBytes } from "node:crypto";
import { nodeRandom } from "../../host/node/random.ts";
import { nodeSignatures } from "../../host/node/signatures.ts";
import { issueCertificate } from "../../host/shared/trust/certificate.ts";
import { testPorts } from "../support/ports.ts";
import type { SuiteInput, SuiteSide } from "./suite.ts";

const WALL_MS = 1_800_000_000_000;
const DAY_MS = 86_400_000;

export function createSuiteInput(): SuiteInput {
  return { client: createSide("client"), server: createSide("server"), wallMs: WALL_MS };
}

function createSide(name: string): SuiteSide {
  const identitySeed = nodeRandom.bytes(32);
  const staticPrivateKey = nodeRandom.bytes(32);
  const identity = nodeSignatures.publicKey(identitySeed);
  const staticKey = nodeSignatures.x25519PublicKey(staticPrivateKey);
  const certificate = issueCertificate(testPorts().signatures, {
    identity,
    staticKey,
    issuer: { seed: identitySeed, publicKey: identity },
    serial: 1n,
    notBeforeMs: WALL_MS - DAY_MS,
    notAfterMs: WALL_MS + DAY_MS,
    names: [name],
  });
  return {
    seed: randomBytes(32).toString("hex"),
    staticPrivateKey: toHex(staticPrivateKey),
    staticPublicKey: toHex(staticKey),
    identity: toHex(identity),
    certificate: toHex(certificate),
  };
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
