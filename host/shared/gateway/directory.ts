/**
 * Who is online: the devices that announced themselves to this host, their catalogues, and the lanes to them.
 *
 * A device that goes away keeps its entry without a lane, so that its tools stay listed and a call for it is answered
 * `device-offline` rather than `tool-unknown`. One that comes back replaces its old lane; what was in flight there
 * ends at once instead of waiting for a timeout.
 */
import type { Clock } from "../ports/clock.ts";
import { Failure } from "../ports/failure.ts";
import type { Lane } from "../ports/lane.ts";
import { toHex } from "../trust/bytes.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { CatalogTool, DeviceHello } from "./frames.ts";
import { compileSchema, type SchemaCheck } from "./schema.ts";
import { violation } from "./frames.ts";

/** Tools that a host takes from one device. */
const CATALOG_MAX = 1000;

/** A tool as the host knows it. */
export interface KnownTool {
  readonly entry: CatalogTool;
  readonly checkArgs: SchemaCheck;
}

export interface KnownDevice {
  readonly id: string;
  readonly name: string;
  readonly tools: ReadonlyMap<string, KnownTool>;
  /** Null while it is offline. */
  readonly lane: Lane | null;
  /** How often it has announced its tools. */
  readonly announced: number;
  readonly seenMs: number;
}

export interface DirectoryOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** The name under which a device was paired; null when it may choose its own. */
  readonly pairedName: (id: string) => string | null;
}

export class Directory {
  readonly #options: DirectoryOptions;
  readonly #devices = new Map<string, KnownDevice>();
  /** Every open lane, announced or not, by its channel binding. */
  readonly #lanes = new Map<string, Lane>();
  readonly #waiters = new Map<string, Set<() => void>>();

  constructor(options: DirectoryOptions) {
    this.#options = options;
  }

  /** The transport opened a lane. Nobody is in the directory before it has announced itself. */
  addLane(lane: Lane): void {
    const key = toHex(lane.peer.channelBinding);
    this.#lanes.set(key, lane);
    void lane.closed.then((failure) => {
      this.#lanes.delete(key);
      this.#leave(lane, failure);
    });
  }

  /** Devices in the order of their names. */
  list(): readonly KnownDevice[] {
    return [...this.#devices.values()].sort((a, b) =>
      a.name === b.name ? (a.id < b.id ? -1 : 1) : a.name < b.name ? -1 : 1,
    );
  }

  get(id: string): KnownDevice | undefined {
    return this.#devices.get(id);
  }

  /** Takes an announcement that came over the lane with this channel binding; returns how many tools it gave. */
  announce(hello: DeviceHello, channelBinding: Uint8Array): number {
    const lane = this.#lanes.get(toHex(channelBinding));
    if (lane === undefined) throw violation("an announcement came over no lane of this host");
    const { id } = lane.peer;
    if (hello.device_id !== id) {
      throw violation("a device announced itself under another id than its key's");
    }
    const previous = this.#devices.get(id);
    const device: KnownDevice = {
      id,
      name: this.#options.pairedName(id) ?? cleanName(hello.name, id),
      tools: this.#knownTools(hello.catalog),
      lane,
      announced: (previous?.announced ?? 0) + 1,
      seenMs: this.#options.clock.wallMs(),
    };
    this.#devices.set(id, device);
    this.#options.log.info("device.online", {
      device: id,
      name: device.name,
      tools: device.tools.size,
      handshake: lane.peer.handshake,
      remote: lane.peer.remote,
    });
    if (previous?.lane !== undefined && previous.lane !== null && previous.lane !== lane) {
      void previous.lane.close("the device has come back over another lane");
    }
    for (const wake of this.#waiters.get(id) ?? []) wake();
    return device.tools.size;
  }

  /** Notes that a device has shown that it lives. */
  touch(id: string): void {
    const device = this.#devices.get(id);
    if (device !== undefined) {
      this.#devices.set(id, { ...device, seenMs: this.#options.clock.wallMs() });
    }
  }

  /** Forgets a device for ever and closes its lane: it was unpaired. */
  async forget(id: string): Promise<void> {
    const lane = this.#devices.get(id)?.lane;
    this.#devices.delete(id);
    await lane?.close("this device is no longer paired");
  }

  /**
   * The lane to a device, other than `not`: the present one, or the next one that comes within `waitMs`. Null when
   * none comes or the caller gives up.
   */
  async laneTo(
    id: string,
    not: Lane | null,
    waitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Lane | null> {
    const present = (): Lane | null => {
      const lane = this.#devices.get(id)?.lane ?? null;
      return lane === not ? null : lane;
    };
    if (present() !== null || waitMs <= 0) return present();
    const { clock } = this.#options;
    const waiters = this.#waiters.get(id) ?? new Set();
    this.#waiters.set(id, waiters);
    await new Promise<void>((resolve) => {
      const done = (): void => {
        stopTimer();
        waiters.delete(done);
        resolve();
      };
      const stopTimer = clock.at(clock.nowUs() + waitMs * 1000, done);
      waiters.add(done);
      signal?.addEventListener("abort", done, { once: true });
    });
    return present();
  }

  #leave(lane: Lane, failure: Failure | null): void {
    const device = this.#devices.get(lane.peer.id);
    if (device?.lane !== lane) return;
    this.#devices.set(device.id, { ...device, lane: null });
    this.#options.log.info("device.offline", {
      device: device.id,
      name: device.name,
      reason: failure?.code ?? "closed",
    });
  }

  /** Takes each tool that can be used; one that cannot is left out and does not spoil the others. */
  #knownTools(catalog: readonly unknown[]): ReadonlyMap<string, KnownTool> {
    const tools = new Map<string, KnownTool>();
    for (const raw of catalog.slice(0, CATALOG_MAX)) {
      try {
        const entry = catalogTool(raw);
        const checkArgs = compileSchema(entry.argsSchema, `${entry.name}:args`);
        tools.set(entry.name, { entry, checkArgs });
      } catch (thrown) {
        this.#options.log.warn("catalog.refused", { failure: Failure.from(thrown) });
      }
    }
    return tools;
  }
}

/** Checks the fields of a catalogue entry from another machine. */
function catalogTool(raw: unknown): CatalogTool {
  const entry = raw as Partial<Record<keyof CatalogTool, unknown>> | null;
  const { name, version, title, description, server, isBound, isHeld } = entry ?? {};
  const texts = [title, description, server].every((text) => typeof text === "string");
  const isNamed = typeof name === "string" && /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,255}$/.test(name);
  const isVersioned = typeof version === "string" && /^\S{1,64}$/.test(version);
  const schemas = [entry?.argsSchema, entry?.schema, entry?.annotations];
  const hasSchemas = schemas.every((one) => one !== null && typeof one === "object");
  const isFlagged = typeof isBound === "boolean" && (isHeld === undefined || isHeld === true);
  if (!isNamed || !isVersioned || !texts || !hasSchemas || !isFlagged) {
    throw violation("a catalogue holds an entry that is no tool");
  }
  return entry as CatalogTool;
}

/** A device's own name for itself, made fit to be a part of a tool's name. */
function cleanName(name: string, id: string): string {
  const clean = name.replace(/[^A-Za-z0-9._-]/g, "-").slice(0, 63);
  return clean === "" ? id.slice(-8) : clean;
}
