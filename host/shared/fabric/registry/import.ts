/**
 * Taking in objects from elsewhere: another registry's folder, a published one, or an OCI image layout.
 *
 * All or nothing: everything is verified under this registry's own signers before the first byte is written. What
 * the other side brings along about whom to trust is not believed.
 */
import { Failure } from "../../ports/failure.ts";
import { isJsonObject, parseJson } from "../../trust/canonical-json.ts";
import { formatSymbolAddress, type SymbolAddress } from "../symbol.ts";
import { referencesOf } from "./garbage.ts";
import { idOfDigest, type ObjectId, RegistryLayout } from "./layout.ts";
import {
  corrupt,
  missing,
  objectBytes,
  parseBody,
  publishedAddress,
  publishedKind,
  type RegistryObject,
} from "./object.ts";
import type { ImportSource, SourceObject } from "./import-source.ts";
import { ObjectStore } from "./object-store.ts";
import { readOciLayout } from "./oci-import.ts";
import { checkFolder, readPlainFile } from "./plain-file.ts";
import type { RegistryPorts } from "./ports.ts";
import type { AdmittedObject, Registry } from "./registry.ts";
import { INDEX_LIMITS, type IndexEntry, labelOf, openIndex } from "./registry-index.ts";
import {
  envelopeLine,
  parseSignatures,
  type SignerCheck,
  type VerifiedClaim,
  verifySignatures,
} from "./signature.ts";

export interface ImportOptions {
  /** Objects without a signature are signed with this registry's own key: its owner vouches for them. */
  readonly isVouching?: boolean;
}

export interface ImportReport {
  readonly imported: readonly ObjectId[];
  /** Those of them that came without a signature and have this registry's now. */
  readonly vouched: readonly ObjectId[];
  readonly symbols: readonly string[];
}

/** Imports what is in the folder, whichever form it has. The folder may be named by a link; nothing in it may be one. */
export async function importFolder(
  ports: RegistryPorts,
  registry: Registry,
  named: string,
  options: ImportOptions = {},
): Promise<ImportReport> {
  const folder = (await ports.files.realPath(named)) ?? named;
  const isOci = (await ports.files.info(`${folder}/oci-layout`)) !== null;
  const source = isOci
    ? await readOciLayout(ports, folder)
    : await readRegistryFolder(ports, folder);
  return takeIn(ports, registry, source, options);
}

/** A registry's own folder, or one of a project that has it as `.rtt/registry`. */
async function readRegistryFolder(ports: RegistryPorts, folder: string): Promise<ImportSource> {
  const candidates = [folder, `${folder}/registry`, `${folder}/.rtt/registry`];
  for (const candidate of candidates) {
    const layout = new RegistryLayout(candidate);
    for (const path of layout.chain) await checkFolder(ports.files, path);
    const store = new ObjectStore(ports, layout);
    const { stored } = await store.list();
    if (stored.length === 0) continue;
    const objects: SourceObject[] = [];
    for (const { id, extension } of stored) {
      if (extension === "dsse") continue;
      const bytes = await store.read(id, extension);
      const signatures = (await store.signatures(id)) ?? new Uint8Array();
      if (bytes !== null) objects.push({ id, extension, bytes, signatures });
    }
    return {
      index: await readPlainFile(ports.files, layout.index, INDEX_LIMITS.bytesMax),
      objects,
    };
  }
  throw new Failure(
    "file-missing",
    `${folder} holds no objects of a registry and no OCI image layout`,
    {
      origin: "local",
      remedy: "Name a folder with cas/sha256 or oci-layout in it.",
      context: { path: folder },
    },
  );
}

/** What is to be taken in: which objects, and under which addresses they are listed. */
interface Wanted {
  readonly objects: readonly SourceObject[];
  /** The addresses of the source's own signed index; null: those that each object is signed for. */
  readonly entries: ReadonlyMap<string, IndexEntry> | null;
}

async function takeIn(
  ports: RegistryPorts,
  registry: Registry,
  source: ImportSource,
  options: ImportOptions,
): Promise<ImportReport> {
  const { signers, index } = await registry.view();
  const wanted = wantedOf(ports, source, signers);
  const admitted: AdmittedObject[] = [];
  const vouched: RegistryObject[] = [];
  const claims = new Map<ObjectId, readonly VerifiedClaim[]>();
  for (const object of wanted.objects) {
    const { id, extension, bytes, signatures } = object;
    if (signatures.length === 0 && options.isVouching === true) {
      vouched.push(vouchedObject(object));
      continue;
    }
    const verified = verifySignatures(ports.signatures, id, signatures, signers);
    if (extension === "json") parseBody(id, bytes);
    claims.set(
      id,
      verified.filter((claim) => claim.extension === extension),
    );
    const trusted = parseSignatures(id, signatures).filter(({ keyId }) => signers.keyOf(keyId));
    admitted.push({ id, extension, bytes, lines: trusted.map(envelopeLine) });
  }
  const entries = new Map(claimedEntries(wanted, claims));
  for (const object of vouched) addEntry(entries, vouchedEntry(registry, object));
  for (const [address, { id }] of entries) {
    const present = index.objects.get(address);
    if (present !== undefined && present.id !== id) throw conflict(address, present.id, id);
  }
  await registry.admit(
    admitted,
    [...entries].filter(([, { id }]) => claims.has(id)),
  );
  const vouchedIds = vouched.length === 0 ? [] : await registry.putAll(vouched);
  return {
    imported: [...admitted.map(({ id }) => id), ...vouchedIds].sort(),
    vouched: vouchedIds.toSorted(),
    symbols: [...entries.keys()].sort(),
  };
}

function conflict(address: string, present: ObjectId, other: ObjectId): Failure {
  return new Failure("argument-invalid", `${address} is ${present} here and ${other} there`, {
    origin: "local",
    remedy: "One of them needs another version; a version never changes its content.",
    context: { address },
  });
}

/** Adds an entry; the same address with another object is refused. */
function addEntry(
  entries: Map<string, IndexEntry>,
  entry: readonly [string, IndexEntry] | null,
): void {
  if (entry === null) return;
  const [address, { id }] = entry;
  const present = entries.get(address);
  if (present !== undefined && present.id !== id) throw conflict(address, present.id, id);
  entries.set(...entry);
}

/** Reads the source's index: ours (signed, and believed only then), a published one, or none. */
function wantedOf(ports: RegistryPorts, source: ImportSource, signers: SignerCheck): Wanted {
  const value = source.index === null ? null : parseJson(source.index, INDEX_LIMITS);
  if (source.index === null || !isJsonObject(value)) {
    return { objects: source.objects, entries: null };
  }
  if (Object.hasOwn(value, "format")) {
    const { objects: entries } = openIndex(ports.signatures, source.index, {
      signers,
      // The other side counts versions of its own list; this one decides by its own.
      signersVersion: Number.MAX_SAFE_INTEGER,
      isUnsignedAllowed: false,
    });
    const ids = [...entries.values()].map(({ id }) => id);
    return { objects: withReferences(source.objects, ids), entries };
  }
  const members = ["agents", "mcp_tools", "skills"].map((name) => value[name]);
  const ids = members
    .filter((member) => isJsonObject(member))
    .flatMap((member) => Object.values(member))
    .map((digest) => idOfDigest(digest) ?? "");
  return { objects: withReferences(source.objects, ids), entries: null };
}

/** The objects of these ids, which must be there, and of what their bodies refer to. */
function withReferences(
  objects: readonly SourceObject[],
  ids: readonly ObjectId[],
): readonly SourceObject[] {
  const all = new Map(objects.map((object) => [object.id, object]));
  const found = new Map<ObjectId, SourceObject>();
  const open = [...ids];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (found.has(id)) continue;
    const object = all.get(id);
    if (object === undefined) throw missing(`object ${id}, which its source lists`);
    found.set(id, object);
    if (object.extension === "blob") continue;
    open.push(...referencesOf(parseBody(id, object.bytes)).filter((other) => all.has(other)));
  }
  return [...found.values()];
}

/** The addresses of signed objects: those of the source's index, or those that the objects are signed for. */
function claimedEntries(
  wanted: Wanted,
  claims: ReadonlyMap<ObjectId, readonly VerifiedClaim[]>,
): ReadonlyMap<string, IndexEntry> {
  if (wanted.entries !== null) {
    for (const [address, { id, kind }] of wanted.entries) {
      const isClaimed = claims.get(id)?.some((claim) => {
        return claim.kind === kind && textOf(claim.address) === address;
      });
      // One that was vouched for was not signed for any address by anybody.
      if (isClaimed !== true) throw corrupt(id, `is not signed for ${address}`);
    }
    return wanted.entries;
  }
  const entries = new Map<string, IndexEntry>();
  for (const { id, extension, bytes } of wanted.objects) {
    const body = extension === "json" ? parseBody(id, bytes) : null;
    for (const { address, kind } of claims.get(id) ?? []) {
      if (address === null) continue;
      addEntry(entries, [formatSymbolAddress(address), { id, kind, label: labelOf(kind, body) }]);
    }
  }
  return entries;
}

function textOf(address: SymbolAddress | null): string | null {
  return address === null ? null : formatSymbolAddress(address);
}

// --- vouching for what nobody has signed ---

function vouchedObject({ id, extension, bytes }: SourceObject): RegistryObject {
  const body = extension === "json" ? parseBody(id, bytes) : null;
  const kind = publishedKind(body);
  if (kind !== null) return { kind, body, address: publishedAddress(body) };
  throw new Failure("signature-missing", `The object ${id} is unsigned, of no known form`, {
    origin: "peer",
    remedy: "Only published agents, tools and skills can be vouched for; get it signed.",
    context: { id },
  });
}

function vouchedEntry(
  registry: Registry,
  object: RegistryObject,
): readonly [string, IndexEntry] | null {
  const { address, kind, body } = object;
  if (address === null) return null;
  const id = registry.store.idOf(objectBytes(object));
  return [formatSymbolAddress(address), { id, kind, label: labelOf(kind, body) }];
}
