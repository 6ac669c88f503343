/**
 * Goal: the index is believed only as its trusted signer wrote it, and unsigned things only where that is allowed.
 * Method: everything that can be taken away from it or changed in it, also by someone who holds the key, with the code
 * it ends in; then each combination of strictness, keys and patterns.
 */
import { expect, test } from "vitest";
import { nodeSignatures } from "../../../../host/node/signatures.ts";
import type { RegistryOptions } from "../../../../host/shared/fabric/registry/index-file.ts";
import { signClaim } from "../../../../host/shared/fabric/registry/signature.ts";
import { parseSymbolAddress } from "../../../../host/shared/fabric/symbol.ts";
import { encodeBase64 } from "../../../../host/shared/trust/base64.ts";
import { fromUtf8, utf8 } from "../../../../host/shared/trust/bytes.ts";
import {
  canonicalBytes,
  documentBytes,
  type Json,
  type JsonObject,
} from "../../../../host/shared/trust/canonical-json.ts";
import { preAuthEncoding } from "../../../../host/shared/trust/dsse.ts";
import { MemoryFiles } from "../../../support/memory-files.ts";
import { failureCode } from "../../../support/ports.ts";
import {
  agentObject,
  COLLEAGUE,
  editFile,
  FOLDER,
  memoryRegistry,
  OWNER,
  STRANGER,
} from "../../../support/registry.ts";

const INDEX = `${FOLDER}/index.json`;
const ADDRESS = "rtt://test/agent/a@1.0.0";
const OTHER_ID = "0".repeat(64);
const signaturePath = (id: string): string => `${FOLDER}/cas/sha256/${id}.dsse`;
const claim = (id: string) =>
  ({ id, kind: "agent", address: parseSymbolAddress(ADDRESS), extension: "json" }) as const;

async function registryWithAgent() {
  const world = await memoryRegistry();
  const id = await world.registry.put(agentObject("a"));
  return { ...world, id };
}

const without = (value: JsonObject, name: string): JsonObject =>
  Object.fromEntries(Object.entries(value).filter(([member]) => member !== name));

/** An index that the owner really signs, whatever is in it. */
function signedIndex(change: (body: JsonObject) => JsonObject, files: MemoryFiles): void {
  const value = JSON.parse(fromUtf8(files.all.get(INDEX)!) as string) as JsonObject;
  const body = without(value, "sign");
  const changed = change(body);
  const pae = preAuthEncoding(
    "application/vnd.mxp.registry-index.v1+json",
    canonicalBytes(changed),
  );
  const sig = encodeBase64(nodeSignatures.sign(OWNER.seed, pae));
  const sign = { alg: "ed25519", key_id: `ed25519:${OWNER.key}`, sig };
  files.all.set(INDEX, documentBytes({ ...changed, sign }));
}

const rewrite = (files: MemoryFiles, change: (value: Record<string, Json>) => object): void => {
  const value = JSON.parse(fromUtf8(files.all.get(INDEX)!) as string) as Record<string, Json>;
  files.all.set(INDEX, documentBytes(change(value) as Json));
};
const withoutSign = (value: Record<string, Json>): object => without(value, "sign");

const INDEX_ATTACKS: readonly [string, string, (files: MemoryFiles) => void][] = [
  ["its signature is taken away", "signature-missing", (files) => rewrite(files, withoutSign)],
  [
    "its signature is null",
    "signature-invalid",
    (files) => rewrite(files, (value) => ({ ...value, sign: null })),
  ],
  [
    "its algorithm is none",
    "signature-invalid",
    (files) => editFile(files, INDEX, (text) => text.replace('"alg":"ed25519"', '"alg":"none"')),
  ],
  [
    "its key is of another kind",
    "signature-invalid",
    (files) =>
      editFile(files, INDEX, (text) => text.replace('"key_id":"ed25519:', '"key_id":"rsa:')),
  ],
  [
    "its signer is a stranger",
    "signer-untrusted",
    (files) =>
      editFile(files, INDEX, (text) =>
        text.replace(`"key_id":"ed25519:${OWNER.key}`, `"key_id":"ed25519:${STRANGER.key}`),
      ),
  ],
  [
    "its signature is no base64",
    "signature-invalid",
    (files) => editFile(files, INDEX, (text) => text.replace('"sig":"', '"sig":"*')),
  ],
  ["it is no object", "signature-invalid", (files) => files.all.set(INDEX, utf8("[]\n"))],
  [
    "it is not canonical",
    "canonical-json-invalid",
    (files) => editFile(files, INDEX, (text) => ` ${text}`),
  ],
  [
    "it has a name twice",
    "canonical-json-invalid",
    (files) => editFile(files, INDEX, (text) => text.replace("{", '{"agents":{},')),
  ],
  [
    "it is deep",
    "canonical-json-invalid",
    (files) => files.all.set(INDEX, utf8(`${"[".repeat(9)}${"]".repeat(9)}\n`)),
  ],
  ["it is empty", "canonical-json-invalid", (files) => files.all.set(INDEX, new Uint8Array())],
  [
    "its format is another",
    "signature-invalid",
    (files) => signedIndex((body) => ({ ...body, format: "x" }), files),
  ],
  [
    "a member is missing",
    "signature-invalid",
    (files) => signedIndex((body) => without(body, "roots"), files),
  ],
  [
    "a member is unknown",
    "signature-invalid",
    (files) => signedIndex((body) => ({ ...body, more: 1 }), files),
  ],
  [
    "its generation is none",
    "signature-invalid",
    (files) => signedIndex((body) => ({ ...body, generation: -1 }), files),
  ],
  [
    "its signers are none",
    "signature-invalid",
    (files) => signedIndex((body) => ({ ...body, signers: {} }), files),
  ],
  [
    "a signer is of another form",
    "signature-invalid",
    (files) => signedIndex((body) => ({ ...body, signers: [1] }), files),
  ],
  [
    "its objects are a list",
    "signature-invalid",
    (files) => signedIndex((body) => ({ ...body, objects: [] }), files),
  ],
  [
    "an address is none",
    "symbol-invalid",
    (files) =>
      signedIndex((body) => ({ ...body, objects: { "../x": { id: "x", kind: "agent" } } }), files),
  ],
  [
    "an id is none",
    "signature-invalid",
    (files) =>
      signedIndex((body) => ({ ...body, objects: { [ADDRESS]: { id: "x", kind: "a" } } }), files),
  ],
  [
    "a kind is none",
    "signature-invalid",
    (files) =>
      signedIndex(
        (body) => ({ ...body, objects: { [ADDRESS]: { id: `sha256:${OTHER_ID}`, kind: "A" } } }),
        files,
      ),
  ],
  [
    "a label is none",
    "signature-invalid",
    (files) =>
      signedIndex((body) => {
        const entry = { id: `sha256:${OTHER_ID}`, kind: "agent", label: "__proto__" };
        return { ...body, objects: { [ADDRESS]: entry } };
      }, files),
  ],
  [
    "a kind has no labels",
    "signature-invalid",
    (files) =>
      signedIndex((body) => {
        const entry = { id: `sha256:${OTHER_ID}`, kind: "constructor", label: "a" };
        return { ...body, objects: { [ADDRESS]: entry } };
      }, files),
  ],
  [
    "a published name leads elsewhere",
    "signature-invalid",
    (files) =>
      signedIndex((body) => ({ ...body, agents: { "a@1.0.0": `sha256:${OTHER_ID}` } }), files),
  ],
  [
    "a root's name is none",
    "signature-invalid",
    (files) => signedIndex((body) => ({ ...body, roots: { "../x": [] } }), files),
  ],
  [
    "a root is no list",
    "signature-invalid",
    (files) => signedIndex((body) => ({ ...body, roots: { x: 1 } }), files),
  ],
  [
    "a root is no id",
    "signature-invalid",
    (files) => signedIndex((body) => ({ ...body, roots: { x: ["y"] } }), files),
  ],
  [
    "it knows a newer list of signers",
    "signature-invalid",
    (files) => signedIndex((body) => ({ ...body, signers_version: 7 }), files),
  ],
];

test.each(INDEX_ATTACKS)("an index is refused when %s (%s)", async (_, code, attack) => {
  const { files, registry, id } = await registryWithAgent();
  attack(files);
  expect(await failureCode(() => memoryRegistry({ signer: OWNER }, files))).toBe(code);
  // The registry that was open before notices as well; an object by its id needs no index.
  expect((await registry.get(id)).id).toBe(id);
  expect(await failureCode(() => registry.find(ADDRESS))).toBe(code);
  expect(await failureCode(() => registry.list())).toBe(code);
  expect(await failureCode(() => registry.put(agentObject("b")))).toBe(code);
});

test("a signed index that is as it should be is accepted, so that the attacks above are the reason", async () => {
  const { files } = await registryWithAgent();
  signedIndex((body) => body, files);
  const { registry } = await memoryRegistry({ signer: OWNER }, files);
  expect((await registry.find(ADDRESS)).kind).toBe("agent");
});

// --- strict or not ---

async function reopened(files: MemoryFiles, options: RegistryOptions) {
  return (await memoryRegistry(options, files)).registry;
}

test("without a key a strict registry is only read", async () => {
  const { files, id } = await registryWithAgent();
  const registry = await reopened(files, { anchors: [OWNER.publicKey] });
  expect((await registry.get(id)).signer).toBe(OWNER.key);
  expect(await failureCode(() => registry.put(agentObject("b")))).toBe("signature-missing");
  expect(await failureCode(() => registry.setRoots("x", []))).toBe("signature-missing");
});

test("without anchors nothing is believed", async () => {
  const { files } = await registryWithAgent();
  expect(await failureCode(() => reopened(files, {}))).toBe("signer-untrusted");
  expect(await failureCode(() => reopened(files, { anchors: [COLLEAGUE.publicKey] }))).toBe(
    "signer-untrusted",
  );
});

test("an unsigned symbol is read where a pattern allows it, and only there", async () => {
  const { files, id } = await registryWithAgent();
  files.all.delete(signaturePath(id));
  const allowing = async (...allowUnsigned: string[]) =>
    failureCode(async () => {
      const registry = await reopened(files, { signer: OWNER, allowUnsigned });
      const found = await registry.get(id);
      expect(found).toMatchObject({ kind: "agent", signer: null });
      expect((await registry.find(ADDRESS)).signer).toBeNull();
    });
  expect(await allowing("test/*")).toBe("none");
  expect(await allowing("x", "*/agent/a")).toBe("none");
  expect(await allowing("t*t/*g*/a")).toBe("none");
  expect(await allowing("*")).toBe("none");
  expect(await allowing("dev/*", "test", "test/agent", "est/*", "*/b", "")).toBe(
    "signature-missing",
  );
});

test("a registry that is not strict reads what is unsigned, but nothing that is forged", async () => {
  const files = new MemoryFiles();
  const loose = { strict: false } as const;
  const registry = await reopened(files, loose);
  const id = await registry.put(agentObject("a"));
  expect(await registry.get(id)).toMatchObject({ kind: "agent", signer: null });
  const nameless = await registry.put({ ...agentObject("b"), address: null });
  expect(await registry.get(nameless)).toMatchObject({ kind: "agent", address: null });
  const odd = await registry.put({ kind: "note", address: null, body: 1 });
  expect((await registry.get(odd)).kind).toBe("unknown");
  const blob = await registry.putBlob({ kind: "note", address: null, bytes: utf8("x") });
  expect((await registry.getBlob(blob)).kind).toBe("unknown");
  expect((await (await reopened(files, loose)).find(ADDRESS)).signer).toBeNull();
  expect(await failureCode(() => reopened(files, { signer: OWNER }))).toBe("signature-missing");
  files.all.set(signaturePath(id), signClaim(nodeSignatures, claim(id), STRANGER.seed));
  expect(await failureCode(() => registry.get(id))).toBe("signer-untrusted");
});
