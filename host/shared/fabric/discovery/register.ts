/** Puts what a scan has found into the registry: first the bytes that bodies refer to, then the bodies, at once. */
import type { Digest } from "../../ports/digest.ts";
import type { Files } from "../../ports/files.ts";
import { toHex } from "../../trust/bytes.ts";
import { canonicalBytes } from "../../trust/canonical-json.ts";
import { TOOL_KIND } from "../bridge/tool-description.ts";
import type { ObjectId } from "../registry/layout.ts";
import type { RegistryBlob } from "../registry/object.ts";
import type { Registry } from "../registry/registry.ts";
import { formatSymbolAddress } from "../symbol.ts";
import type { FoundSymbol, ScanProblem } from "./found.ts";

export interface Registered {
  /** Addresses that the registry did not have. */
  readonly added: readonly string[];
  /** Addresses that had another object before. */
  readonly changed: readonly string[];
  readonly unchanged: number;
  /** Symbols whose files changed after the scan; the next scan finds them as they are then. */
  readonly problems: readonly ScanProblem[];
}

export interface RegisterPorts {
  readonly files: Files;
  readonly digest: Digest;
}

/** Blobs that are held in memory at a time. */
const BLOBS_AT_A_TIME = 64;

/** The id under which the registry keeps a symbol. */
export function idOfSymbol(digest: Digest, { body }: FoundSymbol): ObjectId {
  return toHex(digest.sha256(canonicalBytes(body)));
}

/** Registers symbols. What is registered already costs no write. */
export async function registerSymbols(
  ports: RegisterPorts,
  registry: Registry,
  found: readonly FoundSymbol[],
): Promise<Registered> {
  const { objects: listed } = (await registry.view()).index;
  const news = found.filter((symbol) => {
    const present = listed.get(formatSymbolAddress(symbol.address));
    // The manifest of an imported tool stands beside the reviewed one, and says less.
    if (symbol.kind === "tool" && present?.kind === TOOL_KIND) return false;
    return present?.kind !== symbol.kind || present.id !== idOfSymbol(ports.digest, symbol);
  });
  const lost = await putContents(ports, registry, news);
  const whole = news.filter(({ contents }) => !contents.some(({ id }) => lost.has(id)));
  const kept = new Set(whole);
  await registry.putAll(whole.map(({ kind, address, body }) => ({ kind, address, body })));
  const addresses = whole.map(({ address }) => formatSymbolAddress(address));
  return {
    added: addresses.filter((address) => !listed.has(address)),
    changed: addresses.filter((address) => listed.has(address)),
    unchanged: found.length - news.length,
    problems: news
      .filter((symbol) => !kept.has(symbol))
      .map(({ source: { path, line } }) => ({
        path,
        line,
        rule: "changed-meanwhile",
        message: "A file of it changed after it was scanned",
      })),
  };
}

/** Stores the bytes of symbols; answers the ids that no file has any more. */
async function putContents(
  { files, digest }: RegisterPorts,
  registry: Registry,
  symbols: readonly FoundSymbol[],
): Promise<ReadonlySet<ObjectId>> {
  const wanted = new Map(
    symbols.flatMap(({ kind, contents }) =>
      contents.map(({ id, path }) => [id, { path, kind: `${kind}-file` }] as const),
    ),
  );
  const lost = new Set<ObjectId>();
  let blobs: RegistryBlob[] = [];
  for (const [id, { path, kind }] of wanted) {
    if (await registry.has(id)) continue;
    const bytes = await files.read(path);
    if (bytes === null || toHex(digest.sha256(bytes)) !== id) lost.add(id);
    else blobs.push({ kind, address: null, bytes });
    if (blobs.length < BLOBS_AT_A_TIME) continue;
    await registry.putBlobs(blobs);
    blobs = [];
  }
  await registry.putBlobs(blobs);
  return lost;
}
