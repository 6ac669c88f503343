/**
 * The host role: knows which devices are online, shows each client the tools that policy permits it, and makes calls.
 * A host never opens a connection to a device.
 */
import type { IncomingCall, Lane } from "../ports/lane.ts";
import { Failure } from "../ports/failure.ts";
import type { Identity } from "../trust/identity.ts";
import type { TrustPorts } from "../trust/ports.ts";
import type { Logger } from "../telemetry/logger.ts";
import { Directory, type KnownDevice, type KnownTool } from "./directory.ts";
import {
  type DeviceHello,
  type DeviceWelcome,
  decodeFrame,
  encodeFrame,
  type Frame,
  readFields,
  violation,
} from "./frames.ts";
import { HostCall, type HostCallRequest, type HostCallResult } from "./host-call.ts";
import { mayOffer, type PolicyInForce } from "./permission.ts";
import type { ReceiptBook } from "./receipt-book.ts";
import { doorNames, type NamedTool } from "./tool-name.ts";

export interface ToolHostOptions {
  readonly identity: Identity;
  readonly name: string;
  readonly tenant: string;
  readonly ports: Pick<TrustPorts, "clock" | "random" | "digest" | "signatures">;
  readonly policy: () => PolicyInForce;
  readonly book: ReceiptBook;
  readonly pairedName: (id: string) => string | null;
  readonly limits: HostLimits;
  readonly log: Logger;
}

export interface HostLimits {
  readonly concurrentMax: number;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly maxDepth: number;
}

/** A tool as a door offers it. */
export interface OfferedTool extends NamedTool {
  readonly known: KnownTool;
  readonly isOnline: boolean;
}

/** What a door asks for, by the name that it was offered. */
export type NamedCallRequest = Omit<HostCallRequest, "deviceId" | "tool"> & {
  readonly name: string;
};

export class ToolHost {
  readonly #options: ToolHostOptions;
  readonly #directory: Directory;
  #running = 0;

  constructor(options: ToolHostOptions) {
    this.#options = options;
    this.#directory = new Directory({
      clock: options.ports.clock,
      log: options.log,
      pairedName: options.pairedName,
    });
  }

  get directory(): Directory {
    return this.#directory;
  }

  /** How many calls are under way. */
  get running(): number {
    return this.#running;
  }

  /** The transport opened a lane, to a device or to anybody else. */
  addLane(lane: Lane): void {
    this.#directory.addLane(lane);
  }

  /** Answers what devices send to the agent "tools". */
  async *handle(call: IncomingCall): AsyncGenerator<Uint8Array> {
    if (call.peer.trust !== "pinned" && call.peer.trust !== "certified") throw stranger();
    const frame = decodeFrame(call.payload);
    if (frame.type === "device.hello") yield this.#welcome(frame, call);
    else if (frame.type === "device.heartbeat") {
      this.#directory.touch(call.peer.id);
      yield encodeFrame({ type: "device.heartbeat" });
    } else throw violation(`a host takes no frame "${frame.type.slice(0, 64)}"`);
  }

  /**
   * Every tool that `principal` may call some way, under the names of the door, in one order. One that is held has a
   * name too, so that calling it is answered with the reason, but it is offered to nobody.
   */
  offered(principal: string): ReadonlyMap<string, OfferedTool> {
    const policy = this.#options.policy();
    const wallMs = this.#options.ports.clock.wallMs();
    const named = [...this.#named()].filter(
      ([, { known }]) =>
        known.entry.isHeld !== true && mayOffer(policy, principal, known.entry, wallMs),
    );
    return new Map(named);
  }

  /** Calls a tool by its name at the door. Every way this ends has a receipt. */
  async callNamed(request: NamedCallRequest): Promise<HostCallResult> {
    const { name, ...rest } = request;
    const found = this.#find(name);
    return this.call({ ...rest, deviceId: found?.deviceId ?? null, tool: found?.tool ?? name });
  }

  /**
   * A tool by its name at the door, or by its own name, with or without version, when only one device has it. One that
   * the caller may not see is found too: a denial is to be a denial, with a receipt.
   */
  #find(name: string): OfferedTool | null {
    const named = this.#named();
    const own = [...named.values()].filter(
      ({ tool, known }) => name === tool || name === `${tool}@${known.entry.version}`,
    );
    return named.get(name) ?? (own.length === 1 ? (own[0] ?? null) : null);
  }

  /** All tools under their names: a name never depends on what somebody may see. */
  #named(): ReadonlyMap<string, OfferedTool> {
    const all = this.#directory
      .list()
      .flatMap((device) => [...device.tools.values()].map((known) => offer(device, known)));
    return doorNames(all, this.#options.ports.digest);
  }

  /** Calls a tool of a device. Never throws: what goes wrong is in the result, and in its receipt. */
  async call(request: HostCallRequest): Promise<HostCallResult> {
    const { limits } = this.#options;
    this.#running += 1;
    try {
      const call = new HostCall(this.#options, this.#directory, request);
      return await (this.#running > limits.concurrentMax
        ? call.refuse(busy(limits.concurrentMax))
        : call.run());
    } finally {
      this.#running -= 1;
    }
  }

  #welcome(frame: Frame, call: IncomingCall): Uint8Array {
    const hello = readFields<DeviceHello>(frame, {
      device_id: "string",
      tenant: "string",
      name: "string",
      catalog: "array",
    });
    if (hello.tenant !== this.#options.tenant) throw otherTenant(hello.tenant);
    const tools = this.#directory.announce(hello, call.peer.channelBinding);
    const welcome: DeviceWelcome = {
      type: "device.welcome",
      host_id: this.#options.identity.id,
      name: this.#options.name,
      tools,
    };
    return encodeFrame({ ...welcome });
  }
}

function offer(device: KnownDevice, known: KnownTool): OfferedTool {
  return {
    deviceId: device.id,
    deviceName: device.name,
    tool: known.entry.name,
    known,
    isOnline: device.lane !== null,
  };
}

function stranger(): Failure {
  return new Failure("peer-unknown", "this host is not paired with the device", {
    origin: "policy",
    remedy: "Pair the two nodes with `rtt invite` and `rtt join`.",
  });
}

function otherTenant(tenant: string): Failure {
  return new Failure("peer-refused", `this host does not serve the tenant "${tenant}"`, {
    origin: "policy",
    remedy: "Set the same tenant on both nodes.",
    context: { tenant },
  });
}

function busy(concurrentMax: number): Failure {
  return new Failure("would-block", `${concurrentMax} calls are under way already`, {
    origin: "local",
    context: { concurrentMax },
    remedy: "Call again in a moment, or raise calls.concurrentMax.",
  });
}
