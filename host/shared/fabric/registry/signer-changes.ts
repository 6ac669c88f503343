/**
 * Changing whose signatures count: trusting, revoking, and replacing the owner's key by another.
 *
 * Each change is a few writes, and the registry can be read after every single one of them, so a crash in between
 * leaves a working registry and the change can be made again.
 */
import { Failure } from "../../ports/failure.ts";
import { formatIdentityKey } from "../../trust/key-text.ts";
import { CONTENT_EXTENSIONS, RegistryLayout } from "./layout.ts";
import type { RegistryPorts, RegistrySigner } from "./ports.ts";
import { Registry } from "./registry.ts";
import { signClaim, verifySignatures } from "./signature.ts";
import { type SignersDocument, writeSigners } from "./trusted-signers.ts";

/** Where the change is made, and who makes it: the owner, whose key the readers have as an anchor. */
export interface SignerChange {
  readonly folder: string;
  readonly owner: RegistrySigner;
  /** Other keys that may have signed the list before. */
  readonly anchors?: readonly Uint8Array[];
}

function open(ports: RegistryPorts, change: SignerChange): Promise<Registry> {
  const anchors = [change.owner.publicKey, ...(change.anchors ?? [])];
  return Registry.open(ports, change.folder, { signer: change.owner, anchors });
}

/** Adds a signer; for the owner's own key this is how a registry gets its first list. */
export async function trustSigner(
  ports: RegistryPorts,
  change: SignerChange,
  publicKey: Uint8Array,
): Promise<void> {
  const registry = await open(ports, change);
  const signers = await registry.signers();
  const document =
    signers.document.version === 0
      ? firstDocument(change.owner.publicKey, publicKey)
      : signers.adding(publicKey);
  if (document === signers.document) return;
  await writeSigners(ports, registry.layout, document, change.owner);
  await registry.resignIndex();
}

/** The first list names its owner and who is asked for; an anchor may sign lists, which makes it no signer of objects. */
function firstDocument(...keys: readonly Uint8Array[]): SignersDocument {
  return { version: 1, trusted: [...new Set(keys.map(formatIdentityKey))], revoked: [] };
}

/** Revokes a signer for good. What only that key has signed is refused from then on. */
export async function revokeSigner(
  ports: RegistryPorts,
  change: SignerChange,
  publicKey: Uint8Array,
  reason: string,
): Promise<void> {
  const registry = await open(ports, change);
  const key = formatIdentityKey(publicKey);
  if (key === formatIdentityKey(change.owner.publicKey)) {
    throw new Failure("argument-invalid", "The owner's own key cannot be revoked by itself", {
      origin: "local",
      remedy: "Make a new identity and use `rtt registry rotate`.",
    });
  }
  const signers = await registry.signers();
  const document = signers.revoking(publicKey, reason);
  if (document === signers.document) return;
  // The index may carry the signature that is about to lose its worth.
  await registry.resignIndex();
  await writeSigners(ports, registry.layout, document, change.owner);
  await registry.resignIndex();
}

/** Replaces the owner's key: everything that `owner` has signed is signed by `next`, and the old key is revoked. */
export async function rotateOwner(
  ports: RegistryPorts,
  change: SignerChange,
  next: RegistrySigner,
): Promise<number> {
  await trustSigner(ports, change, next.publicKey);
  const old = formatIdentityKey(change.owner.publicKey);
  const anchors = [next.publicKey, change.owner.publicKey, ...(change.anchors ?? [])];
  const registry = await Registry.open(ports, change.folder, { signer: next, anchors });
  const signers = await registry.signers();
  const { stored } = await registry.store.list();
  let count = 0;
  for (const { id, extension } of stored) {
    const form = CONTENT_EXTENSIONS.find((known) => known === extension);
    const file = form === undefined ? null : await registry.store.signatures(id);
    if (form === undefined || file === null) continue;
    // The new key vouches only for bytes that are those the old one has signed.
    await registry.store.read(id, form);
    const claims = verifySignatures(ports.signatures, id, file, signers);
    for (const claim of claims.filter(({ signer }) => signer === old)) {
      await registry.store.addSignature(id, signClaim(ports.signatures, claim, next.seed));
      count += 1;
    }
  }
  await registry.resignIndex();
  const document = (await registry.signers()).revoking(change.owner.publicKey, "rotated");
  await writeSigners(ports, new RegistryLayout(change.folder), document, next);
  await registry.resignIndex();
  return count;
}
