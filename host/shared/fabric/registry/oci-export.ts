/** Writing a registry as an OCI image layout: blobs, the manifest that names them, and last the layout's index. */
import { Failure } from "../../ports/failure.ts";
import { concatBytes } from "../../trust/bytes.ts";
import { canonicalBytes } from "../../trust/canonical-json.ts";
import { digestText } from "../../trust/digest-text.ts";
import { referencesOf } from "./garbage.ts";
import { FILE_MODE, FOLDER_MODE, type ObjectId } from "./layout.ts";
import {
  CONFIG_TYPE,
  configBytes,
  CONTENT_TYPES,
  type Descriptor,
  LAYOUT_VERSION,
  layoutIndex,
  MANIFEST_TYPE,
  manifestBytes,
  REGISTRY_INDEX_TYPE,
  SIGNATURES_TYPE,
} from "./oci.ts";
import { INDEX_LIMITS } from "./registry-index.ts";
import { missing } from "./object.ts";
import { readPlainFile } from "./plain-file.ts";
import type { RegistryPorts } from "./ports.ts";
import type { Registry } from "./registry.ts";

export interface OciExport {
  /** Of the manifest: what a container tool calls the image's digest. */
  readonly digest: string;
  readonly objects: number;
}

/** Writes everything that the index leads to, verified, into `folder`, which must be empty or a layout of ours. */
export async function exportOci(
  ports: RegistryPorts,
  registry: Registry,
  folder: string,
): Promise<OciExport> {
  const present = await ports.files.list(folder);
  if (present.length > 0 && !present.includes("oci-layout")) {
    throw new Failure("argument-invalid", `${folder} has other files in it`, {
      origin: "local",
      remedy: "Name a new folder.",
      context: { path: folder },
    });
  }
  // Everything is verified before anything is written.
  const index = await readPlainFile(ports.files, registry.layout.index, INDEX_LIMITS.bytesMax);
  if (index === null) throw missing("index yet, so there is nothing to export");
  const ids = await exportedIds(registry);
  const blobs = `${folder}/blobs/sha256`;
  await ports.files.makeFolder(blobs, FOLDER_MODE);
  // First, so that an export that was interrupted can be made again in the same folder.
  const layout = canonicalBytes({ imageLayoutVersion: LAYOUT_VERSION });
  await ports.files.write(`${folder}/oci-layout`, layout, FILE_MODE);
  const write = async (
    mediaType: string,
    bytes: Uint8Array,
    title: string | null,
  ): Promise<Descriptor> => {
    const digest = digestText(ports.digest, bytes);
    // Not created only if missing: a blob that has rotted is written again.
    await ports.files.write(`${blobs}/${digest.slice("sha256:".length)}`, bytes, FILE_MODE);
    return { mediaType, digest, size: bytes.length, title };
  };
  const layers = [await write(REGISTRY_INDEX_TYPE, index, "index.json")];
  const lines: Uint8Array[] = [];
  for (const id of ids) {
    const { extension, bytes } = await registry.store.readAny(id);
    layers.push(await write(CONTENT_TYPES[extension], bytes, `cas/sha256/${id}.${extension}`));
    lines.push((await registry.store.signatures(id)) ?? new Uint8Array());
  }
  layers.push(await write(SIGNATURES_TYPE, concatBytes(...lines), null));
  const config = await write(CONFIG_TYPE, configBytes(layers), null);
  const manifest = await write(MANIFEST_TYPE, manifestBytes(config, layers), null);
  await ports.files.write(`${folder}/index.json`, canonicalBytes(layoutIndex(manifest)), FILE_MODE);
  return { digest: manifest.digest, objects: ids.length };
}

/** Ids of everything that the index leads to, each verified: symbols for their addresses, the rest for themselves. */
async function exportedIds(registry: Registry): Promise<readonly ObjectId[]> {
  const found = new Set<ObjectId>();
  const open: ObjectId[] = [];
  for (const entry of await registry.list()) {
    await registry.verifyEntry(entry);
    open.push(entry.id);
  }
  const symbols = new Set(open);
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (found.has(id)) continue;
    found.add(id);
    if ((await registry.store.formOf(id)) === "blob") {
      if (!symbols.has(id)) await registry.getBlob(id);
      continue;
    }
    const { body } = await registry.get(id);
    for (const reference of referencesOf(body)) {
      if (await registry.has(reference)) open.push(reference);
    }
  }
  return [...found].sort();
}
