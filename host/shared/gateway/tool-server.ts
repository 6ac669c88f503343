/**
 * One supervised MCP server: a long-lived child process behind a session, started again when it fails.
 *
 *   stopped ──start──▶ starting ──session open──▶ ready ──exit, flood, nonsense, deaf──▶ waiting ──▶ starting
 *
 * A failure ends the calls in flight with its name and nothing else; they are never repeated here, because nobody
 * knows how far the server came. A call that arrives while the server is down waits for it within its own limit.
 */
import type { Clock } from "../ports/clock.ts";
import { Failure } from "../ports/failure.ts";
import type { ChildProcess, Processes, ProcessExit } from "../ports/processes.ts";
import type { Random } from "../ports/random.ts";
import type { Logger } from "../telemetry/logger.ts";
import { redactText } from "../telemetry/redact.ts";
import { Backoff, type BackoffOptions } from "./backoff.ts";
import {
  DEFAULT_RPC_LIMITS,
  JsonRpcClient,
  type RequestOptions,
  RpcError,
  type RpcLimits,
  throwIfAborted,
  timeoutFailure,
} from "./json-rpc.ts";
import { type McpSession, openMcpSession, type ServerTool } from "./mcp-session.ts";

/** How to start one server: the fields of an `mcpServers` entry, resolved. */
export interface ToolServerSpec {
  /** Names the server in this node: lower-case letters, digits, hyphens. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** What starts it, when it is no program of this machine. */
  readonly processes?: Processes;
}

export interface ToolServerLimits {
  readonly startMs: number;
  /** How long a server may take to list its tools after a call went unanswered. */
  readonly probeMs: number;
  readonly backoff: BackoffOptions;
  readonly rpc: RpcLimits;
}

export const DEFAULT_TOOL_SERVER_LIMITS: ToolServerLimits = {
  startMs: 20_000,
  probeMs: 5_000,
  backoff: { firstMs: 200, maxMs: 30_000, stableMs: 30_000 },
  rpc: DEFAULT_RPC_LIMITS,
};

export interface ToolServerOptions {
  readonly spec: ToolServerSpec;
  readonly processes: Processes;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly limits?: ToolServerLimits;
  /** The tools became known or changed. */
  readonly onTools: (server: ToolServer) => void;
}

export type ToolServerState = "stopped" | "starting" | "ready" | "waiting";

/** What one start of the child gave. */
interface Running {
  readonly child: ChildProcess;
  readonly rpc: JsonRpcClient;
  readonly session: McpSession;
}

const ERROR_TAIL_MAX = 4096;

export class ToolServer {
  readonly spec: ToolServerSpec;
  readonly #options: ToolServerOptions;
  readonly #limits: ToolServerLimits;
  readonly #backoff: Backoff;
  readonly #log: Logger;
  #state: ToolServerState = "stopped";
  #running: Running | null = null;
  #tools: readonly ServerTool[] = [];
  #version = "0.0.0";
  #lastFailure: Failure | null = null;
  #errorTail = "";
  #waiters: (() => void)[] = [];
  #cancelWait: () => void = () => {};
  #child: ChildProcess | null = null;
  /** Why the present child is being ended, when it is. */
  #cause: Failure | null = null;
  #restarts = 0;
  /** The probe under way; calls that arrive meanwhile wait for what it finds. */
  #probing: Promise<void> | null = null;
  /** The attempt of the last start. */
  #starting: Promise<void> = Promise.resolve();
  #holds = 0;
  #idleWaiters: (() => void)[] = [];

  constructor(options: ToolServerOptions) {
    this.spec = options.spec;
    this.#options = options;
    this.#limits = options.limits ?? DEFAULT_TOOL_SERVER_LIMITS;
    this.#backoff = new Backoff(this.#limits.backoff, options.random);
    this.#log = options.log.with({ server: options.spec.name });
  }

  get state(): ToolServerState {
    return this.#state;
  }

  get tools(): readonly ServerTool[] {
    return this.#tools;
  }

  /** The server's own version, for tools that no contract names; the last one while it is down. */
  get version(): string {
    return this.#version;
  }

  get lastFailure(): Failure | null {
    return this.#lastFailure;
  }

  /** How often the child was started again. */
  get restarts(): number {
    return this.#restarts;
  }

  /** The process id while it runs, for `rtt doctor`. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Starts the server and resolves once the first attempt has come to its end, good or bad. */
  async start(): Promise<void> {
    if (this.#state === "stopped") this.#starting = this.#attempt();
    await this.#starting;
  }

  /** Says that a call is under way that may come to this server; the result says that it no longer is. */
  hold(): () => void {
    this.#holds += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#holds -= 1;
      if (this.#holds === 0) for (const wake of this.#idleWaiters.splice(0)) wake();
    };
  }

  /** Resolves once no call is under way. */
  async whenIdle(): Promise<void> {
    if (this.#holds === 0) return;
    await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Ends the child and everything it started; resolves when it is gone. */
  async stop(): Promise<void> {
    this.#state = "stopped";
    this.#cancelWait();
    this.#wake();
    const child = this.#child;
    this.#running?.rpc.fail(stoppedFailure(this.spec.name));
    if (child === null) return;
    child.kill();
    await child.exited;
  }

  /** Calls a tool with the bytes of its arguments; resolves with the bytes of the result. */
  async call(tool: string, args: Uint8Array, options: RequestOptions): Promise<Uint8Array> {
    const { clock } = this.#options;
    const deadlineUs = clock.nowUs() + options.timeoutMs * 1000;
    const running = await this.#whenReady(options, deadlineUs);
    const timeoutMs = Math.max(1, Math.round((deadlineUs - clock.nowUs()) / 1000));
    try {
      return await running.session.callTool(tool, args, { ...options, timeoutMs });
    } catch (thrown) {
      if (thrown instanceof RpcError) throw refusal(this.spec.name, tool, thrown);
      const failure = Failure.from(thrown);
      if (failure.code !== "tool-timeout") throw failure;
      this.#probing ??= this.#probe(running);
      // The limit is the caller's, whatever part of it the server was waited for.
      throw timeoutFailure(options.timeoutMs);
    }
  }

  async #whenReady(options: RequestOptions, deadlineUs: number): Promise<Running> {
    if (this.#probing !== null) {
      const probing = this.#probing;
      await this.#waitUntil(deadlineUs, options.signal, (done) => void probing.finally(done));
      if (this.#probing === probing) throw timeoutFailure(options.timeoutMs);
    }
    if (this.#running !== null) return this.#running;
    // A program that is not there will not be there in a moment either.
    if (this.#lastFailure !== null && isLasting(this.#lastFailure)) throw this.#lastFailure;
    await this.#waitUntil(deadlineUs, options.signal, (done) => void this.#waiters.push(done));
    if (this.#running !== null) return this.#running;
    throw this.#lastFailure ?? stoppedFailure(this.spec.name);
  }

  /** Waits for what calls `done`, until the time is over; an abort of the signal is thrown. */
  async #waitUntil(
    deadlineUs: number,
    signal: AbortSignal | undefined,
    subscribe: (done: () => void) => void,
  ): Promise<void> {
    throwIfAborted(signal);
    await new Promise<void>((resolve) => {
      const stopTimer = this.#options.clock.at(deadlineUs, () => resolve());
      const done = (): void => {
        stopTimer();
        resolve();
      };
      subscribe(done);
      signal?.addEventListener("abort", done, { once: true });
    });
    throwIfAborted(signal);
  }

  /** One start. Every way out of it leads to `ready`, `waiting` or `stopped`. */
  async #attempt(): Promise<void> {
    this.#state = "starting";
    this.#errorTail = "";
    const startedUs = this.#options.clock.nowUs();
    let hasChild = false;
    try {
      const child = await this.#spawn();
      hasChild = true;
      if (this.#isStopped()) {
        child.child.kill();
        return;
      }
      const options = { timeoutMs: this.#limits.startMs };
      const session = await openMcpSession(child.rpc, options);
      this.#tools = await session.listTools(options);
      this.#version = session.serverVersion;
      this.#running = { ...child, session };
      this.#state = "ready";
      this.#lastFailure = null;
      this.#log.info("tool-server.ready", {
        revision: session.revision,
        serverName: session.serverName,
        tools: this.#tools.length,
        pid: child.child.pid,
      });
      this.#wake();
      this.#options.onTools(this);
    } catch (thrown) {
      const failure =
        thrown instanceof RpcError ? refusal(this.spec.name, "", thrown) : Failure.from(thrown);
      if (!hasChild) this.#scheduleRestart(failure, startedUs);
      else {
        // The exit of a child schedules its restart, with the first cause that was named.
        const child = this.#child;
        this.#end(failure);
        await child?.exited;
      }
    }
  }

  async #spawn(): Promise<{ child: ChildProcess; rpc: JsonRpcClient }> {
    const { processes, clock } = this.#options;
    const startedUs = clock.nowUs();
    // Output can only come after the child exists, so the client is there before the first byte.
    let child: ChildProcess | null = null;
    const rpc = new JsonRpcClient({
      clock,
      limits: this.#limits.rpc,
      write: (line) => child!.write(line),
      onBroken: (failure) => {
        this.#log.warn("tool-server.broken", { failure });
        this.#end(failure);
      },
      onNotification: (method) => {
        if (method === "notifications/tools/list_changed") void this.#refreshTools();
      },
    });
    child = await (this.spec.processes ?? processes).spawn({
      ...this.spec,
      onOutput: (bytes) => rpc.push(bytes),
      onErrorOutput: (bytes) => this.#keepErrorOutput(bytes),
    });
    this.#child = child;
    this.#cause = null;
    void child.exited.then((exit) => this.#handleExit(rpc, exit, startedUs));
    return { child, rpc };
  }

  #handleExit(rpc: JsonRpcClient, exit: ProcessExit, startedUs: number): void {
    this.#child = null;
    this.#running = null;
    const crash = crashFailure(this.spec.name, exit, this.#errorTail);
    rpc.fail(crash);
    if (this.#isStopped()) return;
    // When the protocol was broken first, that is the reason and the exit only its consequence.
    this.#scheduleRestart(this.#cause ?? crash, startedUs);
  }

  /** Ends the child because of `failure`; the first cause is the one that is told. */
  #end(failure: Failure): void {
    this.#cause ??= failure;
    this.#running = null;
    this.#child?.kill();
  }

  #scheduleRestart(failure: Failure, startedUs: number): void {
    const { clock } = this.#options;
    const upMs = (clock.nowUs() - startedUs) / 1000;
    const waitMs = this.#backoff.nextMs(upMs);
    this.#lastFailure = failure;
    this.#state = "waiting";
    this.#restarts += 1;
    this.#log.warn("tool-server.restart", { failure, waitMs, restarts: this.#restarts });
    this.#options.onTools(this);
    if (isLasting(failure)) this.#wake();
    this.#cancelWait = clock.at(clock.nowUs() + waitMs * 1000, () => {
      if (!this.#isStopped()) void this.#attempt();
    });
  }

  /** Asks a server that left a call unanswered for its tools; one that stays silent is started again. */
  async #probe(running: Running): Promise<void> {
    try {
      await running.session.listTools({ timeoutMs: this.#limits.probeMs });
    } catch {
      if (this.#running === running) {
        const deaf = deafFailure(this.spec.name);
        running.rpc.fail(deaf);
        this.#end(deaf);
      }
    } finally {
      this.#probing = null;
    }
  }

  async #refreshTools(): Promise<void> {
    try {
      const tools = await this.#running?.session.listTools({ timeoutMs: this.#limits.startMs });
      if (tools === undefined) return;
      this.#tools = tools;
      this.#options.onTools(this);
    } catch (thrown) {
      this.#log.warn("tool-server.list-failed", { failure: Failure.from(thrown) });
    }
  }

  #keepErrorOutput(bytes: Uint8Array): void {
    const text = new TextDecoder().decode(bytes.subarray(-ERROR_TAIL_MAX));
    this.#errorTail = (this.#errorTail + text).slice(-ERROR_TAIL_MAX);
    this.#log.debug("tool-server.stderr", { text: text.slice(0, 1000) });
  }

  #wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter();
  }

  #isStopped(): boolean {
    return this.#state === "stopped";
  }
}

/** Failures that waiting does not cure; a waiting call learns of them at once. */
function isLasting(failure: Failure): boolean {
  return failure.code === "program-missing" || failure.code === "permission-denied";
}

function refusal(server: string, tool: string, error: RpcError): Failure {
  return new Failure("tool-failed", error.message, {
    origin: "peer",
    context: { server, tool, rpcCode: error.code },
    remedy: "Read the server's message and correct the call.",
  });
}

function crashFailure(server: string, exit: ProcessExit, errorTail: string): Failure {
  const how = exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`;
  const lastLine = redactText(errorTail.trim().split("\n").at(-1) ?? "").slice(0, 300);
  return new Failure("tool-crashed", `the server "${server}" ended with ${how}`, {
    origin: "host",
    context: { server, exitCode: exit.code ?? -1, signal: exit.signal ?? "", lastLine },
    remedy: "It is started again. If this repeats, run its command by hand and read its errors.",
  });
}

function deafFailure(server: string): Failure {
  return new Failure("tool-crashed", `the server "${server}" no longer answers`, {
    origin: "host",
    context: { server },
    remedy: "It is started again. If this repeats, the server hangs: repair or replace it.",
  });
}

function stoppedFailure(server: string): Failure {
  return new Failure("not-running", `the server "${server}" is stopped`, {
    origin: "local",
    context: { server },
    remedy: "Start the node with `rtt up`.",
  });
}
