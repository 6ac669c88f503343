/**
 * Goal: a receipt says exactly what both ends know, is signed only by those who agree, and reads back only whole.
 * Method: every member changed to a wrong one; every fact of the device contradicted; signatures mixed up.
 */
import { expect, test } from "vitest";
import { nodeSignatures } from "../../../host/node/signatures.ts";
import {
  canonicalBytes,
  documentBytes,
  type Json,
  type JsonObject,
} from "../../../host/shared/trust/canonical-json.ts";
import { bundleJson, makeBundle } from "../../../host/shared/trust/bundle.ts";
import { signEnvelope } from "../../../host/shared/trust/dsse.ts";
import { createIdentity } from "../../../host/shared/trust/identity.ts";
import { evaluate } from "../../../host/shared/trust/policy/evaluate.ts";
import { explainReceipt } from "../../../host/shared/trust/receipt/explain.ts";
import { type ReceiptFacts, recordDecision } from "../../../host/shared/trust/receipt/fields.ts";
import {
  deviceDifferences,
  parseReceipt,
  receiptBytes,
  signReceipt,
  verifyReceipt,
} from "../../../host/shared/trust/receipt/sign.ts";
import {
  composeReceipt,
  readDeviceFacts,
  readReceipt,
} from "../../../host/shared/trust/receipt/statement.ts";
import {
  parseStatement,
  STATEMENT_PAYLOAD_TYPE,
  statementBytes,
} from "../../../host/shared/trust/statement.ts";
import { NOW_MS, allowRead, policyOf, requestOf } from "../../support/policies.ts";
import { failureCode, testPorts } from "../../support/ports.ts";
import {
  deviceFactsOf,
  deviceNode,
  digestOf,
  factsOf,
  hostNode,
  receiptOf,
  served,
} from "../../support/receipts.ts";

const ports = testPorts();

/** A call that no device served. */
const offline: Partial<ReceiptFacts> = {
  device: null,
  served: null,
  channel: null,
  delivered: null,
  outcome: "device-offline",
  code: "device-offline",
};

test.each<[string, Partial<ReceiptFacts>]>([
  ["that went well", {}],
  ["without a device", offline],
  ["that only the device has notes of", { host: null, sent: null, delivered: null }],
  ["whose outcome is unknown", { outcome: "unknown", code: "outcome-unknown", delivered: null }],
  ["that failed", { outcome: "failed", code: "tool-failed" }],
  [
    "that the device denied",
    {
      outcome: "denied",
      code: "path-denied",
      served: {
        ...served,
        decision: { ...served.decision, effect: "deny", code: "path-denied" },
        outcome: "denied",
        code: "path-denied",
      },
    },
  ],
])("the statement of a call %s reads back", (_name, parts) => {
  const facts = factsOf(parts);
  const statement = composeReceipt(facts);
  expect(readReceipt(statement)).toEqual(facts);
  expect(parseStatement(statement).subjects[0]).toEqual({
    name: "request",
    digest: digestOf("a"),
  });
});

test("the subjects are the request and the result, as whoever signs first knows them", () => {
  const names = (parts: Partial<ReceiptFacts>) =>
    parseStatement(composeReceipt(factsOf(parts))).subjects.map(({ name }) => name);
  expect(names({})).toEqual(["request", "result"]);
  expect(names({ delivered: null })).toEqual(["request"]);
  expect(names({ host: null, sent: null, delivered: null })).toEqual(["request", "result"]);
  const unreturned = { ...served, returned: null };
  expect(names({ host: null, sent: null, delivered: null, served: unreturned })).toEqual([
    "request",
  ]);
  expect(() => composeReceipt(factsOf({ ...offline, sent: null }))).toThrow(/receipt-invalid/);
});

/** A statement with another predicate, built around the checks of `composeReceipt`. */
function forged(change: (predicate: Record<string, Json>) => Record<string, Json>) {
  const { subjects, predicateType, predicate } = parseStatement(composeReceipt(factsOf()));
  return statementBytes({ subjects, predicateType, predicate: change({ ...predicate }) });
}

const change = (parts: JsonObject) => (predicate: Record<string, Json>) => ({
  ...predicate,
  ...parts,
});
const within = (name: string, parts: JsonObject) => (predicate: Record<string, Json>) => ({
  ...predicate,
  [name]: { ...(predicate[name] as JsonObject), ...parts },
});
const decisionWith = (parts: JsonObject): JsonObject => ({
  ...(served.decision as unknown as JsonObject),
  ...parts,
});

test.each<[string, (predicate: Record<string, Json>) => Record<string, Json>]>([
  ["a member more", change({ more: 1 })],
  ["a member less", ({ client: _client, ...rest }) => rest],
  ["an id that is a path", change({ correlationId: "../x" })],
  ["an empty id", change({ correlationId: "" })],
  ["no tenant", change({ tenant: 1 })],
  ["no caller", change({ caller: null })],
  ["a device that is no text", change({ device: 1 })],
  ["a tool without a version", change({ tool: { name: "fs.read" } })],
  ["a negative generation", change({ planGeneration: -1 })],
  ["a broken cap", within("caps", { maxBytes: 0.5 })],
  ["a cap more", within("caps", { cpu: 1 })],
  ["an outcome that is none", change({ outcome: "maybe" })],
  ["a code with a good outcome", change({ code: "tool-failed" })],
  ["a bad outcome without a code", change({ outcome: "failed" })],
  ["a digest that is none", change({ sent: "sha256:x" })],
  ["a result that is none", change({ delivered: 1 })],
  ["another request than its subject", change({ sent: digestOf("f") })],
  ["truncation that is no truth", change({ isTruncated: 1 })],
  ["nobody who served and decided", change({ host: null, served: null, sent: null })],
  ["a request without a host", change({ host: null })],
  ["a host without a request", change({ sent: null })],
  ["a service without a device", change({ device: null })],
  [
    "a success that the host denied",
    within("host", { decision: decisionWith({ effect: "deny" }) }),
  ],
  [
    "a success that the device denied",
    within("served", {
      decision: decisionWith({ effect: "deny" }),
    }),
  ],
  ["a decision without an effect", within("host", { decision: decisionWith({ effect: "maybe" }) })],
  [
    "a policy without a digest",
    within("host", {
      decision: decisionWith({ policy: { id: "test", version: 1 } }),
    }),
  ],
  ["a time that is negative", within("host", { elapsedUs: { policy: -1 } })],
  ["times that are no object", within("host", { elapsedUs: [] })],
  [
    "too many times",
    within("host", {
      elapsedUs: Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`p${at}`, 1])),
    }),
  ],
  ["a service without a request", within("served", { received: null })],
  ["a service that is no object", change({ served: 1 })],
  ["a schema that is no digest", within("served", { argsSchema: "x" })],
  ["a channel binding that is none", within("channel", { binding: "E".repeat(64) })],
  ["a channel without a carrier", within("channel", { carrier: "" })],
])("a statement with %s is refused", async (_name, how) => {
  expect(await failureCode(() => readReceipt(forged(how)))).toBe("receipt-invalid");
});

test("a statement of another kind is refused", async () => {
  const { subjects, predicate } = parseStatement(composeReceipt(factsOf()));
  const other = statementBytes({ subjects, predicateType: "urn:other", predicate });
  expect(await failureCode(() => readReceipt(other))).toBe("receipt-invalid");
});

test("a device's notes read back from its answer", async () => {
  const noted = deviceFactsOf();
  expect(readDeviceFacts(noted as unknown as Json)).toEqual(noted);
  for (const parts of [{ device: null }, { channelBinding: "x" }, { served: null }, { more: 1 }]) {
    const value = { ...noted, ...parts } as unknown as Json;
    expect(await failureCode(() => readDeviceFacts(value))).toBe("receipt-invalid");
  }
});

test("a device signs what agrees with its notes and names everything that does not", () => {
  const statement = composeReceipt(factsOf());
  expect(deviceDifferences(statement, deviceFactsOf())).toEqual([]);
  for (const [parts, names] of [
    [{ tenant: "work" }, ["tenant"]],
    [{ caller: deviceNode.id }, ["caller"]],
    [{ auditId: "x", planGeneration: 2 }, ["auditId", "planGeneration"]],
    [{ tool: { name: "fs.read", version: "1.0.1" } }, ["tool"]],
    [{ served: { ...served, returned: digestOf("9") } }, ["served"]],
    [{ channelBinding: "0".repeat(64) }, ["channel.binding"]],
  ] as const) {
    expect(deviceDifferences(statement, deviceFactsOf(parts))).toEqual(names);
  }
  const unconnected = composeReceipt(factsOf({ channel: null }));
  expect(deviceDifferences(unconnected, deviceFactsOf())).toEqual(["channel.binding"]);
});

test("a receipt verifies with both signatures, with the host's and with the device's alone", () => {
  const both = verifyReceipt(ports, receiptOf());
  expect(both).toEqual({ facts: factsOf(), host: hostNode.id, device: deviceNode.id });
  expect(verifyReceipt(ports, receiptOf(offline))).toMatchObject({ device: null });
  const alone = { host: null, sent: null, delivered: null };
  expect(verifyReceipt(ports, receiptOf(alone))).toMatchObject({
    host: null,
    device: deviceNode.id,
  });
  const statement = composeReceipt(factsOf());
  const uncountersigned = receiptBytes(signReceipt(ports, statement, hostNode), null);
  expect(verifyReceipt(ports, uncountersigned)).toMatchObject({ device: null });
});

test("a receipt is refused when somebody signed who should not have", async () => {
  const statement = composeReceipt(factsOf());
  const byHost = signReceipt(ports, statement, hostNode);
  const byDevice = signReceipt(ports, statement, deviceNode);
  const stranger = createIdentity(ports.random, nodeSignatures);
  const byStranger = signReceipt(ports, statement, stranger);
  const unserved = composeReceipt(factsOf({ ...offline, device: deviceNode.id }));
  const renamed = makeBundle({ ...byHost.envelope, keyId: byDevice.envelope.keyId });
  for (const [file, code] of [
    [receiptBytes(byDevice, byHost), "signature-invalid"],
    [receiptBytes(byStranger, byDevice), "signature-invalid"],
    [receiptBytes(byHost, byStranger), "signature-invalid"],
    [receiptBytes(renamed, byDevice), "receipt-invalid"],
    [receiptBytes(null, byDevice), "receipt-invalid"],
    [receiptBytes(null, null), "receipt-invalid"],
    [receiptBytes(byHost, signReceipt(ports, unserved, deviceNode)), "receipt-invalid"],
    [
      receiptBytes(
        signReceipt(ports, unserved, hostNode),
        signReceipt(ports, unserved, deviceNode),
      ),
      "receipt-invalid",
    ],
    [
      documentBytes({ kind: "mxp.receipt/v2", host: bundleJson(byHost), device: null }),
      "receipt-invalid",
    ],
    [documentBytes({ kind: "mxp.receipt/v1", host: bundleJson(byHost) }), "receipt-invalid"],
  ] as const) {
    expect(await failureCode(() => verifyReceipt(ports, file))).toBe(code);
  }
});

test("a receipt is refused for ids that are no keys and for other signers than expected", async () => {
  for (const parts of [{ caller: "me" }, { device: "12D3KooW" }]) {
    const file = receiptOf(parts);
    expect(await failureCode(() => verifyReceipt(ports, file))).toBe("receipt-invalid");
  }
  const anonymous = receiptBytes(
    signReceipt(ports, composeReceipt(factsOf(offline)), hostNode),
    signReceipt(ports, composeReceipt(factsOf(offline)), deviceNode),
  );
  expect(await failureCode(() => verifyReceipt(ports, anonymous))).toBe("receipt-invalid");
  for (const expected of [{ host: deviceNode.id }, { device: hostNode.id }]) {
    const task = () => verifyReceipt(ports, receiptOf(), expected);
    expect(await failureCode(task)).toBe("receipt-invalid");
  }
  expect(await failureCode(() => verifyReceipt(ports, receiptOf(offline), { device: "x" }))).toBe(
    "receipt-invalid",
  );
});

test("a signed statement that is no receipt is refused", async () => {
  const payload = canonicalBytes({ a: 1 });
  const envelope = signEnvelope(ports.signatures, STATEMENT_PAYLOAD_TYPE, payload, hostNode.seed);
  const file = receiptBytes(makeBundle(envelope), null);
  expect(parseReceipt(file).device).toBeNull();
  expect(await failureCode(() => verifyReceipt(ports, file))).toBe("receipt-invalid");
});

test("a decision is recorded with its policy and rule", () => {
  const decision = evaluate(policyOf(allowRead), requestOf(), NOW_MS);
  expect(recordDecision(decision)).toEqual({
    effect: "allow",
    code: null,
    rule: "read",
    reason: "Reading is allowed",
    policy: decision.policy,
  });
});

test("an explanation names rules, route, limits, content and the time of each phase", () => {
  const { lines, phases, outcome } = explainReceipt(factsOf());
  expect(outcome).toBe("ok");
  expect(phases.map(({ where, name }) => `${where} ${name}`)).toEqual([
    "host lane",
    "host policy",
    "device tool",
    "device policy",
  ]);
  expect(lines[0]).toBe("fs.read@1.0.0 asked by local: ok");
  expect(lines).toContain("device tool: 900 µs");
  expect(lines.join("\n")).toContain("by udp, Noise_IK_25519_ChaChaPoly_SHA256");
});

test.each<[string, Partial<ReceiptFacts>, string]>([
  ["no device", offline, "no device"],
  ["no connection", { ...offline, device: deviceNode.id }, "not connected"],
  ["nothing served", offline, "nothing reached a device"],
  ["the host's silence", { host: null, sent: null }, "the host has not signed"],
  ["a changed request", { sent: digestOf("f") }, "received another request"],
  ["no result", { delivered: null, outcome: "failed", code: "tool-failed" }, "no result"],
  ["a cut result", { isTruncated: true, delivered: digestOf("f") }, "cut to the limit"],
  ["a mapped result", { delivered: digestOf("f") }, "in another form"],
  [
    "a denial",
    {
      ...offline,
      outcome: "denied",
      code: "policy-denied",
      host: {
        decision: { ...served.decision, effect: "deny", code: "policy-denied", rule: null },
        elapsedUs: {},
      },
    },
    "deny by no rule",
  ],
])("an explanation tells of %s", (_name, parts, text) => {
  expect(explainReceipt(factsOf(parts)).lines.join("\n")).toContain(text);
});
