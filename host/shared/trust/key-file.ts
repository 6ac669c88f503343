/**
 * The identity on disk: one JSON file that only its owner may read, with an optional passphrase.
 *
 * The public keys stand beside the private ones and are compared on reading, so that a file that was changed or
 * mixed up is refused instead of giving a node another identity.
 */
import { Failure } from "../ports/failure.ts";
import type { SealedSecret } from "../ports/vault.ts";
import { decodeBase64Url, encodeBase64Url } from "./base64.ts";
import { concatBytes, utf8 } from "./bytes.ts";
import {
  canonicalText,
  isJsonObject,
  type Json,
  type JsonObject,
  parseJson,
} from "./canonical-json.ts";
import { type Identity, identityOf, KEY_BYTES, peerId } from "./identity.ts";
import { formatIdentityKey, formatStaticKey, parseKeyText } from "./key-text.ts";
import type { TrustPorts } from "./ports.ts";

const KIND = "mxp.identity/v1";
const OWNER_ONLY = 0o600;
const OTHERS = 0o077;

type KeyFilePorts = Pick<TrustPorts, "files" | "signatures" | "vault">;

function malformed(path: string, problem: string): Failure {
  return new Failure("identity-missing", `The identity file ${problem}`, {
    origin: "host",
    remedy:
      "Restore the file from a backup, or remove it and make a new identity with `rtt id new`.",
    context: { path },
  });
}

function missing(path: string): Failure {
  return new Failure("identity-missing", "This node has no identity yet", {
    origin: "local",
    remedy: "Make one with `rtt id new`.",
    context: { path },
  });
}

function locked(path: string, problem: string): Failure {
  return new Failure("identity-locked", problem, {
    origin: "local",
    remedy: "Give the right passphrase, for example with --passphrase-file.",
    context: { path },
  });
}

/** Checks that the identity at `path` is there and closed to others. Fails as `readIdentity` does. */
export async function checkIdentityFile(
  ports: Pick<KeyFilePorts, "files">,
  path: string,
): Promise<void> {
  const info = await ports.files.info(path);
  if (info === null) throw missing(path);
  if (info.kind !== "file") throw malformed(path, "is not a plain file");
  if ((info.mode & OTHERS) !== 0) {
    throw new Failure("permission-denied", "Other users may read or change the identity file", {
      origin: "host",
      remedy: `Close it with: chmod 600 ${path}`,
      context: { path, mode: `0${info.mode.toString(8)}` },
    });
  }
}

/**
 * Reads the identity at `path`. Fails with `identity-missing`, `identity-locked` (no or a wrong passphrase) or
 * `permission-denied` (others may read the file).
 */
export async function readIdentity(
  ports: KeyFilePorts,
  path: string,
  passphrase?: string,
): Promise<Identity> {
  await checkIdentityFile(ports, path);
  const bytes = await ports.files.read(path);
  if (bytes === null) throw malformed(path, "went away while it was read");
  const document = readDocument(path, bytes);
  const secret = await openSecret(ports, path, document, passphrase);
  if (secret?.length !== 2 * KEY_BYTES) throw malformed(path, "does not hold two private keys");
  const identity = identityOf(
    secret.slice(0, KEY_BYTES),
    secret.slice(KEY_BYTES),
    ports.signatures,
  );
  secret.fill(0);
  if (canonicalText(publicPart(identity)) !== canonicalText(pick(document))) {
    throw malformed(path, "holds private keys that do not belong to its public keys");
  }
  return identity;
}

/** What everyone may know of an identity. */
export type PublicIdentity = Pick<Identity, "id" | "publicKey" | "staticPublicKey">;

/** The public part of the identity at `path`, without its passphrase. Fails with `identity-missing`. */
export async function readPublicIdentity(
  ports: Pick<KeyFilePorts, "files">,
  path: string,
): Promise<PublicIdentity> {
  const bytes = await ports.files.read(path);
  if (bytes === null) throw missing(path);
  const { id, identity, static: staticKey } = readDocument(path, bytes);
  const publicKey = typeof identity === "string" ? parseKeyText(identity) : null;
  const staticPublicKey = typeof staticKey === "string" ? parseKeyText(staticKey) : null;
  if (publicKey?.kind !== "identity" || staticPublicKey?.kind !== "static") {
    throw malformed(path, "does not name its public keys");
  }
  if (id !== peerId(publicKey.key)) throw malformed(path, "names an id that is not its key's");
  return { id, publicKey: publicKey.key, staticPublicKey: staticPublicKey.key };
}

/** Writes a new identity, readable by its owner only. Fails with `permission-denied` when there is one already. */
export async function writeIdentity(
  ports: KeyFilePorts,
  path: string,
  identity: Identity,
  passphrase?: string,
): Promise<void> {
  const secret = concatBytes(identity.seed, identity.staticPrivateKey);
  const sealed: Json =
    passphrase === undefined
      ? { encoding: "plain", keys: encodeBase64Url(secret) }
      : sealedJson(await ports.vault.seal(passphrase, secret, context(identity.id)));
  secret.fill(0);
  const text = `${canonicalText({ ...publicPart(identity), secret: sealed })}\n`;
  if (!(await ports.files.create(path, utf8(text), OWNER_ONLY))) {
    throw new Failure(
      "permission-denied",
      "There is an identity already; it is never overwritten",
      {
        origin: "local",
        remedy: "Keep it, or move the file away first. Peers that know it will not know a new one.",
        context: { path },
      },
    );
  }
}

/** What a sealed secret is bound to: the same ciphertext under another id does not open. */
function context(id: string): Uint8Array<ArrayBuffer> {
  return utf8(`${KIND}\0${id}`);
}

function publicPart(identity: Identity): JsonObject {
  return {
    kind: KIND,
    id: identity.id,
    identity: formatIdentityKey(identity.publicKey),
    static: formatStaticKey(identity.staticPublicKey),
  };
}

function pick(document: JsonObject): JsonObject {
  const { kind = null, id = null, identity = null, static: staticKey = null } = document;
  return { kind, id, identity, static: staticKey };
}

function readDocument(path: string, bytes: Uint8Array): JsonObject {
  let value: Json;
  try {
    value = parseJson(bytes);
  } catch {
    // The reader's failure would quote the place in a file that holds secrets; the path is enough.
    throw malformed(path, "is not JSON");
  }
  if (!isJsonObject(value) || value["kind"] !== KIND) throw malformed(path, `is not a "${KIND}"`);
  return value;
}

async function openSecret(
  ports: KeyFilePorts,
  path: string,
  document: JsonObject,
  passphrase: string | undefined,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const secret = document["secret"];
  if (!isJsonObject(secret)) throw malformed(path, "has no secret");
  if (secret["encoding"] === "plain") {
    return typeof secret["keys"] === "string" ? decodeBase64Url(secret["keys"]) : null;
  }
  const sealed = parseSealed(secret);
  if (sealed === null) throw malformed(path, "is sealed in a way that this version does not know");
  if (passphrase === undefined) throw locked(path, "The identity is protected by a passphrase");
  const id = typeof document["id"] === "string" ? document["id"] : "";
  const opened = await ports.vault.open(passphrase, sealed, context(id));
  if (opened === null) throw locked(path, "The passphrase does not open the identity");
  return opened;
}

function sealedJson(sealed: SealedSecret): JsonObject {
  return {
    encoding: `${sealed.kdf}+${sealed.cipher}`,
    costLog2: sealed.costLog2,
    blockSize: sealed.blockSize,
    parallelism: sealed.parallelism,
    salt: encodeBase64Url(sealed.salt),
    nonce: encodeBase64Url(sealed.nonce),
    ciphertext: encodeBase64Url(sealed.ciphertext),
  };
}

function parseSealed(value: JsonObject): SealedSecret | null {
  const { encoding, costLog2, blockSize, parallelism } = value;
  const bytes = ["salt", "nonce", "ciphertext"].map((name) => {
    const text = value[name];
    return typeof text === "string" ? decodeBase64Url(text) : null;
  });
  const [salt, nonce, ciphertext] = bytes;
  if (encoding !== "scrypt+aes-256-gcm" || !salt || !nonce || !ciphertext) return null;
  if (
    typeof costLog2 !== "number" ||
    typeof blockSize !== "number" ||
    typeof parallelism !== "number"
  ) {
    return null;
  }
  return {
    kdf: "scrypt",
    costLog2,
    blockSize,
    parallelism,
    salt,
    cipher: "aes-256-gcm",
    nonce,
    ciphertext,
  };
}
