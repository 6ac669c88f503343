/**
 * Goal: a stock verifier accepts both signatures of a receipt and refuses a tampered one.
 * Method: `@sigstore/bundle` and `@sigstore/verify` with the nodes' raw Ed25519 keys and no transparency service.
 */
import { createPublicKey, type KeyObject } from "node:crypto";
import { bundleFromJSON } from "@sigstore/bundle";
import { toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";
import { expect, test } from "vitest";
import { bundleJson } from "../../host/shared/trust/bundle.ts";
import type { Json } from "../../host/shared/trust/canonical-json.ts";
import { formatIdentityKey } from "../../host/shared/trust/key-text.ts";
import { parseReceipt } from "../../host/shared/trust/receipt/sign.ts";
import { deviceNode, hostNode, receiptOf } from "../support/receipts.ts";

const SPKI_HEAD = Buffer.from("302a300506032b6570032100", "hex");
const keyObject = (key: Uint8Array): KeyObject =>
  createPublicKey({ key: Buffer.concat([SPKI_HEAD, key]), format: "der", type: "spki" });

const keys = new Map(
  [hostNode, deviceNode].map((node) => [formatIdentityKey(node.publicKey), node.publicKey]),
);

/** A verifier that trusts the two nodes and asks for no log, no certificate and no time stamp. */
function verifier(): Verifier {
  const root = {
    mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    tlogs: [],
    certificateAuthorities: [],
    ctlogs: [],
    timestampAuthorities: [],
  };
  const material = toTrustMaterial(root, (hint) => {
    const key = keys.get(hint);
    if (key === undefined) throw new Error(`the key ${hint} is not trusted`);
    return { publicKey: keyObject(key), validFor: () => true };
  });
  return new Verifier(material, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 });
}

const verify = (bundle: Json) => verifier().verify(toSignedEntity(bundleFromJSON(bundle)));

function bundlesOf(file: Uint8Array): { host: Json; device: Json } {
  const { host, device } = parseReceipt(file);
  if (host === null || device === null) throw new Error("a signature is missing");
  return { host: bundleJson(host), device: bundleJson(device) };
}

test("@sigstore/verify accepts the host's and the device's signature over one statement", () => {
  const { host, device } = bundlesOf(receiptOf());
  expect(verify(host).key).toBeDefined();
  expect(verify(device).key).toBeDefined();
  const payload = (bundle: Json) =>
    (bundle as { dsseEnvelope: { payload: string } }).dsseEnvelope.payload;
  expect(payload(host)).toBe(payload(device));
});

test("@sigstore/verify refuses another payload, another signature and an unknown key", () => {
  const { host, device } = bundlesOf(receiptOf());
  const other = bundlesOf(receiptOf({ client: "mcp:other" }));
  type Parts = { dsseEnvelope: object; verificationMaterial: object };
  const [mine, theirs] = [host as Parts, other.host as Parts];
  const mixed = (parts: object): Json =>
    ({ ...mine, dsseEnvelope: { ...mine.dsseEnvelope, ...parts } }) as unknown as Json;
  const { payload, signatures } = theirs.dsseEnvelope as { payload: string; signatures: Json };
  expect(() => verify(mixed({ payload }))).toThrow();
  expect(() => verify(mixed({ signatures }))).toThrow();
  const foreign = { ...mine, verificationMaterial: (device as Parts).verificationMaterial };
  expect(() => verify(foreign as unknown as Json)).toThrow();
  const unknown = { publicKey: { hint: "z6MkNobody" } };
  const stranger = { ...mine, verificationMaterial: { ...mine.verificationMaterial, ...unknown } };
  expect(() => verify(stranger as unknown as Json)).toThrow(/not trusted/);
});
