/**
 * Goal: verification fails closed in every branch, a stripped signature first of all.
 * Method: each thing that can be taken away, changed, swapped or forged, one at a time, with the code it ends in; and
 * every byte of a small registry changed.
 */
import { expect, test } from "vitest";
import { nodeSignatures } from "../../../../host/node/signatures.ts";
import { signClaim } from "../../../../host/shared/fabric/registry/signature.ts";
import { parseSymbolAddress } from "../../../../host/shared/fabric/symbol.ts";
import { concatBytes, fromUtf8, utf8 } from "../../../../host/shared/trust/bytes.ts";
import { canonicalBytes, documentBytes } from "../../../../host/shared/trust/canonical-json.ts";
import { envelopeJson, signEnvelope } from "../../../../host/shared/trust/dsse.ts";
import { statementBytes, type Statement } from "../../../../host/shared/trust/statement.ts";
import { failureCode } from "../../../support/ports.ts";
import {
  agentObject,
  editFile,
  FOLDER,
  memoryRegistry,
  OWNER,
  STRANGER,
} from "../../../support/registry.ts";

const ADDRESS = "rtt://test/agent/a@1.0.0";
const objectPath = (id: string): string => `${FOLDER}/cas/sha256/${id}.json`;
const signaturePath = (id: string): string => `${FOLDER}/cas/sha256/${id}.dsse`;

async function registryWithAgent() {
  const world = await memoryRegistry();
  const id = await world.registry.put(agentObject("a"));
  return { ...world, id };
}

type World = Awaited<ReturnType<typeof registryWithAgent>>;

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
      editFile(w.files, objectPath(w.id), (text) => text.replace('"a"', '"b"'));
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
      editFile(w.files, signaturePath(w.id), (text) => text.slice(0, -1));
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
  for (const [path, bytes] of files.all) {
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
