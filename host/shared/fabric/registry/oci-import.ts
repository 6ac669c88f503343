/** Reading an OCI image layout: every blob against its digest and size, no name from outside becomes a path. */
import { Failure } from "../../ports/failure.ts";
import { concatBytes } from "../../trust/bytes.ts";
import { isJsonObject, type Json, type JsonObject, parseJson } from "../../trust/canonical-json.ts";
import { digestText } from "../../trust/digest-text.ts";
import type { ImportSource, SourceObject } from "./import-source.ts";
import { CONTENT_EXTENSIONS, idOfDigest, type ObjectId } from "./layout.ts";
import { bytesMaxOf } from "./object.ts";
import {
  CONTENT_TYPES,
  type Descriptor,
  LAYOUT_VERSION,
  MANIFEST_LIMITS,
  MANIFEST_TYPE,
  REGISTRY_INDEX_TYPE,
  SIGNATURES_TYPE,
} from "./oci.ts";
import { readPlainFile } from "./plain-file.ts";
import type { RegistryPorts } from "./ports.ts";
import { INDEX_LIMITS } from "./registry-index.ts";
import { claimedId, envelopeLine, parseEnvelopes } from "./signature.ts";

const LAYERS_MAX = 100_000;
const ENVELOPES_MAX = 400_000;
const SIGNATURES_BYTES_MAX = 256 << 20;
const LAYOUT_LIMITS = { bytesMax: 1 << 16, depthMax: 8 } as const;

function invalid(problem: string): Failure {
  return new Failure("object-corrupt", `The OCI image layout ${problem}`, {
    origin: "peer",
    remedy: "Export or copy it again, without changing or compressing its blobs.",
  });
}

/** The objects of the one image in the layout. Fails with `object-corrupt`. */
export async function readOciLayout(ports: RegistryPorts, folder: string): Promise<ImportSource> {
  const { imageLayoutVersion } = await document(ports, `${folder}/oci-layout`);
  if (imageLayoutVersion !== LAYOUT_VERSION) throw invalid(`is not of version ${LAYOUT_VERSION}`);
  const { manifests } = await document(ports, `${folder}/index.json`);
  const [first, ...more] = Array.isArray(manifests) ? (manifests as readonly Json[]) : [];
  if (first === undefined || more.length > 0) throw invalid("does not hold exactly one image");
  const head = descriptorOf(first);
  if (head.mediaType !== MANIFEST_TYPE) throw invalid("holds something else than an image");
  const manifest = parseJson(
    await blob(ports, folder, head, MANIFEST_LIMITS.bytesMax),
    MANIFEST_LIMITS,
  );
  const layers = isJsonObject(manifest) ? manifest["layers"] : null;
  if (!Array.isArray(layers) || layers.length > LAYERS_MAX) throw invalid("has odd layers");
  let index: Uint8Array | null = null;
  let lines: ReadonlyMap<ObjectId, Uint8Array> = new Map();
  const contents: Omit<SourceObject, "signatures">[] = [];
  for (const layer of (layers as readonly Json[]).map(descriptorOf)) {
    const extension = CONTENT_EXTENSIONS.find((form) => CONTENT_TYPES[form] === layer.mediaType);
    if (extension !== undefined) {
      const bytes = await blob(ports, folder, layer, bytesMaxOf(extension));
      contents.push({ id: idOf(layer), extension, bytes });
    } else if (layer.mediaType === REGISTRY_INDEX_TYPE) {
      index = await blob(ports, folder, layer, INDEX_LIMITS.bytesMax);
    } else if (layer.mediaType === SIGNATURES_TYPE) {
      lines = linesById(await blob(ports, folder, layer, SIGNATURES_BYTES_MAX));
    } else {
      throw invalid(`has a layer of the type "${layer.mediaType.slice(0, 80)}"`);
    }
  }
  const objects = contents.map((content) => ({
    ...content,
    signatures: lines.get(content.id) ?? new Uint8Array(),
  }));
  return { index, objects };
}

async function document(ports: RegistryPorts, path: string): Promise<JsonObject> {
  const bytes = await readPlainFile(ports.files, path, LAYOUT_LIMITS.bytesMax);
  const value = bytes === null ? null : parseJson(bytes, LAYOUT_LIMITS);
  if (!isJsonObject(value ?? undefined)) throw invalid(`has no ${path.replace(/^.*\//, "")}`);
  return value as JsonObject;
}

function descriptorOf(value: Json): Descriptor {
  if (!isJsonObject(value)) throw invalid("has a descriptor that is not an object");
  const { mediaType, digest, size } = value;
  const id = idOfDigest(digest);
  if (typeof mediaType !== "string" || typeof size !== "number" || id === null) {
    throw invalid("has a descriptor without type, size or SHA-256");
  }
  return { mediaType, digest: `sha256:${id}`, size, title: null };
}

function idOf({ digest }: Descriptor): ObjectId {
  return digest.slice("sha256:".length);
}

/** A blob, once size and digest are those that its descriptor says. */
async function blob(
  ports: RegistryPorts,
  folder: string,
  descriptor: Descriptor,
  bytesMax: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const path = `${folder}/blobs/sha256/${idOf(descriptor)}`;
  const bytes = await readPlainFile(ports.files, path, bytesMax);
  if (bytes === null) throw invalid(`lacks the blob ${descriptor.digest}`);
  const isWhole =
    bytes.length === descriptor.size && digestText(ports.digest, bytes) === descriptor.digest;
  if (!isWhole) throw invalid(`has other bytes in the blob ${descriptor.digest}`);
  return bytes;
}

/** The lines of each object's signature file. */
function linesById(file: Uint8Array): ReadonlyMap<ObjectId, Uint8Array> {
  const lines = new Map<ObjectId, Uint8Array>();
  const problem = (what: string): Failure => invalid(`has signatures of which one ${what}`);
  for (const envelope of parseEnvelopes(file, ENVELOPES_MAX, problem)) {
    const id = claimedId(envelope);
    if (id === null) throw invalid("has a signature of no object");
    const before = lines.get(id) ?? new Uint8Array();
    lines.set(id, concatBytes(before, envelopeLine(envelope)));
  }
  return lines;
}
