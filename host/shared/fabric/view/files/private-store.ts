/**
 * What files held that views have changed, by digest, for nobody else to read:
 *
 *   .rtt/private/sha256/<hash>    what user's files held before a merge: as long as something may go back to it
 *   .rtt/private/adopted/<hash>   edits of views' files that were adopted: nothing of them is lost when they go
 *   .rtt/private/.gitignore       so that none of it gets into a repository
 *
 * It may hold secrets, so nothing of it ever gets into the registry, a plan or an export.
 */
import { Failure } from "../../../ports/failure.ts";
import type { Files } from "../../../ports/files.ts";
import { utf8 } from "../../../trust/bytes.ts";
import { digestText } from "../../../trust/digest-text.ts";
import type { DigestText } from "../../plan.ts";
import { idOfDigest, isObjectId } from "../../registry/layout.ts";
import { BLOB_BYTES_MAX } from "../../registry/object.ts";
import { readPlainFile } from "../../registry/plain-file.ts";
import type { ViewPorts } from "./project-files.ts";

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/** Makes the folder `.rtt/private` and answers its path. */
export async function makePrivateFolder(files: Files, root: string): Promise<string> {
  const folder = `${root}/.rtt/private`;
  await files.makeFolder(folder, FOLDER_MODE);
  const ignore = `${folder}/.gitignore`;
  if ((await files.info(ignore)) === null) await files.create(ignore, utf8("*\n"), FILE_MODE);
  return folder;
}

export class PrivateStore {
  readonly #ports: ViewPorts;
  readonly #root: string;
  readonly #folder: string;

  constructor(ports: ViewPorts, root: string, shelf: "sha256" | "adopted") {
    this.#ports = ports;
    this.#root = root;
    this.#folder = `${root}/.rtt/private/${shelf}`;
  }

  /** Keeps bytes. */
  async keep(bytes: Uint8Array): Promise<void> {
    const digest = digestText(this.#ports.digest, bytes);
    if ((await this.read(digest)) !== null) return;
    const { files } = this.#ports;
    await makePrivateFolder(files, this.#root);
    await files.makeFolder(this.#folder, FOLDER_MODE);
    await files.write(this.#path(digest), bytes, FILE_MODE);
  }

  /** The bytes of a digest; null when they are not there, or not whole. */
  async read(digest: DigestText): Promise<Uint8Array<ArrayBuffer> | null> {
    const bytes = await readPlainFile(this.#ports.files, this.#path(digest), BLOB_BYTES_MAX);
    return bytes !== null && digestText(this.#ports.digest, bytes) === digest ? bytes : null;
  }

  async remove(digest: DigestText): Promise<void> {
    await this.#ports.files.remove(this.#path(digest));
  }

  /** Removes everything but these. */
  async keepOnly(digests: ReadonlySet<DigestText>): Promise<void> {
    for (const name of await this.#ports.files.list(this.#folder)) {
      const digest = `sha256:${name}`;
      if (isObjectId(name) && !digests.has(digest)) await this.remove(digest);
    }
  }

  #path(digest: DigestText): string {
    const id = idOfDigest(digest);
    if (id !== null) return `${this.#folder}/${id}`;
    throw new Failure("argument-invalid", `"${digest.slice(0, 80)}" is no digest`, {
      origin: "local",
      remedy: "Make a new plan.",
    });
  }
}
