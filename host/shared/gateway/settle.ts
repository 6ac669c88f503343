/** The end of every call on the host: its receipt is composed, signed, countersigned by the device, and kept. */
import { Failure } from "../ports/failure.ts";
import type { Lane } from "../ports/lane.ts";
import { type Bundle, bundleJson, parseBundle, verifyBundle } from "../trust/bundle.ts";
import { equalBytes } from "../trust/bytes.ts";
import type { Json } from "../trust/canonical-json.ts";
import type { ReceiptFacts } from "../trust/receipt/fields.ts";
import { receiptBytes, signReceipt } from "../trust/receipt/sign.ts";
import { composeReceipt } from "../trust/receipt/statement.ts";
import { makeCallRecord } from "./call-record.ts";
import { decodeFrame, encodeFrame, TOOLS_AGENT, violation } from "./frames.ts";
import type { KeptReceipt } from "./host-call.ts";
import type { ToolHostOptions } from "./host.ts";

/** How long the device may take to countersign; after that the receipt stands with one signature. */
const COUNTERSIGN_MS = 5000;

/** Makes and keeps the receipt; `lane` is the one over which a device served the call, or null. */
export async function keepReceipt(
  options: ToolHostOptions,
  facts: ReceiptFacts,
  lane: Lane | null,
): Promise<KeptReceipt> {
  const statement = composeReceipt(facts);
  const host = signReceipt(options.ports, statement, options.identity);
  const device = lane === null ? null : await countersigned(options, facts, host, lane);
  const stored = await options.book.add(facts.correlationId, receiptBytes(host, device));
  return { ...stored, isCountersigned: device !== null };
}

/** The device's signature, or null when it will not or cannot give it: the host's own still stands. */
async function countersigned(
  options: ToolHostOptions,
  facts: ReceiptFacts,
  host: Bundle,
  lane: Lane,
): Promise<Bundle | null> {
  const { ports, tenant, log } = options;
  const { correlationId } = facts;
  const record = makeCallRecord(ports.random, {
    tenant,
    timeoutMs: COUNTERSIGN_MS,
    depth: 1,
    traceparent: facts.traceparent,
    isIdempotent: false,
  });
  const frame = encodeFrame({
    type: "tool.receipt.sign",
    correlation_id: correlationId,
    bundle: bundleJson(host),
  });
  try {
    for await (const payload of lane.call(TOOLS_AGENT, record, frame)) {
      const bundle = parseBundle((decodeFrame(payload).fields["bundle"] ?? null) as Json);
      const signed = verifyBundle(ports.signatures, bundle, lane.peer.publicKey);
      if (!equalBytes(signed, host.envelope.payload))
        throw violation("another statement was signed");
      return bundle;
    }
    throw violation("the device gave no signature");
  } catch (thrown) {
    log.warn("receipt.one-sided", { correlationId, failure: Failure.from(thrown) });
    return null;
  }
}
