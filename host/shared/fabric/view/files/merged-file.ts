/** What merging makes of a file, from the objects that a plan and a generation name. */
import { fromUtf8, utf8 } from "../../../trust/bytes.ts";
import { canonicalBytes } from "../../../trust/canonical-json.ts";
import { digestText } from "../../../trust/digest-text.ts";
import type { GenerationFile } from "../../generation.ts";
import type { DigestText } from "../../plan.ts";
import { idOfDigest } from "../../registry/layout.ts";
import { corrupt, missing } from "../../registry/object.ts";
import type { Registry } from "../../registry/registry.ts";
import { readViewFields } from "../fields.ts";
import { readConfig } from "../merge/config-text.ts";
import { mergeConfig, type MergeOutcome } from "../merge/merge.ts";
import { isSameValue, valueAt } from "../merge/values.ts";
import { VIEW_FIELDS_KIND, type ViewField, type ViewFields } from "../model.ts";
import { PrivateStore } from "./private-store.ts";
import { conflict, type ViewPorts } from "./project-files.ts";

/** The fields of an object, verified. */
export async function fieldsOf(registry: Registry, digest: DigestText): Promise<ViewFields> {
  const id = idOfDigest(digest);
  if (id === null) throw missing(`object "${digest.slice(0, 80)}"`);
  const { kind, body } = await registry.get(id);
  if (kind !== VIEW_FIELDS_KIND) throw corrupt(id, "is no list of fields");
  return readViewFields(body);
}

export interface MergedFileInput {
  readonly path: string;
  /** What is there; null: nothing. */
  readonly present: Uint8Array | null;
  readonly wanted: ViewFields;
  /** What the generation in force shows at this path. */
  readonly shown: GenerationFile | undefined;
}

export class FileMerger {
  readonly store: PrivateStore;
  readonly adopted: PrivateStore;
  readonly #ports: ViewPorts;
  readonly #registry: Registry;

  constructor(ports: ViewPorts, root: string, registry: Registry) {
    this.#ports = ports;
    this.#registry = registry;
    this.store = new PrivateStore(ports, root, "sha256");
    this.adopted = new PrivateStore(ports, root, "adopted");
  }

  /** Merges. Fails with `view-conflict` for bytes that are no text, and as objects do. */
  async merge({ path, present, wanted, shown }: MergedFileInput): Promise<MergeOutcome> {
    const isOldLink =
      shown?.how === "link" &&
      present !== null &&
      digestText(this.#ports.digest, present) === shown.digest;
    // What was a link before is nothing of the user's.
    const bytes = isOldLink ? null : present;
    const now = bytes === null ? null : fromUtf8(bytes);
    if (now === null && bytes !== null) throw conflict(path, "it is not UTF-8");
    const isMerged = shown?.how === "merge";
    const last = isMerged ? await fieldsOf(this.#registry, shown.fields) : null;
    const isSameFormat = last !== null && last.format === wanted.format;
    return mergeConfig({
      format: wanted.format,
      now,
      last: isSameFormat ? await this.#withAdopted(last, now) : [],
      wanted: wanted.fields,
      original: isMerged ? await this.#original(shown.original) : now,
    });
  }

  /** Our fields; one that was edited and adopted counts as ours with the value that it has now. */
  async #withAdopted(
    { format, fields }: ViewFields,
    now: string | null,
  ): Promise<readonly ViewField[]> {
    const reading = now === null ? null : readConfig(format, now);
    if (reading?.ok !== true) return fields;
    const ours: ViewField[] = [];
    for (const field of fields) {
      const value = valueAt(reading.value, field.path);
      const isEdited = value !== undefined && !isSameValue(value, field.value);
      const isAdopted =
        isEdited &&
        (await this.adopted.read(digestText(this.#ports.digest, canonicalBytes(value)))) !== null;
      ours.push(isAdopted ? { path: field.path, value } : field);
    }
    return ours;
  }

  async #original(digest: DigestText | null): Promise<string | null | undefined> {
    if (digest === null) return null;
    const bytes = await this.store.read(digest);
    return bytes === null ? undefined : (fromUtf8(bytes) ?? undefined);
  }
}

/** The bytes of an outcome. */
export function mergedBytes(text: string | null): Uint8Array<ArrayBuffer> | null {
  return text === null ? null : utf8(text);
}
