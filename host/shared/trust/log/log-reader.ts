/** Reads a log of a given size from its files and checks the whole of it. */
import { Failure } from "../../ports/failure.ts";
import { equalBytes, fromUtf8 } from "../bytes.ts";
import type { TrustPorts } from "../ports.ts";
import { type LogProof, openCheckpoint, type TreeHead } from "./checkpoint.ts";
import {
  completeRoot,
  consistencyPath,
  type Hash,
  inclusionPath,
  leafHash,
  rootOfPath,
  treeRoot,
} from "./merkle.ts";
import type { NoteKey } from "./note.ts";
import {
  decodeEntries,
  decodeHashes,
  levelSize,
  TILE_HEIGHT,
  TILE_WIDTH,
  tileAt,
  tilePath,
} from "./tiles.ts";

export type LogPorts = Pick<TrustPorts, "digest" | "signatures" | "files">;

/** Tiles that stay in memory: enough for the right edge and the path of a proof. */
const TILES_KEPT = 16;

export function logCorrupt(problem: string, path: string): Failure {
  return new Failure("log-corrupt", problem, {
    origin: "host",
    remedy: "Restore the log from a copy; do not trust what it says.",
    context: { path },
  });
}

export class LogReader {
  readonly head: TreeHead;
  /** The signed note. */
  readonly checkpoint: string;
  readonly #ports: LogPorts;
  readonly #folder: string;
  readonly #kept = new Map<string, readonly Hash[]>();

  private constructor(ports: LogPorts, folder: string, checkpoint: string, head: TreeHead) {
    this.#ports = ports;
    this.#folder = folder;
    this.checkpoint = checkpoint;
    this.head = head;
  }

  /** Opens the log at its latest checkpoint; null when there is none. Fails with `log-corrupt`. */
  static async open(ports: LogPorts, folder: string, key: NoteKey): Promise<LogReader | null> {
    const path = `${folder}/checkpoint`;
    const bytes = await ports.files.read(path);
    if (bytes === null) return null;
    const checkpoint = fromUtf8(bytes);
    if (checkpoint === null) throw logCorrupt("The checkpoint is not text", path);
    return new LogReader(ports, folder, checkpoint, openCheckpoint(ports, checkpoint, key));
  }

  /** The entry at `index`, checked against the signed root. Fails with `log-corrupt` or `argument-invalid`. */
  async entry(index: number): Promise<Uint8Array<ArrayBuffer>> {
    const proof = await this.prove(index);
    const bundle = await this.entries(Math.floor(index / TILE_WIDTH));
    const entry = bundle[index % TILE_WIDTH] as Uint8Array<ArrayBuffer>;
    this.#checkPath(leafHash(this.#ports.digest, entry), proof);
    return entry;
  }

  /** The entries of a bundle as they lie on disk. */
  async entries(index: number): Promise<Uint8Array<ArrayBuffer>[]> {
    const tile = tileAt("entries", index, this.head.size);
    const path = `${this.#folder}/${tilePath(tile)}`;
    const bytes = await this.#ports.files.read(path);
    const entries = bytes === null ? null : decodeEntries(bytes, tile.width);
    if (entries === null) throw logCorrupt("An entry bundle is missing or damaged", path);
    return entries;
  }

  /** The hashes of a tile as they lie on disk. */
  async hashes(level: number, index: number): Promise<readonly Hash[]> {
    const tile = tileAt(level, index, levelSize(this.head.size, level));
    const path = `${this.#folder}/${tilePath(tile)}`;
    const kept = this.#kept.get(path);
    if (kept !== undefined) return kept;
    const bytes = await this.#ports.files.read(path);
    const hashes = bytes === null ? null : decodeHashes(bytes, tile.width);
    if (hashes === null) throw logCorrupt("A tile is missing or damaged", path);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= TILES_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(path, hashes);
    return hashes;
  }

  /** The proof that entry `index` is in the log. Fails with `log-corrupt` or `argument-invalid`. */
  async prove(index: number): Promise<LogProof> {
    const { size } = this.head;
    if (!Number.isSafeInteger(index) || index < 0 || index >= size) {
      throw new Failure("argument-invalid", `The log has no entry ${index}, only ${size}`, {
        origin: "local",
        remedy: "Ask for an entry that `rtt receipt list` shows.",
      });
    }
    const node = this.#node.bind(this);
    const path = await inclusionPath(this.#ports.digest, index, size, node);
    const proof = { index, path, checkpoint: this.checkpoint };
    this.#checkPath(await this.#node(0, index), proof);
    return proof;
  }

  /** The proof that this log begins with the log of `oldSize` entries. */
  consistency(oldSize: number): Promise<Hash[]> {
    const node = this.#node.bind(this);
    return consistencyPath(this.#ports.digest, oldSize, this.head.size, node);
  }

  /**
   * Checks every byte of the log: tiles against the tiles below, the root against the signed one, entries against
   * leaf hashes. `onEntry` sees each entry in order, once it is known to be under the root. Fails with `log-corrupt`.
   */
  async verify(onEntry: (index: number, entry: Uint8Array) => Promise<void>): Promise<TreeHead> {
    const { size } = this.head;
    for (let level = 1; levelSize(size, level) > 0; level++) {
      const count = levelSize(size, level);
      for (let index = 0; index * TILE_WIDTH < count; index++) {
        const hashes = await this.hashes(level, index);
        await this.#compare(level, index, await this.#rootsBelow(level, index, hashes.length));
      }
    }
    await this.#checkRoot();
    for (let index = 0; index * TILE_WIDTH < size; index++) {
      const entries = await this.entries(index);
      const leaves = entries.map((entry) => leafHash(this.#ports.digest, entry));
      await this.#compare(0, index, leaves);
      for (const [place, entry] of entries.entries()) {
        await onEntry(index * TILE_WIDTH + place, entry);
      }
    }
    return this.head;
  }

  /** Fails unless a tile has these hashes. */
  async #compare(level: number, index: number, due: readonly Hash[]): Promise<void> {
    const hashes = await this.hashes(level, index);
    if (hashes.every((hash, place) => equalBytes(hash, due[place] as Hash))) return;
    const path = tilePath(tileAt(level, index, levelSize(this.head.size, level)));
    throw logCorrupt(`The tile ${path} is not that of what is below it`, this.#folder);
  }

  /** What the hashes of a tile have to be: the roots of the full tiles below it. */
  async #rootsBelow(level: number, index: number, width: number): Promise<Hash[]> {
    const roots: Hash[] = [];
    for (let place = 0; place < width; place++) {
      const full = await this.hashes(level - 1, index * TILE_WIDTH + place);
      roots.push(completeRoot(this.#ports.digest, full));
    }
    return roots;
  }

  #checkPath(leaf: Hash, { index, path }: LogProof): void {
    const root = rootOfPath(this.#ports.digest, leaf, index, this.head.size, path);
    if (root === null || !equalBytes(root, this.head.root)) {
      throw logCorrupt(`Entry ${index} is not the one that was logged`, this.#folder);
    }
  }

  async #checkRoot(): Promise<void> {
    const root = await treeRoot(this.#ports.digest, this.head.size, this.#node.bind(this));
    if (!equalBytes(root, this.head.root)) {
      throw logCorrupt("The tiles do not lead to the signed root", this.#folder);
    }
  }

  /** The root of a complete subtree, from the tile that holds its leaves. */
  async #node(height: number, index: number): Promise<Hash> {
    const level = Math.floor(height / TILE_HEIGHT);
    const width = 2 ** (height % TILE_HEIGHT);
    const begin = index * width;
    const hashes = await this.hashes(level, Math.floor(begin / TILE_WIDTH));
    const place = begin % TILE_WIDTH;
    return completeRoot(this.#ports.digest, hashes.slice(place, place + width));
  }
}
