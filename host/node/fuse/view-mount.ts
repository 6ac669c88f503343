/** A mount of a project: it shows the generation in force, and follows when another is. */
import { Failure } from "../../shared/ports/failure.ts";
import type { Generation } from "../../shared/fabric/generation.ts";
import {
  generationPath,
  readGeneration,
} from "../../shared/fabric/generation-file/generation-file.ts";
import type { RegistryPorts } from "../../shared/fabric/registry/ports.ts";
import type { SignerCheck } from "../../shared/fabric/registry/signature.ts";
import type { Logger } from "../../shared/telemetry/logger.ts";
import { Mount } from "./mount.ts";
import { shownFiles, viewsOf } from "./shown-files.ts";
import { SnapshotMaker } from "./snapshot.ts";
import type { MountOptions } from "./system.ts";

/** How often it is looked whether another generation is in force. */
const LOOK_MS = 250;

export interface ViewMountOptions extends MountOptions {
  readonly ports: RegistryPorts;
  readonly project: { readonly root: string; readonly folder: string; readonly registry: string };
  /** Whose signatures count, asked for every time: trust may have been taken back. */
  readonly signers: () => Promise<SignerCheck>;
  /** The one view whose layout is shown; null for all, each under its name. */
  readonly view: string | null;
  readonly log: Logger;
}

export class ViewMount {
  readonly #options: ViewMountOptions;
  readonly #maker: SnapshotMaker;
  readonly #mount: Mount;
  #stamp: string;
  #generation: Generation;
  #cancel: () => void = () => {};
  #isOver = false;

  private constructor(
    options: ViewMountOptions,
    maker: SnapshotMaker,
    mount: Mount,
    first: { readonly generation: Generation; readonly stamp: string },
  ) {
    this.#options = options;
    this.#maker = maker;
    this.#mount = mount;
    this.#generation = first.generation;
    this.#stamp = first.stamp;
    this.#arm();
    void mount.ended.then(() => this.#stopLooking());
  }

  /** Fails with `generation-missing` where nothing has been applied, and as `Mount.open` does. */
  static async open(folder: string, options: ViewMountOptions): Promise<ViewMount> {
    const stamp = await stampOf(options);
    const generation = await load(options);
    const maker = new SnapshotMaker();
    const files = await shownFiles(generation, options.project, options.view);
    const snapshot = maker.make(files, options.ports.clock.wallMs());
    const mount = await Mount.open(folder, snapshot, options, {
      onFailure: (failure) => options.log.error("view.unreadable", { failure }),
    });
    return new ViewMount(options, maker, mount, { generation, stamp });
  }

  get folder(): string {
    return this.#mount.folder;
  }

  get generation(): number {
    return this.#generation.generation;
  }

  get views(): readonly string[] {
    return this.#options.view === null ? viewsOf(this.#generation) : [this.#options.view];
  }

  /** Resolves when it is unmounted, by whom ever; a failure tells what went wrong. */
  get ended(): Promise<Failure | null> {
    return this.#mount.ended;
  }

  close(): Promise<void> {
    this.#stopLooking();
    return this.#mount.close();
  }

  #stopLooking(): void {
    this.#isOver = true;
    this.#cancel();
  }

  #arm(): void {
    const { clock } = this.#options.ports;
    this.#cancel = clock.at(clock.nowUs() + LOOK_MS * 1000, () => {
      void this.#look().then(() => {
        if (!this.#isOver) this.#arm();
      });
    });
  }

  /** Shows the generation in force when it is another one. What cannot be believed changes nothing. */
  async #look(): Promise<void> {
    const { log, ports, project, view } = this.#options;
    try {
      const stamp = await stampOf(this.#options);
      if (stamp === this.#stamp) return;
      this.#stamp = stamp;
      const generation = await load(this.#options);
      const files = await shownFiles(generation, project, view);
      const { snapshot, changed } = this.#maker.replace(files, ports.clock.wallMs());
      await this.#mount.show(snapshot, changed);
      this.#generation = generation;
      log.info("view.followed", { generation: generation.generation, names: changed.length });
    } catch (thrown) {
      log.error("view.stayed", { generation: this.generation, failure: Failure.from(thrown) });
    }
  }
}

async function load({ ports, project, signers }: ViewMountOptions): Promise<Generation> {
  const stored = await readGeneration(ports, project.folder, await signers());
  if (stored !== null) return stored.generation;
  throw new Failure(
    "generation-missing",
    "Nothing has been applied yet, so there is nothing to show",
    {
      origin: "local",
      remedy: "`rtt plan` and `rtt apply`, then mount.",
      context: { path: generationPath(project.folder) },
    },
  );
}

/** Another text for another file: the flip replaces it by a new one. */
async function stampOf({ ports, project }: ViewMountOptions): Promise<string> {
  const path = generationPath(project.folder);
  const [info, identity] = [await ports.files.info(path), await ports.files.identity(path)];
  return info === null ? "none" : `${info.modifiedMs}/${info.sizeBytes}/${identity?.inode}`;
}
