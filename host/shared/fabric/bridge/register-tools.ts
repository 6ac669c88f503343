/**
 * Puts reviewed tools into the registry and their manifests beside it. An accepted tool takes the place of every
 * earlier version of itself: what was reviewed of a tool is one thing.
 */
import { Failure } from "../../ports/failure.ts";
import type { Files } from "../../ports/files.ts";
import { equalBytes } from "../../trust/bytes.ts";
import { checkFolder, readPlainFile } from "../registry/plain-file.ts";
import type { Registry } from "../registry/registry.ts";
import { formatSymbolAddress, parseSymbolAddress } from "../symbol.ts";
import type { ReviewedTools, ToolReview } from "./review.ts";
import { toolObject } from "./tool-description.ts";
import { type ListedTool, type ManifestFile, manifestFile } from "./tool-manifest.ts";

export interface RegisteredTools {
  readonly addresses: readonly string[];
  /** Addresses of earlier versions, no longer in the registry. */
  readonly replaced: readonly string[];
  /** Manifests that somebody has edited; they stay as they are. */
  readonly keptManifests: readonly string[];
  readonly problems: readonly Failure[];
}

const FILE_MODE = 0o644;
const FOLDER_MODE = 0o755;
const MANIFEST_BYTES_MAX = 1 << 20;

/** Registers tools as they were reviewed, at once. One that cannot be kept is a problem and hinders no other. */
export async function registerTools(
  files: Files,
  registry: Registry,
  /** The folder of manifests. */
  folder: string,
  reviews: readonly ToolReview[],
  reviewed: ReviewedTools,
): Promise<RegisteredTools> {
  const problems: Failure[] = [];
  const taken = new Map<string, ToolReview>();
  for (const review of reviews) {
    try {
      const { address } = toolObject(review.provider, review.version, review.tool);
      const text = address === null ? null : formatSymbolAddress(address);
      if (text === null) throw nameless(review);
      const other = taken.get(text);
      if (other !== undefined) throw collision(review, other);
      taken.set(text, review);
    } catch (thrown) {
      problems.push(Failure.from(thrown));
    }
  }
  if (taken.size === 0) return { addresses: [], replaced: [], keptManifests: [], problems };
  await registry.putAll(
    [...taken.values()].map(({ provider, version, tool }) => toolObject(provider, version, tool)),
  );
  const replaced = [...taken].flatMap(([text, { provider, tool }]) =>
    reviewed
      .versions(provider, tool.name)
      .map(({ address }) => address)
      .filter((address) => address !== text),
  );
  if (replaced.length > 0) await registry.remove(replaced.map(parseSymbolAddress));
  const keptManifests: string[] = [];
  for (const [text, { provider, tool }] of taken) {
    const before = reviewed.versions(provider, tool.name).map((one) => {
      return manifestFile(parseSymbolAddress(one.address), undefined, one.tool);
    });
    const file = manifestFile(parseSymbolAddress(text), undefined, tool);
    if (!(await writeManifest(files, folder, file, before))) keptManifests.push(file.name);
  }
  return { addresses: [...taken.keys()], replaced, keptManifests, problems };
}

/** Registers the tools of a published list: named, with nothing that a review could compare. */
export async function registerListedTools(
  files: Files,
  registry: Registry,
  folder: string,
  tools: readonly ListedTool[],
): Promise<RegisteredTools> {
  const addresses = tools.map(({ address }) => formatSymbolAddress(address));
  const twice = addresses.find((address, at) => addresses.indexOf(address) !== at);
  if (twice !== undefined) {
    throw new Failure("config-invalid", `two tools of the list have the address ${twice}`, {
      origin: "local",
      remedy: "Give them different names or versions.",
    });
  }
  // What was reviewed says more than a list does.
  const present = new Set<string>();
  for (const { address, kind } of await registry.list()) {
    if (kind === tools[0]?.object.kind) present.add(formatSymbolAddress(address));
  }
  const news = tools.filter(({ address }) => !present.has(formatSymbolAddress(address)));
  if (news.length > 0) await registry.putAll(news.map(({ object }) => object));
  const keptManifests: string[] = [];
  for (const tool of tools) {
    const file = manifestFile(tool.address, tool.capabilities);
    const isWritten = await writeManifest(files, folder, file, []);
    // That of a reviewed tool says more; it was not edited.
    if (!isWritten && news.includes(tool)) keptManifests.push(file.name);
  }
  return {
    addresses: news.map(({ address }) => formatSymbolAddress(address)),
    replaced: [],
    keptManifests,
    problems: [],
  };
}

/** Writes a manifest where there is none, or one that was written here; false where somebody has edited it. */
async function writeManifest(
  files: Files,
  folder: string,
  file: ManifestFile,
  before: readonly ManifestFile[],
): Promise<boolean> {
  await checkFolder(files, folder);
  const path = `${folder}/${file.name}`;
  const present = await readPlainFile(files, path, MANIFEST_BYTES_MAX);
  if (present !== null && equalBytes(present, file.bytes)) return true;
  const isOurs = before.some(({ bytes }) => present !== null && equalBytes(present, bytes));
  if (present !== null && !isOurs) return false;
  await files.makeFolder(folder, FOLDER_MODE);
  await files.write(path, file.bytes, FILE_MODE);
  return true;
}

function nameless({ provider, tool }: ToolReview): Failure {
  return new Failure(
    "symbol-invalid",
    `the tool ${JSON.stringify(tool.name)} of "${provider}" has a name that makes no address`,
    {
      origin: "peer",
      context: { provider },
      remedy: "Its server must name it with a-z, 0-9, and - _ . inside.",
    },
  );
}

function collision(review: ToolReview, other: ToolReview): Failure {
  const { provider, tool } = review;
  return new Failure(
    "symbol-invalid",
    `"${provider}" has two tools, ${other.tool.name} and ${tool.name}, with one address`,
    {
      origin: "peer",
      context: { provider },
      remedy: "The first one is registered; the server must rename the other.",
    },
  );
}
