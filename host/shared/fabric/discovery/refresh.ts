/**
 * Brings the registry up to date with a scan: what is new or changed is registered, what has vanished is told and, when
 * that is wanted, taken out of the index. Its object stays until the garbage is collected, so it can be brought back.
 *
 * Order matters: symbols, then the index without the vanished, then the sources. After a crash in between, the next
 * scan registers or reports again what the sources do not tell yet.
 */
import { parseSymbolAddress } from "../symbol.ts";
import type { Registry } from "../registry/registry.ts";
import { type Registered, type RegisterPorts, registerSymbols } from "./register.ts";
import type { Scan } from "./scan.ts";
import {
  keepSources,
  scannedSources,
  type SourceBase,
  sourcesOf,
  type SymbolSources,
} from "./sources.ts";
import { type VanishedSymbol, vanishedSymbols } from "./vanished.ts";

export interface RefreshOptions {
  readonly base: SourceBase;
  /** What the registry knew of files before the scan, where somebody has read it already. */
  readonly known?: SymbolSources | undefined;
  /** Takes what has vanished out of the index. */
  readonly isPruning: boolean;
}

export interface Refreshed extends Registered {
  /** In the registry, and in no file any more. */
  readonly vanished: readonly VanishedSymbol[];
  /** Whether they were taken out of the index. */
  readonly isPruned: boolean;
}

export async function refreshRegistry(
  ports: RegisterPorts,
  registry: Registry,
  scan: Scan,
  options: RefreshOptions,
): Promise<Refreshed> {
  const { known = await sourcesOf(registry) } = options;
  const { base, isPruning } = options;
  const registered = await registerSymbols(ports, registry, scan.found);
  const listed = new Set((await registry.view()).index.objects.keys());
  const vanished = (await vanishedSymbols(ports.files, known, scan, base)).filter(({ address }) =>
    listed.has(address),
  );
  const isPruned = isPruning && vanished.length > 0;
  if (isPruned) {
    await registry.remove(vanished.map(({ address }) => parseSymbolAddress(address)));
    for (const { address } of vanished) listed.delete(address);
  }
  await keepSources(registry, nextSources(known, scannedSources(scan.found, base), listed));
  return { ...registered, vanished, isPruned };
}

/** What is known from now on: of symbols that were not found, what was known of them before. */
function nextSources(
  known: SymbolSources,
  scanned: SymbolSources,
  listed: ReadonlySet<string>,
): SymbolSources {
  return new Map([...known, ...scanned].filter(([address]) => listed.has(address)));
}
