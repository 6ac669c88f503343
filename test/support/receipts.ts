/** Receipts for tests: a host, a device and a call between them that went well, with any part replaced. */
import { DEFAULT_CAPS } from "../../host/shared/trust/policy/model.ts";
import type { DeviceFacts, ReceiptFacts } from "../../host/shared/trust/receipt/fields.ts";
import { receiptBytes, signReceipt } from "../../host/shared/trust/receipt/sign.ts";
import { composeReceipt } from "../../host/shared/trust/receipt/statement.ts";
import { identityOf } from "../../host/shared/trust/identity.ts";
import { testPorts } from "./ports.ts";

const ports = testPorts();
const keys = (fill: number) => new Uint8Array(32).fill(fill);

export const hostNode = identityOf(keys(1), keys(2), ports.signatures);
export const deviceNode = identityOf(keys(3), keys(4), ports.signatures);

export const digestOf = (fill: string): string => `sha256:${fill.repeat(64)}`;

const decision = {
  effect: "allow",
  code: null,
  rule: "read",
  reason: "Reading is allowed",
  policy: { id: "test", version: 1, digest: digestOf("d") },
} as const;

export const served: NonNullable<ReceiptFacts["served"]> = {
  decision,
  caps: DEFAULT_CAPS,
  received: digestOf("a"),
  returned: digestOf("b"),
  argsSchema: digestOf("c"),
  resultSchema: null,
  outcome: "ok",
  code: null,
  elapsedUs: { policy: 40, tool: 900 },
};

export function factsOf(parts: Partial<ReceiptFacts> = {}): ReceiptFacts {
  return {
    correlationId: "call-1",
    auditId: "audit-1",
    tenant: "home",
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    caller: hostNode.id,
    client: "local",
    device: deviceNode.id,
    tool: { name: "fs.read", version: "1.0.0" },
    planGeneration: 0,
    host: { decision, elapsedUs: { policy: 30, lane: 1500 } },
    served,
    caps: DEFAULT_CAPS,
    sent: digestOf("a"),
    delivered: digestOf("b"),
    isTruncated: false,
    outcome: "ok",
    code: null,
    channel: {
      binding: "e".repeat(64),
      handshake: "Noise_IK_25519_ChaChaPoly_SHA256",
      carrier: "udp",
    },
    ...parts,
  };
}

/** What the device of `factsOf()` noted. */
export function deviceFactsOf(parts: Partial<DeviceFacts> = {}): DeviceFacts {
  const { correlationId, auditId, tenant, caller, tool, planGeneration } = factsOf();
  return {
    correlationId,
    auditId,
    tenant,
    caller,
    device: deviceNode.id,
    tool,
    planGeneration,
    channelBinding: "e".repeat(64),
    served,
    ...parts,
  };
}

/** A receipt file, signed by both sides where the facts have both. */
export function receiptOf(parts: Partial<ReceiptFacts> = {}): Uint8Array<ArrayBuffer> {
  const facts = factsOf(parts);
  const statement = composeReceipt(facts);
  return receiptBytes(
    facts.host === null ? null : signReceipt(ports, statement, hostNode),
    facts.served === null ? null : signReceipt(ports, statement, deviceNode),
  );
}
