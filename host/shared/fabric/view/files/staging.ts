/**
 * Where a view keeps what it is about to show: `.rtt/staging/<transaction>/<view>/<number of the file in the plan>`.
 * It lies on the disk of the registry, and has the mode that the file will have, in a folder that nobody else reads.
 */
import type { ViewName } from "../model.ts";
import type { ViewPorts } from "./project-files.ts";

const FOLDER_MODE = 0o700;

export class Staging {
  readonly #ports: ViewPorts;
  readonly #top: string;
  readonly #folder: string;

  constructor(ports: ViewPorts, root: string, transaction: string, view: ViewName) {
    this.#ports = ports;
    // An id becomes the name of a folder, whatever is in it.
    this.#top = `${root}/.rtt/staging/${transaction.replace(/[^A-Za-z0-9-]/g, "_")}`;
    this.#folder = `${this.#top}/${view}`;
  }

  path(number: number): string {
    return `${this.#folder}/${number}`;
  }

  async put(number: number, bytes: Uint8Array, mode: number): Promise<void> {
    await this.#ports.files.makeFolder(this.#folder, FOLDER_MODE);
    await this.#ports.files.write(this.path(number), bytes, mode);
  }

  async read(number: number): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.#ports.files.read(this.path(number));
  }

  /** Forgets everything; what others have staged stays. */
  async clear(): Promise<void> {
    const { files } = this.#ports;
    for (const name of await files.list(this.#folder))
      await files.remove(`${this.#folder}/${name}`);
    await files.removeFolder(this.#folder);
    await files.removeFolder(this.#top);
  }
}
