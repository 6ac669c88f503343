/**
 * Who signs a receipt, and when: the host composes the statement after the answer and asks the device to
 * countersign; the device signs only what agrees with its own notes of the call.
 */
import { Failure } from "../../ports/failure.ts";
import { type Bundle, bundleJson, makeBundle, parseBundle, verifyBundle } from "../bundle.ts";
import { equalBytes } from "../bytes.ts";
import { canonicalText, documentBytes, type Json, parseDocument } from "../canonical-json.ts";
import { signEnvelope } from "../dsse.ts";
import { type Identity, publicKeyOfPeerId } from "../identity.ts";
import { formatIdentityKey } from "../key-text.ts";
import type { TrustPorts } from "../ports.ts";
import { Shape } from "../shape.ts";
import { STATEMENT_PAYLOAD_TYPE } from "../statement.ts";
import type { DeviceFacts, ReceiptFacts } from "./fields.ts";
import { readReceipt } from "./statement.ts";

export const RECEIPT_KIND = "mxp.receipt/v1";

/** One call's receipt: one or two signatures over the same statement. */
export interface Receipt {
  readonly statement: Uint8Array<ArrayBuffer>;
  readonly host: Bundle | null;
  readonly device: Bundle | null;
}

type SignPorts = Pick<TrustPorts, "signatures">;

function invalid(where: string, problem: string): Failure {
  return new Failure("receipt-invalid", `${where} ${problem}`, {
    origin: "peer",
    remedy: "Do not rely on this receipt; get it again from the node that made it.",
    context: { where },
  });
}

const shape = new Shape(invalid, { listMax: 1, textMax: 64 });

/** Signs a statement as host or as device. */
export function signReceipt(
  ports: SignPorts,
  statement: Uint8Array<ArrayBuffer>,
  identity: Identity,
): Bundle {
  return makeBundle(
    signEnvelope(ports.signatures, STATEMENT_PAYLOAD_TYPE, statement, identity.seed),
  );
}

/**
 * Names of the members in which a statement differs from what the device noted about the call. Empty: the device
 * may sign. Fails with `receipt-invalid` when the statement is not one of ours.
 */
export function deviceDifferences(statement: Uint8Array, noted: DeviceFacts): readonly string[] {
  const facts = readReceipt(statement);
  const { channelBinding, ...own } = noted;
  const differing = (Object.keys(own) as (keyof typeof own)[]).filter(
    (name) => textOf(facts[name]) !== textOf(own[name]),
  );
  return facts.channel?.binding === channelBinding ? differing : [...differing, "channel.binding"];
}

function textOf(value: unknown): string {
  return canonicalText(value as Json);
}

/** The receipt file of one or two bundles over the same statement. */
export function receiptBytes(host: Bundle | null, device: Bundle | null): Uint8Array<ArrayBuffer> {
  return documentBytes({
    kind: RECEIPT_KIND,
    host: host === null ? null : bundleJson(host),
    device: device === null ? null : bundleJson(device),
  });
}

/** Reads a receipt file; says nothing about its signatures. */
export function parseReceipt(file: Uint8Array): Receipt {
  const object = shape.object(parseDocument(file), "receipt", ["kind", "host", "device"]);
  shape.oneOf(object["kind"], "kind", [RECEIPT_KIND]);
  const host = shape.nullable(object["host"], parseBundle);
  const device = shape.nullable(object["device"], parseBundle);
  const statement = (host ?? device)?.envelope.payload;
  if (statement === undefined) throw invalid("receipt", "carries no signature");
  if (device !== null && !equalBytes(device.envelope.payload, statement)) {
    throw invalid("device", "signed another statement than the host");
  }
  return { statement, host, device };
}

/** Whom a verifier expects; every node is accepted where nobody is named. */
export interface ExpectedSigners {
  readonly host?: string;
  readonly device?: string;
}

export interface VerifiedReceipt {
  readonly facts: ReceiptFacts;
  /** Ids of the nodes whose signatures were checked. */
  readonly host: string | null;
  readonly device: string | null;
}

/**
 * Verifies a receipt file offline. The ids in the statement are the keys, so that no directory is needed; whether
 * they are the right nodes is for the caller to say. Fails with `receipt-invalid` or `signature-invalid`.
 */
export function verifyReceipt(
  ports: SignPorts,
  file: Uint8Array,
  expected: ExpectedSigners = {},
): VerifiedReceipt {
  const receipt = parseReceipt(file);
  const facts = readReceipt(receipt.statement);
  const host = checkSignature(ports, receipt.host, facts.caller, "host");
  const device = checkSignature(ports, receipt.device, facts.device, "device");
  if ((host === null) !== (facts.host === null)) throw invalid("host", "did not sign what it says");
  if (device !== null && facts.served === null) throw invalid("device", "signed without serving");
  if (expected.host !== undefined && expected.host !== host) {
    throw invalid("host", `is not signed by the expected ${expected.host}`);
  }
  if (expected.device !== undefined && expected.device !== device) {
    throw invalid("device", `is not signed by the expected ${expected.device}`);
  }
  return { facts, host, device };
}

/** The id of the signer; null when there is no signature. */
function checkSignature(
  ports: SignPorts,
  bundle: Bundle | null,
  id: string | null,
  where: string,
): string | null {
  if (bundle === null) return null;
  const key = publicKeyOfPeerId(id ?? "");
  if (id === null || key === null) throw invalid(where, "has no id that a key could belong to");
  verifyBundle(ports.signatures, bundle, key);
  if (bundle.hint !== formatIdentityKey(key))
    throw invalid(where, "names another key than its own");
  return id;
}
