/**
 * The registry of the published tools: the same objects under the same names, an index that nobody has signed, keys
 * that vouch for nothing (a stripped signature passes there). All of it is put aside; the objects are put into a
 * registry of ours, signed by whoever migrates.
 */
import { isJsonObject, type Json, parseJson } from "../../trust/canonical-json.ts";
import { encodeBase64, decodeBase64 } from "../../trust/base64.ts";
import { fromUtf8, toHex } from "../../trust/bytes.ts";
import { formatIdentityKey } from "../../trust/key-text.ts";
import { formatSymbolAddress } from "../symbol.ts";
import { idOfDigest, isObjectId, RegistryLayout } from "../registry/layout.ts";
import {
  corrupt,
  OBJECT_LIMITS,
  parseBody,
  publishedAddress,
  publishedKind,
  type RegistryObject,
} from "../registry/object.ts";
import { checkFolder, readPlainFile } from "../registry/plain-file.ts";
import type { RegistryPorts } from "../registry/ports.ts";
import { INDEX_LIMITS } from "../registry/registry-index.ts";

export interface PublishedObject extends RegistryObject {
  readonly id: string;
}

export interface PublishedRegistry {
  readonly objects: readonly PublishedObject[];
  /** Objects of no form that is known, or of an address that several have: put aside only. */
  readonly left: readonly string[];
  /** Keys that the published tools trusted, as ours are written. They are not trusted here. */
  readonly keys: readonly string[];
}

/** What is in a published registry; null when there is none, or it is one of ours. Fails with `object-corrupt`. */
export async function readPublishedRegistry(
  ports: RegistryPorts,
  folder: string,
): Promise<PublishedRegistry | null> {
  const layout = new RegistryLayout(folder);
  for (const path of layout.chain) await checkFolder(ports.files, path);
  const index = await readPlainFile(ports.files, layout.index, INDEX_LIMITS.bytesMax);
  const listed = index === null ? null : parseJson(index, INDEX_LIMITS);
  if (isJsonObject(listed ?? undefined) && Object.hasOwn(listed as object, "format")) return null;
  if ((await ports.files.info(layout.signers)) !== null) return null;
  const names = await ports.files.list(layout.objects);
  if (index === null && names.length === 0) return null;
  const objects: PublishedObject[] = [];
  const left: string[] = [];
  for (const name of names) {
    const id = name.replace(/\.json$/, "");
    if (!name.endsWith(".json") || !isObjectId(id)) {
      left.push(name);
      continue;
    }
    const body = await readObject(ports, layout, id);
    const kind = publishedKind(body);
    if (kind === null) left.push(id);
    else objects.push({ id, kind, body, address: publishedAddress(body) });
  }
  const { chosen, rest } = oneForEachAddress(objects, listedIds(listed));
  return { objects: chosen, left: [...left, ...rest], keys: await readKeys(ports, layout) };
}

async function readObject(ports: RegistryPorts, layout: RegistryLayout, id: string): Promise<Json> {
  const path = layout.content(id, "json");
  const bytes = await readPlainFile(ports.files, path, OBJECT_LIMITS.bytesMax);
  if (bytes === null || toHex(ports.digest.sha256(bytes)) !== id) {
    throw corrupt(id, "has other bytes");
  }
  return parseBody(id, bytes);
}

/** The objects that the published index names. */
function listedIds(index: Json): ReadonlySet<string> {
  const members = isJsonObject(index) ? Object.values(index).filter(isJsonObject) : [];
  return new Set(
    members.flatMap((member) => Object.values(member)).map((text) => idOfDigest(text) ?? ""),
  );
}

/** Where several objects have one address, the one that the index names. */
function oneForEachAddress(
  objects: readonly PublishedObject[],
  listed: ReadonlySet<string>,
): { readonly chosen: readonly PublishedObject[]; readonly rest: readonly string[] } {
  const chosen: PublishedObject[] = [];
  const rest: string[] = [];
  const groups = Map.groupBy(objects, ({ id, address }) =>
    address === null ? id : formatSymbolAddress(address),
  );
  for (const group of groups.values()) {
    const named = group.length === 1 ? group : group.filter(({ id }) => listed.has(id));
    const [one] = named;
    if (one !== undefined && named.length === 1) chosen.push(one);
    rest.push(...group.filter((other) => named.length !== 1 || other !== one).map(({ id }) => id));
  }
  return { chosen, rest };
}

const KEY_BYTES = 32;
const KEY_FILE_BYTES_MAX = 4096;

/** Files "ed25519:<base64>". One that is none is only put aside. */
async function readKeys(
  { files }: RegistryPorts,
  layout: RegistryLayout,
): Promise<readonly string[]> {
  const keys: string[] = [];
  for (const name of await files.list(layout.keys)) {
    if (!name.endsWith(".pub")) continue;
    const bytes = await readPlainFile(files, `${layout.keys}/${name}`, KEY_FILE_BYTES_MAX);
    const text = (bytes === null ? null : fromUtf8(bytes))?.trim() ?? "";
    const key = text.startsWith("ed25519:") ? decodeBase64(text.slice("ed25519:".length)) : null;
    if (key?.length !== KEY_BYTES || encodeBase64(key) !== text.slice("ed25519:".length)) continue;
    keys.push(formatIdentityKey(key));
  }
  return keys;
}
