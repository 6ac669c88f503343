/**
 * Goal: only a policy that is whole, signed by a trusted key, valid now, for this node and not older than before is
 * ever in force.
 * Method: one thing wrong at a time; every byte of a signed file flipped; real files for the store.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  canonicalBytes,
  type Json,
  type JsonObject,
} from "../../../host/shared/trust/canonical-json.ts";
import { documentBytes } from "../../../host/shared/trust/canonical-json.ts";
import { envelopeJson, signEnvelope } from "../../../host/shared/trust/dsse.ts";
import {
  openPolicy,
  POLICY_PAYLOAD_TYPE,
  type PolicyChecks,
  signPolicy,
} from "../../../host/shared/trust/policy/bundle.ts";
import { readPolicyDocument } from "../../../host/shared/trust/policy/document.ts";
import { DEFAULT_CAPS } from "../../../host/shared/trust/policy/model.ts";
import { PolicyStore } from "../../../host/shared/trust/policy/store.ts";
import { addSigner, readSigners } from "../../../host/shared/trust/signers.ts";
import { allowRead, NOW_MS, policyDocument } from "../../support/policies.ts";
import { failureCode, temporaryFolder, testPorts } from "../../support/ports.ts";
import { deviceNode, hostNode } from "../../support/receipts.ts";

const real = testPorts();
const ports = testPorts({ clock: { ...real.clock, wallMs: () => NOW_MS } });
const checks: PolicyChecks = {
  signers: [hostNode.publicKey],
  wallMs: NOW_MS,
  tenant: "home",
  device: "me",
  accepted: () => undefined,
};
const sign = (parts: JsonObject = {}, seed = hostNode.seed) =>
  signPolicy(ports, policyDocument(parts), seed);
const enforcer = { tenant: "home", device: "me" };

test("a signed policy opens with its digest and signer", () => {
  const policy = openPolicy(ports, sign(), checks);
  expect(policy).toMatchObject({ id: "test", version: 1, signer: hostNode.publicKey });
  expect(policy.digest).toMatch(/^sha256:/);
  expect(policy.rules[0]).toMatchObject({ id: "read", caps: DEFAULT_CAPS, paths: null });
});

test("a policy that nobody has signed is told how to get signed", async () => {
  for (const text of [JSON.stringify(policyDocument({})), `{ "rules": [] }\n`]) {
    const file = new TextEncoder().encode(text);
    expect(await failureCode(() => openPolicy(ports, file, checks))).toBe("signature-missing");
  }
  const nonsense = new TextEncoder().encode("[]");
  expect(await failureCode(() => openPolicy(ports, nonsense, checks))).toBe(
    "canonical-json-invalid",
  );
});

test("no byte of a signed policy can change", async () => {
  const file = sign();
  for (let at = 0; at < file.length; at++) {
    const broken = file.slice();
    broken[at] = (broken[at] as number) ^ 1;
    expect(await failureCode(() => openPolicy(ports, broken, checks)), `byte ${at}`).toMatch(
      /^(canonical-json-invalid|signature-invalid|signer-untrusted)$/,
    );
  }
});

test.each<[string, () => Uint8Array, Partial<PolicyChecks>, string]>([
  ["an unknown signer", () => sign({}, deviceNode.seed), {}, "signer-untrusted"],
  ["no trusted signers", () => sign(), { signers: [] }, "signer-untrusted"],
  ["a time before its validity", () => sign(), { wallMs: NOW_MS - 1001 }, "policy-not-yet-valid"],
  ["a time after its validity", () => sign(), { wallMs: NOW_MS + 1000 }, "policy-expired"],
  ["a broken clock", () => sign(), { wallMs: Number.NaN }, "policy-not-yet-valid"],
  ["another tenant", () => sign({ scope: { tenants: ["work"] } }), {}, "policy-scope"],
  ["another device", () => sign({ scope: { devices: ["you"] } }), {}, "policy-scope"],
  [
    "an older version",
    () => sign(),
    { accepted: () => ({ version: 2, digest: "sha256:x" }) },
    "policy-rollback",
  ],
  [
    "the same version with other content",
    () => sign(),
    { accepted: () => ({ version: 1, digest: "sha256:x" }) },
    "policy-rollback",
  ],
])("a policy with %s is refused", async (_name, file, change, code) => {
  expect(await failureCode(() => openPolicy(ports, file(), { ...checks, ...change }))).toBe(code);
});

test("the right scope, a newer version and the same version again are accepted", () => {
  const scoped = sign({ scope: { tenants: ["work", "home"], devices: ["me"] }, version: 3 });
  const { digest } = openPolicy(ports, scoped, checks);
  for (const accepted of [
    { version: 2, digest: "sha256:x" },
    { version: 3, digest },
  ]) {
    expect(openPolicy(ports, scoped, { ...checks, accepted: () => accepted }).version).toBe(3);
  }
});

test("a signed payload of another type or that is no policy is refused", async () => {
  const asFile = (type: string, payload: Uint8Array<ArrayBuffer>) =>
    documentBytes(envelopeJson(signEnvelope(ports.signatures, type, payload, hostNode.seed)));
  const other = asFile("application/json", canonicalBytes(policyDocument()));
  expect(await failureCode(() => openPolicy(ports, other, checks))).toBe("signature-invalid");
  const empty = asFile(POLICY_PAYLOAD_TYPE, canonicalBytes({}));
  expect(await failureCode(() => openPolicy(ports, empty, checks))).toBe("policy-malformed");
});

const withRule = (parts: JsonObject): Json =>
  policyDocument({ rules: [{ ...allowRead, ...parts }] });
const without = (name: string): Json => {
  const { [name]: _removed, ...rest } = policyDocument();
  return rest;
};
test.each<[string, Json]>([
  ["is no object", []],
  ["has no id", without("id")],
  ["has an unknown member", policyDocument({ more: 1 })],
  ["is of another kind", policyDocument({ kind: "mxp.policy/v2" })],
  ["has an empty id", policyDocument({ id: "" })],
  ["has version 0", policyDocument({ version: 0 })],
  ["has a broken version", policyDocument({ version: 1.5 })],
  ["has a version that is a text", policyDocument({ version: "1" })],
  ["ends before it begins", policyDocument({ notAfter: 1 })],
  ["has rules that are no list", policyDocument({ rules: {} })],
  ["has too many rules", policyDocument({ rules: Array.from({ length: 1025 }, () => allowRead) })],
  ["has two rules of one id", policyDocument({ rules: [allowRead, allowRead] })],
  ["has an unknown scope", policyDocument({ scope: { rooms: ["a"] } })],
  ["has a scope for nobody", policyDocument({ scope: { tenants: [] } })],
  ["has a rule that is no object", policyDocument({ rules: [1] })],
  ["has a rule with an unknown member", withRule({ unless: "x" })],
  ["has an unknown effect", withRule({ effect: "maybe" })],
  ["has no principals", withRule({ principals: [] })],
  ["has principals that are no list", withRule({ principals: "*" })],
  ["has a star in the middle", withRule({ principals: ["a*b"] })],
  ["has a star in the middle of a tool", withRule({ resources: ["f*s@^1"] })],
  ["has a range that is none", withRule({ resources: ["fs.read@newest"] })],
  ["has a relative path", withRule({ paths: ["data"] })],
  ["has a path that climbs", withRule({ paths: ["/data/../etc"] })],
  ["has a host in capitals", withRule({ egress: ["Example.com"] })],
  ["has no reason", withRule({ reason: "" })],
  ["has a reason too long", withRule({ reason: "x".repeat(513) })],
  ["has an unknown cap", withRule({ caps: { cpu: 1 } })],
  ["has a cap of nothing", withRule({ caps: { maxBytes: 0 } })],
  ["has caps in a prohibition", withRule({ effect: "deny", caps: {} })],
])("a document that %s is refused and cannot be signed", async (_name, document) => {
  expect(await failureCode(() => readPolicyDocument(document))).toBe("policy-malformed");
  expect(await failureCode(() => signPolicy(ports, document, hostNode.seed))).toBe(
    "policy-malformed",
  );
});

test("resources may have scoped names and no range", () => {
  const { rules } = readPolicyDocument(withRule({ resources: ["@acme/fs", "@acme/fs@^2", "x@*"] }));
  expect(rules[0]?.resources).toEqual([
    { name: "@acme/fs", range: null },
    { name: "@acme/fs", range: "^2" },
    { name: "x", range: "*" },
  ]);
});

test("a store keeps the policy of a role and never goes back", async () => {
  const state = temporaryFolder();
  const store = new PolicyStore(ports, state);
  expect(await failureCode(() => store.load("host", enforcer))).toBe("policy-missing");
  expect(await failureCode(() => store.install("host", sign(), enforcer))).toBe("signer-untrusted");
  await addSigner(ports.files, state, hostNode.publicKey);
  const first = sign();
  await store.install("host", first, enforcer);
  await store.install("host", sign({ version: 2 }), enforcer);
  expect(await store.load("host", enforcer)).toMatchObject({ version: 2 });
  expect(await failureCode(() => store.install("host", first, enforcer))).toBe("policy-rollback");
  // Putting the old file back by hand is no way around.
  writeFileSync(store.path("host"), first);
  expect(await failureCode(() => store.load("host", enforcer))).toBe("policy-rollback");
  await store.install("device", first, enforcer);
  expect(await store.load("device", enforcer)).toMatchObject({ version: 1 });
});

test("a damaged record of versions refuses instead of forgetting", async () => {
  const state = temporaryFolder();
  const store = new PolicyStore(ports, state);
  await addSigner(ports.files, state, hostNode.publicKey);
  await store.install("host", sign(), enforcer);
  const path = join(state, "policy/host.versions.json");
  expect(readFileSync(path, "utf8")).toContain('"test"');
  for (const [text, code] of [
    ['{"test":1}\n', "policy-malformed"],
    ['{"test":{"digest":"sha256:x","version":1}}\n', "policy-malformed"],
    ['{"test":{"version":"1"}}\n', "policy-malformed"],
    ["[]\n", "policy-malformed"],
    ["{}", "policy-malformed"],
  ] as const) {
    writeFileSync(path, text);
    expect(await failureCode(() => store.load("host", enforcer))).toBe(code);
  }
});

test("signers are added once, comments are kept, and a broken line is named", async () => {
  const state = temporaryFolder();
  expect(await readSigners(ports.files, state)).toEqual([]);
  writeFileSync(join(state, "signers"), "# who may sign\n\n");
  await addSigner(ports.files, state, hostNode.publicKey);
  await addSigner(ports.files, state, hostNode.publicKey);
  const path = join(state, "signers");
  writeFileSync(path, readFileSync(path, "utf8").trimEnd());
  await addSigner(ports.files, state, deviceNode.publicKey);
  expect(await readSigners(ports.files, state)).toEqual([hostNode.publicKey, deviceNode.publicKey]);
  expect(readFileSync(path, "utf8")).toMatch(/^# who may sign\n\nz6Mk\w+\nz6Mk\w+\n$/);
  for (const bytes of [Buffer.from("z6Mk?\n"), Buffer.from([0xff])]) {
    writeFileSync(path, bytes);
    await expect(readSigners(ports.files, state)).rejects.toMatchObject({
      code: "config-invalid",
      context: { line: 1 },
    });
  }
});
