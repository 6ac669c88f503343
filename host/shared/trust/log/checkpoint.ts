/**
 * Checkpoints and proofs as texts: what a log of a given size is, signed, and that an entry is in it.
 *
 * Spec: C2SP tlog-checkpoint (origin, size, root), C2SP tlog-proof (index, path, checkpoint)
 */
import { Failure } from "../../ports/failure.ts";
import { decodeBase64, encodeBase64 } from "../base64.ts";
import { equalBytes } from "../bytes.ts";
import type { TrustPorts } from "../ports.ts";
import { HASH_BYTES, type Hash, leafHash, rootOfPath } from "./merkle.ts";
import { type NoteKey, openNote, signNote } from "./note.ts";

export interface TreeHead {
  readonly size: number;
  readonly root: Hash;
}

export interface LogProof {
  readonly index: number;
  readonly path: readonly Hash[];
  /** The signed note. */
  readonly checkpoint: string;
}

type LogPorts = Pick<TrustPorts, "digest" | "signatures">;

const PROOF_HEADER = "c2sp.org/tlog-proof@v1";
const PATH_MAX = 64;

function corrupt(problem: string): Failure {
  return new Failure("log-corrupt", problem, {
    origin: "host",
    remedy: "Restore the log from a copy; do not trust what it says.",
  });
}

/** The key under which a node signs its log. Its name is the log's origin. */
export function logKey(id: string, publicKey: Uint8Array): NoteKey {
  return { name: `mxp.log/${id}`, publicKey };
}

/** Signs a tree head. */
export function signCheckpoint(
  ports: LogPorts,
  key: NoteKey,
  seed: Uint8Array,
  head: TreeHead,
): string {
  const text = `${key.name}\n${head.size}\n${encodeBase64(head.root)}\n`;
  return signNote(ports, text, key, seed);
}

/** Opens a checkpoint of the log that `key` signs. Fails with `log-corrupt`. */
export function openCheckpoint(ports: LogPorts, checkpoint: string, key: NoteKey): TreeHead {
  const lines = openNote(ports, checkpoint, key).split("\n");
  const [origin, sizeText = "", rootText = "", end] = lines;
  const root = decodeBase64(rootText);
  const size = readCount(sizeText);
  if (lines.length !== 4 || end !== "" || origin !== key.name) {
    throw corrupt("The checkpoint is not one of this log");
  }
  if (size === null || root?.length !== HASH_BYTES) {
    throw corrupt("The checkpoint has no size or no root");
  }
  return { size, root };
}

/** A whole number without leading zeros; null otherwise. */
function readCount(text: string): number | null {
  const count = Number(text);
  return /^(0|[1-9]\d{0,15})$/.test(text) && Number.isSafeInteger(count) ? count : null;
}

/** The text of a proof, kept in files that end in ".tlog-proof". */
export function formatProof(proof: LogProof): string {
  const path = proof.path.map((hash) => `${encodeBase64(hash)}\n`).join("");
  return `${PROOF_HEADER}\nindex ${proof.index}\n${path}\n${proof.checkpoint}`;
}

/** Reads the text of a proof. Fails with `log-corrupt`. */
export function parseProof(text: string): LogProof {
  const at = text.indexOf("\n\n");
  const [header, indexLine = "", ...hashes] = text.slice(0, Math.max(at, 0)).split("\n");
  const index = indexLine.startsWith("index ") ? readCount(indexLine.slice(6)) : null;
  if (header !== PROOF_HEADER || index === null || hashes.length > PATH_MAX) {
    throw corrupt("The proof is not a tlog-proof of version 1");
  }
  const path = hashes.map((line) => {
    const hash = decodeBase64(line);
    if (hash?.length !== HASH_BYTES) throw corrupt("The proof has a line that is not a hash");
    return hash;
  });
  return { index, path, checkpoint: text.slice(at + 2) };
}

/** The tree head under which `entry` is proven to be in the log. Fails with `log-corrupt`. */
export function verifyProof(
  ports: LogPorts,
  proof: LogProof,
  entry: Uint8Array,
  key: NoteKey,
): TreeHead {
  const head = openCheckpoint(ports, proof.checkpoint, key);
  const leaf = leafHash(ports.digest, entry);
  const root = rootOfPath(ports.digest, leaf, proof.index, head.size, proof.path);
  if (root === null || !equalBytes(root, head.root)) {
    throw corrupt("The proof does not lead to the signed root");
  }
  return head;
}
