/**
 * The tool servers of a device: those of its configuration, for as long as it runs, and those that are wired, which
 * change under way.
 *
 *   stage(b) ──▶ b starts aside ──wire(b)──▶ b serves, a is retired ──idle──▶ a stops
 *
 * A change starts what is new before it ends what is old. A server that stays is not touched, and one that goes ends
 * with its last call, so a change loses no call and repeats none.
 */
import { type Clock, sleep } from "../ports/clock.ts";
import { Failure } from "../ports/failure.ts";
import type { ToolServer, ToolServerSpec } from "./tool-server.ts";

/** A server that can be wired. Two with the same key are the same server. */
export interface WiredSpec {
  readonly key: string;
  readonly spec: ToolServerSpec;
}

export interface ServerFleetOptions {
  readonly clock: Clock;
  readonly create: (spec: ToolServerSpec) => ToolServer;
  readonly fixed: readonly ToolServerSpec[];
}

/** How long a change waits for a server that it starts; what takes longer serves as soon as it is there. */
const START_MS = 5000;

export class ServerFleet {
  readonly #options: ServerFleetOptions;
  readonly #fixed: readonly ToolServer[];
  #wired: ReadonlyMap<string, ToolServer> = new Map();
  readonly #staged = new Map<string, ToolServer>();
  readonly #retiring = new Set<ToolServer>();
  #isStopped = false;

  constructor(options: ServerFleetOptions) {
    this.#options = options;
    this.#fixed = options.fixed.map(options.create);
  }

  /** The servers that serve now. */
  get servers(): readonly ToolServer[] {
    return [...this.#fixed, ...this.#wired.values()];
  }

  /** The server with a key, serving or staged. */
  get(key: string): ToolServer | undefined {
    return this.#wired.get(key) ?? this.#staged.get(key);
  }

  async start(): Promise<void> {
    await Promise.all(this.#fixed.map((server) => server.start()));
  }

  /** Starts servers that do not serve yet, aside; fails when one is not ready within `deadlineMs`. */
  async stage(wanted: readonly WiredSpec[], deadlineMs: number): Promise<void> {
    if (this.#isStopped) return;
    const servers = wanted.map((one) => this.#obtain(one));
    await this.#started(servers, deadlineMs);
    const late = servers.find(({ state }) => state !== "ready");
    if (late !== undefined) throw late.lastFailure ?? notReady(late.spec.name, deadlineMs);
  }

  /** Ends the staged servers with these keys. */
  async unstage(keys: readonly string[]): Promise<void> {
    const servers = keys.flatMap((key) => this.#staged.get(key) ?? []);
    for (const key of keys) this.#staged.delete(key);
    await Promise.all(servers.map((server) => server.stop()));
  }

  /**
   * Makes exactly these the wired servers. `onSwapped` is called at the moment of the change; the old servers are
   * retired once it has come to its end.
   */
  async wire(wanted: readonly WiredSpec[], onSwapped: () => Promise<void>): Promise<void> {
    if (this.#isStopped) return;
    const servers = new Map(wanted.map((one) => [one.key, this.#obtain(one)]));
    await this.#started([...servers.values()], START_MS);
    if (this.#isStopped) return;
    const old = [...this.#wired].flatMap(([key, server]) => (servers.has(key) ? [] : [server]));
    this.#wired = servers;
    for (const key of servers.keys()) this.#staged.delete(key);
    for (const server of old) this.#retiring.add(server);
    await onSwapped();
    for (const server of old) void this.#retire(server);
  }

  /** Ends every server, whatever it does. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    const all = [...this.servers, ...this.#staged.values(), ...this.#retiring];
    await Promise.all(all.map((server) => server.stop()));
  }

  async #retire(server: ToolServer): Promise<void> {
    await server.whenIdle();
    await server.stop();
    this.#retiring.delete(server);
  }

  #obtain({ key, spec }: WiredSpec): ToolServer {
    const present = this.get(key);
    if (present !== undefined) return present;
    const server = this.#options.create(spec);
    this.#staged.set(key, server);
    return server;
  }

  async #started(servers: readonly ToolServer[], deadlineMs: number): Promise<void> {
    const all = Promise.all(servers.map((server) => server.start()));
    await Promise.race([all, sleep(this.#options.clock, deadlineMs)]);
  }
}

function notReady(server: string, deadlineMs: number): Failure {
  return new Failure("tool-timeout", `the server "${server}" was not ready in ${deadlineMs} ms`, {
    origin: "peer",
    context: { server, deadlineMs },
    remedy: "Run its command by hand and read its errors.",
  });
}
