/**
 * Goal: the published registry is read, and written byte for byte.
 * Method: the objects, digests, pack and key that the published tools ship, through our own registry and the engine's
 * SHA-256.
 */
import { expect, test } from "vitest";
import { loadDigest } from "../../host/node/engine.ts";
import { nodeSignatures } from "../../host/node/signatures.ts";
import { importFolder } from "../../host/shared/fabric/registry/import.ts";
import { encodePack, packedBytes, parseTable } from "../../host/shared/fabric/registry/pack.ts";
import {
  formatPublishedKey,
  parsePublishedKey,
} from "../../host/shared/fabric/registry/trusted-signers.ts";
import { Registry } from "../../host/shared/fabric/registry/registry.ts";
import { fromUtf8, toHex, utf8 } from "../../host/shared/trust/bytes.ts";
import type { Json } from "../../host/shared/trust/canonical-json.ts";
import { MemoryFiles } from "../support/memory-files.ts";
import { failureCode, testPorts } from "../support/ports.ts";
import { PUBLISHED, writePublished } from "../support/published-registry.ts";
import { FOLDER, OWNER } from "../support/registry.ts";
import { hex } from "../support/wasm.ts";

const digest = loadDigest();

async function publishedRegistry() {
  const files = new MemoryFiles();
  const ports = testPorts({ files, digest });
  writePublished(files, "/published");
  const registry = await Registry.open(ports, FOLDER, { signer: OWNER });
  return { files, ports, registry };
}

test("the shipped objects have the shipped digests, bare, wrapped and as tool records", async () => {
  const { files, registry } = await publishedRegistry();
  const address = null;
  for (const { input, sha256, canonical_utf8: text } of PUBLISHED.cas.cases) {
    expect(await registry.put({ kind: "agent", address, body: input })).toBe(sha256);
    expect(fromUtf8(files.all.get(`${FOLDER}/cas/sha256/${sha256}.json`)!)).toBe(text);
    const wrapped = PUBLISHED.cas_agents_ingest_wrapped.cases.find(({ id }) => id === input.id);
    // `agents_ingest` of the published tools knows no version yet.
    const { version: _version, ...bare } = input as { id: string; version: string };
    const ids = [];
    for (const agent of [input, bare]) {
      ids.push(await registry.put({ kind: "agent", address, body: { type: "agent", agent } }));
    }
    expect(ids).toContain(wrapped?.sha256);
  }
  for (const { sha256, canonical_utf8: text } of PUBLISHED.mcp_tool_records) {
    expect(await registry.put({ kind: "mcp_tool", address, body: JSON.parse(text) as Json })).toBe(
      sha256,
    );
  }
});

test("the shipped folder is refused unsigned, and taken in when somebody vouches for it", async () => {
  const { files, ports, registry } = await publishedRegistry();
  const size = files.all.size;
  expect(await failureCode(() => importFolder(ports, registry, "/published"))).toBe(
    "signature-missing",
  );
  expect(files.all.size).toBe(size);
  const report = await importFolder(ports, registry, "/published", { isVouching: true });
  expect(report.imported).toHaveLength(5);
  expect(report.vouched).toEqual(report.imported);
  expect(report.symbols).toEqual([
    "rtt://agent/api/codefix@1.0.0",
    "rtt://agent/api/search@1.0.0",
    "rtt://agent/api/summarize@1.0.0",
    "rtt://mcp/claude/tool/search@1.0.0",
    "rtt://mcp/claude/tool/summarize@1.0.0",
  ]);
  // The published members of our index say what theirs says.
  const ours = JSON.parse(fromUtf8(files.all.get(`${FOLDER}/index.json`)!)!) as object;
  const theirs = JSON.parse(fromUtf8(files.all.get("/published/index.json")!)!) as object;
  expect(ours).toMatchObject({ ...theirs, signers: [`ed25519:${OWNER.key}`] });
  expect((await registry.find("rtt://mcp/claude/tool/search")).kind).toBe("mcp_tool");
  // Again changes nothing.
  const generation = await registry.generation();
  await importFolder(ports, registry, "/published", { isVouching: true });
  expect(await registry.generation()).toBe(generation);
});

test("agents.pack and index.lut are the shipped ones", async () => {
  const { files, ports, registry } = await publishedRegistry();
  await importFolder(ports, registry, "/published", { isVouching: true });
  expect(await registry.writePack()).toBe(3);
  const pack = files.all.get(`${FOLDER}/pack/agents.pack`)!;
  expect(pack).toHaveLength(929);
  expect(PUBLISHED.pack.len).toBe(929);
  expect(toHex(digest.sha256(pack))).toBe(PUBLISHED.pack.sha256);
  expect(PUBLISHED.pack.sha256).toMatch(/^39d71dae/);
  const table = JSON.parse(fromUtf8(files.all.get(`${FOLDER}/pack/index.lut`)!)!) as object;
  expect(table).toEqual(PUBLISHED.pack.lut);
});

test("the shipped pack is read by offset", () => {
  const objects = PUBLISHED.cas.cases.map(
    ({ sha256, canonical_utf8: text }): [string, Uint8Array] => [sha256, utf8(text)],
  );
  const { pack } = encodePack(new Map(objects));
  // Their table is indented; ours is canonical. Both are read.
  const places = parseTable(utf8(JSON.stringify(PUBLISHED.pack.lut, null, 2)));
  expect([...places.values()].map(({ offset }) => offset)).toEqual([0, 315, 614]);
  for (const [id, bytes] of objects) {
    expect(packedBytes(pack, places.get(id)!)).toEqual(bytes);
  }
});

test("the shipped key file is the key of the shipped seed", () => {
  const key = nodeSignatures.publicKey(hex(PUBLISHED.ed25519.seed_hex));
  expect(formatPublishedKey(key)).toBe(PUBLISHED.ed25519.pub_file);
  expect(parsePublishedKey(PUBLISHED.ed25519.pub_file)).toEqual(key);
});
