/**
 * Goal: one change at a time; nobody waits for the dead, nobody robs the living.
 * Method: holders of a lock in memory, with a clock that is moved by hand.
 */
import { expect, test } from "vitest";
import {
  holdingApplyLock,
  type LockHolder,
  lockPath,
} from "../../../../host/shared/fabric/apply/apply-lock.ts";
import type { Clock } from "../../../../host/shared/ports/clock.ts";
import { utf8 } from "../../../../host/shared/trust/bytes.ts";
import { MemoryFiles } from "../../../support/memory-files.ts";
import { failureCode } from "../../../support/ports.ts";

const FOLDER = "/p/.rtt";

/** A clock whose timers fire as fast as they can, in their order. */
class FastClock implements Clock {
  #nowUs = 0;
  #timers: { readonly atUs: number; readonly task: () => void }[] = [];
  #isRunning = false;

  nowUs(): number {
    return this.#nowUs;
  }

  wallMs(): number {
    return 0;
  }

  at(atUs: number, task: () => void): () => void {
    const timer = { atUs, task };
    this.#timers.push(timer);
    if (!this.#isRunning) void this.#run();
    return () => (this.#timers = this.#timers.filter((other) => other !== timer));
  }

  soon(task: () => void): void {
    setImmediate(task);
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#timers.length > 0) {
      // Everything that goes on at this moment ends before time moves.
      await new Promise((resolve) => setImmediate(resolve));
      const next = this.#timers.reduce((a, b) => (b.atUs < a.atUs ? b : a), this.#timers[0]!);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#nowUs = Math.max(this.#nowUs, next.atUs);
      next.task();
    }
    this.#isRunning = false;
  }
}

function holder(
  token: string,
  isGone: (process: string) => boolean | null = () => null,
): LockHolder {
  return { token, process: `host/${token}`, isGone };
}

function world() {
  const files = new MemoryFiles();
  const clock = new FastClock();
  const hold = <T>(who: LockHolder, waitMs: number, task: () => Promise<T>): Promise<T> =>
    holdingApplyLock({ files, clock }, FOLDER, { holder: who, waitMs }, task);
  const wait = (ms: number): Promise<void> =>
    new Promise((resolve) => clock.at(clock.nowUs() + ms * 1000, resolve));
  return { files, clock, hold, wait };
}

const locks = (files: MemoryFiles) => [...files.all.keys()].filter((path) => path.includes("lock"));

test("holders come one after the other, and leave nothing behind", async () => {
  const { files, hold, wait } = world();
  let inside = 0;
  const task = async (): Promise<void> => {
    inside += 1;
    expect(inside).toBe(1);
    await wait(5000);
    inside -= 1;
  };
  await Promise.all([1, 2, 3, 4].map((at) => hold(holder(String(at)), 60_000, task)));
  expect(locks(files)).toEqual([]);
});

test("the lock is given back when the task fails", async () => {
  const { files, hold } = world();
  const failing = hold(holder("1"), 0, () => Promise.reject(new Error("no")));
  await expect(failing).rejects.toThrow("no");
  expect(locks(files)).toEqual([]);
});

test("whoever does not want to wait is told who is at work", async () => {
  const { hold, wait } = world();
  const told: string[] = [];
  const first = hold(holder("1"), 0, () => wait(60_000));
  expect(await failureCode(() => hold(holder("2"), 0, async () => {}))).toBe("would-block");
  const { files, clock } = world();
  await files.create(lockPath(FOLDER), utf8("1 host/1\n"));
  const options = {
    holder: holder("2"),
    waitMs: 200,
    onWait: (who: string) => void told.push(who),
  };
  const attempt = () => holdingApplyLock({ files, clock }, FOLDER, options, async () => {});
  expect(await failureCode(attempt)).toBe("would-block");
  expect(told).toEqual(["host/1"]);
  await first;
});

test("a holder whose process has ended is replaced at once, by one of those who wait", async () => {
  const { files, clock, hold, wait } = world();
  await files.create(lockPath(FOLDER), utf8("dead host/dead\n"));
  let inside = 0;
  const isGone = (process: string): boolean => process === "host/dead";
  await Promise.all(
    [1, 2, 3].map((at) =>
      hold(holder(String(at), isGone), 60_000, async () => {
        inside += 1;
        expect(inside).toBe(1);
        await wait(100);
        inside -= 1;
      }),
    ),
  );
  expect(clock.nowUs()).toBeLessThan(5_000_000);
  expect(locks(files)).toEqual([]);
});

test("a holder of whom nothing is known is waited for until it does not beat any more", async () => {
  const { files, clock, hold } = world();
  await files.create(lockPath(FOLDER), utf8("1 elsewhere/1\n"));
  await hold(holder("2"), 60_000, async () => {});
  expect(clock.nowUs()).toBeGreaterThan(10_000_000);
});

test("a holder that works for long is not robbed", async () => {
  const { hold, wait } = world();
  let isInside = true;
  const first = hold(holder("1"), 0, async () => {
    await wait(120_000);
    isInside = false;
  });
  await hold(holder("2"), 600_000, async () => expect(isInside).toBe(false));
  await first;
});

test("a holder that was taken for dead notices, and leaves the lock of its successor alone", async () => {
  const { files, hold } = world();
  await hold(holder("1"), 0, async () => {
    await files.write(lockPath(FOLDER), utf8("2 host/2\n"));
  });
  expect(locks(files)).toEqual([lockPath(FOLDER)]);
  await files.remove(lockPath(FOLDER));
  const attempt = () =>
    holdingApplyLock(
      { files, clock: new FastClock() },
      FOLDER,
      { holder: holder("1"), waitMs: 0 },
      async (check) => {
        await check();
        await files.remove(lockPath(FOLDER));
        await check();
      },
    );
  expect(await failureCode(attempt)).toBe("would-block");
});

test("what somebody left who lost power while taking over is no obstacle", async () => {
  const { files, hold } = world();
  await files.create(lockPath(FOLDER), utf8("dead host/dead\n"));
  await files.create(`${lockPath(FOLDER)}.takeover`, utf8("dead host/dead\n"));
  await hold(
    holder("2", () => true),
    60_000,
    async () => {},
  );
  expect(locks(files)).toEqual([]);
});
