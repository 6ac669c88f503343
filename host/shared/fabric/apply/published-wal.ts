/**
 * The published write-ahead log, read and verified; we write none.
 *
 *   <seconds>-<12 digits of the root>.wal.json   { root, frame: { ts, plan_id, prev, … } }
 *   LATEST                                       the root of the last entry
 *
 *   rtt-v1    root = sha256(prev ‖ hex(sha256(frame as Python writes it by default)))
 *   v1.0.0    root = sha256(sha256(frame as Python writes it without spaces))
 *
 * Entries are put in order by what they name as the one before, not by the second in their file's name: several may
 * fall into one second.
 */
import type { Digest } from "../../ports/digest.ts";
import { Failure } from "../../ports/failure.ts";
import type { Files } from "../../ports/files.ts";
import { fromUtf8, toHex, utf8 } from "../../trust/bytes.ts";
import { readPlainFile } from "../registry/plain-file.ts";
import { parsePythonJson, type PythonJson, pythonText } from "./python-json.ts";

export const WAL_FORMS = ["rtt-v1", "v1.0.0"] as const;

export type WalForm = (typeof WAL_FORMS)[number];

export interface PublishedWal {
  readonly entries: number;
  /** Of the last entry; null for a log without entries. */
  readonly root: string | null;
  /** Null for a log without entries. */
  readonly form: WalForm | null;
}

interface WalEntry {
  readonly name: string;
  readonly root: string;
  readonly prev: string;
  readonly frame: PythonJson;
}

const GENESIS = "GENESIS";
const FILE_NAME = /^(\d{1,15})-([0-9a-f]{12})\.wal\.json$/;
const FILE_BYTES_MAX = 16 << 20;
const LATEST_BYTES_MAX = 256;

/** The root of an entry by the rule of a form. */
export function publishedRoot(
  digest: Digest,
  form: WalForm,
  prev: string,
  frame: PythonJson,
): string {
  if (form === "rtt-v1") {
    const content = toHex(digest.sha256(utf8(pythonText(frame, "default"))));
    return toHex(digest.sha256(utf8(`${prev}${content}`)));
  }
  return toHex(digest.sha256(digest.sha256(utf8(pythonText(frame, "compact")))));
}

/** Verifies every entry and the whole chain. Fails with `log-corrupt`, or `file-missing` without a folder. */
export async function verifyPublishedWal(
  { files, digest }: { readonly files: Files; readonly digest: Digest },
  folder: string,
): Promise<PublishedWal> {
  const info = await files.info(folder);
  if (info?.kind !== "folder") {
    throw new Failure("file-missing", `There is no folder ${folder}`, {
      origin: "local",
      remedy: "Name the folder that has the .wal.json files.",
      context: { path: folder },
    });
  }
  const names = (await files.list(folder)).filter((name) => name.endsWith(".wal.json"));
  const entries = new Map<string, WalEntry>();
  for (const name of names) {
    const entry = await readEntry(files, folder, name);
    const other = entries.get(entry.prev);
    if (other !== undefined) throw corrupt(name, `follows the same entry as ${other.name}`);
    entries.set(entry.prev, entry);
  }
  const latest = await readPlainFile(files, `${folder}/LATEST`, LATEST_BYTES_MAX);
  return verifyChain(digest, entries, latest === null ? null : (fromUtf8(latest) ?? "").trim());
}

function verifyChain(
  digest: Digest,
  entries: ReadonlyMap<string, WalEntry>,
  latest: string | null,
): PublishedWal {
  let form: WalForm | null = null;
  let root = GENESIS;
  let count = 0;
  for (let entry = entries.get(root); entry !== undefined; entry = entries.get(root)) {
    const { frame, prev, name } = entry;
    const rule: WalForm | undefined = WAL_FORMS.find(
      (one) => publishedRoot(digest, one, prev, frame) === entry?.root,
    );
    if (rule === undefined) throw corrupt(name, "does not have the root of its content");
    if (form !== null && rule !== form) throw corrupt(name, `is of the form ${rule}, not ${form}`);
    form = rule;
    root = entry.root;
    count += 1;
    if (count > entries.size) throw corrupt(name, "leads back to an earlier entry");
  }
  if (count < entries.size) {
    const stray = [...entries.values()].find(({ prev }) => !isReached(entries, prev));
    throw corrupt(stray?.name ?? "an entry", "does not follow from the first entry");
  }
  if (latest === null ? count > 0 : latest !== root) {
    throw corrupt("LATEST", `is ${latest === null ? "missing" : "not the root of the last entry"}`);
  }
  return { entries: count, root: count === 0 ? null : root, form };
}

/** Whether somebody's root is what another entry follows. */
function isReached(entries: ReadonlyMap<string, WalEntry>, prev: string): boolean {
  return prev === GENESIS || [...entries.values()].some(({ root }) => root === prev);
}

async function readEntry(files: Files, folder: string, name: string): Promise<WalEntry> {
  const [, seconds, digits] = FILE_NAME.exec(name) ?? [];
  if (seconds === undefined) throw corrupt(name, "is no name of an entry");
  const bytes = await readPlainFile(files, `${folder}/${name}`, FILE_BYTES_MAX);
  const text = bytes === null ? null : fromUtf8(bytes);
  if (text === null) throw corrupt(name, "is not text");
  const value = parseEntry(name, text);
  const root = textMember(value, "root");
  const frame = value.kind === "object" ? value.members.get("frame") : undefined;
  const prev = frame === undefined ? null : textMember(frame, "prev");
  if (root === null || frame === undefined || prev === null) {
    throw corrupt(name, "has no root, no frame or no entry before it");
  }
  if (!/^[0-9a-f]{64}$/.test(root) || !root.startsWith(digits as string)) {
    throw corrupt(name, "does not have the root that its name says");
  }
  const ts = frame.kind === "object" ? frame.members.get("ts") : undefined;
  if (ts?.kind !== "plain" || Math.trunc(Number(ts.text)) !== Number(seconds)) {
    throw corrupt(name, "does not have the time that its name says");
  }
  return { name, root, prev, frame };
}

function parseEntry(name: string, text: string): PythonJson {
  try {
    return parsePythonJson(text);
  } catch (thrown) {
    throw corrupt(name, Failure.from(thrown).message);
  }
}

function textMember(value: PythonJson, name: string): string | null {
  const member = value.kind === "object" ? value.members.get(name) : undefined;
  return member?.kind === "string" ? member.value : null;
}

function corrupt(name: string, problem: string): Failure {
  return new Failure("log-corrupt", `The published log: ${name} ${problem}`, {
    origin: "host",
    remedy: "Restore the files from a copy; do not trust what they say.",
    context: { name },
  });
}
