/**
 * A project's folder as views see it: nothing outside of it is ever read or written. A link in a path is not followed,
 * not even one that leads back inside, because it could lead elsewhere a moment later.
 */
import { Failure } from "../../../ports/failure.ts";
import type { FileInfo, Files } from "../../../ports/files.ts";
import type { Digest } from "../../../ports/digest.ts";
import { digestText } from "../../../trust/digest-text.ts";
import type { DigestText } from "../../plan.ts";
import { pathProblem } from "../../plan-file/parts.ts";
import { BLOB_BYTES_MAX } from "../../registry/object.ts";

export interface ViewPorts {
  readonly files: Files;
  readonly digest: Digest;
}

/** What is at a path. */
export type Seen =
  | { readonly kind: "nothing" }
  | {
      readonly kind: "file";
      readonly bytes: Uint8Array<ArrayBuffer>;
      readonly digest: DigestText;
      readonly info: FileInfo;
    }
  /** A folder, a link, or a file that is too large to be one of ours. */
  | { readonly kind: "other"; readonly problem: string };

/** What stands for something that has no digest, such as a folder. */
export const NO_FILE: DigestText = `sha256:${"0".repeat(64)}`;

export class ProjectFiles {
  readonly root: string;
  readonly #ports: ViewPorts;

  constructor(ports: ViewPorts, root: string) {
    this.#ports = ports;
    this.root = root;
  }

  absolute(path: string): string {
    return `${this.root}/${path}`;
  }

  /**
   * Fails with `path-denied` for a path that leaves the project or has a link on its way, and with `view-conflict`
   * where a file is in place of a folder. The last name itself is not looked at.
   */
  async check(path: string): Promise<void> {
    const problem = pathProblem(path);
    if (problem !== null) throw denied(path, problem);
    for (const folder of foldersOf(path)) {
      const info = await this.#ports.files.info(this.absolute(folder));
      if (info === null) return;
      if (info.kind === "other") throw denied(path, `goes through ${folder}, which is a link`);
      if (info.kind === "file") throw conflict(path, `${folder} is a file and no folder`);
    }
  }

  /** What is at a path that was checked. */
  async see(path: string): Promise<Seen> {
    const { files, digest } = this.#ports;
    const info = await files.info(this.absolute(path));
    if (info === null) return { kind: "nothing" };
    if (info.kind === "folder") return { kind: "other", problem: "a folder is there" };
    if (info.kind === "other") return { kind: "other", problem: "a link is there" };
    if (info.sizeBytes > BLOB_BYTES_MAX) {
      return { kind: "other", problem: `a file of more than ${BLOB_BYTES_MAX} bytes is there` };
    }
    const bytes = await files.read(this.absolute(path));
    if (bytes === null) return { kind: "nothing" };
    return { kind: "file", bytes, digest: digestText(digest, bytes), info };
  }

  /** The folders of a path that are not there, outermost first. */
  async missingFolders(path: string): Promise<readonly string[]> {
    const missing: string[] = [];
    for (const folder of foldersOf(path)) {
      if (missing.length > 0 || (await this.#ports.files.info(this.absolute(folder))) === null) {
        missing.push(folder);
      }
    }
    return missing;
  }

  /** The nearest folder of a path that is there, absolute. */
  async nearestFolder(path: string): Promise<string> {
    const missing = new Set(await this.missingFolders(path));
    const near = foldersOf(path).findLast((folder) => !missing.has(folder));
    return near === undefined ? this.root : this.absolute(near);
  }
}

/** The digest of what is seen; null for nothing. */
export function digestOf(seen: Seen): DigestText | null {
  if (seen.kind === "nothing") return null;
  return seen.kind === "file" ? seen.digest : NO_FILE;
}

/** "a/b/c.md" → "a", "a/b". */
export function foldersOf(path: string): readonly string[] {
  const names = path.split("/");
  return names.slice(1).map((_, at) => names.slice(0, at + 1).join("/"));
}

function denied(path: string, problem: string): Failure {
  return new Failure("path-denied", `${path} ${problem}`, {
    origin: "local",
    remedy: "Views follow no links and stay inside the project: put a real folder there.",
    context: { path },
  });
}

export function conflict(path: string, problem: string): Failure {
  return new Failure("view-conflict", `${path}: ${problem}`, {
    origin: "local",
    remedy: "It was left as it is. Move it away, or leave that symbol out of the view.",
    context: { path },
  });
}
