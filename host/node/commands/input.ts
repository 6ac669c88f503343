/** What verbs of several words share: their `--json`, and the files that are named on the command line. */
import { resolve } from "node:path";
import { Failure } from "../../shared/ports/failure.ts";
import type { Files } from "../../shared/ports/files.ts";

/** The option that every verb has; of a verb with words below it, each word. */
export const JSON_FLAG = ["--json", "answer with one line of JSON"] as const;

/** The content of a file; one that does not exist fails with `file-missing`. */
export async function readInput(files: Files, path: string): Promise<Uint8Array<ArrayBuffer>> {
  const full = resolve(path);
  const bytes = await files.read(full);
  if (bytes !== null) return bytes;
  throw new Failure("file-missing", `There is no file ${full}`, {
    origin: "local",
    remedy: "Correct the path.",
    context: { path: full },
  });
}
