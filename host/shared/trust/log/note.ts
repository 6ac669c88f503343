/**
 * Signed notes with Ed25519: a text, an empty line, and a line per signature.
 *
 * Spec: C2SP signed-note; the key id is the start of SHA-256(name ‖ "\n" ‖ 0x01 ‖ public key)
 */
import type { Digest } from "../../ports/digest.ts";
import { Failure } from "../../ports/failure.ts";
import type { Signatures } from "../../ports/signatures.ts";
import { decodeBase64, encodeBase64 } from "../base64.ts";
import { concatBytes, equalBytes, toHex, utf8 } from "../bytes.ts";

const ED25519 = 0x01;
const KEY_ID_BYTES = 4;
const LINE = /^— (\S+) (\S+)$/;
const SIGNATURES_MAX = 16;

interface NotePorts {
  readonly digest: Digest;
  readonly signatures: Signatures;
}

/** Whose signature a note needs: the name of the log and its Ed25519 key. */
export interface NoteKey {
  readonly name: string;
  readonly publicKey: Uint8Array;
}

function corrupt(problem: string): Failure {
  return new Failure("log-corrupt", `The signed note ${problem}`, {
    origin: "host",
    remedy: "Restore the log from a copy; do not trust what it says.",
  });
}

function keyId(digest: Digest, key: NoteKey): Uint8Array {
  const input = concatBytes(utf8(`${key.name}\n`), Uint8Array.of(ED25519), key.publicKey);
  return digest.sha256(input).subarray(0, KEY_ID_BYTES);
}

/** The key as other tools of signed notes take it: name+id+base64(type ‖ key). */
export function formatNoteKey(digest: Digest, key: NoteKey): string {
  const encoded = encodeBase64(concatBytes(Uint8Array.of(ED25519), key.publicKey));
  return `${key.name}+${toHex(keyId(digest, key))}+${encoded}`;
}

/** Signs `text`, which ends in a newline. */
export function signNote(ports: NotePorts, text: string, key: NoteKey, seed: Uint8Array): string {
  const signature = ports.signatures.sign(seed, utf8(text));
  const encoded = encodeBase64(concatBytes(keyId(ports.digest, key), signature));
  return `${text}\n— ${key.name} ${encoded}\n`;
}

/** The text of a note that `key` has signed; signatures of others are ignored. Fails with `log-corrupt`. */
export function openNote(ports: NotePorts, note: string, key: NoteKey): string {
  const at = note.lastIndexOf("\n\n");
  if (at < 0 || !note.endsWith("\n")) throw corrupt("has no signature");
  const text = note.slice(0, at + 1);
  const lines = note.slice(at + 2, -1).split("\n");
  if (lines.length > SIGNATURES_MAX) throw corrupt(`has more than ${SIGNATURES_MAX} signatures`);
  let isSigned = false;
  for (const line of lines) {
    const [, name, encoded = ""] = LINE.exec(line) ?? [];
    const bytes = decodeBase64(encoded);
    if (name === undefined || bytes === null) throw corrupt("has a line that is not a signature");
    const isOurs = equalBytes(bytes.subarray(0, KEY_ID_BYTES), keyId(ports.digest, key));
    if (name !== key.name || !isOurs) continue;
    if (!ports.signatures.verify(key.publicKey, utf8(text), bytes.subarray(KEY_ID_BYTES))) {
      throw corrupt("carries a wrong signature");
    }
    isSigned = true;
  }
  if (!isSigned) throw corrupt(`is not signed by ${key.name}`);
  return text;
}
