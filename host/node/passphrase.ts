/** The passphrase of an identity, from a file: never from an argument, which every user of the machine can see. */
import { resolve } from "node:path";
import { Failure } from "../shared/ports/failure.ts";
import type { Files } from "../shared/ports/files.ts";
import { fromUtf8 } from "../shared/trust/bytes.ts";

/** The first line of the file; undefined when no file is named. */
export async function readPassphrase(
  files: Files,
  path: string | undefined,
): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const bytes = await files.read(resolve(path));
  const line = bytes === null ? null : (fromUtf8(bytes)?.split(/\r?\n/)[0] ?? null);
  if (line === null || line === "") {
    throw new Failure("identity-locked", "The passphrase file is missing, empty or not text", {
      origin: "local",
      remedy: "Put the passphrase on the first line of the file.",
      context: { path },
    });
  }
  return line;
}
