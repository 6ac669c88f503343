/**
 * Goal: logs in the published form are read and every change of them is found; the published vectors reproduce.
 * Method: roots of the vectors; logs as the published tools write them, by Python itself where it is installed; each
 * thing that may be wrong with one.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  publishedRoot,
  verifyPublishedWal,
} from "../../../../host/shared/fabric/apply/published-wal.ts";
import { parsePythonJson, pythonText } from "../../../../host/shared/fabric/apply/python-json.ts";
import type { Files } from "../../../../host/shared/ports/files.ts";
import { utf8 } from "../../../../host/shared/trust/bytes.ts";
import { MemoryFiles } from "../../../support/memory-files.ts";
import { failureCode, temporaryFolder, testDigest, testPorts } from "../../../support/ports.ts";

const VECTORS = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../../vectors/origin-vectors-rtt-p2p.json"), "utf8"),
) as {
  readonly rtt: {
    readonly wal_rtt_v1: { readonly frame_bytes_utf8: string; readonly root: string };
    readonly wal_v1_0_0: { readonly entry_bytes_utf8: string; readonly root: string };
  };
};

/** A folder in memory that also has folders. */
class WalFolder extends MemoryFiles {
  override async info(path: string): ReturnType<Files["info"]> {
    if (path === "/wal") return { kind: "folder", sizeBytes: 0, modifiedMs: 0, mode: 0o755 };
    return super.info(path);
  }
}

const verify = (files: Files) => verifyPublishedWal({ files, digest: testDigest }, "/wal");

interface Written {
  readonly name: string;
  readonly root: string;
}

/** Adds an entry as the published tool does, whose second is that of `ts`. */
function addEntry(
  files: MemoryFiles,
  form: "rtt-v1" | "v1.0.0",
  prev: string,
  ts: string,
  more = '"apply": []',
): Written {
  const text = `{"ts": ${ts}, "plan_id": "sha256-EXAMPLE", "prev": "${prev}", ${more}}`;
  const root = publishedRoot(testDigest, form, prev, parsePythonJson(text));
  const name = `${Math.trunc(Number(ts))}-${root.slice(0, 12)}.wal.json`;
  files.all.set(`/wal/${name}`, utf8(`{\n  "root": "${root}",\n  "frame": ${text}\n}`));
  files.all.set("/wal/LATEST", utf8(root));
  return { name, root };
}

function chain(form: "rtt-v1" | "v1.0.0", count: number) {
  const files = new WalFolder();
  const entries: Written[] = [];
  for (let at = 0; at < count; at += 1) {
    // All in one second, at which the published verification of v1.0.0 fails.
    const entry = addEntry(files, form, entries.at(-1)?.root ?? "GENESIS", `1700000000.${at + 1}`);
    entries.push(entry);
  }
  return { files, entries };
}

test("the roots of the published vectors are reproduced", () => {
  const { wal_rtt_v1: first, wal_v1_0_0: second } = VECTORS.rtt;
  const frame = parsePythonJson(first.frame_bytes_utf8);
  expect(pythonText(frame, "default")).toBe(first.frame_bytes_utf8);
  expect(publishedRoot(testDigest, "rtt-v1", "GENESIS", frame)).toBe(first.root);
  expect(first.root.startsWith("07c347b8")).toBe(true);
  const entry = parsePythonJson(second.entry_bytes_utf8);
  expect(pythonText(entry, "compact")).toBe(second.entry_bytes_utf8);
  expect(publishedRoot(testDigest, "v1.0.0", "GENESIS", entry)).toBe(second.root);
  expect(second.root.startsWith("54a979ae")).toBe(true);
});

test.each(["rtt-v1", "v1.0.0"] as const)("many entries in one second verify: %s", async (form) => {
  const { files, entries } = chain(form, 25);
  expect(await verify(files)).toEqual({ entries: 25, root: entries.at(-1)?.root, form });
});

test("a log without entries holds", async () => {
  const files = new WalFolder();
  expect(await verify(files)).toEqual({ entries: 0, root: null, form: null });
  files.all.set("/wal/LATEST", utf8("GENESIS\n"));
  expect((await verify(files)).entries).toBe(0);
});

test("a folder that is not there is named", async () => {
  const files = new MemoryFiles();
  expect(await failureCode(() => verify(files))).toBe("file-missing");
});

type Spoil = (files: WalFolder, entries: readonly Written[]) => void;

function edited(files: WalFolder, { name }: Written, change: (text: string) => string): void {
  const path = `/wal/${name}`;
  files.all.set(path, utf8(change(new TextDecoder().decode(files.all.get(path)))));
}

test.each<[string, Spoil]>([
  ["a changed plan", (files, [, second]) => edited(files, second!, (t) => t.replace("EX", "XE"))],
  [
    "a changed digit of a number",
    (files, [, second]) => edited(files, second!, (t) => t.replace("0000.2", "0000.20")),
  ],
  ["a missing entry", (files, [, second]) => files.all.delete(`/wal/${second!.name}`)],
  ["a missing last entry", (files, entries) => files.all.delete(`/wal/${entries.at(-1)!.name}`)],
  ["an older LATEST", (files, [first]) => files.all.set("/wal/LATEST", utf8(first!.root))],
  ["no LATEST", (files) => files.all.delete("/wal/LATEST")],
  ["a LATEST that is no text", (files) => files.all.set("/wal/LATEST", Uint8Array.of(0xff))],
  ["a fork", (files, [first]) => void addEntry(files, "rtt-v1", first!.root, "1700000009")],
  [
    "an entry of the other form",
    (files, entries) => void addEntry(files, "v1.0.0", entries.at(-1)!.root, "1700000009"),
  ],
  [
    "an entry from nowhere",
    (files, entries) => {
      addEntry(files, "rtt-v1", "0".repeat(64), "1700000009");
      files.all.set("/wal/LATEST", utf8(entries.at(-1)!.root));
    },
  ],
  ["a name that is none", (files) => files.all.set("/wal/x.wal.json", utf8("{}"))],
  ["no JSON", (files, [first]) => edited(files, first!, () => "{")],
  ["no text", (files, [first]) => files.all.set(`/wal/${first!.name}`, Uint8Array.of(0xff))],
  ["no frame", (files, [first]) => edited(files, first!, (t) => t.replace("frame", "fram"))],
  ["a list", (files, [first]) => edited(files, first!, () => "[]")],
  [
    "another root",
    (files, [first]) => edited(files, first!, (t) => t.replace(/[0-9a-f]{64}/, "0")),
  ],
  ["another time", (files, [first]) => edited(files, first!, (t) => t.replace("1700", "1701"))],
  ["no time", (files, [first]) => edited(files, first!, (t) => t.replace("1700000000.1", '"x"'))],
])("a log with %s is corrupt", async (_, spoil) => {
  const { files, entries } = chain("rtt-v1", 4);
  spoil(files, entries);
  expect(await failureCode(() => verify(files))).toBe("log-corrupt");
});

test.each([
  ["", "nothing"],
  ["{", "open"],
  ['{"a":1,"a":2}', "twice"],
  ['{"a"}', "no colon"],
  ['{"a":1 "b":2}', "no comma"],
  ["[1 2]", "no comma in a list"],
  ["{1:2}", "no name"],
  ['"\\x"', "an escape that is none"],
  ["nul", "no word"],
  ["NaN", "no number"],
  ["1 2", "two"],
  ["[".repeat(40), "deep"],
])("%j is no JSON (%s)", async (text) => {
  expect(await failureCode(() => parsePythonJson(text))).toBe("canonical-json-invalid");
});

test("empty lists and objects, words, and names in the order of code points", () => {
  const text =
    '{"\u{1f600}": [ ], "\uffee": {}, "b": [true, null, -0.0, 1e5], "a": "\u007f\u00e9\\n"}';
  expect(pythonText(parsePythonJson(text), "default")).toBe(
    '{"a": "\\u007f\\u00e9\\n", "b": [true, null, -0.0, 1e5], "\\uffee": {}, "\\ud83d\\ude00": []}',
  );
});

const hasPython = spawnSync("python3", ["--version"]).status === 0;

test.runIf(hasPython)(
  "what Python itself writes verifies, odd texts and numbers included",
  async () => {
    const folder = temporaryFolder();
    const program = String.raw`
import hashlib, json, pathlib, sys
wal = pathlib.Path(sys.argv[1])
prev = "GENESIS"
for i in range(12):
    frame = {"ts": 1700000000 + i / 7, "plan_id": "sha256-\u00e9\U0001f600\x7f", "prev": prev,
             "apply": [{"from": "a", "to": "b", "n": [0.1, 1e300, -0.0, 10**20, None, True]}]}
    blob = json.dumps(frame, sort_keys=True).encode()
    root = hashlib.sha256((prev + hashlib.sha256(blob).hexdigest()).encode()).hexdigest()
    name = f"{int(frame['ts'])}-{root[:12]}.wal.json"
    (wal / name).write_text(json.dumps({"root": root, "frame": frame}, indent=2))
    (wal / "LATEST").write_text(root)
    prev = root
`;
    execFileSync("python3", ["-c", program, folder]);
    const { entries, form } = await verifyPublishedWal(testPorts(), folder);
    expect({ entries, form }).toEqual({ entries: 12, form: "rtt-v1" });
  },
);
