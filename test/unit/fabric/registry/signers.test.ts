/**
 * Goal: signatures count exactly while their signer is trusted, by a list that an anchor has signed and that never
 * goes back; a key can be added, revoked and replaced.
 * Method: the changes in order on registries in memory, and every way in which the list can be wrong.
 */
import { expect, test } from "vitest";
import { nodeSignatures } from "../../../../host/node/signatures.ts";
import { Registry } from "../../../../host/shared/fabric/registry/registry.ts";
import {
  revokeSigner,
  rotateOwner,
  trustSigner,
} from "../../../../host/shared/fabric/registry/signer-changes.ts";
import {
  formatPublishedKey,
  parsePublishedKey,
} from "../../../../host/shared/fabric/registry/trusted-signers.ts";
import { fromUtf8, utf8 } from "../../../../host/shared/trust/bytes.ts";
import {
  canonicalBytes,
  documentBytes,
  type Json,
} from "../../../../host/shared/trust/canonical-json.ts";
import { envelopeJson, signEnvelope } from "../../../../host/shared/trust/dsse.ts";
import type { MemoryFiles } from "../../../support/memory-files.ts";
import { failureCode } from "../../../support/ports.ts";
import {
  agentObject,
  COLLEAGUE,
  FOLDER,
  memoryRegistry,
  OWNER,
  signerOf,
  STRANGER,
} from "../../../support/registry.ts";

const LIST = `${FOLDER}/trust/signers.dsse.json`;
const byOwner = { folder: FOLDER, owner: OWNER };
const asColleague = { signer: COLLEAGUE, anchors: [OWNER.publicKey] };

async function sharedRegistry() {
  const { files, ports } = await memoryRegistry();
  await trustSigner(ports, byOwner, OWNER.publicKey);
  await trustSigner(ports, byOwner, COLLEAGUE.publicKey);
  const open = async (options: Parameters<typeof memoryRegistry>[0]) =>
    (await memoryRegistry(options, files)).registry;
  return { files, ports, open };
}

test("a trusted signer's objects are read by the owner, a stranger's are not", async () => {
  const { files, ports, open } = await sharedRegistry();
  const id = await (await open(asColleague)).put(agentObject("a"));
  const registry = await open({ signer: OWNER });
  expect((await registry.get(id)).signer).toBe(COLLEAGUE.key);
  const asStranger = { signer: STRANGER, anchors: [OWNER.publicKey] };
  const theirs = await Registry.open(ports, FOLDER, asStranger);
  // Their index would lock everybody out, so they write none, and no object either.
  const before = files.all.size;
  expect(await failureCode(() => theirs.put(agentObject("b")))).toBe("signer-untrusted");
  expect(await failureCode(() => theirs.setRoots("x", []))).toBe("signer-untrusted");
  expect(files.all.size).toBe(before);
  expect((await theirs.get(id)).signer).toBe(COLLEAGUE.key);
});

test("adding is done once, and the published key files follow the list", async () => {
  const { files, ports } = await sharedRegistry();
  const before = files.all.get(LIST);
  await trustSigner(ports, byOwner, COLLEAGUE.publicKey);
  expect(files.all.get(LIST)).toBe(before);
  const path = `${FOLDER}/trust/keys/${COLLEAGUE.key}.pub`;
  const text = fromUtf8(files.all.get(path) as Uint8Array) as string;
  expect(parsePublishedKey(text)).toEqual(COLLEAGUE.publicKey);
  await revokeSigner(ports, byOwner, COLLEAGUE.publicKey, "lost laptop");
  expect(files.all.has(path)).toBe(false);
});

test("a key file alone makes nobody trusted", async () => {
  const { files, open } = await sharedRegistry();
  const text = utf8(formatPublishedKey(STRANGER.publicKey));
  files.all.set(`${FOLDER}/trust/keys/${STRANGER.key}.pub`, text);
  const registry = await open({ signer: OWNER });
  expect((await registry.signers()).keyOf(STRANGER.key)).toBeNull();
});

test("from a revocation on, what only that key has signed is refused, in open registries too", async () => {
  const { ports, open } = await sharedRegistry();
  const theirs = await open(asColleague);
  const [only, both] = await theirs.putAll([agentObject("only"), agentObject("both")]);
  const registry = await open({ signer: OWNER });
  await registry.put(agentObject("both"));
  expect((await registry.get(only as string)).signer).toBe(COLLEAGUE.key);
  await revokeSigner(ports, byOwner, COLLEAGUE.publicKey, "lost laptop");
  expect(await failureCode(() => registry.get(only as string))).toBe("signer-untrusted");
  expect((await registry.get(both as string)).signer).toBe(OWNER.key);
  expect((await registry.signers()).document.revoked).toEqual([
    { key: COLLEAGUE.key, reason: "lost laptop" },
  ]);
  // The holder of the revoked key writes nothing any more.
  expect(await failureCode(() => theirs.put(agentObject("late")))).toBe("signer-untrusted");
  expect(await registry.list()).toHaveLength(2);
});

test("revoked is revoked: not twice, and never trusted again", async () => {
  const { files, ports } = await sharedRegistry();
  await revokeSigner(ports, byOwner, COLLEAGUE.publicKey, "lost");
  const list = files.all.get(LIST);
  await revokeSigner(ports, byOwner, COLLEAGUE.publicKey, "again");
  expect(files.all.get(LIST)).toBe(list);
  expect(await failureCode(() => trustSigner(ports, byOwner, COLLEAGUE.publicKey))).toBe(
    "signer-untrusted",
  );
  expect(await failureCode(() => revokeSigner(ports, byOwner, OWNER.publicKey, "x"))).toBe(
    "argument-invalid",
  );
  expect(await failureCode(() => revokeSigner(ports, byOwner, STRANGER.publicKey, ""))).toBe(
    "signature-invalid",
  );
});

test("an older list, from before the revocation, is refused; so is a missing one", async () => {
  const { files, ports, open } = await sharedRegistry();
  const old = files.all.get(LIST) as Uint8Array<ArrayBuffer>;
  const registry = await open({ signer: OWNER });
  await revokeSigner(ports, byOwner, COLLEAGUE.publicKey, "lost");
  const present = files.all.get(LIST) as Uint8Array<ArrayBuffer>;
  const id = await registry.put(agentObject("a"));
  for (const list of [old, null]) {
    if (list === null) files.all.delete(LIST);
    else files.all.set(LIST, list);
    expect(await failureCode(() => registry.list())).toBe("signature-invalid");
    expect(await failureCode(() => registry.get(id))).toBe("signature-invalid");
    // One that is opened only now learns the version from the index.
    expect(await failureCode(() => open({ signer: OWNER }))).toBe("signature-invalid");
  }
  files.all.set(LIST, present);
  expect((await registry.get(id)).id).toBe(id);
});

test("the owner's key is replaced: everything is signed anew and the old key is worthless", async () => {
  const { ports, open } = await sharedRegistry();
  const registry = await open({ signer: OWNER });
  const ids = await registry.putAll([agentObject("a"), agentObject("b")]);
  const blob = await registry.putBlob({ kind: "dialect", address: null, bytes: utf8("x") });
  await registry.setRoots("view:x", [blob]);
  const next = signerOf(9);
  expect(await rotateOwner(ports, byOwner, next)).toBe(3);
  const after = await open({ signer: next });
  for (const id of ids) expect((await after.get(id)).signer).toBe(next.key);
  expect((await after.getBlob(blob)).signer).toBe(next.key);
  expect((await after.signers()).isRevoked(OWNER.key)).toBe(true);
  // Who only knows the old key believes nothing until the new one is pinned.
  expect(await failureCode(() => open({ anchors: [OWNER.publicKey] }))).toBe("signer-untrusted");
});

test("a rotation does not vouch for what has rotted or was forged", async () => {
  const { files, ports, open } = await sharedRegistry();
  const id = await (await open({ signer: OWNER })).put(agentObject("a"));
  files.all.set(`${FOLDER}/cas/sha256/${id}.json`, utf8("{}"));
  expect(await failureCode(() => rotateOwner(ports, byOwner, signerOf(9)))).toBe("object-corrupt");
});

// --- the list itself ---

function setList(files: MemoryFiles, document: Json, signer = OWNER, type = TYPE): void {
  const payload = canonicalBytes(document);
  const envelope = signEnvelope(nodeSignatures, type, payload, signer.seed);
  files.all.set(LIST, documentBytes(envelopeJson(envelope)));
}

const TYPE = "application/vnd.mxp.registry-signers.v1+json";
const GOOD = {
  kind: "mxp.registry-signers/v1",
  version: 9,
  trusted: [OWNER.key],
  revoked: [],
} as const;

test.each([
  ["signed by a stranger", "signer-untrusted", GOOD, STRANGER, TYPE],
  ["of another type", "signature-invalid", GOOD, OWNER, "text/plain"],
  ["of another kind", "signature-invalid", { ...GOOD, kind: "x" }, OWNER, TYPE],
  ["without a member", "signature-invalid", { kind: GOOD.kind }, OWNER, TYPE],
  ["with one member more", "signature-invalid", { ...GOOD, more: 1 }, OWNER, TYPE],
  ["of version 0", "signature-invalid", { ...GOOD, version: 0 }, OWNER, TYPE],
  ["with no list", "signature-invalid", { ...GOOD, trusted: {} }, OWNER, TYPE],
  [
    "with too many",
    "signature-invalid",
    { ...GOOD, trusted: Array(65).fill(OWNER.key) },
    OWNER,
    TYPE,
  ],
  ["with a key that is none", "signature-invalid", { ...GOOD, trusted: ["z6Mk"] }, OWNER, TYPE],
  ["with a static key", "signature-invalid", { ...GOOD, trusted: ["z6LSabc"] }, OWNER, TYPE],
  ["revoking nobody", "signature-invalid", { ...GOOD, revoked: [{ key: "x" }] }, OWNER, TYPE],
  ["no object", "signature-invalid", [], OWNER, TYPE],
] as const)("a list %s is refused (%s)", async (_, code, document, signer, type) => {
  const { files } = await sharedRegistry();
  setList(files, document, signer, type);
  expect(await failureCode(() => memoryRegistry({ signer: OWNER }, files))).toBe(code);
});

test("a list that is signed as it should be is accepted, and a revoked key in both parts is revoked", async () => {
  const { files } = await sharedRegistry();
  const revoked = [{ key: COLLEAGUE.key, reason: "x" }];
  setList(files, { ...GOOD, trusted: [OWNER.key, COLLEAGUE.key], revoked });
  const { registry } = await memoryRegistry({ signer: OWNER }, files);
  const signers = await registry.signers();
  expect(signers.keyOf(COLLEAGUE.key)).toBeNull();
  expect(signers.keyOf(OWNER.key)).toEqual(OWNER.publicKey);
});

test("a list that was changed is refused", async () => {
  const { files } = await sharedRegistry();
  const bytes = files.all.get(LIST) as Uint8Array<ArrayBuffer>;
  for (let at = 0; at < bytes.length; at += 7) {
    const changed = bytes.slice();
    changed[at] = (changed[at] as number) ^ 0x01;
    files.all.set(LIST, changed);
    expect(await failureCode(() => memoryRegistry({ signer: OWNER }, files))).not.toBe("none");
  }
});

test("keys in the published form are read strictly", () => {
  const text = formatPublishedKey(OWNER.publicKey);
  expect(parsePublishedKey(`${text}\n`)).toEqual(OWNER.publicKey);
  for (const wrong of [
    "",
    text.slice(8),
    `${text} `,
    `${text}\n\n`,
    text.slice(0, -4),
    "ed25519:%",
  ]) {
    expect(parsePublishedKey(wrong)).toBeNull();
  }
});
