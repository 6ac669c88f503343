/** Finds and ends processes of tests, so that no run leaves one behind and none is left unnoticed. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** How long processes may take to end by themselves when their node is gone. */
const GRACE_MS = 10_000;

/** Ends a process group at once. One that is gone already is what was asked for. */
export function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // ESRCH: nobody is left.
  }
}

/**
 * Processes that work in `folder` or name it, described, once those that are ending have ended; they are then killed.
 * Always none where the system does not tell (only Linux has /proc).
 */
export async function processesOf(folder: string): Promise<readonly string[]> {
  const untilMs = performance.now() + GRACE_MS;
  while (find(folder).length > 0 && performance.now() < untilMs) await sleep(50);
  const left = find(folder);
  const described = left.map((pid) => `${pid} ${read(pid, "cmdline").replaceAll("\0", " ")}`);
  for (const pid of left) process.kill(pid, "SIGKILL");
  return described;
}

function find(folder: string): readonly number[] {
  if (!existsSync("/proc/self/stat")) return [];
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => pid !== process.pid && belongs(pid, folder));
}

function belongs(pid: number, folder: string): boolean {
  // A process that has ended and waits for its parent has neither a folder nor a command line.
  if (["cmdline", "environ"].some((file) => read(pid, file).includes(folder))) return true;
  try {
    const cwd = readlinkSync(join("/proc", String(pid), "cwd"));
    return cwd === folder || cwd.startsWith(`${folder}/`);
  } catch {
    return false;
  }
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(join("/proc", String(pid), file), "utf8");
  } catch {
    // It has ended since, or is a kernel's own.
    return "";
  }
}
