/**
 * What a running node consists of, and the one place where identity, policies, receipts, transport and roles are put
 * together.
 */
import { sleep } from "../shared/ports/clock.ts";
import type { Config, ServerEntry } from "../shared/config/load.ts";
import { ToolDevice } from "../shared/gateway/device.ts";
import type { Dialer } from "../shared/gateway/dialer.ts";
import { TOOLS_AGENT } from "../shared/gateway/frames.ts";
import { ToolHost } from "../shared/gateway/host.ts";
import { PAIR_AGENT, PairingDesk } from "../shared/gateway/pairing.ts";
import { PeerBook } from "../shared/gateway/peer-book.ts";
import { answerTools } from "../shared/gateway/roles.ts";
import type { ToolServerSpec } from "../shared/gateway/tool-server.ts";
import type { Transport } from "../shared/transport/index.ts";
import { parseAddress } from "../shared/trust/address.ts";
import { type Identity, publicKeyOfPeerId } from "../shared/trust/identity.ts";
import { InvitationStore } from "../shared/trust/invitation-store.ts";
import type { TrustPorts } from "../shared/trust/ports.ts";
import { ReceiptStore } from "../shared/trust/receipt/store.ts";
import type { Logger } from "../shared/telemetry/logger.ts";
import { openNetwork } from "./network.ts";
import { PolicyWatch } from "./policy-watch.ts";
import { nodeProcesses } from "./processes.ts";
import type { Project } from "./project.ts";
import type { StatePaths } from "./state.ts";
import { toolServerSpecs } from "./tool-servers.ts";
import { openIdentity, trustPorts } from "./trust-ports.ts";
import { WireTap } from "./wire-tap.ts";
import { NodeWiring } from "./wiring/node-wiring.ts";

export interface NodeOptions {
  readonly config: Config;
  readonly paths: StatePaths;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
  /** Servers of an imported file, beside those of the configuration. */
  readonly imported: Readonly<Record<string, ServerEntry>>;
  /** The project whose generation says what a device runs besides. */
  readonly project?: Project | null;
  readonly passphrase: string | undefined;
  /** The page at "/", when this node shows one. */
  readonly page: string | null;
  /** Records the last datagrams, for the page. */
  readonly isTapped: boolean;
}

/** How long the node waits for its tool servers, so that most are there with its first announcement. */
const SERVERS_MS = 5000;
/** Everything that a running node consists of. */
export interface NodeParts {
  readonly options: NodeOptions;
  readonly ports: TrustPorts;
  readonly identity: Identity;
  readonly name: string;
  readonly store: ReceiptStore;
  readonly peers: PeerBook;
  readonly desk: PairingDesk;
  readonly policies: ReadonlyMap<"host" | "device", PolicyWatch>;
  readonly transport: Transport;
  readonly host: ToolHost | null;
  readonly device: ToolDevice | null;
  readonly wiring: NodeWiring | null;
  readonly dialers: Map<string, Dialer>;
  readonly tap: WireTap | null;
}

/** Makes every part, in the order in which they need each other; `undo` learns how to take each one back. */
export async function assemble(
  options: NodeOptions,
  undo: (() => Promise<void> | void)[],
): Promise<NodeParts> {
  const { config, paths, log } = options;
  const ports = trustPorts();
  const identity = await openIdentity(ports, paths.identity, options.passphrase);
  const name = config.name === "" ? identity.id.slice(-8) : config.name;
  const peers = await PeerBook.open(ports.files, paths.peers);
  const store = await ReceiptStore.open(ports, { folder: paths.home, identity });
  const policies = new Map<"host" | "device", PolicyWatch>();
  for (const role of config.roles) {
    const enforcer = { tenant: config.tenant, device: identity.id };
    const watch = await PolicyWatch.open({ ports, home: paths.home, role, enforcer, log });
    undo.push(() => watch.close());
    policies.set(role, watch);
  }
  const shared = { identity, name, tenant: config.tenant, ports, log, book: bookOf(store) };
  const host = policies.has("host") ? makeHost(config, shared, policies, peers) : null;
  const servers = policies.has("device") ? configuredServers(options) : [];
  const wiring = policies.has("device") ? makeWiring(options, shared, servers) : null;
  if (wiring !== null) undo.push(() => wiring.close());
  const device = policies.has("device")
    ? makeDevice(options, shared, policies, servers, wiring)
    : null;
  if (device !== null) undo.push(() => device.close());
  // Declared here because a joiner that is paired must be let in by the transport, which is opened after the desk.
  let transport: Transport | null = null;
  const desk = new PairingDesk({
    id: identity.id,
    ...shared,
    invitations: new InvitationStore(ports, paths.home),
    peers,
    onPaired: (publicKey) => transport?.pin(publicKey),
  });
  await desk.refresh();
  const tap = options.isTapped ? new WireTap() : null;
  transport = await openNetwork({
    identity,
    name,
    ports,
    listen: host === null ? "0.0.0.0:0" : config.listen,
    acceptsConnections: host !== null,
    pinned: [...pinnedKeys(peers, config.dial), identity.publicKey],
    isOpenToStrangers: () => desk.isOpen,
    onLane: (lane) => host?.addLane(lane),
    tap,
    log,
  });
  const opened = transport;
  undo.push(() => opened.close("the node could not start"));
  opened.serve(TOOLS_AGENT, answerTools(host, device));
  opened.serve(PAIR_AGENT, (call) => desk.handle(call));
  // A server that hangs must keep nothing else back; its tools are announced when it has come up.
  if (device !== null) {
    const started = Promise.all([device.start(), wiring?.start(device)]);
    await Promise.race([started, sleep(ports.clock, SERVERS_MS)]);
  }
  const dialers = new Map<string, Dialer>();
  const known = { options, ports, identity, name, store, peers, desk, policies };
  return { ...known, transport: opened, host, device, wiring, dialers, tap };
}

type Shared = Pick<NodeParts, "identity" | "name" | "ports"> & {
  readonly tenant: string;
  readonly log: Logger;
  readonly book: ReturnType<typeof bookOf>;
};

function makeHost(
  config: Config,
  shared: Shared,
  policies: NodeParts["policies"],
  peers: PeerBook,
): ToolHost {
  return new ToolHost({
    ...shared,
    policy: () => policies.get("host")!.current,
    pairedName: (id) => (id === shared.identity.id ? shared.name : peers.nameOf(id)),
    limits: {
      concurrentMax: config["calls.concurrentMax"],
      timeoutMs: config["calls.timeoutMs"],
      maxBytes: config["calls.maxBytes"],
      maxDepth: config["calls.maxDepth"],
    },
  });
}

function makeDevice(
  options: NodeOptions,
  shared: Shared,
  policies: NodeParts["policies"],
  servers: readonly ToolServerSpec[],
  wiring: NodeWiring | null,
): ToolDevice {
  return new ToolDevice({
    ...shared,
    processes: nodeProcesses,
    policy: () => policies.get("device")!.current,
    servers,
    concurrentMax: options.config["calls.concurrentMax"],
    ...(wiring === null
      ? {}
      : {
          gate: wiring.gate,
          planGeneration: () => wiring.generation,
          onServed: (call) => wiring.noteCall(call),
        }),
  });
}

function configuredServers(options: NodeOptions): readonly ToolServerSpec[] {
  const { config, environment, imported } = options;
  return toolServerSpecs(config, imported, environment, process.cwd());
}

/** What the project wires; a node in no project runs what its configuration says, and nothing else. */
function makeWiring(
  options: NodeOptions,
  { ports, identity, name, log }: Shared,
  servers: readonly ToolServerSpec[],
): NodeWiring | null {
  const { project = null, paths, environment } = options;
  if (project === null) return null;
  return new NodeWiring({
    project,
    home: paths.home,
    ports,
    environment,
    id: identity.id,
    name,
    configured: servers.map((server) => server.name),
    log,
  });
}

function bookOf(store: ReceiptStore) {
  return {
    add: async (id: string, file: Uint8Array<ArrayBuffer>) => {
      await store.record(file);
      return { id, path: store.archive.path(id) };
    },
  };
}

/** The identities that may come in or be dialled. */
export function pinnedKeys(peers: PeerBook, addresses: readonly string[]): readonly Uint8Array[] {
  const paired = peers.list().map((peer) => publicKeyOfPeerId(peer.id));
  const named = addresses
    .map((address) => parseAddress(address))
    .map(({ key, keyKind }) => (keyKind === "identity" ? key : null));
  return [...paired, ...named].filter((key) => key !== null);
}
