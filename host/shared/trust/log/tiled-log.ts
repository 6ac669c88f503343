/**
 * An append-only log in the tiled layout. One process writes it; anyone may read and verify it.
 *
 * Durability: tiles are written and synced first, the checkpoint last. An entry is in the log exactly when a
 * signed checkpoint covers it; `append` resolves after that. What a crash leaves of an append that did not get so
 * far lies beyond the checkpoint, is never read, and is overwritten by the next append.
 *
 * Entries that arrive while a commit is under way go into the next one together (group commit).
 */
import { Failure } from "../../ports/failure.ts";
import { equalBytes, fromUtf8, utf8 } from "../bytes.ts";
import type { Identity } from "../identity.ts";
import { logKey, signCheckpoint, type TreeHead } from "./checkpoint.ts";
import { logCorrupt, type LogPorts, LogReader } from "./log-reader.ts";
import { completeRoot, type Hash, leafHash, treeRoot } from "./merkle.ts";
import type { NoteKey } from "./note.ts";
import {
  edgeTiles,
  encodeEntries,
  encodeHashes,
  ENTRY_BYTES_MAX,
  TILE_HEIGHT,
  TILE_WIDTH,
  type Tile,
  tilePath,
} from "./tiles.ts";

const OWNER_ONLY = 0o600;
const FOLDER_MODE = 0o700;
/** A commit never spans more than two bundles. */
const BATCH_MAX = TILE_WIDTH;

interface Waiting {
  readonly entry: Uint8Array<ArrayBuffer>;
  readonly resolve: (index: number) => void;
  readonly reject: (failure: Failure) => void;
}

/** The right edge of the tree: the hashes of each level's last tile, and the entries of the last bundle. */
interface Edge {
  readonly levels: readonly (readonly Hash[])[];
  readonly entries: readonly Uint8Array[];
  readonly size: number;
}

interface TileFile {
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export class TiledLog {
  readonly #ports: LogPorts;
  readonly #folder: string;
  readonly #identity: Identity;
  readonly #key: NoteKey;
  readonly #folders = new Set<string>();
  #edge: Edge = { levels: [], entries: [], size: 0 };
  #checkpoint = "";
  #waiting: Waiting[] = [];
  #isCommitting = false;
  #broken: Failure | null = null;

  private constructor(ports: LogPorts, folder: string, identity: Identity) {
    this.#ports = ports;
    this.#folder = folder;
    this.#identity = identity;
    this.#key = logKey(identity.id, identity.publicKey);
  }

  /** Opens the log of `identity` in `folder`, or begins it. Fails with `log-corrupt`. */
  static async open(ports: LogPorts, folder: string, identity: Identity): Promise<TiledLog> {
    const log = new TiledLog(ports, folder, identity);
    const reader = await LogReader.open(ports, folder, log.#key);
    if (reader === null) await log.#begin();
    else await log.#load(reader);
    return log;
  }

  /** How many entries the log has. */
  get size(): number {
    return this.#edge.size;
  }

  /** The signed note of the latest tree head. */
  get checkpoint(): string {
    return this.#checkpoint;
  }

  /** Appends an entry of 1 to 65,535 bytes; resolves to its index when it will survive a crash. */
  append(entry: Uint8Array<ArrayBuffer>): Promise<number> {
    if (entry.length === 0 || entry.length > ENTRY_BYTES_MAX) {
      const problem = `A log entry has 1 to ${ENTRY_BYTES_MAX} bytes, not ${entry.length}`;
      const remedy = "Log a digest of large content instead of the content.";
      return Promise.reject(new Failure("argument-invalid", problem, { origin: "local", remedy }));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entry: entry.slice(), resolve, reject });
      if (!this.#isCommitting) void this.#commitAll();
    });
  }

  async #begin(): Promise<void> {
    const bundles = await this.#ports.files.list(`${this.#folder}/tile/entries`);
    if (bundles.length > 0) {
      throw logCorrupt("The log has entries but no checkpoint", this.#folder);
    }
    await this.#makeFolder(this.#folder);
    await this.#writeCheckpoint(this.#edge);
  }

  async #load(reader: LogReader): Promise<void> {
    const { size } = reader.head;
    const levels: Hash[][] = [];
    let entries: readonly Uint8Array[] = [];
    for (const { level, index } of edgeTiles(size)) {
      if (level === "entries") entries = await reader.entries(index);
      else {
        while (levels.length < level) levels.push([]);
        levels.push([...(await reader.hashes(level, index))]);
      }
    }
    const edge = { levels, entries, size };
    const isWhole = entries.every((entry, place) =>
      equalBytes(
        leafHash(this.#ports.digest, entry),
        (levels[0] as readonly Hash[])[place] as Hash,
      ),
    );
    const root = await this.#rootOf(edge);
    if (!isWhole || !equalBytes(root, reader.head.root)) {
      throw logCorrupt("The end of the log is not what its checkpoint signs", this.#folder);
    }
    this.#edge = edge;
    this.#checkpoint = reader.checkpoint;
  }

  async #commitAll(): Promise<void> {
    this.#isCommitting = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH_MAX);
      const first = this.#edge.size;
      try {
        if (this.#broken !== null) throw this.#broken;
        await this.#commit(batch.map(({ entry }) => entry));
        for (const [place, { resolve }] of batch.entries()) resolve(first + place);
      } catch (error) {
        // Nobody knows how far the disk got, so nothing more is written until the log is opened again.
        this.#broken = Failure.from(error);
        for (const { reject } of batch) reject(this.#broken);
      }
    }
    this.#isCommitting = false;
  }

  async #commit(entries: readonly Uint8Array[]): Promise<void> {
    await this.#refuseForeignWriter();
    const before = edgeTiles(this.#edge.size).map(tilePath);
    const { edge, files } = this.#grow(this.#edge, entries);
    await Promise.all(files.map((file) => this.#writeTile(file)));
    await this.#writeCheckpoint(edge);
    const after = new Set(edgeTiles(edge.size).map(tilePath));
    for (const path of before) {
      if (!after.has(path)) await this.#ports.files.remove(`${this.#folder}/${path}`);
    }
  }

  /** The edge after `entries`, and the files that make it so. */
  #grow(
    old: Edge,
    entries: readonly Uint8Array[],
  ): { readonly edge: Edge; readonly files: readonly TileFile[] } {
    const levels = old.levels.map((hashes) => [...hashes]);
    const files: TileFile[] = [];
    let bundle = [...old.entries];
    let { size } = old;
    for (const entry of entries) {
      bundle.push(entry);
      size += 1;
      let hash = leafHash(this.#ports.digest, entry);
      for (let level = 0; ; level++) {
        const hashes = (levels[level] ??= []);
        hashes.push(hash);
        if (hashes.length < TILE_WIDTH) break;
        const index = size / TILE_WIDTH ** (level + 1) - 1;
        files.push(fileOf({ level, index, width: TILE_WIDTH }, encodeHashes(hashes)));
        if (level === 0) {
          files.push(fileOf({ level: "entries", index, width: TILE_WIDTH }, encodeEntries(bundle)));
          bundle = [];
        }
        hash = completeRoot(this.#ports.digest, hashes);
        levels[level] = [];
      }
    }
    const edge = { levels, entries: bundle, size };
    const written = new Set(edgeTiles(old.size).map(tilePath));
    for (const tile of edgeTiles(size)) {
      if (written.has(tilePath(tile))) continue;
      const bytes =
        tile.level === "entries"
          ? encodeEntries(bundle)
          : encodeHashes(levels[tile.level] as Hash[]);
      files.push(fileOf(tile, bytes));
    }
    return { edge, files };
  }

  /** Two writers would fork the log: each would sign a tree without the other's entries. */
  async #refuseForeignWriter(): Promise<void> {
    const path = `${this.#folder}/checkpoint`;
    const bytes = await this.#ports.files.read(path);
    if (bytes === null || fromUtf8(bytes) !== this.#checkpoint) {
      throw logCorrupt("The checkpoint was changed by another program", path);
    }
  }

  async #writeTile({ path, bytes }: TileFile): Promise<void> {
    const full = `${this.#folder}/${path}`;
    await this.#makeFolder(full.slice(0, full.lastIndexOf("/")));
    await this.#ports.files.write(full, bytes, OWNER_ONLY);
  }

  async #writeCheckpoint(edge: Edge): Promise<void> {
    const head: TreeHead = { size: edge.size, root: await this.#rootOf(edge) };
    const checkpoint = signCheckpoint(this.#ports, this.#key, this.#identity.seed, head);
    await this.#ports.files.write(`${this.#folder}/checkpoint`, utf8(checkpoint), OWNER_ONLY);
    this.#edge = edge;
    this.#checkpoint = checkpoint;
  }

  async #makeFolder(path: string): Promise<void> {
    if (this.#folders.has(path)) return;
    await this.#ports.files.makeFolder(path, FOLDER_MODE);
    this.#folders.add(path);
  }

  /** The root from the edge alone: every complete subtree that it needs lies in a last tile. */
  #rootOf({ levels, size }: Edge): Promise<Hash> {
    const { digest } = this.#ports;
    return treeRoot(digest, size, (height, index) => {
      const hashes = levels[Math.floor(height / TILE_HEIGHT)] as readonly Hash[];
      const width = 2 ** (height % TILE_HEIGHT);
      const place = (index * width) % TILE_WIDTH;
      return Promise.resolve(completeRoot(digest, hashes.slice(place, place + width)));
    });
  }
}

function fileOf(tile: Tile, bytes: Uint8Array<ArrayBuffer>): TileFile {
  return { path: tilePath(tile), bytes };
}
