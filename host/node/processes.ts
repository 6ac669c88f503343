/**
 * Child processes on Node. Each child leads a process group of its own, so that killing it also kills whatever it
 * started (`npx`, shells, language runtimes); a group that outlives its leader is killed too.
 */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { Failure } from "../shared/ports/failure.ts";
import type {
  ChildProcess,
  Processes,
  ProcessExit,
  SpawnOptions,
} from "../shared/ports/processes.ts";

/** Windows has no process groups; there the tree is ended by `taskkill`. */
const HAS_GROUPS = process.platform !== "win32";

/** Groups that are alive now: the last thing a node does is to end them. */
const groups = new Set<number>();
process.once("exit", () => {
  for (const pid of groups) killGroup(pid);
});

export const nodeProcesses: Processes = {
  async spawn(options: SpawnOptions): Promise<ChildProcess> {
    const child = spawn(options.command, [...options.args], {
      cwd: options.folder,
      env: { ...options.environment },
      detached: HAS_GROUPS,
      stdio: ["pipe", "pipe", "pipe"],
      windowsHide: true,
    });
    const exited = waitForExit(child);
    // A pipe that breaks because the child is gone is told by `exited`, not by an uncaught error.
    child.stdin.on("error", () => {});
    child.stdout.on("data", (bytes: Buffer) => options.onOutput(bytes));
    child.stderr.on("data", (bytes: Buffer) => options.onErrorOutput(bytes));
    const { pid } = await started(child, options);
    groups.add(pid);
    void exited.then(() => {
      killGroup(pid);
      groups.delete(pid);
    });
    return {
      pid,
      exited,
      write: (bytes) => write(child, bytes, options.command),
      closeInput: () => child.stdin.end(),
      kill: () => {
        killGroup(pid);
        child.kill("SIGKILL");
      },
    };
  },
};

/** Resolves with the pid once the program runs; fails when the system cannot start it. */
function started(
  child: ChildProcessWithoutNullStreams,
  options: SpawnOptions,
): Promise<{ pid: number }> {
  return new Promise((resolve, reject) => {
    child.once("spawn", () => resolve({ pid: child.pid ?? 0 }));
    child.once("error", (error: NodeJS.ErrnoException) => reject(spawnFailure(error, options)));
  });
}

function spawnFailure(error: NodeJS.ErrnoException, options: SpawnOptions): Failure {
  const context = { command: options.command, folder: options.folder };
  if (error.code === "EACCES" || error.code === "EPERM") {
    return new Failure("permission-denied", `${options.command} may not be started`, {
      origin: "host",
      context,
      remedy: "Make the program executable, or name one that is.",
      cause: error,
    });
  }
  return new Failure("program-missing", `${options.command} cannot be started (${error.code})`, {
    origin: "host",
    context,
    remedy: "Install the program, or correct `command` and `folder` of this server.",
    cause: error,
  });
}

async function write(
  child: ChildProcessWithoutNullStreams,
  bytes: Uint8Array,
  command: string,
): Promise<void> {
  const gone = (cause?: unknown): Failure =>
    new Failure("tool-crashed", `${command} has ended and takes no more input`, {
      origin: "host",
      remedy: "Wait for its restart, then call again.",
      cause,
    });
  if (child.exitCode !== null || child.signalCode !== null || !child.stdin.writable) throw gone();
  if (child.stdin.write(bytes)) return;
  const stop = new AbortController();
  try {
    await Promise.race([
      once(child.stdin, "drain", { signal: stop.signal }),
      once(child, "close", { signal: stop.signal }).then(() => Promise.reject(gone())),
    ]);
  } catch (thrown) {
    throw thrown instanceof Failure ? thrown : gone(thrown);
  } finally {
    stop.abort();
  }
}

/** Waits for the end of the process and of its pipes, so that no output is lost after it. */
function waitForExit(child: ChildProcessWithoutNullStreams): Promise<ProcessExit> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => {
      // A grandchild may keep the pipes open for ever; the exit of the leader decides.
      const timer = setTimeout(() => resolve({ code, signal }), 250);
      child.once("close", () => {
        clearTimeout(timer);
        resolve({ code, signal });
      });
    });
    child.once("error", () => {
      if (child.pid === undefined) resolve({ code: null, signal: null });
    });
  });
}

/** Ends every process of a group. A group that is gone already is what was asked for. */
function killGroup(pid: number): void {
  try {
    if (HAS_GROUPS) process.kill(-pid, "SIGKILL");
    else spawn("taskkill", ["/pid", String(pid), "/t", "/f"], { stdio: "ignore" });
  } catch {
    // ESRCH: nobody is left.
  }
}
