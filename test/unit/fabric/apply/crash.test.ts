/**
 * Goal: power may be lost at any step of any change, and again during recovery; afterwards either everything of it is
 * in force or nothing, the log is valid, and recovering again changes nothing.
 * Method: each history runs once on files that record every step of the disk; then every disk that a loss of power can
 * leave after each step (unsynced names lost in every combination, unsynced bytes lost or torn) is started from. Disks
 * that are equal to the byte are judged once, since recovery depends on nothing else. Recoveries are disturbed in the
 * same way: every so many of them, or with MXP_CRASH_FULL=1 all of them (half an hour).
 */
import { createHash } from "node:crypto";
import { afterAll, expect, test } from "vitest";
import { applyCanary, withdrawAbandoned } from "../../../../host/shared/fabric/apply/canary.ts";
import { Coordinator } from "../../../../host/shared/fabric/apply/coordinator.ts";
import { parseSlo } from "../../../../host/shared/fabric/apply/slo.ts";
import { readGeneration } from "../../../../host/shared/fabric/generation-file/generation-file.ts";
import { Failure } from "../../../../host/shared/ports/failure.ts";
import { MemoryFiles } from "../../../support/memory-files.ts";
import { type CrashState, TearingFiles } from "../../../support/tearing-files.ts";
import {
  always,
  applyTo,
  FileView,
  FIRST,
  FOLDER,
  judge,
  lying,
  openCoordinator,
  planTo,
  portsOf,
  refusing,
  SECOND,
  SIGNERS,
  surroundings,
  VIEWS,
} from "./apply-world.ts";

/** Every so many recoveries lose power at each of their own steps too. */
const EVERY = process.env["MXP_CRASH_FULL"] === "1" ? 1 : 400;
/** The goal of the project; what is counted is printed at the end. */
const POINTS_MIN = 10_000;

const counted = { points: 0, disks: 0, recoveries: 0 };

type Disk = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

interface History {
  readonly name: string;
  /** What is in force before. */
  readonly start: (files: MemoryFiles) => Promise<unknown>;
  readonly run: (files: MemoryFiles) => Promise<unknown>;
  /** Generations that may be in force after a crash, the first before and the last after an undisturbed run. */
  readonly generations: readonly number[];
}

const broken =
  (change: typeof lying) =>
  (files: MemoryFiles): Promise<unknown> => {
    const views = VIEWS.map((view) => new FileView(files, view));
    const participants = views.map((view, at) => (at === 1 ? change(view) : view));
    return applyTo(files, SECOND, always(participants)).catch((thrown: unknown) => {
      if (!(thrown instanceof Failure)) throw thrown;
    });
  };

const canary =
  (isBreached: boolean) =>
  async (files: MemoryFiles): Promise<unknown> => {
    const coordinator = await Coordinator.open(portsOf(files), surroundings(files));
    const plan = planTo(await coordinator.current(), SECOND);
    const call = { elapsedMs: 1, isError: isBreached };
    const run = applyCanary(portsOf(files), coordinator, plan, {
      percent: 50,
      watchMs: 0,
      conditions: parseSlo("err<1%"),
      health: { calls: async () => [call] },
    });
    return isBreached ? run.catch((thrown: unknown) => Failure.from(thrown)) : run;
  };

const nothing = async (): Promise<void> => {};
const first = (files: MemoryFiles): Promise<unknown> => applyTo(files, FIRST);
const second = (files: MemoryFiles): Promise<unknown> => applyTo(files, SECOND);
const both = async (files: MemoryFiles): Promise<void> => {
  await first(files);
  await second(files);
};

const HISTORIES: readonly History[] = [
  { name: "the first change", start: nothing, run: first, generations: [0, 1] },
  { name: "the next change", start: first, run: second, generations: [1, 2] },
  { name: "the way back", start: both, run: first, generations: [2, 3] },
  { name: "a refusal", start: first, run: broken(refusing), generations: [1] },
  // Whoever lied may be honest when power is back, and then what was decided comes into force.
  { name: "a lie", start: first, run: broken(lying), generations: [1, 2, 1] },
  { name: "a lie at first", start: nothing, run: broken(lying), generations: [0, 1, 0] },
  { name: "a canary that is promoted", start: first, run: canary(false), generations: [1, 2, 3] },
  { name: "a canary that is taken back", start: first, run: canary(true), generations: [1, 2, 3] },
];

async function numberInForce(files: MemoryFiles): Promise<number> {
  const stored = await readGeneration(portsOf(files), FOLDER, SIGNERS);
  return stored?.generation.generation ?? 0;
}

function nameOf(disk: Disk): string {
  const hash = createHash("sha1");
  for (const path of [...disk.keys()].sort()) {
    const bytes = disk.get(path) as Uint8Array;
    hash.update(`${path} ${bytes.length}\n`).update(bytes);
  }
  return hash.digest("base64");
}

/** Starts from a disk, recovers, and judges; then loses power during that recovery, as deep as asked for. */
async function recoverFrom(
  disk: Disk,
  allowed: readonly number[],
  seen: Set<string>,
  isAgain = false,
): Promise<void> {
  const name = `${nameOf(disk)} ${allowed.join()}`;
  if (seen.has(name)) return;
  seen.add(name);
  counted.disks += 1;
  const files = new TearingFiles(disk);
  // Readers need no recovery: what they see is whole at any moment.
  expect(allowed).toContain(await numberInForce(files));
  const coordinator = await openCoordinator(files);
  const recovered = await coordinator.recover();
  expect(recovered?.left ?? []).toEqual([]);
  const inForce = (await judge(files))?.generation ?? 0;
  expect(allowed).toContain(inForce);
  const settled = new Map(files.all);
  const recoverySteps = files.steps.length;
  // Once more changes nothing, not even the log.
  expect(await (await openCoordinator(files)).recover()).toBeNull();
  expect(new Map(files.all)).toEqual(settled);
  if (isAgain || recovered === null) return;
  if (counted.recoveries++ % EVERY === 0) {
    for (const state of files.crashStates()) {
      if (state.step > recoverySteps) break;
      counted.points += 1;
      await recoverFrom(state.files, allowed, seen, true);
    }
  }
}

/** What may be in force when power is lost at a step: once a change has returned, nothing before it. */
function allowedAt(
  state: CrashState,
  { generations }: History,
  doneStep: number,
): readonly number[] {
  return state.step >= doneStep ? generations.slice(-1) : generations;
}

test.each(HISTORIES)(
  "power lost at any step of: $name",
  async (history) => {
    const before = new MemoryFiles();
    await history.start(before);
    const files = new TearingFiles(before.all);
    await history.run(files);
    const doneStep = files.steps.length;
    const seen = new Set<string>();
    const pointsBefore = counted.points;
    for (const state of files.crashStates()) {
      counted.points += 1;
      await recoverFrom(state.files, allowedAt(state, history, doneStep), seen);
    }
    expect(counted.points - pointsBefore).toBeGreaterThan(doneStep);
  },
  3_600_000,
);

test("a canary whose watcher lost power is taken back by whoever comes next", async () => {
  const before = new MemoryFiles();
  await first(before);
  const files = new TearingFiles(before.all);
  await canary(false)(files);
  let withdrawn = 0;
  for (const state of files.crashStates()) {
    // The folder's last temporary file and the whole run are other tests' affair.
    if (state.step % 7 !== 0) continue;
    const after = new TearingFiles(state.files);
    const coordinator = await openCoordinator(after);
    await coordinator.recover();
    const stored = await coordinator.current();
    const applied = await withdrawAbandoned(portsOf(after), coordinator);
    expect(applied !== null).toBe(stored?.generation.canaryPercent === 50);
    if (applied === null) continue;
    withdrawn += 1;
    expect(applied.stored.generation.restores).toBe(1);
    const routes = (await coordinator.stored(1)).generation.routes;
    expect(applied.stored.generation.routes).toEqual(routes);
    await judge(after);
  }
  expect(withdrawn).toBeGreaterThan(5);
});

afterAll(() => {
  const { points, disks, recoveries } = counted;
  process.stdout.write(
    `crash points: ${points}, different disks: ${disks}, recoveries: ${recoveries}\n`,
  );
  expect(points).toBeGreaterThanOrEqual(POINTS_MIN);
});
