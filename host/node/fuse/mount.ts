/**
 * A mount from its beginning to its end: the folder is checked and mounted on, a thread serves it, later trees are
 * handed to the thread, and whatever happens the folder is left as it was found.
 */
import { spawnSync } from "node:child_process";
import { closeSync, statfs, write } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { MessageChannel, Worker } from "node:worker_threads";
import { Failure } from "../../shared/ports/failure.ts";
import { CONTROL_BYTES, STOP, TREES, type WorkerData, type WorkerMessage } from "./channel.ts";
import { leaveFolder, type MountFolder, takeFolder } from "./mount-folder.ts";
import { invalidation } from "./reply.ts";
import type { ChangedName, Snapshot } from "./snapshot.ts";
import {
  type MountedDevice,
  mountOn,
  type MountOptions,
  mountPointAt,
  unmountAtOnce,
  unmountFrom,
  unsupported,
} from "./system.ts";

/** Compiled, the worker lies beside this file under the other ending. */
const EXTENSION = import.meta.url.endsWith(".ts") ? "ts" : "js";
const WORKER = new URL(`worker.${EXTENSION}`, import.meta.url);

/** The kernel greets at once; a thread that has not been greeted by then never will be. */
const GREETING_MS = 10_000;
/** By then whatever was to be written is with the kernel. */
const LAST_MESSAGE_MS = 1_000;
/** The thread hears of a question at once. */
const QUESTION_MS = 500;

export interface MountEvents {
  /** Something could not be shown; whoever asked for it got an error. */
  onFailure(failure: Failure): void;
}

export class Mount {
  readonly folder: string;
  /** Resolves when it is over: to null when it was closed or unmounted by somebody, else to what went wrong. */
  readonly ended: Promise<Failure | null>;
  readonly #mounted: MountedDevice;
  readonly #worker: Worker;
  readonly #flags: Int32Array;
  readonly #sendTree: (snapshot: Snapshot) => void;
  readonly #target: MountFolder;
  #closing: Promise<void> | null = null;
  /** The thread has ended, and the device is about to be closed. */
  #isOver = false;
  #notifying: Promise<void> = Promise.resolve();

  private constructor(
    target: MountFolder,
    mounted: MountedDevice,
    snapshot: Snapshot,
    events: MountEvents,
  ) {
    const { port1, port2 } = new MessageChannel();
    const control = new SharedArrayBuffer(CONTROL_BYTES);
    const owner = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
    const workerData: WorkerData = {
      device: mounted.device,
      trees: port2,
      control,
      snapshot,
      owner,
    };
    this.folder = target.path;
    this.#target = target;
    this.#mounted = mounted;
    this.#flags = new Int32Array(control);
    this.#sendTree = (next) => port1.postMessage(next);
    this.#worker = new Worker(WORKER, { workerData, transferList: [port2] });
    this.#worker.on("message", (message: WorkerMessage) => {
      if (message.kind === "failure") events.onFailure(reported(message));
    });
    this.ended = this.#end(port1);
    // Node.js waits for its threads when it ends, and this one waits for the kernel.
    process.once("exit", this.#leaveAtOnce);
  }

  /**
   * Mounts a tree on a folder, which is made when it is missing. Fails with `mount-unsupported`, with `view-conflict`
   * for a folder with something in it, with `already-running` for one that is mounted on.
   */
  static async open(
    folder: string,
    snapshot: Snapshot,
    options: MountOptions,
    events: MountEvents,
  ): Promise<Mount> {
    const target = await takeFolder(folder);
    let mounted: MountedDevice;
    try {
      mounted = await mountOn(target.path, options);
    } catch (thrown) {
      leaveFolder(target);
      throw thrown;
    }
    const mount = new Mount(target, mounted, snapshot, events);
    try {
      await mount.#greeted();
    } catch (thrown) {
      await mount.close();
      throw thrown;
    }
    return mount;
  }

  /** From now on the mount shows this tree; `changed` are the names that mean something else in it. */
  async show(snapshot: Snapshot, changed: readonly ChangedName[]): Promise<void> {
    this.#sendTree(snapshot);
    Atomics.add(this.#flags, TREES, 1);
    for (const { folder, name } of changed) {
      if (this.#isOver) return;
      // Never from the thread that answers: the kernel may hold a folder for which it waits for an answer.
      this.#notifying = this.#notify(invalidation(folder, name));
      await this.#notifying;
    }
  }

  /** Unmounts. Whoever still has a file of it open loses it. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { helper } = this.#mounted;
    if (!(await unmountFrom(this.folder, helper))) {
      // Somebody uses it. The thread ends after its next answer, to a question that is asked here.
      Atomics.store(this.#flags, STOP, 1);
      statfs(this.folder, () => undefined);
    }
    await this.ended;
  }

  /** What remains when the thread has ended, for whatever reason. */
  async #end(port: { close(): void }): Promise<Failure | null> {
    const failure = await new Promise<Failure | null>((resolve) => {
      this.#worker.once("error", (error) => resolve(Failure.from(error)));
      this.#worker.once("exit", () => resolve(null));
    });
    port.close();
    process.off("exit", this.#leaveAtOnce);
    this.#isOver = true;
    // A message that has yet to be written would go into whatever file gets the device's number next; one that the
    // kernel is holding has it already.
    await Promise.race([this.#notifying, sleep(LAST_MESSAGE_MS, undefined, { ref: false })]);
    // Closing the device ends every question that is still open.
    closeSync(this.#mounted.device);
    if (mountPointAt(this.folder)?.isOurs === true) {
      await unmountFrom(this.folder, this.#mounted.helper, true);
    }
    leaveFolder(this.#target);
    return failure;
  }

  /** Resolves when the kernel has greeted and both speak one protocol. */
  #greeted(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(unsupported("the kernel did not answer", {})),
        GREETING_MS,
      );
      const settle = (failure: Failure | null): void => {
        clearTimeout(timer);
        if (failure === null) resolve();
        else reject(failure);
      };
      this.#worker.on("message", (message: WorkerMessage) => {
        if (message.kind !== "init") return;
        const { major, minor } = message.kernel;
        const problem = `its kernel speaks FUSE ${major}.${minor}, and 7.31 is needed`;
        settle(message.isAgreed ? null : unsupported(problem, {}));
      });
      void this.ended.then((failure) =>
        settle(failure ?? unsupported("it was unmounted at once", {})),
      );
    });
  }

  /** The kernel may not know the name; then there is nothing to forget. */
  #notify(message: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      write(this.#mounted.device, message, () => resolve());
    });
  }

  /** The last resort, when the process ends without having closed the mount. */
  readonly #leaveAtOnce = (): void => {
    const { helper } = this.#mounted;
    if (unmountAtOnce(this.folder, helper, false)) return;
    // Somebody uses it: the thread has to be asked something before it looks whether to stop. Whatever is asked after
    // that has no answer, so nobody waits for it long.
    Atomics.store(this.#flags, STOP, 1);
    spawnSync("stat", ["-f", this.folder], { stdio: "ignore", timeout: QUESTION_MS });
    unmountAtOnce(this.folder, helper, true);
  };
}

function reported({ failure }: WorkerMessage & { readonly kind: "failure" }): Failure {
  const { code, message, context } = failure;
  return new Failure(code, message.slice(code.length + 2), {
    origin: "host",
    remedy: "`rtt fsck` checks the registry, `rtt view status` the files of the views.",
    context,
  });
}
