/**
 * What a node in a project runs: the servers that the generation in force wires, no more and no fewer.
 *
 *   file of the generation replaced ──look──▶ verify ──▶ new servers up ──▶ swap ──▶ old ones end with their last call
 *   rtt apply ──prepare──▶ verify, new servers up aside ──commit──▶ swap ··· then the file is replaced, and it is so
 *
 * Nothing is run that was not verified. A generation or registry that cannot be believed wires nothing, as a policy
 * that cannot be believed permits nothing; it is told in the node's health, and taken in as soon as it is whole.
 */
import {
  type PlacedHere,
  type SelectedServer,
  type Wires,
  NO_WIRES,
  wiredItems,
  wiredServers,
  wiresOf,
} from "../../shared/fabric/bridge/wired-servers.ts";
import type { SignedPlan } from "../../shared/fabric/plan.ts";
import type { Registry } from "../../shared/fabric/registry/registry.ts";
import type { ToolDevice } from "../../shared/gateway/device.ts";
import { plainMessage } from "../../shared/gateway/frames.ts";
import type { WiredSpec } from "../../shared/gateway/server-fleet.ts";
import type { Clock } from "../../shared/ports/clock.ts";
import { Failure } from "../../shared/ports/failure.ts";
import type { Logger } from "../../shared/telemetry/logger.ts";
import type { Environment } from "../tool-servers.ts";
import { wiredSpec } from "./server-specs.ts";
import { ReviewGate } from "./gate.ts";
import type { ProjectFiles } from "./project-files.ts";

export interface WiringOptions {
  readonly files: ProjectFiles;
  readonly clock: Clock;
  readonly environment: Environment;
  /** Under which names a placement may mean this node. */
  readonly nodeNames: ReadonlySet<string>;
  /** Names of servers that the node's own configuration has; they come first. */
  readonly taken: ReadonlySet<string>;
  readonly log: Logger;
}

/** A change that `rtt apply` asks for. */
export interface WiringChange {
  readonly id: string;
  /** The plan, or its bytes as somebody has sent them. */
  readonly plan: SignedPlan | Uint8Array;
  readonly generation: number;
  readonly wires: Wires;
}

/** What a generation comes to on this machine. */
interface Wired {
  readonly generation: number;
  readonly wires: Wires;
  readonly servers: readonly SelectedServer[];
  readonly specs: readonly WiredSpec[];
  readonly problems: readonly Failure[];
}

const NOTHING: Wired = { generation: 0, wires: NO_WIRES, servers: [], specs: [], problems: [] };

/** How often the files are looked at. */
const LOOK_MS = 400;

/** How long what was started for a change waits for its decision; whoever asked for it may have lost power. */
const STAGED_MS = 600_000;

interface Staged {
  readonly wired: Wired;
  readonly untilUs: number;
}

export class Wiring {
  readonly gate = new ReviewGate();
  readonly #options: WiringOptions;
  #device: ToolDevice | null = null;
  #registry: Registry | null = null;
  #wired: Wired = NOTHING;
  /** Why nothing can be believed, when that is so. */
  #failure: Failure | null = null;
  #generationStamp = "";
  #registryStamp = "";
  readonly #staged = new Map<string, Staged>();
  #cancel: () => void = () => {};
  /** The last of the changes, which follow one another. */
  #last: Promise<unknown> = Promise.resolve();

  readonly #isPlacedHere: PlacedHere = (node) =>
    node === undefined || this.#options.nodeNames.has(node);

  constructor(options: WiringOptions) {
    this.#options = options;
  }

  /** The generation in force here; 0 when nothing has been applied. */
  get generation(): number {
    return this.#wired.generation;
  }

  get root(): string {
    return this.#options.files.project.root;
  }

  get problems(): readonly Failure[] {
    return this.#failure === null ? this.#wired.problems : [this.#failure];
  }

  /** Each wired address with what it means, as participants of a change compare it. */
  items(): ReadonlyMap<string, string> {
    return wiredItems(this.#wired.wires, this.#isPlacedHere);
  }

  /** Takes in what is in force, starts the servers of the device, and keeps both up to date. */
  async start(device: ToolDevice): Promise<void> {
    this.#device = device;
    await this.#look();
    this.#arm();
  }

  close(): void {
    this.#cancel();
    this.#cancel = () => {};
    this.#device = null;
  }

  /**
   * Verifies a change and starts what it adds, aside. Fails with what is wrong: its signature, an object, a variable
   * that is not set, a server that does not come up in time, a tool that is not as it was reviewed.
   */
  prepare(change: WiringChange, deadlineMs: number): Promise<void> {
    return this.#inTurn(async () => {
      const wired = await this.#resolved(change);
      const running = new Set(this.#wired.specs.map(({ key }) => key));
      const added = wired.specs.filter(({ key }) => !running.has(key));
      const addedNames = new Set(added.map(({ spec }) => spec.name));
      const [problem] = this.#newProblems(wired);
      if (problem !== undefined) throw problem;
      try {
        await this.#device?.fleet.stage(added, deadlineMs);
        for (const server of wired.servers.filter(({ name }) => addedNames.has(name))) {
          this.#checkTools(server, wired);
        }
      } catch (thrown) {
        await this.#unstage(wired);
        throw thrown;
      }
      const untilUs = this.#options.clock.nowUs() + STAGED_MS * 1000;
      this.#staged.set(change.id, { wired, untilUs });
    });
  }

  /** Makes a change, prepared or, when this node was started since, not. */
  commit(change: WiringChange): Promise<void> {
    return this.#inTurn(async () => {
      const wired = this.#staged.get(change.id)?.wired ?? (await this.#resolved(change));
      this.#staged.delete(change.id);
      await this.#swap(wired);
    });
  }

  /** Ends what was started for a change. */
  abort(id: string): Promise<void> {
    return this.#inTurn(() => this.#forget(id));
  }

  async #forget(id: string): Promise<void> {
    const staged = this.#staged.get(id);
    this.#staged.delete(id);
    if (staged !== undefined) await this.#unstage(staged.wired);
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(task, task);
    this.#last = turn.catch(() => {});
    return turn;
  }

  #arm(): void {
    const { clock } = this.#options;
    this.#cancel = clock.at(clock.nowUs() + LOOK_MS * 1000, () => {
      void this.#look().then(() => {
        if (this.#device !== null) this.#arm();
      });
    });
  }

  /** Takes in what has changed on disk since the last look. */
  #look(): Promise<void> {
    return this.#inTurn(async () => {
      const { clock, log } = this.#options;
      try {
        for (const [id, { untilUs }] of this.#staged) {
          if (untilUs <= clock.nowUs()) await this.#forget(id);
        }
        await this.#takeChanges();
      } catch (thrown) {
        const failure = Failure.from(thrown);
        // The next look tries again: what was to blame may be no change of a file.
        this.#registryStamp = "";
        this.#generationStamp = "";
        if (failure.message === this.#failure?.message) return;
        log.warn("wiring.refused", { failure });
        await this.#swap(NOTHING, failure);
      }
    });
  }

  async #takeChanges(): Promise<void> {
    const { files } = this.#options;
    const registryStamp = await files.registryStamp();
    const generationStamp = await files.generationStamp();
    const isRegistryNew = registryStamp !== this.#registryStamp;
    const isGenerationNew = generationStamp !== this.#generationStamp;
    if (!isRegistryNew && !isGenerationNew) return;
    this.#registryStamp = registryStamp;
    this.#generationStamp = generationStamp;
    if (isRegistryNew) await this.#takeRegistry();
    if (isGenerationNew) return this.#takeGeneration();
    // A signer may have been revoked: what is in force must still be believed, the file as well as each object. What is
    // wired stays the same, although the file may say otherwise until a change that was committed has replaced it.
    const { generation, wires } = this.#wired;
    await files.generation(await this.#openedRegistry());
    return this.#swap(await this.#resolve(generation, wires));
  }

  async #takeRegistry(): Promise<void> {
    const { files } = this.#options;
    const { registry, isStrict } = await files.openRegistry();
    this.gate.setReviewed(await files.reviewed(registry), isStrict);
    this.#registry = registry;
  }

  async #takeGeneration(): Promise<void> {
    const registry = await this.#openedRegistry();
    const generation = await this.#options.files.generation(registry);
    if (generation === null) return this.#swap(NOTHING);
    const wires = wiresOf(generation);
    return this.#swap(await this.#resolve(generation.generation, wires));
  }

  async #openedRegistry(): Promise<Registry> {
    if (this.#registry === null) await this.#takeRegistry();
    return this.#registry as Registry;
  }

  async #resolved({ plan, generation, wires }: WiringChange): Promise<Wired> {
    const registry = await this.#openedRegistry();
    await this.#options.files.checkPlan(registry, plan);
    // What was reviewed a moment ago counts, although the next look is yet to come.
    await this.#takeRegistry();
    return this.#resolve(generation, wiresOf(wires));
  }

  async #resolve(generation: number, wires: Wires): Promise<Wired> {
    const { environment, taken } = this.#options;
    const registry = await this.#openedRegistry();
    const { servers, problems } = await wiredServers(registry, wires, this.#isPlacedHere);
    const all = [...problems];
    const specs: WiredSpec[] = [];
    for (const server of servers) {
      try {
        if (taken.has(server.name)) throw shadowed(server);
        specs.push(wiredSpec(server, this.root, environment));
      } catch (thrown) {
        all.push(Failure.from(thrown));
      }
    }
    return { generation, wires, servers, specs, problems: all };
  }

  async #swap(wired: Wired, failure: Failure | null = null): Promise<void> {
    const { log } = this.#options;
    const isOther = wired.generation !== this.#wired.generation;
    await this.#device?.wire(wired.specs, () => {
      this.#wired = wired;
      this.#failure = failure;
      this.gate.setWired(wired.servers);
    });
    if (!isOther) return;
    log.info("wiring.inForce", {
      generation: wired.generation,
      servers: wired.servers.map(({ name }) => name).join(" "),
      problems: wired.problems.map(plainMessage).join("; ").slice(0, 500),
    });
  }

  /** What a change would make worse; what is wrong already is no reason to refuse it. */
  #newProblems(wired: Wired): readonly Failure[] {
    const known = new Set(this.#wired.problems.map(({ message }) => message));
    return wired.problems.filter(({ message }) => !known.has(message));
  }

  /** Fails when a tool that the change wires is not there, or not as it was reviewed. */
  #checkTools(server: SelectedServer, wired: Wired): void {
    const key = wired.specs.find(({ spec }) => spec.name === server.name)?.key ?? "";
    const running = this.#device?.fleet.get(key);
    if (running === undefined) return;
    const { version, tools } = running;
    const problem = this.gate.problemOf({ name: server.name, version, tools }, server);
    if (problem !== null) throw problem;
  }

  async #unstage(wired: Wired): Promise<void> {
    const kept = new Set([
      ...this.#wired.specs.map(({ key }) => key),
      ...[...this.#staged.values()].flatMap(({ wired: { specs } }) => specs.map(({ key }) => key)),
    ]);
    const keys = wired.specs.map(({ key }) => key).filter((key) => !kept.has(key));
    await this.#device?.fleet.unstage(keys);
  }
}

function shadowed({ name, address }: SelectedServer): Failure {
  return new Failure(
    "config-invalid",
    `this node's own server "${name}" stands before ${address}`,
    {
      origin: "local",
      context: { name },
      remedy: "Take it out of device.servers, of --import, or of the project's routes.",
    },
  );
}
