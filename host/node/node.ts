/**
 * A running node: `startNode` starts everything or nothing; `close` ends everything and leaves no process behind.
 */
import { sleep } from "../shared/ports/clock.ts";
import { Dialer } from "../shared/gateway/dialer.ts";
import type { NamedCallRequest } from "../shared/gateway/host.ts";
import type { HostCallResult } from "../shared/gateway/host-call.ts";
import { Failure } from "../shared/ports/failure.ts";
import { publicKeyOfPeerId } from "../shared/trust/identity.ts";
import { formatInvitation } from "../shared/trust/invitation.ts";
import { checkNotRunning, newToken, removeControl, writeControl } from "./control.ts";
import { type HttpDoor, openHttpDoor } from "./http/server.ts";
import { addressOf, dial, reachableHost, splitHostPort } from "./network.ts";
import type {
  InviteAnswer,
  InviteRequest,
  NodeFace,
  ShownReceipt,
  ShownTool,
  ShownWire,
} from "./node-face.ts";
import { assemble, type NodeOptions, type NodeParts, pinnedKeys } from "./node-parts.ts";
import { healthOf, statusOf } from "./node-status.ts";
import { showReceipts } from "./shown-receipts.ts";

/** How long calls under way may take to end when the node stops. */
const DRAIN_MS = 2000;

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

  get wiring() {
    return this.parts.wiring;
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
    const { ports, host, device, wiring, dialers, transport, policies, options } = this.parts;
    const { clock } = ports;
    wiring?.close();
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
      ...this.#ownHost(),
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

  /** A node of both roles offers its tools to itself by the same road as to others. */
  #ownHost(): readonly { readonly address: string; readonly id: string }[] {
    const { host, identity, transport } = this.parts;
    if (host === null) return [];
    const bound = transport.local.host;
    const loopback = bound === "0.0.0.0" ? "127.0.0.1" : bound === "::" ? "::1" : bound;
    return [{ address: addressOf(identity, loopback, transport.local.port), id: identity.id }];
  }
}

function noHost(): Failure {
  return new Failure("unsupported", "this node is no host, so it makes no calls", {
    origin: "local",
    remedy: "Start it with `rtt up --host`, or ask the host that it is paired with.",
  });
}
