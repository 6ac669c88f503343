/**
 * What servers say of their tools now: asked of the running node, which knows what its own servers announced, or of the
 * servers themselves, started here for as long as it takes.
 */
import { providerName } from "../../shared/fabric/bridge/wired-servers.ts";
import type { ToolDescription } from "../../shared/fabric/bridge/tool-description.ts";
import type { Registry, RegistryEntry } from "../../shared/fabric/registry/registry.ts";
import { compareVersions, formatSymbolAddress } from "../../shared/fabric/symbol.ts";
import {
  DEFAULT_TOOL_SERVER_LIMITS,
  ToolServer,
  type ToolServerSpec,
} from "../../shared/gateway/tool-server.ts";
import { Failure } from "../../shared/ports/failure.ts";
import { SILENT } from "../../shared/telemetry/logger.ts";
import { nodeClock } from "../clock.ts";
import { askNodeJson } from "../control.ts";
import { nodeProcesses } from "../processes.ts";
import { nodeRandom } from "../random.ts";
import type { Environment } from "../tool-servers.ts";
import { wiredSpec } from "./server-specs.ts";
import type { ShownServerTools, ShownWiring } from "./wiring-face.ts";

export interface Announced {
  readonly server: string;
  readonly version: string;
  readonly tools: readonly ToolDescription[];
  /** Why nothing is known of it. */
  readonly failure: Failure | null;
}

/** Servers that are started at a time. */
const PARALLEL = 4;

/** The MCP servers of a registry by their names on a node; of several versions the newest. */
export async function registeredServers(
  registry: Registry,
): Promise<ReadonlyMap<string, RegistryEntry>> {
  const servers = new Map<string, RegistryEntry>();
  for (const entry of await registry.list()) {
    if (entry.kind !== "mcp-server") continue;
    const name = providerName(entry.address);
    const other = servers.get(name);
    const isOlder =
      other !== undefined && compareVersions(entry.address.version, other.address.version) < 0;
    if (!isOlder) servers.set(name, entry);
  }
  return servers;
}

/** Those of the servers that are meant, by name or address; all of them when none is named. */
export function chosenServers(
  servers: ReadonlyMap<string, RegistryEntry>,
  wanted: readonly string[],
): ReadonlyMap<string, RegistryEntry> {
  if (wanted.length === 0) return servers;
  const chosen = new Map<string, RegistryEntry>();
  for (const text of wanted) {
    const found = [...servers].find(
      ([name, { address }]) => text === name || text === formatSymbolAddress(address),
    );
    if (found === undefined) throw unknownServer(text, servers);
    chosen.set(...found);
  }
  return chosen;
}

/** Starts each server, asks for its tools and ends it. One that fails hinders no other. */
export async function askServers(
  registry: Registry,
  servers: ReadonlyMap<string, RegistryEntry>,
  root: string,
  environment: Environment,
): Promise<readonly Announced[]> {
  const announced: Announced[] = [];
  const rest = [...servers].entries();
  const worker = async (): Promise<void> => {
    for (const [at, [server, { address, id }]] of rest) {
      try {
        const { body } = await registry.find(address);
        const { spec } = wiredSpec(
          { name: server, digest: `sha256:${id}`, body },
          root,
          environment,
        );
        announced[at] = await askServer(spec);
      } catch (thrown) {
        announced[at] = silent(server, Failure.from(thrown));
      }
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return announced;
}

async function askServer(spec: ToolServerSpec): Promise<Announced> {
  const server = new ToolServer({
    spec,
    processes: nodeProcesses,
    clock: nodeClock,
    random: nodeRandom,
    log: SILENT,
    limits: DEFAULT_TOOL_SERVER_LIMITS,
    onTools: () => {},
  });
  try {
    await server.start();
    // A server that is not ready after its first attempt has a reason.
    if (server.state !== "ready") return silent(spec.name, Failure.from(server.lastFailure));
    const { tools, version } = server;
    return { server: spec.name, version, tools, failure: null };
  } finally {
    await server.stop();
  }
}

/** What the servers of the running node announced; null when none runs, or it serves another project. */
export async function askRunningNode(
  control: string,
  root: string,
): Promise<readonly Announced[] | null> {
  try {
    const { wiring } = await askNodeJson<{ wiring: ShownWiring | null }>(control, {
      method: "GET",
      path: "/v1/wiring",
    });
    if (wiring?.root !== root) return null;
    const { servers } = await askNodeJson<{ servers: readonly ShownServerTools[] }>(control, {
      method: "GET",
      path: "/v1/wiring/servers",
    });
    return servers.map(({ server, version, tools }) => {
      return { server, version, tools: tools.map(({ tool }) => tool), failure: null };
    });
  } catch (thrown) {
    if (Failure.from(thrown).code === "not-running") return null;
    throw thrown;
  }
}

function silent(server: string, failure: Failure): Announced {
  return { server, version: "", tools: [], failure };
}

function unknownServer(text: string, servers: ReadonlyMap<string, RegistryEntry>): Failure {
  const names = [...servers.keys()].slice(0, 10).join(", ");
  return new Failure("object-missing", `the registry has no server "${text.slice(0, 100)}"`, {
    origin: "local",
    context: { server: text.slice(0, 100) },
    remedy: names === "" ? "`rtt scan` finds servers." : `Name one of ${names}.`,
  });
}
