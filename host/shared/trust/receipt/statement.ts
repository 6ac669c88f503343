/** Receipts as in-toto statements: the one form of the bytes that host and device sign. */
import { Failure } from "../../ports/failure.ts";
import { equalBytes } from "../bytes.ts";
import type { Json, JsonObject } from "../canonical-json.ts";
import type { Caps, PolicyRef } from "../policy/model.ts";
import { Shape } from "../shape.ts";
import { parseStatement, statementBytes, type Subject } from "../statement.ts";
import {
  type ChannelRecord,
  type DecisionRecord,
  type DeviceFacts,
  type DevicePart,
  type ElapsedUs,
  type HostPart,
  OUTCOMES,
  type ReceiptFacts,
  type SharedFacts,
} from "./fields.ts";

export const RECEIPT_PREDICATE = "urn:mxp:tool-receipt:v1";

function malformed(where: string, problem: string): Failure {
  return new Failure("receipt-invalid", `${where} ${problem}`, {
    origin: "peer",
    remedy: "Get the receipt again from the node that made it.",
    context: { where },
  });
}

const shape = new Shape(malformed, { listMax: 16, textMax: 512 });

// --- writing ---

/** The statement of a call: its subjects are the request and, when there is one, the result. */
export function composeReceipt(facts: ReceiptFacts): Uint8Array<ArrayBuffer> {
  return statementBytes({
    subjects: subjectsOf(facts),
    predicateType: RECEIPT_PREDICATE,
    // The facts are plain records of JSON values; `readReceipt` checks each one again.
    predicate: facts as unknown as JsonObject,
  });
}

function subjectsOf(facts: ReceiptFacts): Subject[] {
  const request = facts.sent ?? facts.served?.received;
  if (request === undefined) throw malformed("sent", "is missing, and no device received anything");
  const subjects = [{ name: "request", digest: request }];
  const result = facts.sent === null ? (facts.served?.returned ?? null) : facts.delivered;
  if (result !== null) subjects.push({ name: "result", digest: result });
  return subjects;
}

// --- reading ---

const SHARED = ["correlationId", "auditId", "tenant", "caller", "device", "tool", "planGeneration"];
const MEMBERS = [
  ...SHARED,
  "traceparent",
  "client",
  "host",
  "served",
  "caps",
  "sent",
  "delivered",
  "isTruncated",
  "outcome",
  "code",
  "channel",
];

/** Reads a statement back. Fails with `receipt-invalid` unless it is exactly one of ours. */
export function readReceipt(bytes: Uint8Array): ReceiptFacts {
  const { predicateType, predicate } = parseStatement(bytes);
  if (predicateType !== RECEIPT_PREDICATE) throw malformed("predicateType", "is not a receipt's");
  const object = shape.object(predicate, "predicate", MEMBERS);
  const digest = (name: string) =>
    shape.nullable(object[name], (value) => shape.digest(value, name));
  const facts: ReceiptFacts = {
    ...sharedOf(object),
    traceparent: shape.text(object["traceparent"], "traceparent"),
    client: shape.text(object["client"], "client"),
    host: shape.nullable(object["host"], hostOf),
    served: shape.nullable(object["served"], servedOf),
    caps: capsOf(object["caps"]),
    sent: digest("sent"),
    delivered: digest("delivered"),
    isTruncated: shape.boolean(object["isTruncated"], "isTruncated"),
    outcome: shape.oneOf(object["outcome"], "outcome", OUTCOMES),
    code: shape.nullable(object["code"], (value) => shape.text(value, "code")),
    channel: shape.nullable(object["channel"], channelOf),
  };
  checkSense(facts);
  // Composing again also compares the subjects, which repeat two of the digests.
  if (!equalBytes(composeReceipt(facts), bytes))
    throw malformed("subject", "is not that of the call");
  return facts;
}

/** Reads what a device sent back with its answer. */
export function readDeviceFacts(value: Json): DeviceFacts {
  const object = shape.object(value, "facts", [...SHARED, "channelBinding", "served"]);
  return {
    ...sharedOf(object),
    device: shape.text(object["device"], "device"),
    channelBinding: bindingOf(object["channelBinding"]),
    served: servedOf(object["served"]),
  };
}

function sharedOf(object: JsonObject): SharedFacts {
  const tool = shape.object(object["tool"], "tool", ["name", "version"]);
  return {
    correlationId: correlationOf(object["correlationId"]),
    auditId: shape.text(object["auditId"], "auditId"),
    tenant: shape.text(object["tenant"], "tenant"),
    caller: shape.text(object["caller"], "caller"),
    device: shape.nullable(object["device"], (value) => shape.text(value, "device")),
    tool: {
      name: shape.text(tool["name"], "tool.name"),
      version: shape.text(tool["version"], "tool.version"),
    },
    planGeneration: shape.count(object["planGeneration"], "planGeneration", 0),
  };
}

/** A correlation id is also a file's name. */
function correlationOf(value: Json | undefined): string {
  const text = shape.text(value, "correlationId");
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(text)) {
    throw malformed("correlationId", "has characters that an id cannot have");
  }
  return text;
}

function checkSense(facts: ReceiptFacts): void {
  const { host, served, device, sent, outcome, code } = facts;
  if (host === null && served === null) throw malformed("host", "and served are both missing");
  if ((host === null) !== (sent === null)) throw malformed("sent", "does not fit to host");
  if (served !== null && device === null) throw malformed("device", "is missing");
  if ((outcome === "ok") !== (code === null))
    throw malformed("code", "does not fit to the outcome");
  const isDenied = host?.decision.effect === "deny" || served?.decision.effect === "deny";
  if (isDenied && outcome === "ok") throw malformed("outcome", "is ok although a policy denied it");
}

function hostOf(value: Json | undefined): HostPart {
  const host = shape.object(value, "host", ["decision", "elapsedUs"]);
  return {
    decision: decisionOf(host["decision"], "host.decision"),
    elapsedUs: elapsedOf(host["elapsedUs"], "host.elapsedUs"),
  };
}

function servedOf(value: Json | undefined): DevicePart {
  const served = shape.object(value, "served", [
    "decision",
    "caps",
    "received",
    "returned",
    "argsSchema",
    "resultSchema",
    "outcome",
    "code",
    "elapsedUs",
  ]);
  const digest = (name: string) =>
    shape.nullable(served[name], (item) => shape.digest(item, `served.${name}`));
  return {
    decision: decisionOf(served["decision"], "served.decision"),
    caps: capsOf(served["caps"]),
    received: shape.digest(served["received"], "served.received"),
    returned: digest("returned"),
    argsSchema: digest("argsSchema"),
    resultSchema: digest("resultSchema"),
    outcome: shape.oneOf(served["outcome"], "served.outcome", OUTCOMES),
    code: shape.nullable(served["code"], (item) => shape.text(item, "served.code")),
    elapsedUs: elapsedOf(served["elapsedUs"], "served.elapsedUs"),
  };
}

function decisionOf(value: Json | undefined, where: string): DecisionRecord {
  const decision = shape.object(value, where, ["effect", "code", "rule", "reason", "policy"]);
  return {
    effect: shape.oneOf(decision["effect"], `${where}.effect`, ["allow", "deny"]),
    code: shape.nullable(decision["code"], (item) => shape.text(item, `${where}.code`)),
    rule: shape.nullable(decision["rule"], (item) => shape.text(item, `${where}.rule`)),
    reason: shape.text(decision["reason"], `${where}.reason`),
    policy: policyOf(decision["policy"], `${where}.policy`),
  };
}

function policyOf(value: Json | undefined, where: string): PolicyRef {
  const policy = shape.object(value, where, ["id", "version", "digest"]);
  return {
    id: shape.text(policy["id"], `${where}.id`),
    version: shape.count(policy["version"], `${where}.version`, 0),
    digest: shape.digest(policy["digest"], `${where}.digest`),
  };
}

function capsOf(value: Json | undefined): Caps {
  const caps = shape.object(value, "caps", ["timeoutMs", "maxBytes", "maxDepth"]);
  return {
    timeoutMs: shape.count(caps["timeoutMs"], "caps.timeoutMs", 1),
    maxBytes: shape.count(caps["maxBytes"], "caps.maxBytes", 1),
    maxDepth: shape.count(caps["maxDepth"], "caps.maxDepth", 1),
  };
}

function elapsedOf(value: Json | undefined, where: string): ElapsedUs {
  const object = shape.object(value, where, [], Object.keys(Object(value) as object));
  const phases = Object.entries(object).map(([name, us]): [string, number] => {
    return [name, shape.count(us, `${where}.${name}`, 0)];
  });
  if (phases.length > 16) throw malformed(where, "has more than 16 phases");
  return Object.fromEntries(phases);
}

function channelOf(value: Json | undefined): ChannelRecord {
  const channel = shape.object(value, "channel", ["binding", "handshake", "carrier"]);
  return {
    binding: bindingOf(channel["binding"]),
    handshake: shape.text(channel["handshake"], "channel.handshake"),
    carrier: shape.text(channel["carrier"], "channel.carrier"),
  };
}

function bindingOf(value: Json | undefined): string {
  const text = shape.text(value, "channel.binding");
  if (!/^[0-9a-f]{64}$/.test(text))
    throw malformed("channel.binding", "is not 64 hexadecimal digits");
  return text;
}
