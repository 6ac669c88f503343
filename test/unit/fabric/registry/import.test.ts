/**
 * Goal: what comes from elsewhere is taken in whole or not at all, under this registry's own trust.
 * Method: registries and OCI layouts in memory, whole, and with every part of them damaged, hostile or contradictory.
 */
import { expect, test } from "vitest";
import { importFolder } from "../../../../host/shared/fabric/registry/import.ts";
import { exportOci } from "../../../../host/shared/fabric/registry/oci-export.ts";
import { publishedAddress } from "../../../../host/shared/fabric/registry/object.ts";
import { Registry } from "../../../../host/shared/fabric/registry/registry.ts";
import { parseSymbolAddress } from "../../../../host/shared/fabric/symbol.ts";
import { fromUtf8, toHex, utf8 } from "../../../../host/shared/trust/bytes.ts";
import { canonicalBytes, type Json } from "../../../../host/shared/trust/canonical-json.ts";
import { MemoryFiles } from "../../../support/memory-files.ts";
import { failureCode, testDigest, testPorts } from "../../../support/ports.ts";
import {
  agentObject,
  COLLEAGUE,
  editFile,
  FOLDER,
  memoryRegistry,
  OWNER,
  STRANGER,
} from "../../../support/registry.ts";

const THEIRS = "/theirs/.rtt/registry";
const OCI = "/oci";
const bothTrusted = { signer: OWNER, anchors: [OWNER.publicKey, COLLEAGUE.publicKey] };

/** The owner's registry, and a colleague's with two agents, a blob and some garbage. */
async function twoRegistries() {
  const { files, ports, registry } = await memoryRegistry(bothTrusted);
  const theirs = await Registry.open(ports, THEIRS, { signer: COLLEAGUE });
  const blob = await theirs.putBlob({ kind: "dialect", address: null, bytes: utf8("x") });
  const [a, b] = await theirs.putAll([
    agentObject("a", "1.0.0", { dialect: `sha256:${blob}` }),
    agentObject("b"),
  ]);
  await theirs.put({ kind: "note", address: null, body: "garbage" });
  return { files, ports, registry, theirs, a: a as string, b: b as string, blob };
}

/** The code that an import ends with, which must leave everything as it was. */
async function importCode(
  {
    files,
    ports,
    registry,
  }: Pick<Awaited<ReturnType<typeof twoRegistries>>, "files" | "ports" | "registry">,
  folder: string,
  options = {},
): Promise<string> {
  const own = () => [...files.all].filter(([path]) => path.startsWith(`${FOLDER}/`));
  const before = own();
  const code = await failureCode(() => importFolder(ports, registry, folder, options));
  if (code !== "none") expect(own()).toEqual(before);
  return code;
}

test("another registry is taken in with its signatures, without its garbage", async () => {
  for (const folder of ["/theirs", "/theirs/.rtt", THEIRS]) {
    const world = await twoRegistries();
    const { ports, registry, a, b, blob } = world;
    const report = await importFolder(ports, registry, folder);
    expect(report).toEqual({
      imported: [a, b, blob].sort(),
      vouched: [],
      symbols: ["rtt://test/agent/a@1.0.0", "rtt://test/agent/b@1.0.0"],
    });
    expect((await registry.get(a)).signer).toBe(COLLEAGUE.key);
    expect((await registry.getBlob(blob)).signer).toBe(COLLEAGUE.key);
    expect(await registry.gc()).toEqual([]);
  }
});

test("an object that was first signed without an address comes in at the one that it got", async () => {
  const { ports, registry, theirs } = await twoRegistries();
  await theirs.put({ ...agentObject("late"), address: null });
  const id = await theirs.put(agentObject("late"));
  await importFolder(ports, registry, THEIRS);
  expect((await registry.find("rtt://test/agent/late")).id).toBe(id);
});

test("a registry whose signer is not trusted is refused, vouching or not", async () => {
  const world = await twoRegistries();
  const { files } = world;
  const registry = (await memoryRegistry({ signer: OWNER }, files)).registry;
  const mine = { ...world, registry };
  expect(await importCode(mine, THEIRS)).toBe("signer-untrusted");
  expect(await importCode(mine, THEIRS, { isVouching: true })).toBe("signer-untrusted");
});

test("one bad object spoils the import", async () => {
  const attacks: [string, (files: MemoryFiles, ids: { a: string; b: string }) => void][] = [
    [
      "object-corrupt",
      (files, { b }) => files.all.set(`${THEIRS}/cas/sha256/${b}.json`, utf8("{}")),
    ],
    ["object-missing", (files, { b }) => files.all.delete(`${THEIRS}/cas/sha256/${b}.json`)],
    ["signature-missing", (files, { b }) => files.all.delete(`${THEIRS}/cas/sha256/${b}.dsse`)],
    [
      "signature-invalid",
      (files, { b }) => files.all.set(`${THEIRS}/cas/sha256/${b}.dsse`, utf8("{}\n")),
    ],
    [
      "signature-invalid",
      (files, { a, b }) =>
        files.all.set(
          `${THEIRS}/cas/sha256/${b}.dsse`,
          files.all.get(`${THEIRS}/cas/sha256/${a}.dsse`)!,
        ),
    ],
    [
      "signature-invalid",
      (files) => editFile(files, `${THEIRS}/index.json`, (text) => text.replace("gen", "Gen")),
    ],
    [
      "file-missing",
      (files) => {
        for (const path of files.all.keys()) if (path.startsWith(THEIRS)) files.all.delete(path);
      },
    ],
  ];
  for (const [code, attack] of attacks) {
    const world = await twoRegistries();
    attack(world.files, world);
    expect(await importCode(world, THEIRS)).toBe(code);
  }
});

test("an index that lists an object under an address it is not signed for is refused", async () => {
  const world = await twoRegistries();
  const { files, theirs, b } = world;
  // The colleague signs an index with a swapped address; the objects' own signatures tell.
  const line = files.all.get(`${THEIRS}/cas/sha256/${b}.dsse`)!;
  await theirs.put({ ...agentObject("b"), address: agentObject("c").address });
  files.all.set(`${THEIRS}/cas/sha256/${b}.dsse`, line);
  expect(await importCode(world, THEIRS)).toBe("object-corrupt");
});

test("a version never changes its content by an import", async () => {
  const world = await twoRegistries();
  await world.registry.put(agentObject("b", "1.0.0", { mine: true }));
  expect(await importCode(world, THEIRS)).toBe("argument-invalid");
});

test("without a key nothing is imported", async () => {
  const world = await twoRegistries();
  const options = { anchors: bothTrusted.anchors };
  const { registry } = await memoryRegistry(options, world.files);
  expect(await importCode({ ...world, registry }, THEIRS)).toBe("signature-missing");
});

test("signed objects without an index come in under the addresses that they are signed for", async () => {
  const world = await twoRegistries();
  const { files, ports, registry } = world;
  files.all.delete(`${THEIRS}/index.json`);
  const { symbols, imported } = await importFolder(ports, registry, THEIRS);
  expect(symbols).toEqual(["rtt://test/agent/a@1.0.0", "rtt://test/agent/b@1.0.0"]);
  expect(imported).toHaveLength(4);
  expect((await registry.list())[0]?.label).toBe("a@1.0.0");
});

test("two objects that are signed for one address are refused without an index to decide", async () => {
  const world = await twoRegistries();
  await world.theirs.put(agentObject("b", "1.0.0", { changed: true }));
  world.files.all.delete(`${THEIRS}/index.json`);
  expect(await importCode(world, THEIRS)).toBe("argument-invalid");
});

test("only published forms can be vouched for; what has no address stays without", async () => {
  const { files, ports, registry } = await memoryRegistry();
  const put = (text: string) =>
    files.all.set(`/pub/cas/sha256/${toHex(testDigest.sha256(utf8(text)))}.json`, utf8(text));
  put('{"skill":{"id":"Code_Review","version":"2.0.0"},"type":"skill"}');
  put('{"provider":"сlaude","tool":{"name":"x"},"type":"mcp_tool"}');
  put('{"agent":{"id":7},"type":"agent"}');
  put('{"provider":1,"tool":[],"type":"mcp_tool"}');
  put('{"skill":{"name":"x","version":1},"type":"skill"}');
  const { symbols, vouched } = await importFolder(ports, registry, "/pub", { isVouching: true });
  // A Cyrillic letter, a number and a list make no address.
  expect(symbols).toEqual(["rtt://local/skill/code-review@2.0.0"]);
  expect(vouched).toHaveLength(5);
  for (const text of ['{"type":"gadget"}', "[]", '"x"', '{"$schema":"https://other"}']) {
    const world = await memoryRegistry();
    const bytes = utf8(text);
    world.files.all.set(`/pub/cas/sha256/${toHex(testDigest.sha256(bytes))}.json`, bytes);
    expect(await importCode(world, "/pub", { isVouching: true })).toBe("signature-missing");
    world.files.all.set("/pub/index.json", utf8("[]"));
    expect(await importCode(world, "/pub")).toBe("signature-missing");
  }
  const world = await memoryRegistry();
  world.files.all.set(`/pub/cas/sha256/${toHex(testDigest.sha256(utf8("x")))}.blob`, utf8("x"));
  expect(await importCode(world, "/pub", { isVouching: true })).toBe("signature-missing");
});

test("only published forms have published addresses", () => {
  for (const body of [null, 1, "x", [], {}, { name: "x" }, { type: "gadget", name: "x" }]) {
    expect(publishedAddress(body)).toBeNull();
  }
  const agent = { $schema: "https://rtt/agent-manifest/v1", id: "Code_Fix", version: "1.2.0" };
  expect(publishedAddress(agent)?.name).toBe("code-fix");
});

test("a published index that names what is not there is refused", async () => {
  const world = await memoryRegistry();
  world.files.all.set(`/pub/cas/sha256/${"0".repeat(64)}.dsse`, utf8(""));
  for (const digest of ["sha256:../../x", `sha256:${"1".repeat(64)}`, 7]) {
    world.files.all.set("/pub/index.json", utf8(JSON.stringify({ agents: { x: digest } })));
    expect(await importCode(world, "/pub", { isVouching: true })).toBe("object-missing");
  }
});

// --- OCI image layouts ---

async function exported() {
  const world = await twoRegistries();
  const { digest } = await exportOci(world.ports, world.theirs, OCI);
  return { ...world, digest };
}

const blobPath = (digest: string): string => `${OCI}/blobs/sha256/${digest.replace("sha256:", "")}`;

/** Replaces the manifest by a changed one, with its digest and size set right. */
function setManifest(
  files: MemoryFiles,
  digest: string,
  change: (manifest: { layers: Record<string, Json>[] }) => object,
): void {
  const manifest = JSON.parse(fromUtf8(files.all.get(blobPath(digest))!)!) as never;
  const bytes = canonicalBytes(change(manifest) as Json);
  const next = toHex(testDigest.sha256(bytes));
  files.all.set(blobPath(next), bytes);
  editFile(files, `${OCI}/index.json`, (text) =>
    text.replace(digest, `sha256:${next}`).replace(/"size":\d+/, `"size":${bytes.length}`),
  );
}

test("an OCI layout brings the same as the registry it was made of", async () => {
  const { ports, registry, a, b, blob } = await exported();
  const report = await importFolder(ports, registry, OCI);
  expect(report.imported).toEqual([a, b, blob].sort());
  expect((await registry.find("rtt://test/agent/a")).signer).toBe(COLLEAGUE.key);
});

test("an export is refused where other files are, and where a symbol does not hold", async () => {
  const { ports, files, theirs, b, blob } = await twoRegistries();
  files.all.set("/full/x", utf8("x"));
  expect(await failureCode(() => exportOci(ports, theirs, "/full"))).toBe("argument-invalid");
  const empty = await Registry.open(ports, "/empty", { signer: OWNER });
  expect(await failureCode(() => exportOci(ports, empty, "/e"))).toBe("object-missing");
  const bytes = files.all.get(`${THEIRS}/cas/sha256/${blob}.blob`)!;
  files.all.set(`${THEIRS}/cas/sha256/${blob}.blob`, utf8("y"));
  expect(await failureCode(() => exportOci(ports, theirs, OCI))).toBe("object-corrupt");
  files.all.set(`${THEIRS}/cas/sha256/${blob}.blob`, bytes);
  files.all.delete(`${THEIRS}/cas/sha256/${b}.dsse`);
  expect(await failureCode(() => exportOci(ports, theirs, OCI))).toBe("signature-missing");
});

test("bytes of two symbols are exported once, and what may be unsigned is exported unsigned", async () => {
  const { files, ports } = await memoryRegistry();
  const options = { signer: OWNER, allowUnsigned: ["a/*", "b/*"] };
  const registry = await Registry.open(ports, FOLDER, options);
  const texts = ["rtt://a/rule/x@1.0.0", "rtt://b/rule/x@1.0.0"];
  const [id] = await registry.putAll(
    texts.map((text) => ({ kind: "rule", address: parseSymbolAddress(text), body: { r: 1 } })),
  );
  const bytes = utf8("shared");
  await registry.putBlob({
    kind: "rule",
    address: parseSymbolAddress("rtt://a/rule/b@1.0.0"),
    bytes,
  });
  files.all.delete(`${FOLDER}/cas/sha256/${id}.dsse`);
  for (const text of texts) expect((await registry.find(text)).signer).toBeNull();
  expect((await exportOci(ports, registry, OCI)).objects).toBe(2);
  const target = await Registry.open(ports, "/target", options);
  expect(await failureCode(() => importFolder(ports, target, OCI))).toBe("signature-missing");
});

test("a layout with a stranger's signatures is refused", async () => {
  const { files, ports, registry } = await twoRegistries();
  const strange = await Registry.open(ports, "/strange", { signer: STRANGER });
  await strange.put(agentObject("x"));
  await exportOci(ports, strange, OCI);
  expect(await importCode({ files, ports, registry }, OCI)).toBe("signer-untrusted");
});

type Manifest = { layers: Record<string, Json>[] };
const typeOf = ({ mediaType }: Record<string, Json>): string =>
  typeof mediaType === "string" ? mediaType : "";
const typed =
  (mediaType: string, value: (layer: Record<string, Json>) => object) =>
  ({ layers }: Manifest): object => ({
    layers: layers.map((layer) =>
      typeOf(layer).includes(mediaType) ? { ...layer, ...value(layer) } : layer,
    ),
  });

test.each<[string, string, (manifest: Manifest) => object]>([
  ["no layers", "object-corrupt", () => ({})],
  ["is a list", "object-corrupt", () => []],
  ["a layer is none", "object-corrupt", () => ({ layers: [1] })],
  ["a layer has no size", "object-corrupt", typed("object", () => ({ size: "1" }))],
  ["a size is wrong", "object-corrupt", typed("object", () => ({ size: 1 }))],
  ["a digest climbs", "object-corrupt", typed("object", () => ({ digest: "sha256:../../../x" }))],
  ["a digest is of another kind", "object-corrupt", typed("object", () => ({ digest: "md5:00" }))],
  [
    "a blob is not there",
    "object-corrupt",
    typed("object", () => ({ digest: `sha256:${"0".repeat(64)}` })),
  ],
  ["a type is unknown", "object-corrupt", typed("object", () => ({ mediaType: "text/html" }))],
  [
    "a layer was compressed",
    "object-corrupt",
    typed("blob", (layer) => ({ mediaType: `${typeOf(layer)}+gzip` })),
  ],
  [
    "signatures are missing",
    "signature-missing",
    ({ layers }) => ({
      layers: layers.filter((layer) => !typeOf(layer).includes("signatures")),
    }),
  ],
  [
    "an object is missing",
    "object-missing",
    ({ layers }) => ({
      layers: layers.filter((layer) => !typeOf(layer).includes("object")),
    }),
  ],
  [
    "an object calls itself signatures",
    "object-corrupt",
    typed("object", () => ({ mediaType: "application/vnd.mxp.registry.signatures.v1+jsonl" })),
  ],
])("a manifest is refused: %s (%s)", async (_, code, change) => {
  const world = await exported();
  setManifest(world.files, world.digest, change);
  expect(await importCode(world, OCI)).toBe(code);
});

test.each<[string, string, (files: MemoryFiles, digest: string) => void]>([
  [
    "a blob is changed",
    "object-corrupt",
    (files, digest) => editFile(files, blobPath(digest), (text) => `${text} `),
  ],
  ["there is no index", "object-corrupt", (files) => files.all.delete(`${OCI}/index.json`)],
  [
    "the index is no object",
    "object-corrupt",
    (files) => files.all.set(`${OCI}/index.json`, utf8("[]")),
  ],
  [
    "the index has no images",
    "object-corrupt",
    (files) => files.all.set(`${OCI}/index.json`, utf8("{}")),
  ],
  [
    "the index has two images",
    "object-corrupt",
    (files) => files.all.set(`${OCI}/index.json`, utf8('{"manifests":[1,2]}')),
  ],
  [
    "the image is an index",
    "object-corrupt",
    (files) =>
      editFile(files, `${OCI}/index.json`, (text) => text.replace("image.manifest", "image.index")),
  ],
  [
    "the version is another",
    "object-corrupt",
    (files) => files.all.set(`${OCI}/oci-layout`, utf8('{"imageLayoutVersion":"2.0.0"}')),
  ],
  [
    "a name stands twice",
    "canonical-json-invalid",
    (files) => files.all.set(`${OCI}/index.json`, utf8('{"manifests":[],"manifests":[]}')),
  ],
  [
    "it is deep",
    "canonical-json-invalid",
    (files) => files.all.set(`${OCI}/index.json`, utf8(`${"[".repeat(99)}${"]".repeat(99)}`)),
  ],
  [
    "the index is huge",
    "object-corrupt",
    (files) => files.all.set(`${OCI}/index.json`, new Uint8Array((1 << 16) + 1)),
  ],
])("a layout is refused: %s (%s)", async (_, code, attack) => {
  const world = await exported();
  attack(world.files, world.digest);
  expect(await importCode(world, OCI)).toBe(code);
});

test("signatures of nothing are refused", async () => {
  const world = await exported();
  const { files, digest } = world;
  const envelope = {
    payload: "e30=",
    payloadType: "x",
    signatures: [{ keyid: "k", sig: `${"A".repeat(86)}==` }],
  };
  const bytes = utf8(`${JSON.stringify(envelope)}\n`);
  files.all.set(blobPath(toHex(testDigest.sha256(bytes))), bytes);
  setManifest(
    files,
    digest,
    typed("signatures", () => ({
      digest: `sha256:${toHex(testDigest.sha256(bytes))}`,
      size: bytes.length,
    })),
  );
  expect(await importCode(world, OCI)).toBe("object-corrupt");
});

test("an import on the same ports twice is one", async () => {
  const { registry, ports } = await exported();
  const first = await importFolder(ports, registry, OCI);
  const generation = await registry.generation();
  expect(await importFolder(testPorts(ports), registry, OCI)).toEqual(first);
  expect(await registry.generation()).toBe(generation);
});
