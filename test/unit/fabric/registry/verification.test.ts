/**
 * Goal: verification fails closed in every branch, a stripped signature first of all.
 * Method: each thing that can be taken away, changed, swapped or forged, one at a time, with the code it ends in; and
 * every byte of a small registry changed.
 */
import { expect, test } from "vitest";
import { nodeSignatures } from "../../../../host/node/signatures.ts";
import type { RegistryOptions } from "../../../../host/shared/fabric/registry/index-file.ts";
import { signClaim } from "../../../../host/shared/fabric/registry/signature.ts";
import { parseSymbolAddress } from "../../../../host/shared/fabric/symbol.ts";
import { concatBytes, fromUtf8, utf8 } from "../../../../host/shared/trust/bytes.ts";
import {
  canonicalBytes,
  documentBytes,
  type Json,
  type JsonObject,
} from "../../../../host/shared/trust/canonical-json.ts";
import { envelopeJson, preAuthEncoding, signEnvelope } from "../../../../host/shared/trust/dsse.ts";
import { encodeBase64 } from "../../../../host/shared/trust/base64.ts";
import { statementBytes, type Statement } from "../../../../host/shared/trust/statement.ts";
import { MemoryFiles } from "../../../support/memory-files.ts";
import { failureCode } from "../../../support/ports.ts";
import {
  agentObject,
  COLLEAGUE,
  FOLDER,
  memoryRegistry,
  OWNER,
  STRANGER,
} from "../../../support/registry.ts";

const INDEX = `${FOLDER}/index.json`;
const ADDRESS = "rtt://test/agent/a@1.0.0";
const objectPath = (id: string): string => `${FOLDER}/cas/sha256/${id}.json`;
const signaturePath = (id: string): string => `${FOLDER}/cas/sha256/${id}.dsse`;

async function registryWithAgent() {
  const world = await memoryRegistry();
  const id = await world.registry.put(agentObject("a"));
  return { ...world, id };
}

type World = Awaited<ReturnType<typeof registryWithAgent>>;

function edit(files: MemoryFiles, path: string, change: (text: string) => string): void {
  files.all.set(path, utf8(change(fromUtf8(files.all.get(path) as Uint8Array) as string)));
}

/** The code that reading by id and by address ends with; they have to agree. */
async function codeOf({ registry, id }: World): Promise<string> {
  const code = await failureCode(() => registry.get(id));
  expect(await failureCode(() => registry.find(ADDRESS))).toBe(code);
  const byVerify = await failureCode(() => registry.verify(parseSymbolAddress(ADDRESS)));
  expect(byVerify).toBe(code);
  return code;
}

// --- the object and its signature ---

const statementOf = (id: string, more: Partial<Statement> = {}): Statement => ({
  subjects: [{ name: ADDRESS, digest: `sha256:${id}` }],
  predicateType: "urn:mxp:registry-object:v1",
  predicate: { kind: "agent", form: "json" },
  ...more,
});

/** A signature file of one line over whatever `payload` is. */
function lineOf(payload: Uint8Array<ArrayBuffer>, type = "application/vnd.in-toto+json") {
  return documentBytes(envelopeJson(signEnvelope(nodeSignatures, type, payload, OWNER.seed)));
}

const signed = (statement: Statement): Uint8Array<ArrayBuffer> => lineOf(statementBytes(statement));
const claim = (id: string, extension: "json" | "blob" = "json") =>
  ({ id, kind: "agent", address: parseSymbolAddress(ADDRESS), extension }) as const;

const OTHER_ID = "0".repeat(64);

const ATTACKS: readonly [string, string, (world: World) => void][] = [
  [
    "the signature file is taken away",
    "signature-missing",
    (w) => {
      w.files.all.delete(signaturePath(w.id));
    },
  ],
  [
    "the signature file is emptied",
    "signature-missing",
    (w) => {
      w.files.all.set(signaturePath(w.id), new Uint8Array());
    },
  ],
  [
    "the object is taken away",
    "object-missing",
    (w) => {
      w.files.all.delete(objectPath(w.id));
    },
  ],
  [
    "the object is changed",
    "object-corrupt",
    (w) => {
      edit(w.files, objectPath(w.id), (text) => text.replace('"a"', '"b"'));
    },
  ],
  [
    "the object is emptied",
    "object-corrupt",
    (w) => {
      w.files.all.set(objectPath(w.id), new Uint8Array());
    },
  ],
  [
    "the object is larger than any",
    "object-corrupt",
    (w) => {
      w.files.all.set(objectPath(w.id), new Uint8Array((1 << 20) + 1));
    },
  ],
  [
    "the signature is a stranger's",
    "signer-untrusted",
    (w) => {
      w.files.all.set(signaturePath(w.id), signClaim(nodeSignatures, claim(w.id), STRANGER.seed));
    },
  ],
  [
    "a stranger signs under the owner's name",
    "signature-invalid",
    (w) => {
      const line = fromUtf8(signClaim(nodeSignatures, claim(w.id), STRANGER.seed)) as string;
      w.files.all.set(signaturePath(w.id), utf8(line.replace(STRANGER.key, OWNER.key)));
    },
  ],
  [
    "a good line is followed by a bad one of the owner's",
    "signature-invalid",
    (w) => {
      const forged = fromUtf8(signClaim(nodeSignatures, claim(w.id), STRANGER.seed)) as string;
      const bad = utf8(forged.replace(STRANGER.key, OWNER.key));
      const good = w.files.all.get(signaturePath(w.id)) as Uint8Array;
      w.files.all.set(signaturePath(w.id), concatBytes(good, bad));
    },
  ],
  [
    "the signature is that of another object",
    "signature-invalid",
    (w) => {
      w.files.all.set(signaturePath(w.id), signed(statementOf(OTHER_ID)));
    },
  ],
  [
    "the statement has two subjects",
    "signature-invalid",
    (w) => {
      const subject = { name: ADDRESS, digest: `sha256:${w.id}` };
      const two = statementOf(w.id, { subjects: [subject, subject] });
      w.files.all.set(signaturePath(w.id), signed(two));
    },
  ],
  [
    "the statement is of another type",
    "signature-invalid",
    (w) => {
      const other = statementOf(w.id, { predicateType: "urn:mxp:tool-receipt:v1" });
      w.files.all.set(signaturePath(w.id), signed(other));
    },
  ],
  [
    "the statement has one member more",
    "signature-invalid",
    (w) => {
      const predicate = { kind: "agent", form: "json", more: 1 };
      w.files.all.set(signaturePath(w.id), signed(statementOf(w.id, { predicate })));
    },
  ],
  [
    "the statement's kind is none",
    "signature-invalid",
    (w) => {
      const predicate = { kind: "../x", form: "json" };
      w.files.all.set(signaturePath(w.id), signed(statementOf(w.id, { predicate })));
    },
  ],
  [
    "the statement's form is none",
    "signature-invalid",
    (w) => {
      const predicate = { kind: "agent", form: "constructor" };
      w.files.all.set(signaturePath(w.id), signed(statementOf(w.id, { predicate })));
    },
  ],
  [
    "the statement names no address",
    "signature-invalid",
    (w) => {
      const subjects = [{ name: "../../x", digest: `sha256:${w.id}` }];
      w.files.all.set(signaturePath(w.id), signed(statementOf(w.id, { subjects })));
    },
  ],
  [
    "the payload is no statement",
    "signature-invalid",
    (w) => {
      w.files.all.set(signaturePath(w.id), lineOf(canonicalBytes({ id: w.id })));
    },
  ],
  [
    "the payload is of another type",
    "signature-invalid",
    (w) => {
      const payload = statementBytes(statementOf(w.id));
      w.files.all.set(signaturePath(w.id), lineOf(payload, "text/plain"));
    },
  ],
  [
    "the signature file is cut",
    "signature-invalid",
    (w) => {
      edit(w.files, signaturePath(w.id), (text) => text.slice(0, -1));
    },
  ],
  [
    "the signature file is no envelope",
    "signature-invalid",
    (w) => {
      w.files.all.set(signaturePath(w.id), utf8("{}\n"));
    },
  ],
  [
    "the signature file has many signers",
    "signature-invalid",
    (w) => {
      const line = w.files.all.get(signaturePath(w.id)) as Uint8Array;
      w.files.all.set(signaturePath(w.id), concatBytes(...Array.from({ length: 65 }, () => line)));
    },
  ],
  [
    "the signature file is huge",
    "object-corrupt",
    (w) => {
      w.files.all.set(signaturePath(w.id), new Uint8Array((1 << 16) + 1));
    },
  ],
  [
    "it is signed as a blob",
    "object-corrupt",
    (w) => {
      const line = signClaim(nodeSignatures, claim(w.id, "blob"), OWNER.seed);
      w.files.all.set(signaturePath(w.id), line);
    },
  ],
];

test.each(ATTACKS)("refused: %s (%s)", async (_, code, attack) => {
  const world = await registryWithAgent();
  attack(world);
  expect(await codeOf(world)).toBe(code);
});

test("bytes of the right digest that are not canonical are refused", async () => {
  const { files, registry } = await memoryRegistry();
  for (const text of ['{"b":1,"a":2}', "{}\n", '{"a":1,"a":1}', "[1e400]", "nul", '"\\ud800"']) {
    const id = registry.store.idOf(utf8(text));
    files.all.set(objectPath(id), utf8(text));
    files.all.set(signaturePath(id), signClaim(nodeSignatures, claim(id), OWNER.seed));
    expect(await failureCode(() => registry.get(id))).toBe("object-corrupt");
  }
});

test("an object signed for one address is not found at another, nor as another kind", async () => {
  for (const [kind, address] of [
    ["agent", "rtt://other/agent/a@1.0.0"],
    ["rule", ADDRESS],
  ]) {
    const { files, registry, id } = await registryWithAgent();
    const line = signClaim(
      nodeSignatures,
      { ...claim(id), kind: kind as string, address: parseSymbolAddress(address as string) },
      OWNER.seed,
    );
    files.all.set(signaturePath(id), line);
    expect((await registry.get(id)).kind).toBe(kind);
    expect(await failureCode(() => registry.find(ADDRESS))).toBe("object-corrupt");
  }
});

test("every byte of a signed object, its signature and its index counts", async () => {
  const { files, registry, id } = await registryWithAgent();
  for (const [path, bytes] of [...files.all]) {
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = bytes.slice();
      changed[at] = (changed[at] as number) ^ 0x01;
      files.all.set(path, changed);
      const code = await failureCode(() => registry.find(ADDRESS));
      expect(code, `${path} at ${at}`).not.toBe("none");
      expect(code, `${path} at ${at}`).not.toBe("internal");
    }
    files.all.set(path, bytes);
  }
  expect((await registry.find(ADDRESS)).id).toBe(id);
});

// --- the index ---

/** An index that the owner really signs, whatever is in it. */
function signedIndex(change: (body: JsonObject) => JsonObject, files: MemoryFiles): void {
  const { sign: _, ...body } = JSON.parse(fromUtf8(files.all.get(INDEX)!) as string) as JsonObject;
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
const withoutSign = ({ sign: _, ...body }: Record<string, Json>): object => body;

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
    (files) => edit(files, INDEX, (text) => text.replace('"alg":"ed25519"', '"alg":"none"')),
  ],
  [
    "its key is of another kind",
    "signature-invalid",
    (files) => edit(files, INDEX, (text) => text.replace('"key_id":"ed25519:', '"key_id":"rsa:')),
  ],
  [
    "its signer is a stranger",
    "signer-untrusted",
    (files) =>
      edit(files, INDEX, (text) =>
        text.replace(`"key_id":"ed25519:${OWNER.key}`, `"key_id":"ed25519:${STRANGER.key}`),
      ),
  ],
  [
    "its signature is no base64",
    "signature-invalid",
    (files) => edit(files, INDEX, (text) => text.replace('"sig":"', '"sig":"*')),
  ],
  ["it is no object", "signature-invalid", (files) => files.all.set(INDEX, utf8("[]\n"))],
  [
    "it is not canonical",
    "canonical-json-invalid",
    (files) => edit(files, INDEX, (text) => ` ${text}`),
  ],
  [
    "it has a name twice",
    "canonical-json-invalid",
    (files) => edit(files, INDEX, (text) => text.replace("{", '{"agents":{},')),
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
    (files) => signedIndex(({ roots: _, ...body }) => body, files),
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
  // The registry that was open before notices as well.
  expect(await failureCode(() => registry.get(id))).toBe(code);
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
  const { address: _, ...bare } = agentObject("b");
  const nameless = await registry.put({ ...bare, address: null });
  expect(await registry.get(nameless)).toMatchObject({ kind: "agent", address: null });
  const odd = await registry.put({ kind: "note", address: null, body: 1 });
  expect((await registry.get(odd)).kind).toBe("unknown");
  const blob = await registry.putBlob({ kind: "note", address: null, bytes: utf8("x") });
  expect((await registry.getBlob(blob)).kind).toBe("unknown");
  expect(await failureCode(() => reopened(files, { signer: OWNER }))).toBe("signature-missing");
  files.all.set(signaturePath(id), signClaim(nodeSignatures, claim(id), STRANGER.seed));
  expect(await failureCode(() => registry.get(id))).toBe("signer-untrusted");
});
