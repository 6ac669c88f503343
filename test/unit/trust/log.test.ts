/**
 * Goal: the log keeps what was appended, in the published layout, and notices whatever else is in its files.
 * Method: a log of 70,000 entries in memory; every corruption by name; failing disks; hand-made texts.
 */
import { expect, test } from "vitest";
import { Failure } from "../../../host/shared/ports/failure.ts";
import { encodeBase64 } from "../../../host/shared/trust/base64.ts";
import { fromUtf8, utf8 } from "../../../host/shared/trust/bytes.ts";
import {
  formatProof,
  logKey,
  openCheckpoint,
  parseProof,
  signCheckpoint,
  verifyProof,
} from "../../../host/shared/trust/log/checkpoint.ts";
import { LogReader } from "../../../host/shared/trust/log/log-reader.ts";
import { isConsistent, leafHash, rootOfPath } from "../../../host/shared/trust/log/merkle.ts";
import { openNote, signNote } from "../../../host/shared/trust/log/note.ts";
import { TiledLog } from "../../../host/shared/trust/log/tiled-log.ts";
import {
  decodeEntries,
  edgeTiles,
  encodeEntries,
  encodeHashes,
  tilePath,
} from "../../../host/shared/trust/log/tiles.ts";
import { MemoryFiles } from "../../support/memory-files.ts";
import { failureCode, testDigest, testPorts } from "../../support/ports.ts";
import { deviceNode, hostNode } from "../../support/receipts.ts";

const key = logKey(hostNode.id, hostNode.publicKey);
const FOLDER = "/log";

async function logOf(count: number) {
  const files = new MemoryFiles();
  const ports = testPorts({ files });
  const log = await TiledLog.open(ports, FOLDER, hostNode);
  await appendTo(log, count);
  return { files, ports, log };
}

async function appendTo(log: TiledLog, count: number): Promise<number[]> {
  const first = log.size;
  const entries = Array.from({ length: count }, (_, at) => utf8(`entry ${first + at}`));
  return Promise.all(entries.map((entry) => log.append(entry)));
}

async function readerOf(files: MemoryFiles): Promise<LogReader> {
  const reader = await LogReader.open(testPorts({ files }), FOLDER, key);
  if (reader === null) throw new Error("there is no log");
  return reader;
}

const ignore = async (): Promise<void> => undefined;

test("a log of 70,000 entries consists of the tiles that the specification names", async () => {
  const { files, log } = await logOf(70_000);
  const paths = [...files.all.keys()].map((path) => path.slice(FOLDER.length + 1));
  const inLevel = (level: string) => paths.filter((path) => path.startsWith(`tile/${level}/`));
  // C2SP tlog-tiles, "Partial Tiles": the example of a tree of this size.
  expect(inLevel("0")).toHaveLength(274);
  expect(inLevel("0")).toContain("tile/0/273.p/112");
  expect(inLevel("1").toSorted()).toEqual(["tile/1/000", "tile/1/001.p/17"]);
  expect(inLevel("2")).toEqual(["tile/2/000.p/1"]);
  expect(inLevel("entries")).toHaveLength(274);
  expect(paths).toHaveLength(274 + 2 + 1 + 274 + 1);
  const reader = await readerOf(files);
  for (const index of [0, 255, 256, 65_535, 65_536, 69_999]) {
    expect(fromUtf8(await reader.entry(index))).toBe(`entry ${index}`);
    const proof = parseProof(formatProof(await reader.prove(index)));
    const head = verifyProof(testPorts(), proof, utf8(`entry ${index}`), key);
    expect(head).toEqual(reader.head);
  }
  let seen = 0;
  await reader.verify(async (index, entry) => {
    expect(fromUtf8(entry)).toBe(`entry ${index}`);
    seen += 1;
  });
  expect(seen).toBe(70_000);
  expect(log.size).toBe(70_000);
}, 60_000);

test("tile paths are those of the specification", () => {
  expect(tilePath({ level: 0, index: 1_234_067, width: 256 })).toBe("tile/0/x001/x234/067");
  expect(tilePath({ level: "entries", index: 0, width: 5 })).toBe("tile/entries/000.p/5");
  expect(edgeTiles(0)).toEqual([]);
  expect(edgeTiles(256)).toEqual([{ level: 1, index: 0, width: 1 }]);
});

test("entries come back in order over many openings, and each tree continues the one before", async () => {
  const files = new MemoryFiles();
  const ports = testPorts({ files });
  const heads = [];
  for (const count of [1, 200, 55, 1, 256, 3, 0, 513]) {
    const log = await TiledLog.open(ports, FOLDER, hostNode);
    const first = log.size;
    const indexes = await appendTo(log, count);
    expect(indexes).toEqual(indexes.map((_, at) => first + at));
    const reader = await readerOf(files);
    await reader.verify(ignore);
    heads.push(reader.head);
  }
  const reader = await readerOf(files);
  const { head } = reader;
  for (const old of heads) {
    const path = old.size === head.size ? [] : await reader.consistency(old.size);
    expect(isConsistent(testDigest, old, head, path)).toBe(true);
    expect(
      isConsistent(testDigest, { ...old, root: testDigest.sha256(old.root) }, head, path),
    ).toBe(false);
  }
});

test("an empty log is one too", async () => {
  const { files, log } = await logOf(0);
  const reader = await readerOf(files);
  expect(await reader.verify(ignore)).toMatchObject({ size: 0 });
  expect(log.checkpoint).toContain(
    `${key.name}\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n`,
  );
});

test("entries are 1 to 65,535 bytes, and a changed array does not change the log", async () => {
  const { files, log } = await logOf(0);
  for (const size of [0, 65_536]) {
    expect(await failureCode(() => log.append(new Uint8Array(size)))).toBe("argument-invalid");
  }
  const largest = new Uint8Array(65_535).fill(7);
  const appended = log.append(largest);
  largest.fill(0);
  expect(await appended).toBe(0);
  expect((await (await readerOf(files)).entry(0)).every((byte) => byte === 7)).toBe(true);
});

test("every index outside the log is refused", async () => {
  const { files } = await logOf(3);
  const reader = await readerOf(files);
  for (const index of [-1, 3, 0.5, Number.NaN]) {
    expect(await failureCode(() => reader.prove(index))).toBe("argument-invalid");
  }
});

test.each([
  ["a checkpoint that is no text", "checkpoint", () => Uint8Array.of(0xff)],
  ["a missing bundle", "tile/entries/000", () => null],
  ["a bundle with an entry less", "tile/entries/000", () => encodeEntries([utf8("x")])],
  ["a missing tile", "tile/0/000", () => null],
  ["a cut tile", "tile/0/000", (bytes: Uint8Array<ArrayBuffer>) => bytes.slice(0, -1)],
  ["a changed inner tile", "tile/0/000", flipFirst],
  ["a changed upper tile", "tile/1/000.p/2", flipFirst],
  ["a changed last tile", "tile/0/002.p/88", flipFirst],
  ["a changed inner entry", "tile/entries/001", (bytes: Uint8Array<ArrayBuffer>) => flip(bytes, 9)],
  [
    "a changed last entry",
    "tile/entries/002.p/88",
    (bytes: Uint8Array<ArrayBuffer>) => flip(bytes, 9),
  ],
] as const)("%s is noticed by the reader", async (_name, path, change) => {
  const { files } = await logOf(600);
  const full = `${FOLDER}/${path}`;
  const changed = change(files.all.get(full) as Uint8Array<ArrayBuffer>);
  if (changed === null) files.all.delete(full);
  else files.all.set(full, changed);
  expect(await failureCode(async () => (await readerOf(files)).verify(ignore))).toBe("log-corrupt");
});

function flip(bytes: Uint8Array<ArrayBuffer>, at: number): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice();
  copy[at] = (copy[at] as number) ^ 1;
  return copy;
}

function flipFirst(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return flip(bytes, 0);
}

test("a log that was rewritten as a whole does not lead to the signed root", async () => {
  const { files } = await logOf(2);
  const [first, second] = [utf8("another entry"), utf8("entry 1")];
  files.all.set(`${FOLDER}/tile/entries/000.p/2`, encodeEntries([first, second]));
  const hashes = [first, second].map((entry) => leafHash(testDigest, entry));
  files.all.set(`${FOLDER}/tile/0/000.p/2`, encodeHashes(hashes));
  expect(await failureCode(async () => (await readerOf(files)).verify(ignore))).toBe("log-corrupt");
});

test("a single entry or its hash cannot be exchanged", async () => {
  const { files } = await logOf(600);
  const bundle = `${FOLDER}/tile/entries/001`;
  const tile = `${FOLDER}/tile/0/001`;
  const [entries, hashes] = [files.all.get(bundle), files.all.get(tile)];
  if (entries === undefined || hashes === undefined) throw new Error("a file is missing");
  files.all.set(bundle, flip(entries, 2));
  expect(await failureCode(async () => (await readerOf(files)).entry(256))).toBe("log-corrupt");
  files.all.set(tile, flip(hashes, 0));
  expect(await failureCode(async () => (await readerOf(files)).prove(256))).toBe("log-corrupt");
});

test("a writer refuses to go on from a damaged end", async () => {
  const { files, ports } = await logOf(600);
  const open = () => TiledLog.open(ports, FOLDER, hostNode);
  for (const path of ["tile/0/002.p/88", "tile/entries/002.p/88", "tile/1/000.p/2"]) {
    const full = `${FOLDER}/${path}`;
    const whole = files.all.get(full) as Uint8Array<ArrayBuffer>;
    files.all.set(full, flip(whole, 3));
    expect(await failureCode(open), path).toBe("log-corrupt");
    files.all.set(full, whole);
  }
  files.all.delete(`${FOLDER}/checkpoint`);
  expect(await failureCode(open)).toBe("log-corrupt");
});

test("two writers cannot fork a log", async () => {
  const { ports, log, files } = await logOf(1);
  const other = await TiledLog.open(ports, FOLDER, hostNode);
  await appendTo(other, 1);
  expect(await failureCode(() => appendTo(log, 1))).toBe("log-corrupt");
  files.all.delete(`${FOLDER}/checkpoint`);
  expect(await failureCode(() => appendTo(other, 1))).toBe("log-corrupt");
});

test("after a failed write the log refuses further entries until it is opened again", async () => {
  const { files, ports } = await logOf(2);
  let isFull = false;
  const failing = Object.assign(Object.create(files) as MemoryFiles, {
    write: async (path: string, bytes: Uint8Array) => {
      if (isFull) {
        throw new Failure("folder-unwritable", "full", { origin: "host", remedy: "Make room." });
      }
      await files.write(path, bytes);
    },
  });
  const log = await TiledLog.open({ ...ports, files: failing }, FOLDER, hostNode);
  isFull = true;
  const codes = await Promise.all(
    [1, 2].map((entry) => failureCode(() => log.append(Uint8Array.of(entry)))),
  );
  expect(codes).toEqual(["folder-unwritable", "folder-unwritable"]);
  isFull = false;
  expect(await failureCode(() => log.append(Uint8Array.of(3)))).toBe("folder-unwritable");
  const again = await TiledLog.open(ports, FOLDER, hostNode);
  expect(await again.append(Uint8Array.of(4))).toBe(2);
});

test("a note is signed by its key alone, and extra signatures of others do no harm", async () => {
  const ports = testPorts();
  const note = signNote(ports, "text\n", key, hostNode.seed);
  const open = (text: string) => openNote(ports, text, key);
  expect(open(note)).toBe("text\n");
  const foreign = signNote(
    ports,
    "text\n",
    logKey(deviceNode.id, deviceNode.publicKey),
    deviceNode.seed,
  );
  const foreignLine = foreign.slice(foreign.indexOf("—"));
  expect(open(note + foreignLine)).toBe("text\n");
  const impostor = signNote(
    ports,
    "text\n",
    { ...key, publicKey: deviceNode.publicKey },
    deviceNode.seed,
  );
  for (const text of [
    "",
    "text\n",
    note.trimEnd(),
    foreign,
    impostor,
    note.replace("text", "next"),
    `${note}no signature\n`,
    `${note}— name ?\n`,
    note + foreignLine.repeat(16),
  ]) {
    expect(await failureCode(() => open(text)), text).toBe("log-corrupt");
  }
});

test("a checkpoint is that of its log or is refused", async () => {
  const ports = testPorts();
  const root = testDigest.sha256(new Uint8Array());
  const whole = signCheckpoint(ports, key, hostNode.seed, { size: 7, root });
  expect(openCheckpoint(ports, whole, key)).toEqual({ size: 7, root });
  const sign = (text: string) => signNote(ports, text, key, hostNode.seed);
  const hash = encodeBase64(root);
  for (const text of [
    `other.log\n7\n${hash}\n`,
    `${key.name}\n07\n${hash}\n`,
    `${key.name}\n-1\n${hash}\n`,
    `${key.name}\n9007199254740993\n${hash}\n`,
    `${key.name}\n7\nAAAA\n`,
    `${key.name}\n7\n?\n`,
    `${key.name}\n`,
    `${key.name}\n7\n${hash}\nmore\n`,
  ]) {
    expect(await failureCode(() => openCheckpoint(ports, sign(text), key)), text).toBe(
      "log-corrupt",
    );
  }
});

test("a proof is a proof or is refused", async () => {
  const { log, files } = await logOf(3);
  const proof = await (await readerOf(files)).prove(1);
  const text = formatProof(proof);
  expect(parseProof(text)).toEqual({ ...proof, checkpoint: log.checkpoint });
  for (const broken of [
    "",
    text.replace("@v1", "@v2"),
    text.replace("index 1", "index 01"),
    text.replace("index 1", "place 1"),
    text.replace(/\n[^\n]*=\n/, "\nAAAA\n"),
    text.replace(/\n[^\n]*=\n/, "\n?\n"),
    text.replace("index 1\n", `index 1\n${`${encodeBase64(new Uint8Array(32))}\n`.repeat(65)}`),
  ]) {
    expect(await failureCode(() => parseProof(broken)), broken).toBe("log-corrupt");
  }
  const ports = testPorts();
  for (const [change, entry] of [
    [{ index: 2 }, "entry 1"],
    [{ index: 3 }, "entry 1"],
    [{ path: [] }, "entry 1"],
    [{ path: [...proof.path, ...proof.path] }, "entry 1"],
    [{}, "entry 2"],
  ] as const) {
    const task = () => verifyProof(ports, { ...proof, ...change }, utf8(entry), key);
    expect(await failureCode(task)).toBe("log-corrupt");
  }
});

test("proofs of impossible sizes lead nowhere", () => {
  const leaf = leafHash(testDigest, utf8("x"));
  expect(rootOfPath(testDigest, leaf, -1, 1, [])).toBeNull();
  expect(rootOfPath(testDigest, leaf, 0.5, 1, [])).toBeNull();
  expect(rootOfPath(testDigest, leaf, 0, 1, [leaf])).toBeNull();
  const at = (size: number) => ({ size, root: leaf });
  expect(isConsistent(testDigest, at(1), at(1), [])).toBe(true);
  expect(isConsistent(testDigest, at(1), at(1), [leaf])).toBe(false);
  expect(isConsistent(testDigest, at(0), at(1), [])).toBe(false);
  expect(isConsistent(testDigest, at(2), at(1), [])).toBe(false);
  expect(isConsistent(testDigest, at(3), at(4), [])).toBe(false);
  expect(isConsistent(testDigest, at(1), at(2), [leaf, leaf, leaf])).toBe(false);
});

test("bundles of another form are refused", () => {
  expect(decodeEntries(encodeEntries([utf8("a"), utf8("b")]), 2)).toHaveLength(2);
  expect(decodeEntries(Uint8Array.of(0), 0)).toBeNull();
  expect(decodeEntries(Uint8Array.of(0, 5, 1), 1)).toBeNull();
});
