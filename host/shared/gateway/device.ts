/**
 * The device role: supervises tool servers, announces what they offer to its hosts, and answers their calls under its
 * own policy. A device dials; nothing ever dials a device.
 */
import { sleep } from "../ports/clock.ts";
import { Failure } from "../ports/failure.ts";
import type { IncomingCall, Lane } from "../ports/lane.ts";
import type { Processes } from "../ports/processes.ts";
import type { Identity } from "../trust/identity.ts";
import type { TrustPorts } from "../trust/ports.ts";
import type { Logger } from "../telemetry/logger.ts";
import { makeCallRecord } from "./call-record.ts";
import { buildCatalog, type DeviceTool } from "./catalog.ts";
import { Countersigner } from "./countersign.ts";
import { DeviceCall } from "./device-call.ts";
import {
  decodeFrame,
  type DeviceHello,
  type DeviceWelcome,
  encodeFrame,
  type Frame,
  readFields,
  TOOLS_AGENT,
  type ToolCallStart,
  violation,
} from "./frames.ts";
import type { PolicyInForce } from "./permission.ts";
import { splice } from "./raw-json.ts";
import type { ReceiptBook } from "./receipt-book.ts";
import { Replays } from "./replays.ts";
import { ServerFleet, type WiredSpec } from "./server-fleet.ts";
import { OPEN_GATE, type ToolGate } from "./tool-gate.ts";
import { ToolServer, type ToolServerLimits, type ToolServerSpec } from "./tool-server.ts";

export interface ToolDeviceOptions {
  readonly identity: Identity;
  readonly name: string;
  readonly tenant: string;
  readonly ports: Pick<TrustPorts, "clock" | "random" | "digest" | "files" | "signatures">;
  readonly processes: Processes;
  readonly policy: () => PolicyInForce;
  readonly book: ReceiptBook;
  readonly servers: readonly ToolServerSpec[];
  readonly serverLimits?: ToolServerLimits;
  /** Decides which tools are offered; without one, all. */
  readonly gate?: ToolGate;
  /** The generation in force, which receipts name; without one, 0. */
  readonly planGeneration?: () => number;
  /** Hears of every call that was served, well or badly. */
  readonly onServed?: (call: ServedCall) => void;
  readonly concurrentMax: number;
  readonly log: Logger;
}

/** How a call of one of our tools ended. */
export interface ServedCall {
  readonly server: string;
  /** The server's own name of the tool. */
  readonly serverTool: string;
  /** Null when it was answered. */
  readonly code: string | null;
  readonly elapsedUs: number;
  /** The generation under which it was served. */
  readonly planGeneration: number;
}

/** How long a host may take to answer an announcement. */
const HELLO_MS = 10_000;

export class ToolDevice {
  readonly #options: ToolDeviceOptions;
  readonly #fleet: ServerFleet;
  readonly #countersigner: Countersigner;
  readonly #replays: Replays;
  readonly #lanes = new Set<Lane>();
  #catalog: ReadonlyMap<string, DeviceTool> = new Map();
  /** What was offered before a change of servers, until every host has heard of the change. */
  #previous: ReadonlyMap<string, DeviceTool> = new Map();
  #running = 0;

  constructor(options: ToolDeviceOptions) {
    this.#options = options;
    const { ports, log, processes } = options;
    this.#fleet = new ServerFleet({
      clock: ports.clock,
      fixed: options.servers,
      create: (spec) =>
        new ToolServer({
          spec,
          processes,
          clock: ports.clock,
          random: ports.random,
          log,
          ...(options.serverLimits === undefined ? {} : { limits: options.serverLimits }),
          onTools: () => this.recheck(),
        }),
    });
    this.#countersigner = new Countersigner({
      identity: options.identity,
      clock: ports.clock,
      signatures: ports.signatures,
      book: options.book,
      log,
    });
    this.#replays = new Replays(ports.clock);
  }

  get servers(): readonly ToolServer[] {
    return this.#fleet.servers;
  }

  get catalog(): ReadonlyMap<string, DeviceTool> {
    return this.#catalog;
  }

  /** Starts every server; one that fails is tried again by itself and keeps nothing else back. */
  async start(): Promise<void> {
    await this.#fleet.start();
  }

  /** The servers that can be wired, and are started aside before they are. */
  get fleet(): ServerFleet {
    return this.#fleet;
  }

  /**
   * Makes exactly these the wired servers, without losing a call that is under way. `onSwap` is called at the moment
   * of the change, before the gate is asked about the new servers.
   */
  async wire(wanted: readonly WiredSpec[], onSwap: () => void = () => {}): Promise<void> {
    await this.#fleet.wire(wanted, async () => {
      this.#previous = this.#catalog;
      onSwap();
      const told = this.#rebuild();
      await Promise.race([told, sleep(this.#options.ports.clock, HELLO_MS)]);
      this.#previous = new Map();
    });
  }

  /** Builds the catalogue again: tools or what the gate says of them may have changed. */
  recheck(): void {
    void this.#rebuild();
  }

  async close(): Promise<void> {
    await this.#fleet.stop();
    await this.#countersigner.close();
  }

  /** Announces this device over a lane that it dialled, and again whenever its catalogue changes. */
  async attach(lane: Lane): Promise<DeviceWelcome> {
    const welcome = await this.#hello(lane);
    this.#lanes.add(lane);
    void lane.closed.then(() => this.#lanes.delete(lane));
    return welcome;
  }

  /** Answers calls of the agent "tools". */
  async *handle(call: IncomingCall): AsyncGenerator<Uint8Array> {
    if (call.peer.trust !== "pinned" && call.peer.trust !== "certified") throw stranger();
    const frame = decodeFrame(call.payload);
    if (frame.type === "tool.call.start") yield* this.#serve(frame, call);
    else if (frame.type === "tool.receipt.sign") yield await this.#countersigner.sign(frame, call);
    else throw violation(`a device takes no frame "${frame.type.slice(0, 64)}"`);
  }

  async *#serve(frame: Frame, call: IncomingCall): AsyncGenerator<Uint8Array> {
    const start = readFields<ToolCallStart>(frame, {
      correlation_id: "string",
      tool: "object",
      caps: "object",
      policy_id: "string",
    });
    checkStart(start, call);
    if (frame.raw === null) throw violation("a call has no arguments");
    if (this.#running >= this.#options.concurrentMax) throw busy(this.#options.concurrentMax);
    const args = frame.raw;
    this.#running += 1;
    try {
      yield* await this.#replays.once(call, () => this.#run(call, start, args));
    } finally {
      this.#running -= 1;
    }
  }

  async #run(
    call: IncomingCall,
    start: ToolCallStart,
    args: Uint8Array,
  ): Promise<readonly Uint8Array[]> {
    const { identity, tenant, ports, policy, planGeneration = () => 0 } = this.#options;
    let found: DeviceTool | undefined;
    const end = await new DeviceCall(
      {
        id: identity.id,
        tenant,
        clock: ports.clock,
        digest: ports.digest,
        files: ports.files,
        policy,
        planGeneration,
        findTool: (name, version) => (found = this.#find(name, version)),
      },
      call,
      start,
      args,
    ).run();
    this.#countersigner.note(end.facts, call);
    if (found !== undefined) {
      this.#options.onServed?.({
        server: found.server.spec.name,
        serverTool: found.serverTool,
        code: end.facts.served.code,
        elapsedUs: end.facts.served.elapsedUs["total"] ?? 0,
        planGeneration: end.facts.planGeneration,
      });
    }
    this.#options.log.info("call.served", {
      correlationId: start.correlation_id,
      tool: start.tool.name,
      outcome: end.facts.served.outcome,
      failureCode: end.facts.served.code,
      elapsedUs: end.facts.served.elapsedUs,
    });
    return end.frames;
  }

  /** A host that has not heard of a new version yet still gets the one that it asks for. */
  #find(name: string, version: string): DeviceTool | undefined {
    const current = this.#catalog.get(name);
    if (current === undefined || current.entry.version === version) return current;
    const before = this.#previous.get(name);
    return before?.entry.version === version ? before : current;
  }

  /** Builds the catalogue and announces it; resolves once every host has heard of it. */
  async #rebuild(): Promise<void> {
    const { log, gate = OPEN_GATE } = this.#options;
    const isReady = (server: ToolServer): boolean => server.tools.length > 0;
    this.#catalog = buildCatalog(this.servers.filter(isReady), gate, (tool, failure) =>
      log.warn("catalog.refused", { tool, failure }),
    );
    await Promise.all(
      [...this.#lanes].map((lane) =>
        this.#hello(lane).catch((thrown: unknown) =>
          log.warn("hello.failed", { failure: Failure.from(thrown) }),
        ),
      ),
    );
  }

  async #hello(lane: Lane): Promise<DeviceWelcome> {
    const { identity, name, tenant, ports } = this.#options;
    const hello: DeviceHello = {
      type: "device.hello",
      device_id: identity.id,
      tenant,
      name,
      catalog: [...this.#catalog.values()].map((tool) => tool.entry),
    };
    const frame = decodeFrame(
      await askHost(lane, hello, { tenant, timeoutMs: HELLO_MS, ...ports }),
    );
    if (frame.type !== "device.welcome") throw violation("a host answers with device.welcome");
    return readFields<DeviceWelcome>(frame, { host_id: "string", name: "string", tools: "number" });
  }
}

export interface AskHostOptions {
  readonly tenant: string;
  readonly timeoutMs: number;
  readonly random: TrustPorts["random"];
}

/** Sends one frame to the host and returns its one answer. */
export async function askHost(
  lane: Lane,
  fields: { readonly type: string },
  options: AskHostOptions,
): Promise<Uint8Array> {
  const { random, tenant, timeoutMs } = options;
  const record = makeCallRecord(random, { tenant, timeoutMs, depth: 1, isIdempotent: true });
  const parts: Uint8Array[] = [];
  for await (const part of lane.call(TOOLS_AGENT, record, encodeFrame({ ...fields }))) {
    parts.push(part);
  }
  return splice(...parts);
}

/** The frame and the record of a call say some things twice; they must agree. */
function checkStart(start: ToolCallStart, call: IncomingCall): void {
  // Only the kind of the two is known; what is in them comes from the other side.
  const tool: Partial<Record<string, unknown>> = start.tool;
  const caps: Partial<Record<string, unknown>> = { ...start.caps };
  const isText = (value: unknown): boolean =>
    typeof value === "string" && value.length > 0 && value.length <= 256;
  const isCap = (value: unknown): boolean =>
    typeof value === "number" && Number.isSafeInteger(value) && value > 0;
  if (!isText(tool["name"]) || !isText(tool["version"])) throw violation("a call names no tool");
  if (!isCap(caps["timeoutMs"]) || !isCap(caps["maxBytes"])) throw violation("a call has no caps");
  if (start.correlation_id !== call.record.correlationId) {
    throw violation("a call has two correlation ids");
  }
}

function stranger(): Failure {
  return new Failure("peer-unknown", "this node is not paired with the caller", {
    origin: "policy",
    remedy: "Pair the two nodes with `rtt invite` and `rtt join`.",
  });
}

function busy(concurrentMax: number): Failure {
  return new Failure("would-block", `the device already serves ${concurrentMax} calls`, {
    origin: "host",
    context: { concurrentMax },
    remedy: "Call again in a moment, or raise calls.concurrentMax.",
  });
}
