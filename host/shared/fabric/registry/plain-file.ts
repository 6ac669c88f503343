/** Reads a file of the registry only when it is a plain file of a bounded size: nothing is followed out of it. */
import { Failure } from "../../ports/failure.ts";
import type { Files } from "../../ports/files.ts";

/** The bytes, or null when there is no file. Fails with `path-denied` or `object-corrupt`. */
export async function readPlainFile(
  files: Files,
  path: string,
  bytesMax: number,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const info = await files.info(path);
  if (info === null) return null;
  if (info.kind !== "file") throw notPlain(path, "is a link or a folder instead of a file");
  if (info.sizeBytes > bytesMax) {
    throw new Failure("object-corrupt", `${path} has more than ${bytesMax} bytes`, {
      origin: "host",
      remedy: "Nothing that the registry writes is that large; take the file away.",
      context: { path, sizeBytes: info.sizeBytes },
    });
  }
  return files.read(path);
}

/** Fails with `path-denied` when something of this name is there and is no folder, such as a symbolic link. */
export async function checkFolder(files: Files, path: string): Promise<void> {
  const info = await files.info(path);
  if (info !== null && info.kind !== "folder") throw notPlain(path, "is no folder");
}

function notPlain(path: string, problem: string): Failure {
  return new Failure("path-denied", `${path} ${problem}`, {
    origin: "host",
    remedy: "The registry follows no links: put the real file or folder there.",
    context: { path },
  });
}
