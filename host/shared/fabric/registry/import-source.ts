/** What objects are imported from, whichever form it has on disk. */
import type { ContentExtension, ObjectId } from "./layout.ts";

/** What a source holds, bytes checked against their ids, nothing else checked yet. */
export interface ImportSource {
  /** Its `index.json`, or null. */
  readonly index: Uint8Array | null;
  readonly objects: readonly SourceObject[];
}

export interface SourceObject {
  readonly id: ObjectId;
  readonly extension: ContentExtension;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The content of its signature file; empty when there is none. */
  readonly signatures: Uint8Array;
}
