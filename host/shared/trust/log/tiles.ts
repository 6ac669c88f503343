/**
 * The log as files: which tiles a tree of some size consists of, where they lie and what is in them.
 *
 *   checkpoint                            the signed tree head
 *   tile/<level>/<index>[.p/<width>]      up to 256 hashes; each is the root of a full tile one level below
 *   tile/entries/<index>[.p/<width>]      up to 256 entries { length u16 big-endian, bytes }
 *
 * Spec: C2SP tlog-tiles
 */
import { concatBytes } from "../bytes.ts";
import { HASH_BYTES, type Hash } from "./merkle.ts";

/** Hashes in a full tile: a subtree of height 8. */
export const TILE_WIDTH = 256;
export const TILE_HEIGHT = 8;
export const ENTRY_BYTES_MAX = 65_535;

export interface Tile {
  readonly level: number | "entries";
  readonly index: number;
  /** 1 to 256; 256 is a full tile. */
  readonly width: number;
}

/** Path of a tile below the log's folder: 1234067 is "x001/x234/067". */
export function tilePath({ level, index, width }: Tile): string {
  const groups: string[] = [];
  let rest = index;
  do {
    groups.push(String(rest % 1000).padStart(3, "0"));
    rest = Math.floor(rest / 1000);
  } while (rest > 0);
  const name = groups.map((group, place) => (place === 0 ? group : `x${group}`));
  const partial = width === TILE_WIDTH ? "" : `.p/${width}`;
  return `tile/${level}/${name.reverse().join("/")}${partial}`;
}

/** How many hashes the level of a tree of `size` entries has. */
export function levelSize(size: number, level: number): number {
  return Math.floor(size / TILE_WIDTH ** level);
}

/** The tile at `index` of a level with `count` hashes. */
export function tileAt(level: Tile["level"], index: number, count: number): Tile {
  return { level, index, width: Math.min(TILE_WIDTH, count - index * TILE_WIDTH) };
}

/** The partial tiles at the right edge of a tree of `size` entries. */
export function edgeTiles(size: number): Tile[] {
  const tiles: Tile[] = [];
  for (let level = 0; levelSize(size, level) > 0; level++) {
    const count = levelSize(size, level);
    const index = Math.floor(count / TILE_WIDTH);
    if (count % TILE_WIDTH === 0) continue;
    tiles.push(tileAt(level, index, count));
    if (level === 0) tiles.push(tileAt("entries", index, count));
  }
  return tiles;
}

/** The content of a hash tile. */
export function encodeHashes(hashes: readonly Hash[]): Uint8Array<ArrayBuffer> {
  return concatBytes(...hashes);
}

/** `width` hashes of a tile's content; null when it has another size. */
export function decodeHashes(bytes: Uint8Array<ArrayBuffer>, width: number): Hash[] | null {
  if (bytes.length !== width * HASH_BYTES) return null;
  return Array.from({ length: width }, (_, index) =>
    bytes.slice(index * HASH_BYTES, (index + 1) * HASH_BYTES),
  );
}

/** The content of an entry bundle. */
export function encodeEntries(entries: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return concatBytes(
    ...entries.flatMap((entry) => [Uint8Array.of(entry.length >> 8, entry.length & 0xff), entry]),
  );
}

/** `width` entries of a bundle's content; null when it has another form. */
export function decodeEntries(
  bytes: Uint8Array<ArrayBuffer>,
  width: number,
): Uint8Array<ArrayBuffer>[] | null {
  const entries: Uint8Array<ArrayBuffer>[] = [];
  let at = 0;
  while (at + 2 <= bytes.length) {
    const length = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
    entries.push(bytes.slice(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return at === bytes.length && entries.length === width ? entries : null;
}
