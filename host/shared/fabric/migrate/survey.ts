/**
 * Looks at a tree of the published tools and says what a migration would change. Nothing is written.
 *
 * Manifests, agents, policies, routes, views, overlays and providers.yaml stay as they are: they are read under their
 * published names. Plans stay too, and are never applied, since they do not say what they start from.
 */
import { Failure } from "../../ports/failure.ts";
import { fromUtf8, utf8 } from "../../trust/bytes.ts";
import { digestText } from "../../trust/digest-text.ts";
import { formatIdentityKey } from "../../trust/key-text.ts";
import { verifyPublishedWal } from "../apply/published-wal.ts";
import { manifestFile, readToolList } from "../bridge/tool-manifest.ts";
import { CONFIGURATION_PATHS, readConfiguration } from "../configuration/configuration.ts";
import { readBridgeFile, readProvidersFile } from "../configuration/provider-files.ts";
import { readConfigurationText } from "../configuration/document.ts";
import { generationPath, readGeneration } from "../generation-file/generation-file.ts";
import { initialPanel, readPanel } from "../panel.ts";
import type { DigestText } from "../plan.ts";
import { RegistryLayout } from "../registry/layout.ts";
import { objectBytes, type RegistryObject } from "../registry/object.ts";
import { readPlainFile } from "../registry/plain-file.ts";
import type { RegistryPorts } from "../registry/ports.ts";
import { formatSymbolAddress } from "../symbol.ts";
import {
  everythingIn,
  type FoundFile,
  type FoundLink,
  logIn,
  projectedIn,
  type TreePorts,
} from "./published-files.ts";
import { type PublishedRegistry, readPublishedRegistry } from "./published-registry.ts";
import type { RemovedFile, RemovedLink } from "./record.ts";

export type MigratePorts = RegistryPorts & TreePorts;

export interface PublishedLog {
  readonly entries: number;
  /** What breaks its chain, or null. */
  readonly broken: string | null;
}

export interface NewFile {
  readonly path: string;
  readonly digest: DigestText;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** An object that is put into the registry under an address. */
export interface TakenObject extends RegistryObject {
  /** The text of its address. */
  readonly symbol: string;
  readonly digest: DigestText;
}

export interface Survey {
  readonly removed: readonly (RemovedFile | RemovedLink)[];
  readonly created: readonly NewFile[];
  readonly folders: readonly string[];
  readonly makesRegistry: boolean;
  readonly objects: readonly TakenObject[];
  readonly log: PublishedLog | null;
  /** Keys that the published tools trusted. */
  readonly keys: readonly string[];
  /** What a person should know. */
  readonly notes: readonly string[];
}

const PANEL = ".rtt/panel.yaml";
const REGISTRY = ".rtt/registry";
const MANIFESTS = ".rtt/manifests";
const LINKMAP = ".rtt/linkmap.json";
/** One of these, and the tree is one of the published tools. */
const MARKS = ["agents.index.json", "agents/common", MANIFESTS, "providers", "connector-mcp"];
const FILE_BYTES_MAX = 64 << 20;

/**
 * What would be migrated; null where there is nothing of the published tools, or nothing is left to do. `publicKey` is
 * this node's own.
 */
export async function surveyTree(
  ports: MigratePorts,
  root: string,
  publicKey: Uint8Array | null,
): Promise<Survey | null> {
  const { files } = ports;
  const published = await readPublishedRegistry(ports, `${root}/${REGISTRY}`);
  const found = await foundFiles(ports, root, published !== null);
  const isMarked = (await Promise.all(MARKS.map((mark) => files.info(`${root}/${mark}`)))).some(
    (info) => info !== null,
  );
  if (published === null && found.length === 0 && !isMarked) return null;
  if (found.length > 0) await refuseInForce(ports, root, publicKey);
  const tools = await listedTools(ports, root);
  const makesRegistry =
    (await files.info(new RegistryLayout(`${root}/${REGISTRY}`).signers)) === null;
  const { objects, notes } = chosenObjects(ports, published, tools.objects);
  const created = [...(await panelFile(ports, root)), ...tools.manifests];
  if (found.length === 0 && created.length === 0 && !makesRegistry) return null;
  const log = await checkedLog(ports, root, found);
  return {
    removed: await Promise.all(found.map((one) => removedOf(ports, root, one))),
    created,
    folders: await missingFolders(ports, root, created),
    makesRegistry,
    objects,
    log,
    keys: published?.keys ?? [],
    notes: [
      ...notes,
      ...(log?.broken == null ? [] : [log.broken]),
      ...found
        .filter(({ path }) => path.endsWith(".priv"))
        .map(({ path }) => {
          return `${path} is a private key that lay in the tree: trust its public key nowhere`;
        }),
      ...(await configurationNotes(ports, root)),
    ],
  };
}

async function foundFiles(
  ports: MigratePorts,
  root: string,
  hasPublishedRegistry: boolean,
): Promise<readonly (FoundFile | FoundLink)[]> {
  const found: (FoundFile | FoundLink)[] = [];
  if (hasPublishedRegistry) found.push(...(await everythingIn(ports, root, REGISTRY)));
  found.push(...(await logIn(ports, root)));
  const path = CONFIGURATION_PATHS.providers;
  const source = await readConfigurationText(ports.files, `${root}/${path}`, path);
  for (const { agentTarget } of source === null ? [] : readProvidersFile(source, path)) {
    found.push(...(await projectedIn(ports, root, agentTarget)));
  }
  const linkmap = await ports.files.info(`${root}/${LINKMAP}`);
  if (linkmap?.kind === "file") found.push({ kind: "file", path: LINKMAP });
  return found;
}

/**
 * What a generation shows lies in the same places, and is no published tool's. One that shows nothing is in nobody's
 * way; one that somebody else has signed may show anything.
 */
export async function refuseInForce(
  ports: MigratePorts,
  root: string,
  publicKey: Uint8Array | null,
): Promise<void> {
  const folder = `${root}/.rtt`;
  if ((await ports.files.info(generationPath(folder))) === null) return;
  const own = publicKey === null ? null : formatIdentityKey(publicKey);
  const keyOf = (keyId: string): Uint8Array | null => (keyId === own ? publicKey : null);
  const stored = await readGeneration(ports, folder, { keyOf });
  if (stored === null || stored.generation.files.length === 0) return;
  throw new Failure("apply-refused", "A generation is in force, so its views stand there", {
    origin: "local",
    remedy: "Take its views back first: `rtt rollback 0`.",
  });
}

async function removedOf(
  { files, digest }: MigratePorts,
  root: string,
  found: FoundFile | FoundLink,
): Promise<RemovedFile | RemovedLink> {
  if (found.kind === "link") return found;
  const path = `${root}/${found.path}`;
  const info = await files.info(path);
  const bytes = await readPlainFile(files, path, FILE_BYTES_MAX);
  if (info !== null && bytes !== null) {
    return { ...found, digest: digestText(digest, bytes), mode: info.mode & 0o777 };
  }
  throw new Failure("apply-refused", `${found.path} went away while it was looked at`, {
    origin: "host",
    remedy: "Try again when nothing else changes the tree.",
  });
}

/** The tools of each provider's list, and the manifests that the published bridge would make of them. */
async function listedTools(
  { files, digest }: MigratePorts,
  root: string,
): Promise<{
  readonly objects: readonly RegistryObject[];
  readonly manifests: readonly NewFile[];
}> {
  const objects: RegistryObject[] = [];
  const manifests = new Map<string, NewFile>();
  const path = CONFIGURATION_PATHS.bridge;
  const source = await readConfigurationText(files, `${root}/${path}`, path);
  for (const { name, toolsManifest } of source === null ? [] : readBridgeFile(source, path)) {
    if (toolsManifest === null) continue;
    const bytes = await readPlainFile(files, `${root}/${toolsManifest}`, FILE_BYTES_MAX);
    if (bytes === null) continue;
    for (const tool of readToolList(bytes, toolsManifest, name)) {
      objects.push(tool.object);
      const file = manifestFile(tool.address, tool.capabilities);
      const made = `${MANIFESTS}/${file.name}`;
      if ((await files.info(`${root}/${made}`)) !== null) continue;
      const digestOf = digestText(digest, file.bytes);
      manifests.set(made, { path: made, digest: digestOf, bytes: file.bytes });
    }
  }
  return { objects, manifests: [...manifests.values()] };
}

/** What is registered: of several for one address, the registry's, since that one was in force. */
function chosenObjects(
  { digest }: MigratePorts,
  published: PublishedRegistry | null,
  tools: readonly RegistryObject[],
): { readonly objects: readonly TakenObject[]; readonly notes: readonly string[] } {
  const taken = new Map<string, TakenObject>();
  const notes = (published?.left ?? []).map(
    (id) => `the object ${id} is put aside, not registered`,
  );
  for (const object of [...(published?.objects ?? []), ...tools]) {
    const { kind, address, body } = object;
    const digestOf = digestText(digest, objectBytes(object));
    if (address === null) {
      notes.push(`the object ${digestOf} makes no address; it is put aside, not registered`);
      continue;
    }
    const symbol = formatSymbolAddress(address);
    const present = taken.get(symbol);
    if (present === undefined) taken.set(symbol, { kind, address, body, symbol, digest: digestOf });
    else if (present.digest !== digestOf) {
      notes.push(`${symbol} is another one in the list of tools than in the registry`);
    }
  }
  return { objects: [...taken.values()], notes };
}

/** The settings of a project: those that are there, which must be readable, or the published defaults. */
async function panelFile(
  { files, digest }: MigratePorts,
  root: string,
): Promise<readonly NewFile[]> {
  const present = await files.read(`${root}/${PANEL}`);
  if (present !== null) {
    readPanel(fromUtf8(present) ?? "\0", PANEL);
    return [];
  }
  const bytes = utf8(initialPanel());
  return [{ path: PANEL, digest: digestText(digest, bytes), bytes }];
}

async function missingFolders(
  { files }: MigratePorts,
  root: string,
  created: readonly NewFile[],
): Promise<readonly string[]> {
  const chain = new RegistryLayout(REGISTRY).chain;
  const wanted = [".rtt", ...chain, ...(created.length === 0 ? [] : [MANIFESTS])];
  const missing: string[] = [];
  for (const folder of wanted) {
    if ((await files.info(`${root}/${folder}`)) === null) missing.push(folder);
  }
  return missing;
}

async function checkedLog(
  ports: MigratePorts,
  root: string,
  found: readonly (FoundFile | FoundLink)[],
): Promise<PublishedLog | null> {
  const entries = found.filter(({ path }) => path.endsWith(".wal.json")).length;
  if (entries === 0) return null;
  try {
    await verifyPublishedWal(ports, `${root}/.rtt/wal`);
    return { entries, broken: null };
  } catch (thrown) {
    return { entries, broken: Failure.from(thrown).message };
  }
}

/** What keeps the configuration from being read as it is; it is not touched. */
async function configurationNotes(
  { files }: MigratePorts,
  root: string,
): Promise<readonly string[]> {
  try {
    const { notes } = await readConfiguration(files, root);
    return notes.map(({ path, line, message }) => `${path}:${line}: ${message}`);
  } catch (thrown) {
    const { code, message } = Failure.from(thrown);
    if (code !== "config-invalid") throw thrown;
    return [`before \`rtt plan\`, correct ${message}`];
  }
}
