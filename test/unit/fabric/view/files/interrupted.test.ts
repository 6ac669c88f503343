/**
 * Goal: whenever a change of views is interrupted, by power or by a full disk, no byte of the user's is lost, and the
 * change can be finished or taken back.
 * Method: one change with every kind of step (links that come, change and go, a merge into the user's file, a merged
 * file that comes, one that goes), interrupted at each operation of the files port.
 */
import { describe, expect, test } from "vitest";
import type { PlannedFile } from "../../../../../host/shared/fabric/plan.ts";
import { Failure } from "../../../../../host/shared/ports/failure.ts";
import type { Files } from "../../../../../host/shared/ports/files.ts";
import { CrashingFiles, PowerLoss } from "../../../../support/crashing-files.ts";
import { TearingFiles } from "../../../../support/tearing-files.ts";
import { MemoryFiles } from "../../../../support/memory-files.ts";
import { server, ViewWorld } from "./world.ts";

const ROOT = "/p";
const USERS = '{\n  // mine\n  "theme": "dark"\n}\n';
/** What the user's file holds once our fields are in it, and nothing else of it has changed. */
const MINE = /^\{\n {2}\/\/ mine\n {2}"theme": "dark"/;

/** A disk whose every change fails from some operation on, until somebody makes room. */
class FullFiles extends MemoryFiles {
  operations = 0;
  fullFrom = Number.POSITIVE_INFINITY;

  override async write(path: string, bytes: Uint8Array): Promise<void> {
    this.#step(path);
    await super.write(path, bytes);
  }

  override async create(path: string, bytes: Uint8Array): Promise<boolean> {
    this.#step(path);
    return super.create(path, bytes);
  }

  override async link(source: string, path: string): Promise<boolean> {
    this.#step(path);
    return super.link(source, path);
  }

  #step(path: string): void {
    if (this.operations++ < this.fullFrom) return;
    throw new Failure("folder-unwritable", `${path} (ENOSPC)`, {
      origin: "host",
      remedy: "Make room on the disk.",
      context: { path },
    });
  }
}

/** A project in which one generation is shown, and the change to the next one. */
async function begun(files: MemoryFiles) {
  const world = await ViewWorld.open(files, ROOT);
  await world.write("mcp.json", USERS);
  await world.write("own.json", USERS);
  await world.write("taken.md", "taken");
  await world.apply([
    await world.link("stays.md", "stays"),
    await world.link("changes.md", "one"),
    await world.link("a/goes.md", "goes"),
    await world.link("taken.md", "taken"),
    await world.merge("own.json", "jsonc", [server("a"), server("b")]),
    await world.merge("gone.json", "json", [server("a")]),
  ]);
  const desired = [
    await world.link("stays.md", "stays"),
    await world.link("changes.md", "two"),
    await world.link("b/comes.md", "comes"),
    await world.merge("mcp.json", "jsonc", [server("a")], "claude-code"),
    await world.merge("own.json", "jsonc", [server("b", "node")]),
    await world.merge("new.json", "json", [server("a")], "claude-code"),
  ];
  const planned = await world.plan(desired);
  expect(planned.problems).toEqual([]);
  return { world, planned: planned.files };
}

const BEFORE = {
  "taken.md": "taken",
  "changes.md": "one",
  "a/goes.md": "goes",
  "b/comes.md": null,
  "new.json": null,
};
const AFTER = {
  "taken.md": "taken",
  "changes.md": "two",
  "a/goes.md": null,
  "b/comes.md": "comes",
  "gone.json": null,
};

async function texts(world: ViewWorld, names: object): Promise<object> {
  const found = Object.keys(names).map(async (name) => [name, await world.text(name)] as const);
  return Object.fromEntries(await Promise.all(found));
}

/** The user's files say everything that the user has written into them. */
async function expectUsersBytes(world: ViewWorld): Promise<void> {
  expect(await world.text("mcp.json")).toMatch(MINE);
  expect(await world.text("own.json")).toMatch(MINE);
}

/** The same project on the machine that has started again. */
async function restarted(before: ViewWorld, files: Files): Promise<ViewWorld> {
  const world = await ViewWorld.open(files, ROOT);
  world.current = before.current;
  return world;
}

async function expectTakenBack(world: ViewWorld, planned: readonly PlannedFile[]): Promise<void> {
  const forward = world.transaction(planned);
  const back = world.back(forward);
  await world.prepare(back);
  await world.commit(back);
  await world.abort(forward);
  expect(await world.wrong(back)).toEqual([]);
  expect(await texts(world, BEFORE)).toEqual(BEFORE);
  expect(await world.text("mcp.json")).toBe(USERS);
  expect(await leftovers(world)).toEqual([]);
}

async function expectFinished(world: ViewWorld, planned: readonly PlannedFile[]): Promise<void> {
  const transaction = world.transaction(planned);
  await world.commit(transaction);
  expect(await world.wrong(transaction)).toEqual([]);
  expect(await texts(world, AFTER)).toEqual(AFTER);
  await expectUsersBytes(world);
  expect(await leftovers(world)).toEqual([]);
  world.current = world.stored(transaction.target);
  await world.apply([]);
  expect(await world.text("mcp.json")).toBe(USERS);
  expect(await world.text("own.json")).toBe(USERS);
}

/** Everything staged, and trials in the folders of views. */
async function leftovers(world: ViewWorld): Promise<readonly string[]> {
  const { all } = world.files as MemoryFiles;
  const isOurs = (path: string): boolean => path.startsWith(`${ROOT}/.rtt/`);
  return [...all.keys()].filter((path) =>
    isOurs(path) ? path.includes("/staging/") : path.endsWith(".tmp"),
  );
}

const DONE = [
  ["not done", false],
  ["done", true],
] as const;

describe.each(DONE)("power is lost with the last operation %s", (_, isLastDone) => {
  test("before the decision: the change is forgotten", async () => {
    let crashes = 0;
    for (let at = 0; ; at++) {
      const files = new CrashingFiles();
      const { world, planned } = await begun(files);
      const transaction = world.transaction(planned);
      files.crashAt(at, isLastDone);
      const isThrough = await survives(() => world.prepare(transaction));
      if (isThrough) break;
      crashes += 1;
      const again = await restarted(world, files.survivors());
      await again.abort(transaction);
      expect(await texts(again, BEFORE)).toEqual(BEFORE);
      expect(await again.text("mcp.json")).toBe(USERS);
      expect(await leftovers(again)).toEqual([]);
      await again.prepare(transaction);
      await expectFinished(again, planned);
    }
    expect(crashes).toBeGreaterThan(5);
  });

  test("after the decision: it is finished, or taken back", async () => {
    let crashes = 0;
    for (let at = 0; ; at++) {
      const files = new CrashingFiles();
      const { world, planned } = await begun(files);
      const transaction = world.transaction(planned);
      await world.prepare(transaction);
      files.crashAt(at, isLastDone);
      if (await survives(() => world.commit(transaction))) break;
      crashes += 1;
      const found = await restarted(world, files.survivors());
      await expectUsersBytes(found);
      await expectFinished(await restarted(world, files.survivors()), planned);
      await expectTakenBack(await restarted(world, files.survivors()), planned);
    }
    expect(crashes).toBeGreaterThan(10);
  });

  test("on the way back: it is taken back once more", async () => {
    let crashes = 0;
    for (let at = 0; ; at++) {
      const files = new CrashingFiles();
      const { world, planned } = await begun(files);
      const forward = world.transaction(planned);
      await world.prepare(forward);
      await world.commit(forward);
      const back = world.back(forward);
      files.crashAt(at, isLastDone);
      const isThrough = await survives(async () => {
        await world.prepare(back);
        await world.commit(back);
        await world.abort(forward);
      });
      if (isThrough) break;
      crashes += 1;
      await expectTakenBack(await restarted(world, files.survivors()), planned);
    }
    expect(crashes).toBeGreaterThan(10);
  });
});

describe("the disk is full", () => {
  test("at any operation before the vote: it is no", async () => {
    let refusals = 0;
    for (let at = 0; ; at++) {
      const files = new FullFiles();
      const { world, planned } = await begun(files);
      const transaction = world.transaction(planned);
      files.operations = 0;
      files.fullFrom = at;
      let message = "";
      const code = await codeOf(() =>
        world.prepare(transaction).catch((thrown: unknown) => {
          message = String(thrown);
          throw thrown;
        }),
      );
      await world.abort(transaction);
      if (code === null) break;
      expect(message).not.toContain(".rtt-probe");
      refusals += 1;
      expect(code).toBe("folder-unwritable");
      expect(await texts(world, BEFORE)).toEqual(BEFORE);
      expect(await world.text("mcp.json")).toBe(USERS);
      expect(await leftovers(world)).toEqual([]);
    }
    expect(refusals).toBeGreaterThan(5);
  });

  test("at any operation after the vote: it is finished once there is room, or taken back", async () => {
    let failures = 0;
    for (let at = 0; ; at++) {
      const files = new FullFiles();
      const { world, planned } = await begun(files);
      const transaction = world.transaction(planned);
      await world.prepare(transaction);
      files.operations = 0;
      files.fullFrom = at;
      const code = await codeOf(() => world.commit(transaction));
      await expectUsersBytes(world);
      files.fullFrom = Number.POSITIVE_INFINITY;
      if (code === null) break;
      failures += 1;
      expect(code).toBe("folder-unwritable");
      if (at % 2 === 0) await expectFinished(world, planned);
      else await expectTakenBack(world, planned);
    }
    expect(failures).toBeGreaterThan(5);
  });
});

describe("the disk tears and reorders what was not synced", () => {
  /** What a step leaves on a disk that loses power in it, in every state that it can leave; how many those are. */
  async function inEveryState(
    prepared: boolean,
    judge: (found: ViewWorld, planned: readonly PlannedFile[]) => Promise<void>,
  ): Promise<number> {
    const { world: first, planned } = await begun(new MemoryFiles());
    if (prepared) await first.prepare(first.transaction(planned));
    const files = new TearingFiles((first.files as MemoryFiles).all);
    const world = await restarted(first, files);
    if (prepared) await world.commit(world.transaction(planned));
    else await world.prepare(world.transaction(planned));
    let states = 0;
    for (const state of files.crashStates()) {
      const survivors = new MemoryFiles();
      for (const [path, bytes] of state.files) survivors.all.set(path, bytes);
      await judge(await restarted(first, survivors), planned);
      states += 1;
    }
    return states;
  }

  test("before the decision, the change is forgotten", async () => {
    const states = await inEveryState(false, async (found, planned) => {
      await found.abort(found.transaction(planned));
      expect(await texts(found, BEFORE)).toEqual(BEFORE);
      expect(await found.text("mcp.json")).toBe(USERS);
      await found.prepare(found.transaction(planned));
    });
    expect(states).toBeGreaterThan(50);
  });

  test("after the decision, it is finished or taken back", async () => {
    let count = 0;
    const states = await inEveryState(true, async (found, planned) => {
      await expectUsersBytes(found);
      if (count++ % 2 === 0) await expectFinished(found, planned);
      else await expectTakenBack(found, planned);
    });
    expect(states).toBeGreaterThan(50);
  });

  test("what was done lasts", async () => {
    const { world: first, planned } = await begun(new MemoryFiles());
    const files = new TearingFiles((first.files as MemoryFiles).all);
    const world = await restarted(first, files);
    await world.prepare(world.transaction(planned));
    await world.commit(world.transaction(planned));
    let last = 0;
    for (const state of files.crashStates()) {
      if (state.step < files.steps.length) continue;
      last += 1;
      const survivors = new MemoryFiles();
      for (const [path, bytes] of state.files) survivors.all.set(path, bytes);
      const found = await restarted(first, survivors);
      expect(await found.wrong(found.transaction(planned))).toEqual([]);
    }
    expect(last).toBeGreaterThan(0);
  });
});

async function survives(task: () => Promise<void>): Promise<boolean> {
  try {
    await task();
    return true;
  } catch (thrown) {
    if (thrown instanceof PowerLoss) return false;
    throw thrown;
  }
}

async function codeOf(task: () => Promise<void>): Promise<string | null> {
  try {
    await task();
    return null;
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown.code;
    throw thrown;
  }
}
