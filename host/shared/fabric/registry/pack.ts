/**
 * `agents.pack` and `index.lut`, the published pair: many objects in one file, read by offset.
 *
 *   agents.pack   ┌────────────┬──────────────┬────────────┬──────────────┬─
 *                 │ length u32 │ bytes        │ length u32 │ bytes        │ …   big-endian, sorted by hash
 *                 └────────────┴──────────────┴────────────┴──────────────┴─
 *                 ▲ offset                    ▲ offset
 *   index.lut     {"<hash>":{"len":…,"offset":…}, …}
 */
import { Failure } from "../../ports/failure.ts";
import {
  canonicalBytes,
  isJsonObject,
  type JsonLimits,
  type JsonObject,
  parseJson,
} from "../../trust/canonical-json.ts";
import { isObjectId, type ObjectId } from "./layout.ts";

const LENGTH_BYTES = 4;
/** Offsets are u32 in spirit: a pack does not grow beyond what one read into memory can take. */
export const PACK_BYTES_MAX = 1 << 30;
export const TABLE_LIMITS: JsonLimits = { bytesMax: 64 << 20, depthMax: 2 };

export interface PackPlace {
  /** Of the length before the bytes. */
  readonly offset: number;
  /** Of the bytes alone. */
  readonly lengthBytes: number;
}

export interface Pack {
  readonly pack: Uint8Array<ArrayBuffer>;
  readonly table: Uint8Array<ArrayBuffer>;
}

function invalid(problem: string): Failure {
  return new Failure("object-corrupt", `The pack ${problem}`, {
    origin: "host",
    remedy: "`rtt registry pack` writes it again from the objects.",
  });
}

/** Both files for these objects. */
export function encodePack(
  objects: ReadonlyMap<ObjectId, Uint8Array>,
  bytesMax: number = PACK_BYTES_MAX,
): Pack {
  const sorted = [...objects].sort(([a], [b]) => (a < b ? -1 : 1));
  const size = sorted.reduce((sum, [, bytes]) => sum + LENGTH_BYTES + bytes.length, 0);
  if (size > bytesMax) throw invalid(`would have more than ${bytesMax} bytes`);
  const pack = new Uint8Array(size);
  const view = new DataView(pack.buffer);
  const table: [string, JsonObject][] = [];
  let offset = 0;
  for (const [id, bytes] of sorted) {
    view.setUint32(offset, bytes.length);
    pack.set(bytes, offset + LENGTH_BYTES);
    table.push([id, { offset, len: bytes.length }]);
    offset += LENGTH_BYTES + bytes.length;
  }
  return { pack, table: canonicalBytes(Object.fromEntries(table)) };
}

/** The places of a table. Spacing and order of its JSON do not matter; published ones vary. */
export function parseTable(bytes: Uint8Array): ReadonlyMap<ObjectId, PackPlace> {
  const value = parseJson(bytes, TABLE_LIMITS);
  if (!isJsonObject(value)) throw invalid("has a table that is not an object");
  const places = new Map<ObjectId, PackPlace>();
  for (const [id, place] of Object.entries(value)) {
    if (!isObjectId(id) || !isJsonObject(place)) throw invalid("has a table with odd entries");
    const { offset, len } = place;
    if (!isCount(offset) || !isCount(len)) throw invalid(`has no place for ${id}`);
    places.set(id, { offset, lengthBytes: len });
  }
  return places;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The bytes at a place, once the length before them agrees. Their hash is the caller's to check. */
export function packedBytes(pack: Uint8Array, place: PackPlace): Uint8Array<ArrayBuffer> {
  const { offset, lengthBytes } = place;
  const start = offset + LENGTH_BYTES;
  if (start + lengthBytes > pack.length) throw invalid(`ends before offset ${offset}`);
  const view = new DataView(pack.buffer, pack.byteOffset, pack.length);
  if (view.getUint32(offset) !== lengthBytes) throw invalid(`differs from its table at ${offset}`);
  return pack.slice(start, start + lengthBytes);
}
