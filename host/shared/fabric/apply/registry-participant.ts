/**
 * The registry's part in a change: everything that the new generation names is there and can be trusted, and stays
 * for as long as the generation is kept, whatever garbage collection does.
 */
import { Failure } from "../../ports/failure.ts";
import type { Generation } from "../generation.ts";
import type { DigestText } from "../plan.ts";
import { idOfDigest, type ObjectId } from "../registry/layout.ts";
import type { Registry } from "../registry/registry.ts";
import type { Observation, Participant, Transaction, Vote } from "./participant.ts";

/** The root of the registry under which a generation keeps its objects. */
export function rootOfGeneration(generation: number): string {
  return `generation:${generation}`;
}

/** The participant for a registry. */
export function registryParticipant(registry: Registry): Participant {
  return {
    name: "registry",

    async prepare({ plan, target }: Transaction): Promise<Vote> {
      const linked = new Set(
        plan.files.flatMap((file) => (file.how === "link" ? (file.after ?? []) : [])),
      );
      for (const id of objectsOf(target)) {
        if (await registry.has(id)) continue;
        return { ok: false, failure: gone(id) };
      }
      // Only what the plan brings in is verified whole: the rest was when it came.
      for (const digest of linked) await verify(registry, digest);
      return { ok: true };
    },

    async commit({ current, target }: Transaction): Promise<void> {
      if (target.generation > 0) {
        await registry.setRoots(rootOfGeneration(target.generation), objectsOf(target));
      }
      // On the way back, the generation that was tried is forgotten.
      if (current !== null && current.generation > target.generation) {
        await registry.setRoots(rootOfGeneration(current.generation), []);
      }
    },

    async abort(): Promise<void> {
      // Nothing was staged.
    },

    async observe({ target }: Transaction): Promise<Observation> {
      const { index } = await registry.view();
      const kept = new Set(index.roots.get(rootOfGeneration(target.generation)));
      return new Map(objectsOf(target).map((id) => [id, kept.has(id) ? `sha256:${id}` : null]));
    },

    expect({ target }: Transaction): Observation {
      return new Map(objectsOf(target).map((id) => [id, `sha256:${id}`]));
    },
  };
}

/** Every object that a generation needs, each once, sorted. */
export function objectsOf({ symbols, files }: Generation): readonly ObjectId[] {
  const digests: DigestText[] = [
    ...Object.values(symbols),
    // A merged file is the user's own; only its fields are ours.
    ...files.map((file) => (file.how === "link" ? file.digest : file.fields)),
  ];
  const ids = digests.map(idOfDigest).filter((id) => id !== null);
  return [...new Set(ids)].sort();
}

async function verify(registry: Registry, digest: DigestText): Promise<void> {
  const id = idOfDigest(digest);
  const form = id === null ? null : await registry.store.formOf(id);
  if (id === null || form === null) throw gone(digest);
  if (form === "json") await registry.get(id);
  else await registry.getBlob(id);
}

function gone(id: string): Failure {
  return new Failure("object-missing", `The registry has no object ${id}`, {
    origin: "host",
    remedy: "Run `rtt scan`, then make the plan again.",
    context: { id },
  });
}
