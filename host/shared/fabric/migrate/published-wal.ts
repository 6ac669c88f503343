/**
 * The published write-ahead log: `.rtt/wal/<time>-<root>.wal.json`, each `{ root, frame }` with the root of the one
 * before as `frame.prev`. It is put aside; whether its chain holds is told.
 *
 *   rtt-v1      root = sha256( prev ‖ hex(sha256( frame, names sorted, written as Python does )) )
 *   rtt-1.0.0   root = sha256(sha256( canonical frame ))
 */
import type { Digest } from "../../ports/digest.ts";
import { toHex, utf8 } from "../../trust/bytes.ts";
import {
  canonicalBytes,
  isJsonObject,
  type Json,
  type JsonObject,
  parseJson,
} from "../../trust/canonical-json.ts";

export interface PublishedLog {
  readonly entries: number;
  /** What breaks the chain, or null. */
  readonly broken: string | null;
}

const GENESIS = "GENESIS";

/** Checks entries in the order of their chain; `files` are named, in any order. */
export function checkPublishedLog(
  digest: Digest,
  files: ReadonlyMap<string, Uint8Array>,
): PublishedLog {
  const byPrevious = new Map<string, string>();
  const broken = (problem: string): PublishedLog => ({ entries: files.size, broken: problem });
  for (const [name, bytes] of files) {
    const { root, frame } = entryOf(bytes);
    if (typeof root !== "string" || !isJsonObject(frame)) return broken(`${name} is no entry`);
    const previous = frame["prev"];
    if (typeof previous !== "string") return broken(`${name} names no entry before it`);
    if (![rootOf(digest, frame, previous), plainRoot(digest, frame)].includes(root)) {
      return broken(`${name} was changed: its root is that of another entry`);
    }
    if (byPrevious.has(previous)) return broken(`${name} follows an entry that has a next one`);
    byPrevious.set(previous, root);
  }
  let count = 0;
  for (let at = byPrevious.get(GENESIS); at !== undefined; at = byPrevious.get(at)) count += 1;
  return count === files.size
    ? { entries: count, broken: null }
    : broken(`${files.size - count} entries follow none that is there`);
}

function entryOf(bytes: Uint8Array): JsonObject {
  try {
    const value = parseJson(bytes);
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}

function rootOf(digest: Digest, frame: JsonObject, previous: string): string {
  const hash = toHex(digest.sha256(utf8(pythonText(frame))));
  return toHex(digest.sha256(utf8(`${previous}${hash}`)));
}

function plainRoot(digest: Digest, frame: JsonObject): string {
  return toHex(digest.sha256(digest.sha256(canonicalBytes(frame))));
}

/** JSON as Python's json.dumps writes it with sorted names: spaces after separators, ASCII only. */
function pythonText(value: Json): string {
  if (typeof value === "string") return asciiText(value);
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(pythonText).join(", ")}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const members = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${asciiText(name)}: ${pythonText(member)}`);
  return `{${members.join(", ")}}`;
}

function asciiText(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\uffff]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
