/** The bytes that a plan announces for each file: of objects, of merges, and of what the user's files held before. */
import { Failure } from "../../../ports/failure.ts";
import { digestText } from "../../../trust/digest-text.ts";
import type { Transaction } from "../../apply/participant.ts";
import type { GenerationFile } from "../../generation.ts";
import type { DigestText, MergedFile, PlannedFile, RestoredFile } from "../../plan.ts";
import { idOfDigest } from "../../registry/layout.ts";
import { missing } from "../../registry/object.ts";
import type { Registry } from "../../registry/registry.ts";
import type { ViewFields } from "../model.ts";
import { fieldsOf, FileMerger, mergedBytes } from "./merged-file.ts";
import type { PrivateStore } from "./private-store.ts";
import type { Seen, ViewPorts } from "./project-files.ts";

export class PlannedBytes {
  readonly store: PrivateStore;
  readonly #ports: ViewPorts;
  readonly #registry: Registry;
  readonly #merger: FileMerger;

  constructor(ports: ViewPorts, root: string, registry: Registry) {
    this.#ports = ports;
    this.#registry = registry;
    this.#merger = new FileMerger(ports, root, registry);
    this.store = this.#merger.store;
  }

  /** Checks that the object of a link is whole and signed, or that its bytes are among what was kept privately. */
  async verify({ after }: PlannedFile): Promise<void> {
    const id = after === null ? null : idOfDigest(after);
    if (after === null || id === null) throw missing("object without an id");
    const form = await this.#registry.store.formOf(id);
    // What somebody had changed a link to before it was adopted is in no registry.
    if (form === null && (await this.#merger.adopted.read(after)) !== null) return;
    if (form === "json") await this.#registry.get(id);
    else await this.#registry.getBlob(id);
  }

  /** Where the object of a link lies; null where the registry has none. */
  async contentPath({ after }: PlannedFile): Promise<string | null> {
    const id = after === null ? null : idOfDigest(after);
    const form = id === null ? null : await this.#registry.store.formOf(id);
    return id === null || form === null ? null : this.#registry.layout.content(id, form);
  }

  /** Bytes that were adopted, or of the registry. */
  async object(digest: DigestText | null): Promise<Uint8Array<ArrayBuffer>> {
    const kept = digest === null ? null : await this.#merger.adopted.read(digest);
    if (kept !== null) return kept;
    const id = idOfDigest(digest);
    if (id === null) throw missing("object without an id");
    return (await this.#registry.store.readAny(id)).bytes;
  }

  /** The bytes of a file that is merged, or is the user's again; those that the plan announced, or `plan-stale`. */
  async of(
    transaction: Transaction,
    file: MergedFile | RestoredFile,
    seen: Seen,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const after = file.after as DigestText;
    if (isLinkBefore(transaction, file) && file.how === "restore") {
      const isSame = seen.kind === "file" && seen.digest === after;
      return isSame ? seen.bytes : this.object(after);
    }
    const kept = isTakenBack(transaction) ? await this.store.read(after) : null;
    if (kept !== null) return kept;
    const shown = shownAt(transaction, file);
    const outcome = await this.#merger.merge({
      path: file.path,
      present: seen.kind === "file" ? seen.bytes : null,
      wanted: await this.#wanted(file, shown),
      shown,
    });
    const bytes = outcome.ok ? mergedBytes(outcome.text) : null;
    const digest = bytes === null ? null : digestText(this.#ports.digest, bytes);
    if (bytes === null || digest !== after) throw stale(file, digest);
    return bytes;
  }

  /** The fields that shall be in a file: none in one that is the user's again. */
  async #wanted(
    file: MergedFile | RestoredFile,
    shown: GenerationFile | undefined,
  ): Promise<ViewFields> {
    if (file.how === "merge") return fieldsOf(this.#registry, file.fields);
    if (shown?.how !== "merge") throw stale(file, file.before);
    return { ...(await fieldsOf(this.#registry, shown.fields)), fields: [] };
  }
}

/** What the generation in force shows at the path of a file. */
function shownAt({ current }: Transaction, { path }: PlannedFile): GenerationFile | undefined {
  return current?.files.find((file) => file.path === path);
}

/** Whether a file that is no link any more was one. */
export function isLinkBefore(transaction: Transaction, file: PlannedFile): boolean {
  return shownAt(transaction, file)?.how === "link";
}

/** Whether a change that was tried is taken back: a merge then goes back to the bytes that were there. */
export function isTakenBack({ current, target }: Transaction): boolean {
  return current !== null && target.generation < current.generation;
}

export function stale(
  { path, before }: Pick<PlannedFile, "path" | "before">,
  present: DigestText | null,
): Failure {
  return new Failure("plan-stale", `${path} is not what the plan was made for`, {
    origin: "local",
    remedy: "Make a new plan with `rtt plan`.",
    context: { path, expected: before ?? "nothing", found: present ?? "nothing" },
  });
}
