/**
 * What the last scan read, so that the next one reads only what has changed:
 *
 *   {"format":"mxp.scan-cache/v2","readers":1,"base":"/p","digest":"<SHA-256 of the rest>"}
 *   [["a/b.md",sizeBytes,modifiedMs,isSettled,"<digest>",[found, …],[problem, …]], …]
 *
 * Reading it is a large part of a scan in which nothing has changed, so nothing in it is said twice (cache-entry.ts).
 * It can be deleted at any time. One of another version, for another base, or with a changed byte, counts as empty.
 * No secret is in it: readings have none.
 */
import type { Digest } from "../../ports/digest.ts";
import { Failure } from "../../ports/failure.ts";
import type { FileInfo, Files } from "../../ports/files.ts";
import { fromUtf8, toHex, utf8 } from "../../trust/bytes.ts";
import { type CacheEntry, type PackedEntry, packEntry, unpackEntry } from "./cache-entry.ts";
import { READERS_VERSION } from "./readers.ts";

export type { CacheEntry } from "./cache-entry.ts";

export interface CachePorts {
  readonly files: Files;
  readonly digest: Digest;
}

/** File systems keep times of at most two seconds' grain (FAT); others are finer. */
const SETTLED_AFTER_MS = 2000;
const FORMAT = "mxp.scan-cache/v2";
const BYTES_MAX = 512 << 20;
const NEWLINE = 0x0a;
const FILE_MODE = 0o600;

export class ScanCache {
  readonly #ports: CachePorts;
  /** Null: it is kept in memory only. */
  readonly #path: string | null;
  readonly #base: string;
  #entries = new Map<string, CacheEntry>();
  #isChanged = false;

  private constructor(ports: CachePorts, path: string | null, base: string) {
    this.#ports = ports;
    this.#path = path;
    this.#base = base;
  }

  /** Opens the cache in a file, which need not exist. */
  static async open(ports: CachePorts, path: string | null, base: string): Promise<ScanCache> {
    const cache = new ScanCache(ports, path, base);
    if (path === null) return cache;
    const info = await ports.files.info(path);
    if (info?.kind !== "file" || info.sizeBytes > BYTES_MAX) return cache;
    const bytes = await ports.files.read(path);
    for (const entry of bytes === null ? [] : cache.#read(bytes)) {
      cache.#entries.set(entry.path, entry);
    }
    return cache;
  }

  /** What was read from a file of this name. */
  get(path: string): CacheEntry | null {
    return this.#entries.get(path) ?? null;
  }

  /** Keeps these entries and no others. */
  replace(entries: readonly CacheEntry[]): void {
    const next = new Map(entries.map((entry) => [entry.path, entry]));
    const isSame =
      next.size === this.#entries.size &&
      entries.every((entry) => this.#entries.get(entry.path) === entry);
    this.#entries = next;
    this.#isChanged ||= !isSame;
  }

  /** Writes the file when something has changed. */
  async save(): Promise<void> {
    if (this.#path === null || !this.#isChanged) return;
    const packed = [...this.#entries.values()].map((entry) => packEntry(entry, this.#base));
    const rest = utf8(JSON.stringify(packed));
    const header = utf8(`${JSON.stringify(this.#header(rest))}\n`);
    const bytes = new Uint8Array(header.length + rest.length);
    bytes.set(header);
    bytes.set(rest, header.length);
    await this.#ports.files.makeFolder(this.#path.slice(0, this.#path.lastIndexOf("/")), 0o755);
    await this.#ports.files.write(this.#path, bytes, FILE_MODE);
    this.#isChanged = false;
  }

  #header(rest: Uint8Array): Record<string, unknown> {
    const digest = toHex(this.#ports.digest.sha256(rest));
    return { format: FORMAT, readers: READERS_VERSION, base: this.#base, digest };
  }

  #read(bytes: Uint8Array): readonly CacheEntry[] {
    const end = bytes.indexOf(NEWLINE);
    const rest = bytes.subarray(end + 1);
    const header = fromUtf8(bytes.subarray(0, end));
    // The digest is in the header, so what follows is what `save` wrote, or nothing is taken from it.
    if (end === -1 || header !== JSON.stringify(this.#header(rest))) return [];
    const text = fromUtf8(rest);
    if (text === null) throw Failure.from(new Error("The cache of the scan is no text"));
    const packed = JSON.parse(text) as readonly PackedEntry[];
    return packed.map((entry) => unpackEntry(entry, this.#base));
  }
}

/** Whether a file cannot have changed since it was read. */
export function isUnchanged(entry: CacheEntry | null, info: FileInfo): entry is CacheEntry {
  return (
    entry !== null &&
    entry.isSettled &&
    entry.sizeBytes === info.sizeBytes &&
    entry.modifiedMs === info.modifiedMs
  );
}

/** Whether a later change of a file that is read now will show in its time. */
export function isSettledAt(info: FileInfo, wallMs: number): boolean {
  return info.modifiedMs + SETTLED_AFTER_MS < wallMs;
}
