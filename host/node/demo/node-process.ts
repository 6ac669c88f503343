/** A node as a process of its own: `rtt up`, started, frozen, killed and started again by the main job. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Failure } from "../../shared/ports/failure.ts";
import type { NodeStatus } from "../node-face.ts";

/** The program itself: TypeScript in a checkout, JavaScript in the package. */
const EXTENSION = import.meta.url.endsWith(".ts") ? "ts" : "js";
const MAIN = fileURLToPath(new URL(`../main.${EXTENSION}`, import.meta.url));
/** A node of the main job ends with it, also when the main job is killed. */
const UP = ["up", "--json", "--log-level", "error", "--while-input", "--no-project"];
const READY_MS = 60_000;
const STOP_MS = 5_000;

export type ReadyNode = NodeStatus & { readonly page: string };

/** How another process of this program is started, with whatever options make this Node run it. */
export function rttCommand(...args: readonly string[]): readonly [string, readonly string[]] {
  return [process.execPath, [...process.execArgv, MAIN, ...args]];
}

export class NodeProcess {
  readonly ready: ReadyNode;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, ready: ReadyNode) {
    this.#child = child;
    this.ready = ready;
  }

  /** Starts `rtt up` and resolves when the node says that it is ready. */
  static async start(
    home: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<NodeProcess> {
    const [command, commandArgs] = rttCommand(...UP, ...args);
    const child = spawn(command, [...commandArgs], {
      env: { ...process.env, ...environment, RTT_HOME: home },
      stdio: ["pipe", "pipe", "pipe"],
    });
    let errors = "";
    child.stderr.on("data", (bytes: Buffer) => (errors = (errors + bytes.toString()).slice(-4000)));
    const lines = createInterface({ input: child.stdout });
    const timer = AbortSignal.timeout(READY_MS);
    try {
      const [line] = (await Promise.race([
        once(lines, "line", { signal: timer }),
        once(child, "exit", { signal: timer }).then(() => Promise.reject(new Error("it ended"))),
      ])) as [string];
      return new NodeProcess(child, JSON.parse(line) as ReadyNode);
    } catch (cause) {
      child.kill("SIGKILL");
      throw new Failure(
        "not-running",
        `a node of the main job did not start: ${lastLine(errors)}`,
        {
          origin: "host",
          context: { home },
          remedy: "Run `rtt doctor` to see what this machine lacks.",
          cause,
        },
      );
    }
  }

  get pid(): number {
    return this.ready.pid;
  }

  /** Stops its clock: it neither reads nor answers, as a machine that hangs. */
  freeze(): void {
    this.#child.kill("SIGSTOP");
  }

  /** Ends it at once, without a chance to say goodbye. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Ends it in good order, and at once when that takes too long. */
  async stop(): Promise<void> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MS);
    await this.#end("SIGTERM");
    clearTimeout(timer);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill(signal);
    await ended;
  }
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)?.slice(0, 500) ?? "";
}
