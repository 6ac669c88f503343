/**
 * One writer of the index at a time, among programs too: whoever creates the lock file writes. A lock that a crash has
 * left is taken over after a while; nobody holds one for longer than two writes take.
 */
import { sleep } from "../../ports/clock.ts";
import { Failure } from "../../ports/failure.ts";
import type { RegistryPorts } from "./ports.ts";

const LOCK_MODE = 0o600;
const RETRY_MS = 20;
/** Longer than any two writes to a slow disk. */
const STALE_MS = 10_000;
/** Others may have to be waited for as well, but not for ever. */
const WAIT_MS_MAX = 60_000;

/** Runs `task` while holding the lock at `path`. Fails with `would-block` when others hold it for a minute. */
export async function holdingLock<T>(
  ports: RegistryPorts,
  path: string,
  task: () => Promise<T>,
): Promise<T> {
  const { files, clock } = ports;
  const beginUs = clock.nowUs();
  while (!(await files.create(path, new Uint8Array(), LOCK_MODE))) {
    const info = await files.info(path);
    // The absolute difference, so that a clock that jumped back does not make a lock eternal.
    if (info !== null && Math.abs(clock.wallMs() - info.modifiedMs) > STALE_MS) {
      await files.remove(path);
    } else if (clock.nowUs() - beginUs > WAIT_MS_MAX * 1000) {
      throw new Failure("would-block", `Another program is writing: ${path} is there`, {
        origin: "host",
        remedy: "Wait for it to end.",
        context: { path },
      });
    } else {
      await sleep(clock, RETRY_MS);
    }
  }
  try {
    return await task();
  } finally {
    await files.remove(path);
  }
}
