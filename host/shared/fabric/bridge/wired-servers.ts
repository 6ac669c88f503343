/**
 * Which MCP servers a generation wires, and which of their tools: what a node runs and a door offers.
 *
 *   door ──▶ rtt://local/mcp-server/github@1.0.0         the server, with all its tools
 *   door ──▶ rtt://mcp/github/tool/search@1.0.0          this tool of it; where one is wired singly, only those are
 *
 * Each server is the object that the generation names, by its id, verified. One that cannot be verified is a problem
 * and is not run; it hinders no other.
 */
import { Failure } from "../../ports/failure.ts";
import type { Json } from "../../trust/canonical-json.ts";
import type { Generation } from "../generation.ts";
import type { DigestText } from "../plan.ts";
import type { Registry } from "../registry/registry.ts";
import { compareVersions, parseSymbolAddress, type SymbolAddress } from "../symbol.ts";

/** What every tool is reached through. */
export const DOOR_ADDRESS = "rtt://local/service/door@1.0.0";

const SERVER_KIND = "mcp-server";

/** A server that is wired, before its object was read. */
export interface SelectedServer {
  /** Its name on the node, and the provider of its tools. */
  readonly name: string;
  readonly address: string;
  readonly digest: DigestText;
  /** Address of each tool that is wired singly, by the name in it; null: all tools of the server are wired. */
  readonly tools: ReadonlyMap<string, string> | null;
}

export interface WiredServer extends SelectedServer {
  readonly body: Json;
}

/** The part of a generation that says what is wired. */
export type Wires = Pick<Generation, "routes" | "placement" | "symbols">;

/** Whether a server that is placed on `node`, or nowhere, runs here. */
export type PlacedHere = (node: string | undefined) => boolean;

export const NO_WIRES: Wires = { routes: [], placement: {}, symbols: {} };

/** The name that a server has on a node: where it was found and what it is called, in one word. */
export function providerName({ namespace, name, variant }: SymbolAddress): string {
  const folders = namespace.split("/").filter((part, at) => at > 0 || part !== "local");
  return [...folders, name, ...(variant === null ? [] : [variant])].join("-");
}

/** Only what leads from the door to servers and tools. */
export function wiresOf(generation: Wires): Wires {
  const routes = generation.routes.filter(({ from }) => from === DOOR_ADDRESS);
  const isServerOrTool = (text: string): boolean =>
    ["mcp-server", "tool"].includes(parseSymbolAddress(text).type);
  const kept = <T>(members: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(members).filter(([address]) => isServerOrTool(address)));
  return {
    routes: routes.filter(({ to }) => isServerOrTool(to)),
    placement: kept(generation.placement),
    symbols: kept(generation.symbols),
  };
}

/** The servers that the door may reach and that are placed here, in the order of their names. */
export function selectServers(
  wires: Wires,
  isPlacedHere: PlacedHere,
): { readonly servers: readonly SelectedServer[]; readonly problems: readonly Failure[] } {
  const problems: Failure[] = [];
  const reached = wires.routes.filter(({ from }) => from === DOOR_ADDRESS).map(({ to }) => to);
  const reachable = new Set(reached);
  const tools = toolsByProvider(reached);
  const servers = new Map<string, SelectedServer>();
  for (const [text, digest] of Object.entries(wires.symbols)) {
    const address = parseSymbolAddress(text);
    if (address.type !== SERVER_KIND) continue;
    const name = providerName(address);
    const single = tools.get(name) ?? null;
    if (!reachable.has(text) && single === null) continue;
    if (!isPlacedHere(wires.placement[text])) continue;
    const other = servers.get(name);
    if (other !== undefined) problems.push(sameName(name, other.address, text));
    // The newest one serves where two have one name.
    if (other !== undefined && isNewer(other.address, address)) continue;
    servers.set(name, { name, address: text, digest, tools: single });
  }
  return { servers: [...servers.values()].sort((a, b) => (a.name < b.name ? -1 : 1)), problems };
}

/** The same servers with their objects, verified. */
export async function wiredServers(
  registry: Registry,
  wires: Wires,
  isPlacedHere: PlacedHere,
): Promise<{ readonly servers: readonly WiredServer[]; readonly problems: readonly Failure[] }> {
  const selected = selectServers(wires, isPlacedHere);
  const problems = [...selected.problems];
  const servers: WiredServer[] = [];
  for (const server of selected.servers) {
    try {
      servers.push({ ...server, body: await verified(registry, server) });
    } catch (thrown) {
      problems.push(Failure.from(thrown));
    }
  }
  return { servers, problems };
}

/** What is wired here, as a transaction compares it: each address with the digest of what it means. */
export function wiredItems(
  wires: Wires,
  isPlacedHere: PlacedHere,
): ReadonlyMap<string, DigestText> {
  const items = new Map<string, DigestText>();
  for (const { address, digest, tools } of selectServers(wires, isPlacedHere).servers) {
    items.set(address, digest);
    for (const tool of tools?.values() ?? []) items.set(tool, wires.symbols[tool] ?? digest);
  }
  return items;
}

function toolsByProvider(addresses: readonly string[]): Map<string, Map<string, string>> {
  const tools = new Map<string, Map<string, string>>();
  for (const text of addresses) {
    const { namespace, type, name } = parseSymbolAddress(text);
    const [space, provider, ...more] = namespace.split("/");
    if (type !== "tool" || space !== "mcp" || provider === undefined || more.length > 0) continue;
    const wired = tools.get(provider) ?? new Map<string, string>();
    tools.set(provider, wired.set(name, text));
  }
  return tools;
}

function isNewer(text: string, than: SymbolAddress): boolean {
  return compareVersions(parseSymbolAddress(text).version, than.version) > 0;
}

/** The object that the generation means: by its id, signed, and a server. */
async function verified(registry: Registry, { address, digest }: SelectedServer): Promise<Json> {
  const id = digest.slice("sha256:".length);
  const { kind, body } = await registry.get(id);
  if (kind === SERVER_KIND) return body;
  throw new Failure("object-corrupt", `${address} leads to an object of kind "${kind}"`, {
    origin: "policy",
    context: { address, id },
    remedy: "Make the plan again with `rtt plan` and apply it.",
  });
}

function sameName(name: string, first: string, second: string): Failure {
  return new Failure("config-invalid", `${first} and ${second} are both the server "${name}"`, {
    origin: "local",
    context: { name },
    remedy: "Wire one of them: the newest one serves.",
  });
}
