/** Keys whose policies this node accepts: one "z6Mk…" a line in `<state>/signers`, "#" begins a comment. */
import { Failure } from "../ports/failure.ts";
import type { Files } from "../ports/files.ts";
import { concatBytes, equalBytes, fromUtf8, utf8 } from "./bytes.ts";
import { formatIdentityKey, parseKeyText } from "./key-text.ts";

const OWNER_ONLY = 0o600;

function signersPath(folder: string): string {
  return `${folder}/signers`;
}

/** The keys, none when there is no file. A line that is not a key fails with `config-invalid`. */
export async function readSigners(files: Files, folder: string): Promise<readonly Uint8Array[]> {
  const path = signersPath(folder);
  const bytes = await files.read(path);
  if (bytes === null) return [];
  const keys: Uint8Array[] = [];
  for (const [index, line] of (fromUtf8(bytes) ?? "?").split("\n").entries()) {
    const text = line.replace(/#.*/, "").trim();
    if (text === "") continue;
    const key = parseKeyText(text);
    if (key?.kind !== "identity") {
      throw new Failure("config-invalid", `Line ${index + 1} of ${path} is not a z6Mk… key`, {
        origin: "local",
        remedy: "Correct or remove the line.",
        context: { path, line: index + 1 },
      });
    }
    keys.push(key.key);
  }
  return keys;
}

/** Adds a key unless it is there. */
export async function addSigner(
  files: Files,
  folder: string,
  publicKey: Uint8Array,
): Promise<void> {
  const keys = await readSigners(files, folder);
  if (keys.some((key) => equalBytes(key, publicKey))) return;
  const path = signersPath(folder);
  const before = (await files.read(path)) ?? new Uint8Array();
  const newline = before.length > 0 && before.at(-1) !== 0x0a ? "\n" : "";
  const line = utf8(`${newline}${formatIdentityKey(publicKey)}\n`);
  await files.write(path, concatBytes(before, line), OWNER_ONLY);
}
