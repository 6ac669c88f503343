/**
 * The registry as an OCI image layout (OCI Image Format 1.0, image-layout.md). An object's digest there is its id
 * here, so its blob is the object itself; names of files are annotations, as ORAS writes them.
 *
 *   oci-layout   index.json   blobs/sha256/<config> <manifest> <registry index> <signatures> <objects …>
 *
 * The same registry gives the same bytes: nothing in it is a clock.
 */
import { canonicalBytes, type Json, type JsonObject } from "../../trust/canonical-json.ts";
import type { ContentExtension } from "./layout.ts";

export const LAYOUT_VERSION = "1.0.0";
export const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
export const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";
/** An image's own type: tools that look into images refuse others. */
export const CONFIG_TYPE = "application/vnd.oci.image.config.v1+json";
export const REGISTRY_INDEX_TYPE = "application/vnd.mxp.registry.index.v1+json";
export const SIGNATURES_TYPE = "application/vnd.mxp.registry.signatures.v1+jsonl";
export const CONTENT_TYPES: Readonly<Record<ContentExtension, string>> = {
  json: "application/vnd.mxp.registry.object.v1+json",
  blob: "application/vnd.mxp.registry.blob.v1",
};
export const REF_NAME = "org.opencontainers.image.ref.name";
export const TITLE = "org.opencontainers.image.title";

/** Name of the image in the layout: `oci:<folder>:registry`. */
export const IMAGE_NAME = "registry";

/** A manifest grows with its layers; past these bounds nobody reads it. */
export const MANIFEST_LIMITS = { bytesMax: 16 << 20, depthMax: 8 } as const;

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly title: string | null;
}

export function descriptorJson({ mediaType, digest, size, title }: Descriptor): JsonObject {
  const annotations = title === null ? {} : { annotations: { [TITLE]: title } };
  return { mediaType, digest, size, ...annotations };
}

/** The configuration of an image whose layers are what they are, unpacked and unordered by any platform. */
export function configBytes(layers: readonly Descriptor[]): Uint8Array<ArrayBuffer> {
  return canonicalBytes({
    architecture: "unknown",
    config: {},
    os: "unknown",
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
  });
}

export function manifestBytes(
  config: Descriptor,
  layers: readonly Descriptor[],
): Uint8Array<ArrayBuffer> {
  return canonicalBytes({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: descriptorJson(config),
    layers: layers.map(descriptorJson),
  });
}

export function layoutIndex(manifest: Descriptor): Json {
  return {
    schemaVersion: 2,
    mediaType: INDEX_TYPE,
    manifests: [{ ...descriptorJson(manifest), annotations: { [REF_NAME]: IMAGE_NAME } }],
  };
}
