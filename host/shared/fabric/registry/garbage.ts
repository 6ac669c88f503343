/**
 * Garbage collection: what no address and no root leads to is removed. A body leads to every object whose digest
 * ("sha256:…") is a text anywhere in it.
 *
 * Nothing is removed unless everything that is kept could be read: what cannot be read could lead anywhere.
 */
import { Failure } from "../../ports/failure.ts";
import type { Json } from "../../trust/canonical-json.ts";
import { idOfDigest, type ObjectId, type RegistryLayout } from "./layout.ts";
import { missing, parseBody } from "./object.ts";
import type { ObjectStore, StoredFile } from "./object-store.ts";
import type { RegistryPorts } from "./ports.ts";
import type { RegistryView } from "./index-file.ts";

export interface CollectOptions {
  /** Younger files stay, because another program may be about to name them. Default: 0. */
  readonly graceMs?: number;
  /** Only tell what would be removed. */
  readonly isDry?: boolean;
}

/** Removes garbage and returns its ids, sorted. */
export async function collectGarbage(
  ports: RegistryPorts,
  layout: RegistryLayout,
  store: ObjectStore,
  view: RegistryView,
  options: CollectOptions,
): Promise<readonly ObjectId[]> {
  const { stored } = await store.list();
  if (!view.hasIndex && stored.length > 0) {
    throw new Failure("signature-missing", "The registry has objects but no index", {
      origin: "host",
      remedy: "Restore index.json, or import the objects into a new registry.",
    });
  }
  const kept = await mark(store, stored, view);
  const removed: ObjectId[] = [];
  for (const [id, files] of Map.groupBy(stored, (file) => file.id)) {
    if (kept.has(id)) continue;
    if (await isYoung(ports, layout, files, options.graceMs ?? 0)) continue;
    if (options.isDry !== true) await store.remove(id);
    removed.push(id);
  }
  return removed;
}

async function isYoung(
  ports: RegistryPorts,
  layout: RegistryLayout,
  files: readonly StoredFile[],
  graceMs: number,
): Promise<boolean> {
  if (graceMs === 0) return false;
  const wallMs = ports.clock.wallMs();
  for (const { name } of files) {
    const info = await ports.files.info(`${layout.objects}/${name}`);
    // A file from the future is young: the clock jumped, and removing less is the safe side.
    if (info !== null && wallMs - info.modifiedMs < graceMs) return true;
  }
  return false;
}

/** Everything that the index and the roots lead to. */
async function mark(
  store: ObjectStore,
  stored: readonly StoredFile[],
  { index }: RegistryView,
): Promise<ReadonlySet<ObjectId>> {
  const forms = new Map(
    stored.flatMap(({ id, extension }) => (extension === "dsse" ? [] : [[id, extension]])),
  );
  const kept = new Set<ObjectId>();
  const open = [
    ...[...index.objects.values()].map(({ id }) => id),
    ...[...index.roots.values()].flat(),
  ];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (kept.has(id)) continue;
    kept.add(id);
    const form = forms.get(id);
    if (form === "blob") continue;
    const bytes = form === "json" ? await store.read(id, "json") : null;
    if (bytes === null) throw missing(`object ${id}, which is in use; see \`rtt fsck\``);
    for (const reference of referencesOf(parseBody(id, bytes))) {
      if (forms.has(reference)) open.push(reference);
    }
  }
  return kept;
}

/** Ids of digests that stand anywhere in a body. */
export function referencesOf(body: Json): readonly ObjectId[] {
  if (typeof body === "string") {
    const id = idOfDigest(body);
    return id === null ? [] : [id];
  }
  if (body === null || typeof body !== "object") return [];
  return Object.values(body).flatMap((value: Json) => referencesOf(value));
}
