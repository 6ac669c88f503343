/**
 * Bytes that were verified as a whole before the first of them is shown. Synchronous, because it runs on the thread
 * that has nothing else to do; what was verified lately is kept.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import type { Digest } from "../../shared/ports/digest.ts";
import { Failure } from "../../shared/ports/failure.ts";
import { digestText } from "../../shared/trust/digest-text.ts";

/** What is kept of verified bytes. The kernel keeps what is read often anyway. */
const KEPT_BYTES_MAX = 64 * 1024 * 1024;

/** Follows no link in the last place, and never waits for somebody to write into a pipe. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export interface Source {
  readonly digest: string;
  readonly source: string;
}

export class VerifiedContent {
  readonly #digest: Digest;
  readonly #keptBytesMax: number;
  readonly #kept = new Map<string, Uint8Array>();
  #keptBytes = 0;

  constructor(digest: Digest, keptBytesMax: number = KEPT_BYTES_MAX) {
    this.#digest = digest;
    this.#keptBytesMax = keptBytesMax;
  }

  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** The bytes of a digest. Fails with `object-missing`, `object-corrupt` or `permission-denied`. */
  of({ digest, source }: Source): Uint8Array {
    const kept = this.#kept.get(digest);
    if (kept !== undefined) {
      // The one that was read last is the last to go.
      this.#kept.delete(digest);
      this.#kept.set(digest, kept);
      return kept;
    }
    const bytes = readWhole(source, digest);
    if (digestText(this.#digest, bytes) !== digest) {
      throw unreadable("object-corrupt", "has other bytes", source, digest);
    }
    this.#keep(digest, bytes);
    return bytes;
  }

  /** The newest stays in any case: whoever reads a large file piece by piece must not verify it at each. */
  #keep(digest: string, bytes: Uint8Array): void {
    this.#kept.set(digest, bytes);
    this.#keptBytes += bytes.length;
    for (const [oldest, { length }] of this.#kept) {
      if (this.#keptBytes <= this.#keptBytesMax || oldest === digest) return;
      this.#kept.delete(oldest);
      this.#keptBytes -= length;
    }
  }
}

function readWhole(source: string, digest: string): Uint8Array {
  let file: number;
  try {
    file = openSync(source, OPEN_FLAGS);
  } catch (cause) {
    const system = String((cause as { readonly code?: unknown }).code);
    if (system === "ENOENT") throw unreadable("object-missing", "is gone", source, digest);
    throw unreadable("permission-denied", `cannot be opened (${system})`, source, digest);
  }
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) throw unreadable("object-corrupt", "is no plain file", source, digest);
    const bytes = new Uint8Array(stats.size);
    let used = 0;
    while (used < bytes.length) {
      const count = readSync(file, bytes, used, bytes.length - used, used);
      // It was cut while it was read; its digest will tell.
      if (count === 0) break;
      used += count;
    }
    return bytes.subarray(0, used);
  } finally {
    closeSync(file);
  }
}

function unreadable(
  code: "object-missing" | "object-corrupt" | "permission-denied",
  problem: string,
  source: string,
  digest: string,
): Failure {
  return new Failure(code, `${source} ${problem}`, {
    origin: "host",
    remedy: "`rtt fsck` checks the registry, `rtt view status` the files of the views.",
    context: { path: source, digest },
  });
}
