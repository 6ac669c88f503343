/**
 * Goal: a generation is believed exactly when a trusted signer signed it, in its one form, under its own number.
 * Method: generations written and read in memory, then every way in which a file can be changed, exchanged or forged.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Generation } from "../../../../host/shared/fabric/generation.ts";
import {
  encodeGeneration,
  flipGeneration,
  generationDigest,
  generationPath,
  historyPath,
  listGenerations,
  openGeneration,
  readGeneration,
  readGenerationNumber,
  signGeneration,
  stageGeneration,
  writeGeneration,
} from "../../../../host/shared/fabric/generation-file/generation-file.ts";
import { fromUtf8, utf8 } from "../../../../host/shared/trust/bytes.ts";
import {
  canonicalBytes,
  documentBytes,
  type Json,
  type JsonObject,
  parseCanonical,
  parseDocument,
} from "../../../../host/shared/trust/canonical-json.ts";
import { envelopeJson, signEnvelope } from "../../../../host/shared/trust/dsse.ts";
import { MemoryFiles } from "../../../support/memory-files.ts";
import { failureCode, testPorts } from "../../../support/ports.ts";
import { COLLEAGUE, OWNER, STRANGER } from "../../../support/registry.ts";

const FOLDER = "/p/.rtt";
const TYPE = "application/vnd.mxp.generation.v1+json";
const A = `sha256:${"a".repeat(64)}`;
const B = `sha256:${"b".repeat(64)}`;
const signers = {
  keyOf: (key: string) => [OWNER, COLLEAGUE].find((one) => one.key === key)?.publicKey ?? null,
};

const FIRST: Generation = {
  generation: 1,
  plan: `sha256-${"1".repeat(64)}`,
  previous: null,
  restores: null,
  canaryPercent: 100,
  routes: [
    { from: "rtt://a/agent/x@1.0.0", to: "rtt://a/tool/y@1.0.0", lane: "uds" },
    { from: "rtt://a/agent/x@1.0.0", to: "rtt://a/tool/z@1.0.0#fast", lane: "shm" },
  ],
  placement: { "rtt://a/agent/x@1.0.0": "n1" },
  symbols: { "rtt://a/agent/x@1.0.0": A },
  files: [
    { path: ".claude/agents/x.md", view: "claude-code", digest: A, how: "link" },
    { path: ".mcp.json", view: "claude-code", digest: A, how: "merge", fields: B, original: null },
  ],
};

function bench() {
  const files = new MemoryFiles();
  const ports = testPorts({ files });
  const write = async (generation: Generation) => {
    const current = await readGeneration(ports, FOLDER, signers);
    const next = signGeneration(ports, generation, OWNER);
    await writeGeneration(ports, FOLDER, current, next);
    return next;
  };
  return { files, ports, write, read: () => readGeneration(ports, FOLDER, signers) };
}

/** A file that a trusted signer signed, whatever is in it. */
function signedFile(body: Json, type = TYPE): Uint8Array<ArrayBuffer> {
  const { signatures } = testPorts();
  return documentBytes(
    envelopeJson(signEnvelope(signatures, type, canonicalBytes(body), OWNER.seed)),
  );
}

function bodyOf(generation: Generation): JsonObject {
  return parseCanonical(encodeGeneration(generation)) as JsonObject;
}

const codeOf = (file: Uint8Array): Promise<string> =>
  failureCode(() => openGeneration(testPorts(), file, signers));

test("what was written is read: the one in force, and each by its number", async () => {
  const { ports, write, read } = bench();
  expect(await read()).toBeNull();
  expect(await listGenerations(ports, FOLDER)).toEqual([]);
  const first = await write(FIRST);
  const second: Generation = {
    ...FIRST,
    generation: 2,
    previous: first.digest,
    restores: 1,
    canaryPercent: 5,
    files: [],
  };
  await write(second);
  expect(await read()).toMatchObject({ generation: second, signer: OWNER.key });
  const kept = await readGenerationNumber(ports, FOLDER, 1, signers);
  expect(kept.generation).toEqual(FIRST);
  expect(kept.digest).toBe(first.digest);
  expect(generationDigest(ports, FIRST)).toBe(first.digest);
  expect(await listGenerations(ports, FOLDER)).toEqual([1, 2]);
  expect(await failureCode(() => readGenerationNumber(ports, FOLDER, 3, signers))).toBe(
    "generation-missing",
  );
  expect(await failureCode(() => readGenerationNumber(ports, FOLDER, 0, signers))).toBe(
    "argument-invalid",
  );
});

test("the digest is that of the content, whoever signs", () => {
  const ports = testPorts();
  const [mine, theirs] = [OWNER, COLLEAGUE].map((signer) => signGeneration(ports, FIRST, signer));
  expect(mine?.digest).toBe(theirs?.digest);
  expect(mine?.file).not.toEqual(theirs?.file);
});

test("only what follows the generation in force is staged, and staging shows nobody anything", async () => {
  const { files, ports, write, read } = bench();
  await write(FIRST);
  const current = await read();
  const stage = (change: Partial<Generation>) =>
    stageGeneration(
      ports,
      FOLDER,
      current,
      signGeneration(ports, { ...FIRST, generation: 2, previous: A, ...change }, OWNER),
    );
  expect(await failureCode(() => stage({}))).toBe("plan-stale");
  expect(await failureCode(() => stage({ generation: 3, previous: current?.digest ?? A }))).toBe(
    "plan-stale",
  );
  await stage({ previous: current?.digest ?? A });
  expect(await read()).toEqual(current);
  // A change that was never decided gives way to the next one under its number.
  await stage({ previous: current?.digest ?? A, files: [] });
  expect((await readGenerationNumber(ports, FOLDER, 2, signers)).generation.files).toEqual([]);
  const writes = files.all.get(historyPath(FOLDER, 2));
  await stage({ previous: current?.digest ?? A, files: [] });
  expect(files.all.get(historyPath(FOLDER, 2))).toBe(writes);
});

test("a flip twice is one flip", async () => {
  const { files, ports } = bench();
  const next = signGeneration(ports, FIRST, OWNER);
  await flipGeneration(ports, FOLDER, next);
  const file = files.all.get(generationPath(FOLDER));
  await flipGeneration(ports, FOLDER, next);
  expect(files.all.get(generationPath(FOLDER))).toBe(file);
});

test("a stripped, forged, moved or foreign signature is refused", async () => {
  const ports = testPorts();
  const { file } = signGeneration(ports, FIRST, OWNER);
  const envelope = parseDocument(file) as JsonObject;
  expect(await codeOf(documentBytes({ ...envelope, signatures: [] }))).toBe("signature-invalid");
  expect(await codeOf(utf8(JSON.stringify(envelope, null, 1)))).toBe("canonical-json-invalid");
  expect(await codeOf(documentBytes(bodyOf(FIRST)))).toBe("signature-invalid");
  expect(await codeOf(signGeneration(ports, FIRST, STRANGER).file)).toBe("signer-untrusted");
  expect(await codeOf(signedFile(bodyOf(FIRST), "application/json"))).toBe("signature-invalid");
  // The stranger's signature under the owner's name.
  const theirs = parseDocument(signGeneration(ports, FIRST, STRANGER).file) as JsonObject;
  const [entry] = theirs["signatures"] as readonly JsonObject[];
  const forged = { ...theirs, signatures: [{ ...entry, keyid: OWNER.key }] as Json };
  expect(await codeOf(documentBytes(forged))).toBe("signature-invalid");
});

test("any changed byte of the file is refused", () => {
  const ports = testPorts();
  const { file } = signGeneration(ports, FIRST, OWNER);
  fc.assert(
    fc.property(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const bad = file.slice();
      bad[at] = (bad[at] as number) ^ change;
      expect(() => openGeneration(ports, bad, signers)).toThrow();
    }),
    { numRuns: 300 },
  );
});

test("a signature does not excuse what is signed", async () => {
  const good = bodyOf(FIRST);
  const [route] = good["routes"] as readonly JsonObject[];
  const [link, merge] = good["files"] as readonly JsonObject[];
  const bad: readonly JsonObject[] = [
    { kind: "mxp.generation/v2" },
    { generation: 0 },
    { generation: 2 },
    { generation: 1.5 },
    { plan: "sha256-1" },
    { previous: A },
    { restores: 1 },
    { canaryPercent: 0 },
    { canaryPercent: 101 },
    { routes: [...(good["routes"] as Json[])].reverse() },
    { routes: [route as Json, route as Json] },
    { routes: [{ ...route, lane: "pigeon" }] },
    { routes: [{ ...route, from: "rtt://a/agent/х@1.0.0" }] },
    { placement: { "rtt://a/agent/x@1.0.0": "../n" } },
    { placement: { nobody: "n1" } },
    { symbols: { "rtt://a/agent/x@1.0.0": "sha256:x" } },
    { symbols: [] },
    { files: [merge as Json, link as Json] },
    { files: [link as Json, link as Json] },
    { files: [{ ...link, how: "merge" }] },
    { files: [{ ...link, fields: A }] },
    { files: [{ ...link, original: null }] },
    { files: [{ ...link, original: "x" }] },
    {
      files: [
        { ...link, path: "a" },
        { ...link, path: "a/b" },
      ],
    },
    { files: [{ ...link, view: "Claude" }] },
    { files: "none" },
    { more: 1 },
  ].map((change) => ({ ...good, ...change }));
  for (const body of bad)
    expect([body, await codeOf(signedFile(body))]).toEqual([body, "signature-invalid"]);
  const paths = ["/etc/passwd", "../x", "a/../b", "a//b", "./a", "a\\b", "C:/x", "a\u0000", ""];
  const inside = [
    ".rtt/registry/index.json",
    ".RTT/wal",
    ".rtt",
    ".rtt./wal",
    ".r\u200btt/wal",
    "RTT~1/wal",
    "sub/.rtt/wal",
    ".git/hooks/post-checkout",
    "sub/.Git /config",
    "x".repeat(1025),
  ];
  for (const path of [...paths, ...inside]) {
    const code = await codeOf(signedFile({ ...good, files: [{ ...link, path }] }));
    expect([path, code]).toEqual([path, "signature-invalid"]);
  }
  // A link that took the place of the user's own file remembers what that held.
  const taken = { ...good, files: [{ ...link, original: B } as Json] };
  expect(await codeOf(signedFile(taken))).toBe("none");
  const linkmap = { ...good, files: [{ ...link, path: ".rtt/linkmap.json" } as Json] };
  expect(await codeOf(signedFile(linkmap))).toBe("none");
  expect(await failureCode(() => encodeGeneration({ ...FIRST, canaryPercent: 0 }))).toBe(
    "signature-invalid",
  );
});

test("a file under another number's name is refused, and what is no number is no generation", async () => {
  const { files, ports, write } = bench();
  await write(FIRST);
  const file = files.all.get(historyPath(FOLDER, 1)) as Uint8Array<ArrayBuffer>;
  for (const name of ["2", "01", "x"]) {
    files.all.set(`${FOLDER}/generations/${name}.dsse.json`, file);
  }
  expect(await listGenerations(ports, FOLDER)).toEqual([1, 2]);
  expect(await failureCode(() => readGenerationNumber(ports, FOLDER, 2, signers))).toBe(
    "signature-invalid",
  );
});

test("a file that is there and says nothing is a failure, not the empty start", async () => {
  const { files, read } = bench();
  for (const text of ["", "\n", "{}", "null\n", "{}\n"]) {
    files.all.set(generationPath(FOLDER), utf8(text));
    expect(await failureCode(read)).toMatch(/^(signature|canonical-json)-invalid$/);
  }
  expect(fromUtf8(files.all.get(generationPath(FOLDER)) as Uint8Array)).toBe("{}\n");
});
