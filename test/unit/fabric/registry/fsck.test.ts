/**
 * Goal: fsck finds everything that is wrong, says what it did about it, puts rot aside and makes nothing worse.
 * Method: each kind of damage done to a registry, in memory and with real links on disk; a second run afterwards.
 */
import { symlinkSync, unlinkSync } from "node:fs";
import { expect, test } from "vitest";
import { nodeSignatures } from "../../../../host/node/signatures.ts";
import { fsck, type FsckOptions } from "../../../../host/shared/fabric/registry/fsck.ts";
import { Registry } from "../../../../host/shared/fabric/registry/registry.ts";
import { signClaim } from "../../../../host/shared/fabric/registry/signature.ts";
import { parseSymbolAddress } from "../../../../host/shared/fabric/symbol.ts";
import { utf8 } from "../../../../host/shared/trust/bytes.ts";
import type { MemoryFiles } from "../../../support/memory-files.ts";
import { failureCode, temporaryFolder, testPorts } from "../../../support/ports.ts";
import {
  agentObject,
  editFile,
  FOLDER,
  memoryRegistry,
  OWNER,
  STRANGER,
} from "../../../support/registry.ts";

const CAS = `${FOLDER}/cas/sha256`;

async function damaged(options: { readonly isPacked?: boolean } = {}) {
  const world = await memoryRegistry();
  const [id, other] = await world.registry.putAll([agentObject("a"), agentObject("b")]);
  const blob = await world.registry.putBlob({ kind: "rule", address: null, bytes: utf8("rule") });
  await world.registry.setRoots("view:x", [blob]);
  if (options.isPacked === true) await world.registry.writePack();
  return { ...world, id: id as string, other: other as string, blob };
}

/** What fsck reports, in short. */
async function report(files: MemoryFiles, options: Partial<FsckOptions> = {}) {
  const found = await fsck(testPorts({ files }), FOLDER, { signer: OWNER, ...options });
  const findings = found.findings.map(
    ({ code, where, action }) => `${code} ${where.replace(/[0-9a-f]{64}/, "*")} ${action}`,
  );
  expect(found.ok).toBe(findings.length === 0);
  return { findings, leftovers: found.leftovers, symbols: found.symbols, objects: found.objects };
}

test("a whole registry has no findings, nor has none at all", async () => {
  const { files } = await damaged({ isPacked: true });
  expect(await report(files)).toEqual({ findings: [], leftovers: [], symbols: 2, objects: 3 });
  files.all.delete(`${FOLDER}/index.json`);
  expect(await report(files)).toMatchObject({
    findings: ["signature-missing index.json none"],
    symbols: 0,
  });
  files.all.clear();
  expect(await report(files)).toEqual({ findings: [], leftovers: [], symbols: 0, objects: 0 });
});

test("rot is put aside, and said again until the object comes back", async () => {
  const { files, registry, id } = await damaged();
  editFile(files, `${CAS}/${id}.json`, (text) => text.replace("1.0.0", "1.0.1"));
  const rotten = files.all.get(`${CAS}/${id}.json`);
  expect((await report(files, { isDry: true })).findings).toEqual([
    "object-corrupt cas/sha256/*.json none",
  ]);
  expect(files.all.has(`${CAS}/${id}.json`)).toBe(true);
  expect((await report(files)).findings).toEqual(["object-corrupt cas/sha256/*.json quarantined"]);
  expect(files.all.get(`${FOLDER}/quarantine/${id}.json`)).toEqual(rotten);
  expect(files.all.has(`${CAS}/${id}.json`)).toBe(false);
  expect((await report(files)).findings).toEqual(["object-missing rtt://test/agent/a@1.0.0 none"]);
  await registry.put(agentObject("a"));
  expect((await report(files)).findings).toEqual([]);
});

test("rot is restored from the pack, and so is what is missing", async () => {
  const { files, registry, id, other } = await damaged({ isPacked: true });
  files.all.set(`${CAS}/${id}.json`, utf8("rot"));
  files.all.delete(`${CAS}/${other}.json`);
  // The pack has it, so reading goes on.
  expect((await registry.get(other)).id).toBe(other);
  expect((await report(files)).findings.sort()).toEqual([
    "object-corrupt cas/sha256/*.json restored",
    "object-missing rtt://test/agent/b@1.0.0 restored",
  ]);
  expect((await report(files)).findings).toEqual([]);
  expect((await registry.get(id)).id).toBe(id);
});

test("a pack that has rotted as well restores nothing", async () => {
  const { files, id } = await damaged({ isPacked: true });
  const pack = files.all.get(`${FOLDER}/pack/agents.pack`) as Uint8Array<ArrayBuffer>;
  files.all.set(`${FOLDER}/pack/agents.pack`, pack.fill(0x20, 10));
  files.all.set(`${CAS}/${id}.json`, utf8("rot"));
  expect((await report(files)).findings.sort()).toEqual([
    "object-corrupt cas/sha256/*.json quarantined",
    "object-corrupt pack/agents.pack none",
  ]);
});

test("a rotten pack is written again from whole objects", async () => {
  for (const damage of ["changed", "cut", "gone", "table", "no table"]) {
    const { files } = await damaged({ isPacked: true });
    const pack = `${FOLDER}/pack/agents.pack`;
    const bytes = files.all.get(pack) as Uint8Array<ArrayBuffer>;
    if (damage === "changed") files.all.set(pack, bytes.slice().fill(0x20, 10));
    if (damage === "cut") files.all.set(pack, bytes.slice(0, -1));
    if (damage === "gone") files.all.delete(pack);
    if (damage === "table") editFile(files, `${FOLDER}/pack/index.lut`, () => '{"x":1}');
    if (damage === "no table") files.all.delete(`${FOLDER}/pack/index.lut`);
    const [finding] = (await report(files)).findings;
    expect(finding, damage).toMatch(/ pack\/agents.pack restored$/);
    expect((await report(files)).findings).toEqual([]);
  }
});

test("a blob that has rotted is put aside, and its root says that it is missing", async () => {
  const { files, blob } = await damaged();
  files.all.set(`${CAS}/${blob}.blob`, utf8("rot"));
  expect((await report(files)).findings).toEqual([
    "object-corrupt cas/sha256/*.blob quarantined",
    "object-missing root view:x none",
  ]);
});

test("a stripped signature is found at its address, a forged one is put aside", async () => {
  const { files, registry, id, other } = await damaged();
  files.all.delete(`${CAS}/${id}.dsse`);
  editFile(files, `${CAS}/${other}.dsse`, (text) => text.replace('"sig":"', '"sig":"A'));
  expect((await report(files)).findings.sort()).toEqual([
    "signature-invalid cas/sha256/*.dsse quarantined",
    "signature-missing rtt://test/agent/a@1.0.0 none",
  ]);
  // Signing again needs no more than putting again.
  await registry.putAll([agentObject("a"), agentObject("b")]);
  expect((await report(files)).findings).toEqual([]);
});

test("a stranger's signature is found and stays", async () => {
  const { files, id } = await damaged();
  const address = parseSymbolAddress("rtt://test/agent/a@1.0.0");
  const claim = { id, kind: "agent", address, extension: "json" } as const;
  files.all.set(`${CAS}/${id}.dsse`, signClaim(nodeSignatures, claim, STRANGER.seed));
  expect((await report(files)).findings).toEqual(["signer-untrusted cas/sha256/*.dsse none"]);
  expect(files.all.has(`${CAS}/${id}.dsse`)).toBe(true);
  files.all.set(`${CAS}/${id}.dsse`, new Uint8Array((1 << 16) + 1));
  expect((await report(files)).findings).toEqual(["object-corrupt cas/sha256/*.dsse none"]);
});

test("an object that is signed as something else is found at its address", async () => {
  const { files, id } = await damaged();
  const address = parseSymbolAddress("rtt://test/agent/other@1.0.0");
  const claim = { id, kind: "agent", address, extension: "json" } as const;
  files.all.set(`${CAS}/${id}.dsse`, signClaim(nodeSignatures, claim, OWNER.seed));
  expect((await report(files)).findings).toEqual(["object-corrupt rtt://test/agent/a@1.0.0 none"]);
});

test("an index that cannot be believed is found, and objects are still checked", async () => {
  const { files, id } = await damaged({ isPacked: true });
  editFile(files, `${FOLDER}/index.json`, (text) =>
    text.replace('"generation":2', '"generation":3'),
  );
  files.all.set(`${CAS}/${id}.json`, utf8("rot"));
  files.all.set(`${FOLDER}/pack/agents.pack`, utf8("rot"));
  expect((await report(files)).findings.sort()).toEqual([
    "object-corrupt cas/sha256/*.json quarantined",
    "object-corrupt pack/agents.pack none",
    "signature-invalid index.json none",
  ]);
});

test("what interrupted writes leave is no finding", async () => {
  const { files, registry } = await damaged();
  const id = await registry.put({ kind: "note", address: null, body: 1 });
  files.all.delete(`${CAS}/${id}.dsse`);
  files.all.set(`${CAS}/${"1".repeat(64)}.dsse`, utf8("x"));
  files.all.set(`${CAS}/${id}.json.0a0b0c.tmp`, utf8("half"));
  files.all.set(`${CAS}/README`, utf8("somebody's"));
  const { findings, leftovers } = await report(files);
  expect(findings).toEqual([]);
  expect(leftovers).toHaveLength(4);
  expect(files.all.has(`${CAS}/README`)).toBe(true);
  expect(files.all.has(`${CAS}/${id}.json.0a0b0c.tmp`)).toBe(false);
  await registry.gc();
  expect((await report(files)).leftovers).toEqual(["cas/sha256/README"]);
});

test("an object that is not canonical is put aside whatever its digest is", async () => {
  const { files, registry } = await damaged();
  const id = registry.store.idOf(utf8("{ }"));
  files.all.set(`${CAS}/${id}.json`, utf8("{ }"));
  expect((await report(files)).findings).toEqual(["object-corrupt cas/sha256/*.json quarantined"]);
});

test("unsigned symbols are no findings where they are allowed", async () => {
  const { files, id } = await damaged();
  files.all.delete(`${CAS}/${id}.dsse`);
  expect((await report(files, { allowUnsigned: ["test/*"] })).findings).toEqual([]);
});

test("the machine's own failures are thrown, not reported", async () => {
  const { files, id } = await damaged();
  files.all.set(`${CAS}/${id}.json`, utf8("rot"));
  files.remove = async () => {
    throw new Error("the disk is gone");
  };
  await expect(report(files)).rejects.toThrow("the disk is gone");
  files.read = async () => {
    throw new Error("the disk is gone");
  };
  await expect(report(files)).rejects.toThrow("the disk is gone");
});

test("links are followed nowhere: not to files, not to folders, not in circles", async () => {
  const ports = testPorts();
  const outside = temporaryFolder();
  const folder = `${temporaryFolder()}/registry`;
  const registry = await Registry.open(ports, folder, { signer: OWNER });
  const id = await registry.put(agentObject("a"));
  const path = registry.layout.content(id, "json");
  await ports.files.write(`${outside}/x.json`, (await ports.files.read(path))!, 0o644);
  unlinkSync(path);
  symlinkSync(`${outside}/x.json`, path);
  expect(await failureCode(() => registry.get(id))).toBe("path-denied");
  const { findings } = await fsck(ports, folder, { signer: OWNER });
  expect(findings).toMatchObject([{ code: "path-denied", action: "none" }]);
  unlinkSync(path);
  symlinkSync(path, path);
  expect(await failureCode(() => registry.get(id))).toBe("path-denied");
  expect(await failureCode(() => registry.put(agentObject("a")))).toBe("path-denied");
  for (const name of ["", "/cas", "/trust"]) {
    const other = `${temporaryFolder()}/registry`;
    if (name !== "") await ports.files.makeFolder(other, 0o755);
    symlinkSync(name === "/cas" ? `${other}${name}` : outside, `${other}${name}`);
    expect(await failureCode(() => Registry.open(ports, other, { signer: OWNER }))).toBe(
      "path-denied",
    );
    const { ok, findings: found } = await fsck(ports, other, { signer: OWNER });
    expect([ok, found[0]?.code]).toEqual([false, "path-denied"]);
  }
});
