/**
 * Makes an object whole again that somebody has changed through a link. The edit stays where it was made, in a file of
 * its own from then on; the object comes back from the pack or from another file that holds it, and where there is
 * none, its rotten file is put aside, so that nothing is ever read from it.
 */
import { digestText } from "../../../trust/digest-text.ts";
import type { Generation, ShownLink } from "../../generation.ts";
import { FILE_MODE, FOLDER_MODE, idOfDigest } from "../../registry/layout.ts";
import type { Registry } from "../../registry/registry.ts";
import { ProjectFiles, type ViewPorts } from "../files/project-files.ts";

export type ObjectState = "whole" | "restored" | "quarantined";

/** Of an edit that belongs to its user again. */
const OWN_MODE = 0o644;

/** Sees to the object of a link, whose edited bytes are `edited`. */
export async function restoreObject(
  ports: ViewPorts,
  root: string,
  registry: Registry,
  generation: Generation,
  file: ShownLink,
  edited: Uint8Array,
): Promise<ObjectState> {
  const { files } = ports;
  const { store, layout } = registry;
  const project = new ProjectFiles(ports, root);
  const id = idOfDigest(file.digest);
  const form = id === null ? null : await store.formOf(id);
  if (id === null || form === null) return "quarantined";
  const content = layout.content(id, form);
  const present = await files.read(content);
  if (present !== null && digestText(ports.digest, present) === file.digest) return "whole";
  const own = await files.identity(project.absolute(file.path));
  const object = await files.identity(content);
  if (own !== null && own.inode === object?.inode && own.device === object.device) {
    await files.write(project.absolute(file.path), edited, OWN_MODE);
  }
  const whole =
    (form === "json" ? await packedCopy(registry, id) : null) ??
    (await otherCopy(ports, project, generation, file));
  if (whole !== null) {
    await store.write(form, whole);
    return "restored";
  }
  await files.makeFolder(layout.quarantine, FOLDER_MODE);
  await files.write(`${layout.quarantine}/${id}.${form}`, present ?? new Uint8Array(), FILE_MODE);
  await files.remove(content);
  return "quarantined";
}

async function packedCopy(registry: Registry, id: string): Promise<Uint8Array<ArrayBuffer> | null> {
  // A pack that is rotten itself is no help, and `rtt fsck` tells of it.
  return registry.store.packed(id).catch(() => null);
}

/** The same bytes in another file of the generation, which is no link to the rotten one. */
async function otherCopy(
  ports: ViewPorts,
  project: ProjectFiles,
  generation: Generation,
  { digest }: ShownLink,
): Promise<Uint8Array<ArrayBuffer> | null> {
  for (const file of generation.files) {
    if (file.how !== "link" || file.digest !== digest) continue;
    const bytes = await ports.files.read(project.absolute(file.path));
    if (bytes !== null && digestText(ports.digest, bytes) === digest) return bytes;
  }
  return null;
}
