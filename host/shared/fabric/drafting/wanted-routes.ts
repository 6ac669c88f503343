/**
 * Which routes a project wants, before anybody has looked at what is possible.
 *
 *   door ──▶ every MCP server, every tool of one      unless a policy says no
 *   consumer's manifest ──▶ any provider that fits    unless routes.json says whom it reaches
 *   routes.json                                       must be had, unless it says "optional"
 */
import { Failure } from "../../ports/failure.ts";
import { DOOR_ADDRESS } from "../bridge/wired-servers.ts";
import type { RouteWish } from "../configuration/routes-file.ts";
import { contractOf, defaultContract } from "../planner/contract.ts";
import type { Contract, WantedRoute } from "../planner/model.ts";
import type { Registry, RegistryEntry } from "../registry/registry.ts";
import {
  compareVersions,
  formatSymbolAddress,
  isReferredTo,
  parseSymbolAddress,
  parseSymbolReference,
  type SymbolAddress,
} from "../symbol.ts";

/** Read at a time; each is verified. */
const PARALLEL = 16;
/** Nobody has asked for these routes, so they may not keep the planner busy: it takes twice as many pairs at most. */
const PAIRS_MAX = 1_000_000;
/** Kinds whose objects never are manifests. */
const WITHOUT_MANIFEST: ReadonlySet<string> = new Set(["skill", "rule", "mcp-server", "mcp_tool"]);
/** What the door reaches. */
const OFFERED_TYPES: ReadonlySet<string> = new Set(["mcp-server", "tool"]);

/** The contract of the door: it reaches, is not reached, and learns each tool's schema when it connects. */
const DOOR: Contract = {
  ...defaultContract(DOOR_ADDRESS),
  direction: "consumer",
  isVersionless: true,
};

/** A symbol whose manifest says what cannot be meant: nobody reaches it, and it reaches nobody. */
export interface FaultyManifest {
  readonly address: string;
  readonly message: string;
}

export interface Contracts {
  /** The door's among them. */
  readonly contracts: readonly Contract[];
  /** The symbols that have a contract. */
  readonly entries: readonly RegistryEntry[];
  readonly faulty: readonly FaultyManifest[];
}

/** The contracts of all symbols, and of the door. One manifest that is wrong hinders no other. */
export async function contractsOf(
  registry: Registry,
  all: readonly RegistryEntry[],
): Promise<Contracts> {
  const contracts: Contract[] = [];
  const entries: RegistryEntry[] = [];
  const faulty: FaultyManifest[] = [];
  for (let at = 0; at < all.length; at += PARALLEL) {
    const some = all.slice(at, at + PARALLEL);
    const read = await Promise.all(some.map((entry) => contractOfEntry(registry, entry)));
    for (const [index, one] of read.entries()) {
      if ("message" in one) {
        faulty.push(one);
        continue;
      }
      contracts.push(one);
      entries.push(some[index] as RegistryEntry);
    }
  }
  if (!contracts.some(({ address }) => address === DOOR_ADDRESS)) contracts.push(DOOR);
  return { contracts, entries, faulty };
}

async function contractOfEntry(
  registry: Registry,
  entry: RegistryEntry,
): Promise<Contract | FaultyManifest> {
  const text = formatSymbolAddress(entry.address);
  if (WITHOUT_MANIFEST.has(entry.kind)) return defaultContract(text);
  const { body } = await registry.find(entry.address);
  try {
    return contractOf(text, body);
  } catch (thrown) {
    const failure = Failure.from(thrown);
    if (failure.code !== "plan-invalid") throw thrown;
    return { address: text, message: failure.message.replace(/^plan-invalid: /, "") };
  }
}

/** A route of routes.json whose consumer is not there. */
export interface LostWish {
  readonly wish: RouteWish;
  readonly message: string;
}

export interface WantedRoutes {
  readonly wanted: readonly WantedRoute[];
  /** How many consumers were not given a provider, because looking for one would take too long; else 0. */
  readonly unmatched: number;
  /** Optional ones only: others fail. */
  readonly lost: readonly LostWish[];
}

/** All wanted routes. Fails with `plan-infeasible` where a consumer that must be there is not. */
export function wantedRoutes(
  entries: readonly RegistryEntry[],
  contracts: readonly Contract[],
  wishes: readonly RouteWish[],
): WantedRoutes {
  const addresses = entries.map(({ address }) => address);
  const wished: WantedRoute[] = [];
  const lost: LostWish[] = [];
  for (const wish of wishes) {
    const from = consumerOf(addresses, wish.from);
    if (from !== null) wished.push(wantedOf(wish, from));
    else if (wish.isOptional) lost.push({ wish, message: `no symbol is ${wish.from}` });
    else throw noConsumer(wish);
  }
  const spokenFor = new Set(wished.map(({ from }) => from));
  const consumers = consumerRoutes(contracts, spokenFor);
  const isTooMany = pairCount(contracts, consumers) > PAIRS_MAX;
  return {
    wanted: [...doorRoutes(addresses), ...(isTooMany ? [] : consumers), ...wished],
    unmatched: isTooMany ? consumers.length : 0,
    lost,
  };
}

/** Pairs of a consumer that asks for any provider and a symbol of its type. */
function pairCount(contracts: readonly Contract[], consumers: readonly WantedRoute[]): number {
  const typeOf = (address: string): string => parseSymbolAddress(address).type;
  const counts = new Map<string, number>();
  for (const { address, direction } of contracts) {
    if (direction === "consumer") continue;
    counts.set(typeOf(address), (counts.get(typeOf(address)) ?? 0) + 1);
  }
  return consumers.reduce((sum, { from }) => sum + (counts.get(typeOf(from)) ?? 0), 0);
}

function wantedOf({ to, capabilities, isOptional }: RouteWish, from: string): WantedRoute {
  return { from, to, isOptional, ...(capabilities.length === 0 ? {} : { capabilities }) };
}

/** The newest symbol that a reference means; the door is always there. */
function consumerOf(addresses: readonly SymbolAddress[], text: string): string | null {
  const reference = parseSymbolReference(text);
  const meant = addresses.filter((address) => isReferredTo(address, reference));
  const [first, ...rest] = meant;
  if (first !== undefined) {
    const newest = rest.reduce(
      (best, next) => (compareVersions(next.version, best.version) > 0 ? next : best),
      first,
    );
    return formatSymbolAddress(newest);
  }
  const [name] = DOOR_ADDRESS.split("@");
  return text === name || text === DOOR_ADDRESS ? DOOR_ADDRESS : null;
}

/** One wish for each server and each tool: which version, the planner says. */
function doorRoutes(addresses: readonly SymbolAddress[]): readonly WantedRoute[] {
  const names = addresses
    .filter(({ type, namespace }) => OFFERED_TYPES.has(type) && isOffered(type, namespace))
    .map(({ namespace, type, name, variant }) => {
      return `rtt://${namespace}/${type}/${name}${variant === null ? "" : `#${variant}`}`;
    });
  return [...new Set(names)].map((to) => ({ from: DOOR_ADDRESS, to, isOptional: true }));
}

/** Tools are offered when they are an MCP server's; others are whatever a manifest calls a tool. */
function isOffered(type: string, namespace: string): boolean {
  return type !== "tool" || namespace.startsWith("mcp/");
}

function consumerRoutes(
  contracts: readonly Contract[],
  spokenFor: ReadonlySet<string>,
): readonly WantedRoute[] {
  return contracts
    .filter(({ direction, address }) => direction === "consumer" && address !== DOOR_ADDRESS)
    .filter(({ address }) => !spokenFor.has(address))
    .map(({ address }) => ({ from: address, to: null, isOptional: true }));
}

function noConsumer({ from, to, path, line }: RouteWish): Failure {
  return new Failure(
    "plan-infeasible",
    `${path}:${line}: ${from} wants ${to}, but no symbol is ${from}`,
    {
      origin: "local",
      remedy: "`rtt ls symbols` lists what there is; correct the route, or make it optional.",
      context: { path, line, from, to },
    },
  );
}
