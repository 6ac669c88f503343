/** Sends one call over a lane and reads the answer: deltas, then `tool.call.completed` or `tool.call.error`. */
import { Failure } from "../ports/failure.ts";
import type { CallRecord, Lane } from "../ports/lane.ts";
import type { Json } from "../trust/canonical-json.ts";
import type { DeviceFacts } from "../trust/receipt/fields.ts";
import { readDeviceFacts } from "../trust/receipt/statement.ts";
import { ChunkReader } from "./chunks.ts";
import type { CallCaps } from "./contract.ts";
import {
  decodeFrame,
  encodeFrame,
  type Frame,
  fromWire,
  readFields,
  TOOLS_AGENT,
  type ToolCallCompleted,
  type ToolCallStart,
  violation,
} from "./frames.ts";
import { checkJson } from "./raw-json.ts";

export interface Exchange {
  readonly record: CallRecord;
  readonly tool: { readonly name: string; readonly version: string };
  readonly caps: CallCaps;
  readonly policyId: string;
  /** This host's id. */
  readonly callerId: string;
  /** Channel bindings of the lanes that the call went over. */
  readonly bindings: readonly string[];
  readonly args: Uint8Array;
  readonly signal: AbortSignal | undefined;
  /** Hears what the device says about the call, also when it failed. */
  readonly onFacts: (facts: DeviceFacts) => void;
}

export interface Answer {
  readonly result: Uint8Array;
  readonly isTruncated: boolean;
}

/**
 * How much longer the lane waits than the tool may take: the device, which knows which of its servers was slow,
 * should be the one to say so.
 */
const GRACE_MS = 1500;

/** JSON may write one byte of text as six ("\u0001"), and a result has more than its text. */
const JSON_EXPANSION = 6;
const RESULT_OVERHEAD_BYTES = 64 * 1024;

export async function exchangeCall(lane: Lane, exchange: Exchange): Promise<Answer> {
  const { record, caps, signal } = exchange;
  const chunks = new ChunkReader(caps.maxBytes * JSON_EXPANSION + RESULT_OVERHEAD_BYTES);
  const options = signal === undefined ? {} : { signal };
  const waiting = { ...record, timeoutMs: record.timeoutMs + GRACE_MS };
  for await (const payload of lane.call(
    TOOLS_AGENT,
    waiting,
    startFrame(lane, exchange),
    options,
  )) {
    const frame = decodeFrame(payload);
    if (frame.fields["correlation_id"] !== record.correlationId) {
      throw violation("an answer belongs to another call");
    }
    if (frame.type === "tool.call.delta") chunks.push(frame.fields["chunk"]);
    else if (frame.type === "tool.call.completed") return completed(lane, exchange, frame, chunks);
    else if (frame.type === "tool.call.error") throw failed(lane, exchange, frame);
    else throw violation(`a device answers with no frame "${frame.type.slice(0, 64)}"`);
  }
  throw violation("the answer ended without a last frame");
}

function startFrame(lane: Lane, exchange: Exchange): Uint8Array {
  const start: ToolCallStart = {
    type: "tool.call.start",
    correlation_id: exchange.record.correlationId,
    tenant: exchange.record.tenant,
    device_id: lane.peer.id,
    tool: exchange.tool,
    caps: exchange.caps,
    policy_id: exchange.policyId,
  };
  return encodeFrame({ ...start }, { name: "args", bytes: exchange.args });
}

function completed(lane: Lane, exchange: Exchange, frame: Frame, chunks: ChunkReader): Answer {
  const fields = readFields<ToolCallCompleted>(frame, {
    facts: "object",
    truncated: "boolean",
    chunks: "number",
  });
  takeFacts(lane, exchange, frame);
  if (fields.chunks !== chunks.count) throw violation("pieces of a result are missing");
  const result = chunks.count > 0 ? chunks.join() : frame.raw?.slice();
  if (result === undefined) throw violation("a completed call has no result");
  // An inline result was scanned with its frame; one in pieces was only base64 until now.
  if (chunks.count > 0) checkJson(result);
  return { result, isTruncated: fields.truncated };
}

function failed(lane: Lane, exchange: Exchange, frame: Frame): Failure {
  takeFacts(lane, exchange, frame);
  return fromWire(frame.fields["failure"]);
}

/** Reads the device's own account and checks that it is one of this call. */
function takeFacts(lane: Lane, exchange: Exchange, frame: Frame): void {
  const facts = readDeviceFacts((frame.fields["facts"] ?? null) as Json);
  const { record, tool, callerId, bindings } = exchange;
  const isOfThisCall =
    facts.correlationId === record.correlationId &&
    facts.auditId === record.auditId &&
    facts.tenant === record.tenant &&
    facts.caller === callerId &&
    facts.device === lane.peer.id &&
    facts.tool.name === tool.name &&
    facts.tool.version === tool.version &&
    bindings.includes(facts.channelBinding);
  if (!isOfThisCall) throw violation("the device accounts for another call than this one");
  exchange.onFacts(facts);
}
