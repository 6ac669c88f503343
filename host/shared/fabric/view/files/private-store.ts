/**
 * What user's files held before a view changed them, by digest: `.rtt/private/sha256/<hash>`, for nobody else to read.
 * It may hold secrets, so nothing of it ever gets into the registry, a plan or an export.
 */
import { Failure } from "../../../ports/failure.ts";
import { digestText } from "../../../trust/digest-text.ts";
import type { DigestText } from "../../plan.ts";
import { idOfDigest } from "../../registry/layout.ts";
import { readPlainFile } from "../../registry/plain-file.ts";
import { BLOB_BYTES_MAX } from "../../registry/object.ts";
import type { ViewPorts } from "./project-files.ts";

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

export class PrivateStore {
  readonly #ports: ViewPorts;
  readonly #folder: string;

  constructor(ports: ViewPorts, root: string) {
    this.#ports = ports;
    this.#folder = `${root}/.rtt/private/sha256`;
  }

  /** Keeps bytes; false when they were there. */
  async keep(bytes: Uint8Array): Promise<boolean> {
    const digest = digestText(this.#ports.digest, bytes);
    if ((await this.read(digest)) !== null) return false;
    const { files } = this.#ports;
    await files.makeFolder(this.#folder, FOLDER_MODE);
    await files.write(this.#path(digest), bytes, FILE_MODE);
    return true;
  }

  /** The bytes of a digest; null when they are not there, or not whole. */
  async read(digest: DigestText): Promise<Uint8Array<ArrayBuffer> | null> {
    const bytes = await readPlainFile(this.#ports.files, this.#path(digest), BLOB_BYTES_MAX);
    return bytes !== null && digestText(this.#ports.digest, bytes) === digest ? bytes : null;
  }

  async remove(digest: DigestText): Promise<void> {
    await this.#ports.files.remove(this.#path(digest));
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
