/**
 * Goal: the registry keeps each object once, finds it by id, address and range, and collects what nobody needs.
 * Method: registries in memory, every operation, alone and many at once; random objects; a second opening.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { fsck } from "../../../../host/shared/fabric/registry/fsck.ts";
import { Registry } from "../../../../host/shared/fabric/registry/registry.ts";
import { referencesOf } from "../../../../host/shared/fabric/registry/garbage.ts";
import type { RegistryObject } from "../../../../host/shared/fabric/registry/object.ts";
import { parseSymbolAddress } from "../../../../host/shared/fabric/symbol.ts";
import { fromUtf8, toHex, utf8 } from "../../../../host/shared/trust/bytes.ts";
import { canonicalBytes, type Json } from "../../../../host/shared/trust/canonical-json.ts";
import { MemoryFiles } from "../../../support/memory-files.ts";
import { failureCode, temporaryFolder, testDigest, testPorts } from "../../../support/ports.ts";
import { agentObject, FOLDER, memoryRegistry, OWNER } from "../../../support/registry.ts";

const blobOf = (text: string) => ({ kind: "dialect", address: null, bytes: utf8(text) });
const nameless = (body: Json, kind = "note"): RegistryObject => ({ kind, address: null, body });
const casNames = (files: MemoryFiles): string[] =>
  [...files.all.keys()].filter((path) => path.includes("/cas/"));

test("an object is stored as its canonical bytes under their digest, and comes back signed", async () => {
  const { files, registry } = await memoryRegistry();
  const object = agentObject("a", "1.0.0", { caps: ["x"] });
  const id = await registry.put(object);
  const bytes = files.all.get(`${FOLDER}/cas/sha256/${id}.json`);
  expect(fromUtf8(bytes as Uint8Array)).toBe(fromUtf8(canonicalBytes(object.body)));
  expect(id).toBe(toHex(testDigest.sha256(bytes as Uint8Array)));
  expect(await registry.get(id)).toEqual({ ...object, id, signer: OWNER.key });
  expect(await registry.has(id)).toBe(true);
  expect(await registry.list()).toEqual([
    { address: object.address, id, kind: "agent", label: "a@1.0.0" },
  ]);
});

test("random bodies come back as they were", async () => {
  const body = fc.jsonValue({ depthSize: "small", maxDepth: 6 }) as fc.Arbitrary<Json>;
  const { registry } = await memoryRegistry();
  await fc.assert(
    fc.asyncProperty(body, async (value) => {
      const id = await registry.put(nameless(value));
      // JSON knows no −0.
      expect((await registry.get(id)).body).toEqual(JSON.parse(JSON.stringify(value)));
    }),
    { numRuns: 60 },
  );
});

test("members of a prototype's names are members like any other", async () => {
  const { files, registry } = await memoryRegistry();
  const body = JSON.parse('{"__proto__":{"polluted":true},"constructor":1}') as Json;
  const { body: read } = await registry.get(await registry.put(nameless(body)));
  expect(Object.keys(read as object).sort()).toEqual(["__proto__", "constructor"]);
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  await registry.put({
    kind: "skill",
    address: parseSymbolAddress("rtt://local/skill/proto@1.0.0"),
    body: { type: "skill", skill: { id: "__proto__" } },
  });
  // A name that begins with an underscore is no published label.
  expect((await registry.list())[0]?.label).toBeNull();
  const again = await memoryRegistry({ signer: OWNER }, files);
  expect(await again.registry.list()).toHaveLength(1);
});

test("the same object twice is one object, and the index is not written again", async () => {
  const { files, registry } = await memoryRegistry();
  const [first, second] = [
    await registry.put(agentObject("a")),
    await registry.put(agentObject("a")),
  ];
  expect(first).toBe(second);
  expect(await registry.generation()).toBe(1);
  expect(casNames(files)).toHaveLength(2);
});

test("the same bytes may stand at two addresses", async () => {
  const { ports, registry } = await memoryRegistry();
  const texts = ["rtt://a/rule/x@1.0.0", "rtt://b/rule/x@1.0.0"];
  const ids = await registry.putAll(
    texts.map((text) => ({ kind: "rule", address: parseSymbolAddress(text), body: { rule: 1 } })),
  );
  expect(ids[0]).toBe(ids[1]);
  for (const text of texts) {
    expect((await registry.find(text)).address).toEqual(parseSymbolAddress(text));
  }
  expect(await registry.gc()).toEqual([]);
  expect((await fsck(ports, FOLDER, { signer: OWNER })).findings).toEqual([]);
});

test("a files port that gives views into larger buffers is as good", async () => {
  const files = new MemoryFiles();
  const read = files.read.bind(files);
  files.read = async (path) => {
    const bytes = await read(path);
    if (bytes === null) return null;
    const larger = new Uint8Array(bytes.length + 1);
    larger.set(bytes, 1);
    return larger.subarray(1);
  };
  const { registry } = await memoryRegistry({ signer: OWNER }, files);
  await registry.putAll([agentObject("a"), agentObject("b")]);
  expect(await registry.list()).toHaveLength(2);
  expect((await registry.find("rtt://test/agent/b")).signer).toBe(OWNER.key);
});

test("many writers at once lose nothing and share indexes", async () => {
  const { files, registry } = await memoryRegistry();
  const names = Array.from({ length: 40 }, (_, index) => `agent-${index}`);
  await Promise.all(names.map((name) => registry.put(agentObject(name))));
  expect(await registry.list()).toHaveLength(40);
  expect(await registry.generation()).toBeLessThan(40);
  const second = await memoryRegistry({ signer: OWNER }, files);
  for (const name of names) {
    expect((await second.registry.find(`rtt://test/agent/${name}@1.0.0`)).kind).toBe("agent");
  }
});

test("two registries on one folder see each other's writes and keep them", async () => {
  const { files, registry } = await memoryRegistry();
  const other = await memoryRegistry({ signer: OWNER }, files);
  await registry.put(agentObject("a"));
  await other.registry.put(agentObject("b"));
  await registry.put(agentObject("c"));
  expect((await other.registry.list()).map(({ label }) => label)).toEqual([
    "a@1.0.0",
    "b@1.0.0",
    "c@1.0.0",
  ]);
});

test("two programs that write at the same time lose nothing", async () => {
  const files = new MemoryFiles();
  const info = files.info.bind(files);
  files.info = async (path) => {
    const found = await info(path);
    return found === null ? null : { ...found, modifiedMs: testPorts().clock.wallMs() };
  };
  const { registry } = await memoryRegistry({ signer: OWNER }, files);
  const other = await memoryRegistry({ signer: OWNER }, files);
  const names = Array.from({ length: 12 }, (_, index) => `agent-${index}`);
  // One after the other in each, so that neither can gather its changes into one write.
  const writeAll = async (by: Registry, which: readonly string[]): Promise<void> => {
    for (const name of which) await by.put(agentObject(name));
  };
  await Promise.all([
    writeAll(registry, names.slice(0, 6)),
    writeAll(other.registry, names.slice(6)),
  ]);
  expect(await registry.list()).toHaveLength(12);
  expect(await registry.generation()).toBe(12);
  expect(files.all.has(registry.layout.lock)).toBe(false);
});

test("a lock that a crash has left is taken over, also after the clock has jumped", async () => {
  for (const wallMs of [20_000, -20_000]) {
    const clock = { ...testPorts().clock, wallMs: () => wallMs };
    const files = new MemoryFiles();
    const registry = await Registry.open(testPorts({ files, clock }), FOLDER, { signer: OWNER });
    files.all.set(registry.layout.lock, new Uint8Array());
    await registry.put(agentObject("a"));
    expect(await registry.list()).toHaveLength(1);
    expect(files.all.has(registry.layout.lock)).toBe(false);
  }
});

test("a lock that is held without end is said to be", async () => {
  const files = new MemoryFiles();
  let nowUs = 0;
  const clock = {
    ...testPorts().clock,
    wallMs: () => 0,
    nowUs: () => nowUs,
    at: (atUs: number, task: () => void) => {
      nowUs = atUs;
      queueMicrotask(task);
      return () => undefined;
    },
  };
  const registry = await Registry.open(testPorts({ files, clock }), FOLDER, { signer: OWNER });
  files.all.set(registry.layout.lock, new Uint8Array());
  expect(await failureCode(() => registry.put(agentObject("a")))).toBe("would-block");
});

test("the newest version of a range is found, of the asked variant only", async () => {
  const { registry } = await memoryRegistry();
  for (const version of ["1.2.0", "1.10.0", "2.0.0", "3.0.0-rc.1"]) {
    await registry.put(agentObject("a", version));
  }
  const find = async (text: string) => (await registry.resolve(text))?.address.version ?? null;
  expect(await find("rtt://test/agent/a@^1")).toBe("1.10.0");
  expect(await find("rtt://test/agent/a")).toBe("2.0.0");
  expect(await find("rtt://test/agent/a@3.0.0-rc.1")).toBe("3.0.0-rc.1");
  expect(await find("rtt://test/agent/a@^1#x")).toBeNull();
  expect(await find("rtt://test/agent/b@^1")).toBeNull();
  expect(await failureCode(() => registry.find("rtt://test/agent/b@^1"))).toBe("object-missing");
  expect(await failureCode(() => registry.findBlob("rtt://test/agent/b"))).toBe("object-missing");
  expect(
    await failureCode(() => registry.verify(parseSymbolAddress("rtt://test/agent/b@1.0.0"))),
  ).toBe("object-missing");
});

test("blobs are bytes as they are, and no objects", async () => {
  const { registry } = await memoryRegistry();
  const id = await registry.putBlob(blobOf("# Title\r\n"));
  expect(fromUtf8((await registry.getBlob(id)).bytes)).toBe("# Title\r\n");
  expect(await failureCode(() => registry.get(id))).toBe("object-missing");
  const address = parseSymbolAddress("rtt://test/rule/r@1.0.0");
  const named = await registry.putBlob({ ...blobOf("x"), kind: "rule", address });
  expect((await registry.findBlob(address)).id).toBe(named);
  expect(await failureCode(() => registry.find(address))).toBe("object-missing");
});

test("a symbol that is taken out is found no more, and its object is garbage", async () => {
  const { registry } = await memoryRegistry();
  const [kept, gone] = await registry.putAll([agentObject("a"), agentObject("b")]);
  await registry.remove([parseSymbolAddress("rtt://test/agent/b@1.0.0")]);
  expect(await registry.resolve("rtt://test/agent/b")).toBeNull();
  expect(await registry.gc({ isDry: true })).toEqual([gone]);
  expect(await registry.has(gone as string)).toBe(true);
  expect(await registry.gc()).toEqual([gone]);
  expect(await registry.has(gone as string)).toBe(false);
  expect((await registry.get(kept as string)).kind).toBe("agent");
});

test("garbage is what neither address nor root nor body leads to", async () => {
  const { registry } = await memoryRegistry();
  const leaf = await registry.put(nameless({ leaf: 1 }));
  const blob = await registry.putBlob(blobOf("dialect"));
  const middle = await registry.put(nameless({ refs: [{ deep: `sha256:${leaf}` }] }));
  await registry.put(
    agentObject("a", "1.0.0", { view: `sha256:${blob}`, other: `sha256:${"0".repeat(64)}` }),
  );
  const garbage = await registry.put(nameless({ nobody: true }));
  await registry.setRoots("plan:current", [middle, middle]);
  expect(await registry.gc()).toEqual([garbage]);
  await registry.setRoots("plan:current", []);
  expect(await registry.gc()).toEqual([leaf, middle].sort());
  expect(await registry.has(blob)).toBe(true);
});

test("references are texts anywhere in a body that are digests", () => {
  const id = "ab".repeat(32);
  const body = { a: [null, 1, true, `sha256:${id}`], b: id, c: `sha256:${id.toUpperCase()}` };
  expect(referencesOf(body)).toEqual([id]);
});

test("young garbage stays, also when the clock has jumped back", async () => {
  const files = new MemoryFiles();
  let wallMs = 5_000;
  const clock = { ...testPorts().clock, wallMs: () => wallMs };
  const registry = await Registry.open(testPorts({ files, clock }), FOLDER, { signer: OWNER });
  await registry.put(agentObject("a"));
  const id = await registry.put(nameless(1));
  expect(await registry.gc({ graceMs: 10_000 })).toEqual([]);
  wallMs = -5_000;
  expect(await registry.gc({ graceMs: 10_000 })).toEqual([]);
  wallMs = 10_000;
  expect(await registry.gc({ graceMs: 10_000 })).toEqual([id]);
});

test("nothing is collected when what is kept cannot be read", async () => {
  const { files, registry } = await memoryRegistry();
  const id = await registry.put(agentObject("a"));
  await registry.put(nameless(1));
  const path = `${FOLDER}/cas/sha256/${id}.json`;
  const bytes = files.all.get(path) as Uint8Array<ArrayBuffer>;
  files.all.set(path, utf8("{}"));
  expect(await failureCode(() => registry.gc())).toBe("object-corrupt");
  files.all.delete(path);
  expect(await failureCode(() => registry.gc())).toBe("object-missing");
  files.all.set(path, bytes);
  files.all.delete(`${FOLDER}/index.json`);
  expect(await failureCode(() => registry.gc())).toBe("signature-missing");
});

test("roots need names and objects", async () => {
  const { registry } = await memoryRegistry();
  for (const name of ["", "..", "/x", "A", "a b", "__proto__", "x".repeat(129)]) {
    expect(await failureCode(() => registry.setRoots(name, []))).toBe("argument-invalid");
  }
  expect(await failureCode(() => registry.setRoots("a", ["0".repeat(64)]))).toBe("object-missing");
});

test("what cannot be an object is refused before anything is written", async () => {
  const { files, registry } = await memoryRegistry();
  const deep = Array.from({ length: 40 }).reduce<Json>((inner) => [inner], 1);
  const wrong: [RegistryObject, string][] = [
    [nameless(1, "Upper"), "argument-invalid"],
    [nameless(1, "../x"), "argument-invalid"],
    [nameless("x".repeat((1 << 20) + 1)), "argument-invalid"],
    [nameless(deep), "canonical-json-invalid"],
    [nameless("\ud800"), "canonical-json-invalid"],
    [nameless(Number.NaN), "canonical-json-invalid"],
    [{ ...nameless(1), address: { ...agentObject("a").address!, name: ".." } }, "symbol-invalid"],
  ];
  for (const [object, code] of wrong) {
    expect(await failureCode(() => registry.putAll([agentObject("good"), object]))).toBe(code);
  }
  const bytes = new Uint8Array((8 << 20) + 1);
  expect(await failureCode(() => registry.putBlob({ ...blobOf(""), bytes }))).toBe(
    "argument-invalid",
  );
  expect(await failureCode(() => registry.putBlob({ ...blobOf(""), kind: "" }))).toBe(
    "argument-invalid",
  );
  expect(files.all.size).toBe(0);
});

test("an id that is none never becomes a path", async () => {
  const { registry } = await memoryRegistry();
  for (const id of ["", "..", "../../etc/passwd", "A".repeat(64), `${"0".repeat(64)}/x`]) {
    expect(await failureCode(() => registry.get(id))).toBe("argument-invalid");
    expect(await failureCode(() => registry.has(id))).toBe("argument-invalid");
  }
  expect(await failureCode(() => registry.get("0".repeat(64)))).toBe("object-missing");
  expect(await failureCode(() => registry.getBlob("0".repeat(64)))).toBe("object-missing");
});

test("a rotten object is replaced when it is put again", async () => {
  const { files, registry } = await memoryRegistry();
  const id = await registry.put(agentObject("a"));
  files.all.set(`${FOLDER}/cas/sha256/${id}.json`, utf8("rot"));
  expect(await failureCode(() => registry.get(id))).toBe("object-corrupt");
  await registry.put(agentObject("a"));
  expect((await registry.get(id)).id).toBe(id);
});

test("a failed write of the index fails its writers and leaves the last index", async () => {
  const files = new MemoryFiles();
  let isFull = false;
  const write = files.write.bind(files);
  files.write = async (path, bytes) => {
    if (isFull && path.endsWith("index.json")) throw new Error("no space");
    return write(path, bytes);
  };
  const { registry } = await memoryRegistry({ signer: OWNER }, files);
  await registry.put(agentObject("a"));
  isFull = true;
  await expect(registry.put(agentObject("b"))).rejects.toThrow("no space");
  isFull = false;
  expect(await registry.list()).toHaveLength(1);
  await registry.put(agentObject("c"));
  expect((await registry.list()).map(({ label }) => label)).toEqual(["a@1.0.0", "c@1.0.0"]);
});

test("on disk, objects are read-only and the folder appears with the first of them", async () => {
  const ports = testPorts();
  const folder = `${temporaryFolder()}/deep/.rtt/registry`;
  const registry = await Registry.open(ports, folder, { signer: OWNER });
  expect(await ports.files.info(folder)).toBeNull();
  expect(await registry.list()).toEqual([]);
  const id = await registry.put(agentObject("a"));
  const info = await ports.files.info(registry.layout.content(id, "json"));
  expect(info?.mode.toString(8)).toBe(process.platform === "win32" ? "600" : "444");
  expect((await registry.get(id)).signer).toBe(OWNER.key);
});
