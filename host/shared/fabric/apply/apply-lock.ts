/**
 * One change at a time, among programs too. Whoever creates the lock file changes; a file beside it beats while its
 * holder lives.
 *
 *   .rtt/apply.lock            who holds it: a name that only this holder has, and the process
 *   .rtt/apply.lock.beat       the same name and a number that grows
 *   .rtt/apply.lock.takeover   there while somebody removes the lock of a holder that is gone
 *
 * A holder is gone when the system says that its process has ended, or when its beat has stood still for a while on
 * the clock of whoever waits: no clock of two machines and no time of a file is ever compared. A holder that only
 * slept looks at the lock before each step, and the log refuses whoever does not know its latest entry.
 */
import { type Clock, sleep } from "../../ports/clock.ts";
import { Failure } from "../../ports/failure.ts";
import type { Files } from "../../ports/files.ts";
import { equalBytes, fromUtf8, utf8 } from "../../trust/bytes.ts";

export interface LockHolder {
  /** A name that nobody has had before. */
  readonly token: string;
  /** The process, as `isGone` takes it. */
  readonly process: string;
  /** Whether the process of another holder has ended; null when that cannot be told. */
  isGone(process: string): boolean | null;
}

export interface LockOptions {
  readonly holder: LockHolder;
  /** How long to wait for another holder; 0: not at all. */
  readonly waitMs: number;
  /** Told once when there is somebody to wait for. */
  readonly onWait?: (process: string) => void;
}

interface LockPorts {
  readonly files: Files;
  readonly clock: Clock;
}

const LOCK_MODE = 0o600;
const RETRY_MS = 50;
const BEAT_MS = 2000;
/** Many beats, so that a machine that is busy is not taken for a dead one. */
const GONE_MS = 15_000;

/** Where the lock lies, in the folder `.rtt`. */
export function lockPath(folder: string): string {
  return `${folder}/apply.lock`;
}

/** Fails with `would-block` once the lock is somebody else's, who took this program for dead. */
export type LockCheck = () => Promise<void>;

/** Runs `task` as the only one that changes the project. Fails with `would-block` when another one does. */
export async function holdingApplyLock<T>(
  ports: LockPorts,
  folder: string,
  options: LockOptions,
  task: (check: LockCheck) => Promise<T>,
): Promise<T> {
  const path = lockPath(folder);
  await acquire(ports, path, options);
  const isMine = async (): Promise<boolean> => {
    const present = await ports.files.read(path);
    return present !== null && equalBytes(present, lockBytes(options.holder));
  };
  const beat = new Beat(ports, path, options.holder.token);
  try {
    return await task(async () => {
      if (!(await isMine())) throw takenOver(path);
    });
  } finally {
    await beat.stop();
    if (await isMine()) await ports.files.remove(path);
  }
}

function lockBytes({ token, process }: LockHolder): Uint8Array<ArrayBuffer> {
  return utf8(`${token} ${process}\n`);
}

async function acquire(ports: LockPorts, path: string, options: LockOptions): Promise<void> {
  const { files, clock } = ports;
  const { holder, waitMs, onWait } = options;
  const mine = lockBytes(holder);
  const watch = new Watch(clock);
  const endUs = clock.nowUs() + waitMs * 1000;
  let isTold = false;
  while (!(await files.create(path, mine, LOCK_MODE))) {
    const theirs = await files.read(path);
    if (theirs === null) continue;
    const [, process = ""] = (fromUtf8(theirs) ?? "").trimEnd().split(" ");
    const beat = await files.read(`${path}.beat`);
    if (holder.isGone(process) === true || watch.hasStoodStill(theirs, beat)) {
      await takeOver(ports, path, theirs);
      continue;
    }
    if (clock.nowUs() >= endUs) throw heldBy(path, process);
    if (!isTold) onWait?.(process);
    isTold = true;
    await sleep(clock, RETRY_MS);
  }
}

/** Notices a holder that does not move any more. */
class Watch {
  readonly #clock: Clock;
  #seen = "";
  #sinceUs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  hasStoodStill(lock: Uint8Array, beat: Uint8Array | null): boolean {
    const seen = `${fromUtf8(lock)} ${beat === null ? "" : fromUtf8(beat)}`;
    const nowUs = this.#clock.nowUs();
    if (seen !== this.#seen) {
      this.#seen = seen;
      this.#sinceUs = nowUs;
    }
    return nowUs - this.#sinceUs > GONE_MS * 1000;
  }
}

/**
 * Removes the lock `theirs`, and no other: of all who found it left behind, one at a time looks again and removes it.
 */
async function takeOver({ files, clock }: LockPorts, path: string, theirs: Uint8Array) {
  const claim = `${path}.takeover`;
  if (!(await files.create(claim, theirs, LOCK_MODE))) {
    // Left by somebody who lost power in the middle; its content says which lock it was for.
    const beginUs = clock.nowUs();
    while ((await files.read(claim)) !== null) {
      if (clock.nowUs() - beginUs > GONE_MS * 1000) await files.remove(claim);
      else await sleep(clock, RETRY_MS);
    }
    return;
  }
  try {
    const present = await files.read(path);
    if (present !== null && equalBytes(present, theirs)) await files.remove(path);
  } finally {
    await files.remove(claim);
  }
}

/** Writes the beat now and then. A beat that cannot be written is no reason to stop: the log guards itself. */
class Beat {
  readonly #ports: LockPorts;
  readonly #path: string;
  readonly #token: string;
  #count = 0;
  #cancel: () => void = () => {};
  #writing: Promise<void> = Promise.resolve();

  constructor(ports: LockPorts, path: string, token: string) {
    this.#ports = ports;
    this.#path = `${path}.beat`;
    this.#token = token;
    this.#arm();
  }

  async stop(): Promise<void> {
    this.#cancel();
    await this.#writing;
    if (this.#count > 0) await this.#ports.files.remove(this.#path);
  }

  #arm(): void {
    const { clock } = this.#ports;
    this.#cancel = clock.at(clock.nowUs() + BEAT_MS * 1000, () => {
      this.#writing = this.#beat();
      this.#arm();
    });
  }

  async #beat(): Promise<void> {
    this.#count += 1;
    const bytes = utf8(`${this.#token} ${this.#count}\n`);
    await this.#ports.files.write(this.#path, bytes, LOCK_MODE).catch(() => undefined);
  }
}

function takenOver(path: string): Failure {
  return new Failure("would-block", "Another program has taken over, as this one stood still", {
    origin: "host",
    remedy: "See `rtt log` for what came of the change; apply again if it is still wanted.",
    context: { path },
  });
}

function heldBy(path: string, process: string): Failure {
  return new Failure("would-block", `Another program changes this project (${process})`, {
    origin: "host",
    remedy: "Wait for it to end, or give --wait a longer time.",
    context: { path, process },
  });
}
