/**
 * A running node: the one place where identity, policies, receipts, transport, roles and doors are put together.
 * `startNode` starts everything or nothing; `close` ends everything and leaves no process behind.
 */
import { sleep } from "../shared/ports/clock.ts";
import type { Config, ServerEntry } from "../shared/config/load.ts";
import { ToolDevice } from "../shared/gateway/device.ts";
import { Dialer } from "../shared/gateway/dialer.ts";
import { TOOLS_AGENT } from "../shared/gateway/frames.ts";
import { type NamedCallRequest, ToolHost } from "../shared/gateway/host.ts";
import type { HostCallResult } from "../shared/gateway/host-call.ts";
import { PAIR_AGENT, PairingDesk } from "../shared/gateway/pairing.ts";
import { PeerBook } from "../shared/gateway/peer-book.ts";
import { answerTools } from "../shared/gateway/roles.ts";
import { Failure } from "../shared/ports/failure.ts";
import type { Transport } from "../shared/transport/index.ts";
import { parseAddress } from "../shared/trust/address.ts";
import { type Identity, publicKeyOfPeerId } from "../shared/trust/identity.ts";
import { formatInvitation } from "../shared/trust/invitation.ts";
import { InvitationStore } from "../shared/trust/invitation-store.ts";
import type { TrustPorts } from "../shared/trust/ports.ts";
import { ReceiptStore } from "../shared/trust/receipt/store.ts";
import type { Logger } from "../shared/telemetry/logger.ts";
import { checkNotRunning, newToken, removeControl, writeControl } from "./control.ts";
import { type HttpDoor, openHttpDoor } from "./http/server.ts";
import { addressOf, dial, openNetwork, reachableHost, splitHostPort } from "./network.ts";
import type {
  InviteAnswer,
  InviteRequest,
  NodeFace,
  ShownReceipt,
  ShownTool,
  ShownWire,
} from "./node-face.ts";
import { healthOf, statusOf } from "./node-status.ts";
import { PolicyWatch } from "./policy-watch.ts";
import { nodeProcesses } from "./processes.ts";
import { showReceipts } from "./shown-receipts.ts";
import type { StatePaths } from "./state.ts";
import { toolServerSpecs } from "./tool-servers.ts";
import { openIdentity, trustPorts } from "./trust-ports.ts";
import { WireTap } from "./wire-tap.ts";

export interface NodeOptions {
  readonly config: Config;
  readonly paths: StatePaths;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
  /** Servers of an imported file, beside those of the configuration. */
  readonly imported: Readonly<Record<string, ServerEntry>>;
  readonly passphrase: string | undefined;
  /** The page at "/", when this node shows one. */
  readonly page: string | null;
  /** Records the last datagrams, for the page. */
  readonly isTapped: boolean;
}

/** How long the node waits for its tool servers, so that most are there with its first announcement. */
const SERVERS_MS = 5000;
/** How long calls under way may take to end when the node stops. */
const DRAIN_MS = 2000;

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
  readonly dialers: Map<string, Dialer>;
  readonly tap: WireTap | null;
}

/** Starts a node. Fails by name and leaves nothing behind when a part cannot start. */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  await checkNotRunning(options.paths.control);
  const undo: (() => Promise<void> | void)[] = [];
  try {
    const parts = await assemble(options, undo);
    const node = new RunningNode(parts);
    const token = newToken();
    const door = await openHttpDoor(options.config["http.port"], {
      node,
      token,
      page: options.page,
    });
    undo.push(() => door.close());
    writeControl(options.paths.control, door.port, token);
    node.open(door, token);
    return node;
  } catch (thrown) {
    for (const step of undo.toReversed()) await step();
    throw thrown;
  }
}

async function assemble(
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
  const device = policies.has("device") ? makeDevice(options, shared, policies) : null;
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
    pinned: pinnedKeys(peers, config.dial),
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
  if (device !== null) await Promise.race([device.start(), sleep(ports.clock, SERVERS_MS)]);
  const dialers = new Map<string, Dialer>();
  const known = { options, ports, identity, name, store, peers, desk, policies };
  return { ...known, transport: opened, host, device, dialers, tap };
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
    pairedName: (id) => peers.nameOf(id),
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
): ToolDevice {
  const { config, environment, imported } = options;
  return new ToolDevice({
    ...shared,
    processes: nodeProcesses,
    policy: () => policies.get("device")!.current,
    servers: toolServerSpecs(config, imported, environment, process.cwd()),
    concurrentMax: config["calls.concurrentMax"],
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
function pinnedKeys(peers: PeerBook, addresses: readonly string[]): readonly Uint8Array[] {
  const paired = peers.list().map((peer) => publicKeyOfPeerId(peer.id));
  const named = addresses
    .map((address) => parseAddress(address))
    .map(({ key, keyKind }) => (keyKind === "identity" ? key : null));
  return [...paired, ...named].filter((key) => key !== null);
}

export class RunningNode implements NodeFace {
  readonly parts: NodeParts;
  /** Resolves when the node has ended. */
  readonly closed: Promise<void>;
  #door: HttpDoor | null = null;
  #token = "";
  #closing: Promise<void> | null = null;
  #resolveClosed: () => void = () => {};

  constructor(parts: NodeParts) {
    this.parts = parts;
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
  }

  /** Takes over the open HTTP door, and begins to dial. */
  open(door: HttpDoor, token: string): void {
    this.#door = door;
    this.#token = token;
    this.#dialHosts();
  }

  /** Where the page is, with the token where no server sees it. */
  get pageUrl(): string {
    return `http://127.0.0.1:${this.#door?.port ?? 0}/#${this.#token}`;
  }

  health() {
    return healthOf(this.parts);
  }

  async status() {
    return statusOf(this.parts);
  }

  tools(client: string): readonly ShownTool[] {
    const offered = this.parts.host?.offered(client) ?? new Map();
    return [...offered].map(([name, tool]) => {
      const { schema: _, ...shown } = tool.known.entry;
      const device = { id: tool.deviceId, name: tool.deviceName, isOnline: tool.isOnline };
      return { name, device, tool: shown };
    });
  }

  call(request: NamedCallRequest): Promise<HostCallResult> {
    const { host } = this.parts;
    if (host === null) throw noHost();
    return host.callNamed(request);
  }

  receipts(limit: number): Promise<readonly ShownReceipt[]> {
    return showReceipts(this.parts.ports, this.parts.store.archive, limit);
  }

  wire(): ShownWire | null {
    const { tap } = this.parts;
    if (tap === null) return null;
    const datagrams = tap.list().map(({ bytes, ...rest }) => ({
      ...rest,
      bytes: bytes.length,
      base64: Buffer.from(bytes).toString("base64"),
    }));
    return { seen: tap.seen, datagrams };
  }

  async invite(request: InviteRequest): Promise<InviteAnswer> {
    const { host, identity, ports, desk, transport, policies, options } = this.parts;
    if (host === null) throw noHost();
    const policy = policies.get("host")!.current;
    const policyId = "rules" in policy ? policy.id : "none";
    const bound = splitHostPort(options.config.listen).host;
    const name = request.host ?? reachableHost(bound);
    const expiresMs = ports.clock.wallMs() + request.validMs;
    const secret = await desk.invite(expiresMs, policyId);
    const code = formatInvitation(ports.digest, {
      expiresMs,
      secret,
      staticKey: identity.staticPublicKey,
      identity: identity.publicKey,
      host: name,
      port: transport.local.port,
      policyId,
    });
    return { code, address: addressOf(identity, name, transport.local.port), expiresMs, policyId };
  }

  async reload(): Promise<void> {
    const { peers, transport, host, desk } = this.parts;
    const before = peers.list();
    await peers.reload();
    const kept = new Set(peers.list().map(({ id }) => id));
    for (const { id } of before.filter((peer) => !kept.has(peer.id))) {
      const key = publicKeyOfPeerId(id);
      if (key !== null) transport.unpin(key);
      await host?.directory.forget(id);
    }
    for (const key of pinnedKeys(peers, [])) transport.pin(key);
    await desk.refresh();
    this.#dialHosts();
  }

  stop(): void {
    void this.close();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { ports, host, device, dialers, transport, policies, options } = this.parts;
    const { clock } = ports;
    const untilUs = clock.nowUs() + DRAIN_MS * 1000;
    const isBusy = (): boolean => (host?.running ?? 0) > 0;
    while (isBusy() && clock.nowUs() < untilUs) await sleep(clock, 20);
    await Promise.all([...dialers.values()].map((dialer) => dialer.close()));
    await device?.close();
    await transport.close("the node stops");
    for (const watch of policies.values()) watch.close();
    // Last, so that whoever waits for the node to be gone finds nothing of it left.
    removeControl(options.paths.control);
    await this.#door?.close();
    this.#resolveClosed();
  }

  /** Begins to dial every paired or configured host that is not dialled yet. */
  #dialHosts(): void {
    const { device, dialers, peers, transport, ports, options } = this.parts;
    if (device === null) return;
    const paired = peers.list().filter(({ role }) => role === "host");
    const targets = [
      ...paired.map(({ address, id }) => ({ address: address ?? "", id })),
      ...options.config.dial.map((address) => ({ address, id: null })),
    ];
    for (const { address, id } of targets) {
      if (address === "" || dialers.has(address)) continue;
      const dialer = new Dialer({
        clock: ports.clock,
        random: ports.random,
        log: options.log,
        tenant: options.config.tenant,
        device,
        address,
        dial: (signal) => dial(transport, address, id, signal),
      });
      dialers.set(address, dialer);
    }
  }
}

function noHost(): Failure {
  return new Failure("unsupported", "this node is no host, so it makes no calls", {
    origin: "local",
    remedy: "Start it with `rtt up --host`, or ask the host that it is paired with.",
  });
}
