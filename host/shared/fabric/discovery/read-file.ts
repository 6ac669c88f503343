/** Reads one file of a scan: its bytes within limits, then its format. */
import type { Digest } from "../../ports/digest.ts";
import { Failure } from "../../ports/failure.ts";
import type { Files } from "../../ports/files.ts";
import { fromUtf8, toHex } from "../../trust/bytes.ts";
import { canonicalBytes } from "../../trust/canonical-json.ts";
import { BLOB_BYTES_MAX, OBJECT_LIMITS } from "../registry/object.ts";
import type { FoundSymbol, Reading, ScanProblem, ScanRule } from "./found.ts";
import { READERS } from "./readers.ts";
import { type CacheEntry, isSettledAt } from "./scan-cache.ts";
import type { WalkedFile } from "./walk.ts";

/** Larger configurations and texts are refused before they are read. */
export const TEXT_BYTES_MAX = 512 << 10;
/** The same where a tool keeps its own state in the file too. */
const STATE_BYTES_MAX = 16 << 20;

export interface ReadContext {
  readonly files: Files;
  readonly digest: Digest;
  readonly wallMs: number;
  readonly isInside: (realPath: string) => boolean;
}

/** What is in a file. `last` is what was in it before. Total: what is wrong with the file is in the reading. */
export async function readScannedFile(
  context: ReadContext,
  file: WalkedFile,
  last: CacheEntry | null,
): Promise<CacheEntry> {
  const { path, info } = file;
  const entry = (digest: string, reading: Reading, isSettled: boolean): CacheEntry => ({
    path,
    sizeBytes: info.sizeBytes,
    modifiedMs: info.modifiedMs,
    isSettled,
    digest,
    reading,
  });
  const failed = (rule: ScanRule, message: string): CacheEntry =>
    entry("", { found: [], problems: [{ path, line: 0, rule, message }] }, false);
  const bytesMax = bytesMaxOf(file);
  if (info.sizeBytes > bytesMax) return failed("too-large", `It has more than ${bytesMax} bytes`);
  const bytes = await bytesOf(context, path);
  if ("rule" in bytes) return failed(bytes.rule, bytes.message);
  if (bytes.length > bytesMax) return failed("too-large", `It has more than ${bytesMax} bytes`);
  const digest = toHex(context.digest.sha256(bytes));
  // A file that changed while it was read has another size, and is read again next time.
  const isSettled = isSettledAt(info, context.wallMs) && bytes.length === info.sizeBytes;
  if (last !== null && last.digest === digest) return entry(digest, last.reading, isSettled);
  return entry(digest, readingOf(file, bytes, digest), isSettled);
}

function bytesMaxOf({ place }: WalkedFile): number {
  if (READERS[place.format] === null) return BLOB_BYTES_MAX;
  return place.isState ? STATE_BYTES_MAX : TEXT_BYTES_MAX;
}

type BytesOrProblem = Uint8Array<ArrayBuffer> | Pick<ScanProblem, "rule" | "message">;

async function bytesOf({ files, isInside }: ReadContext, path: string): Promise<BytesOrProblem> {
  try {
    // Between walking and reading, a folder on the way could have become a link.
    const real = await files.realPath(path);
    if (real === null) return { rule: "unreadable", message: "It is gone" };
    if (!isInside(real)) {
      return { rule: "link-outside", message: "It leads out of the folders that are scanned" };
    }
    return (await files.read(real)) ?? { rule: "unreadable", message: "It is gone" };
  } catch (thrown) {
    return { rule: "unreadable", message: `It cannot be read (${Failure.from(thrown).code})` };
  }
}

function readingOf(file: WalkedFile, bytes: Uint8Array, id: string): Reading {
  const { path, place } = file;
  const failed = (rule: ScanRule, message: string): Reading => ({
    found: [],
    problems: [{ path, line: 0, rule, message }],
  });
  const reader = READERS[place.format];
  if (reader === null) return { found: [], problems: [] };
  const text = fromUtf8(bytes);
  if (text === null) return failed("not-utf8", "It is not UTF-8");
  const { found, problems } = reader({ path, place, text, id });
  const wrong = found.flatMap((symbol) => storable(symbol) ?? []);
  return { found: wrong.length === 0 ? found : [], problems: [...problems, ...wrong] };
}

/** What keeps a body from being stored, or null. */
function storable({ body, source }: FoundSymbol): ScanProblem | null {
  const problem = (rule: ScanRule, message: string): ScanProblem => ({
    path: source.path,
    line: source.line,
    rule,
    message,
  });
  try {
    const { length } = canonicalBytes(body);
    if (length <= OBJECT_LIMITS.bytesMax) return null;
    return problem("too-large", `As an object it has more than ${OBJECT_LIMITS.bytesMax} bytes`);
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    return problem("not-json", `It cannot be an object: ${thrown.message}`);
  }
}
