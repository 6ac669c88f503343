/**
 * Goal: what the real coordinator does, the model allows; and what it does not allow is noticed. Method: changes of a
 * project in memory by the real coordinator, with refusals, lies, exceptions before and after the deed, answers that
 * come too late, users who edit, writes that fail, and crashes at every step, each followed by a recovery; everything
 * that happens is told to the model (`trace.ts`). Then the same with state machines that have a rule left out.
 */
import fc from "fast-check";
import { beforeEach, expect, test, vi } from "vitest";
import { nodeClock } from "../../../host/node/clock.ts";
import { readHistory } from "../../../host/shared/fabric/apply/apply-log.ts";
import { Coordinator, wholeChange } from "../../../host/shared/fabric/apply/coordinator.ts";
import type { Participant } from "../../../host/shared/fabric/apply/participant.ts";
import { TIME_LIMITS, type TraceLine } from "../../../host/shared/fabric/apply/run.ts";
import { withinLimit } from "../../../host/shared/fabric/apply/time-limit.ts";
import { Failure } from "../../../host/shared/ports/failure.ts";
import type { Files } from "../../../host/shared/ports/files.ts";
import { fromUtf8, utf8 } from "../../../host/shared/trust/bytes.ts";
import { MemoryFiles } from "../../support/memory-files.ts";
import {
  changed,
  FileView,
  FOLDER,
  judge,
  OWNER,
  planTo,
  portsOf,
  ROOT,
  surroundings,
  VIEWS,
} from "../../unit/fabric/apply/apply-world.ts";
import { type Defect, DEFECTS, type Machine } from "./defects.ts";
import type { RequestKind } from "./model.ts";
import { Trace } from "./trace.ts";

const planted = vi.hoisted((): { defect: Defect | null; isUnordered: boolean } => ({
  defect: null,
  isUnordered: false,
}));

vi.mock(import("../../../host/shared/fabric/apply/machine.ts"), async (original) => {
  const real = await original();
  const machine = (): Machine => planted.defect?.of(real) ?? real;
  return {
    ...real,
    step: (state, event) => machine().step(state, event),
    recover: (steps) => machine().recover(steps),
  };
});

vi.mock(import("../../../host/shared/fabric/apply/turns.ts"), async (original) => {
  const real = await original();
  class MaybeTurns extends real.Turns {
    override take<T>(name: string, limitMs: number, what: string, task: () => Promise<T>) {
      return planted.isUnordered
        ? withinLimit(nodeClock, limitMs, what, task)
        : super.take(name, limitMs, what, task);
    }
  }
  return { ...real, Turns: MaybeTurns };
});

beforeEach(() => {
  planted.defect = null;
  planted.isUnordered = false;
});

/** What goes wrong with a participant's next call of a kind. */
interface Fault {
  readonly view: string;
  readonly request: Exclude<RequestKind, "takeBack">;
  readonly what: "refuses" | "fails after" | "lies" | "is late" | "hangs";
}

interface Episode {
  readonly faults: readonly Fault[];
  /** The coordinator stops after so many steps; null for never. */
  readonly crashAt: number | null;
  /** From this write on, nothing can be written; null for never. */
  readonly diskFullAt: number | null;
  /** A user edits the file of a view before the change; null for nobody. */
  readonly edited: string | null;
}

const QUIET: Episode = { faults: [], crashAt: null, diskFullAt: null, edited: null };

/** Long enough for what does not hang, short enough to wait for. */
const LIMIT_MS = 12;
const LATE_MS = 20;

const NAMES = VIEWS.map((view) => `view:${view}`);
const pathOf = (name: string): string => `${ROOT}/${name.slice("view:".length)}/x`;
const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

class Stopped extends Error {}

/** A project, changed by one program after the other. */
class World {
  readonly files = new MemoryFiles();
  readonly trace = new Trace(this.files, FOLDER, pathOf);
  #version = 0;

  /** Starts a program that recovers and then makes a change. Gives the code of the failure, or what happened. */
  async run(episode: Episode, isRecoveryOnly = false): Promise<string> {
    const program = new Program(this.files, this.trace, episode);
    try {
      const coordinator = await program.open();
      await coordinator.recover();
      this.trace.nothingOpen();
      if (isRecoveryOnly) return "recovered";
      this.#version += 1;
      const shown = Object.fromEntries(
        VIEWS.map((view) => [view, { x: `${view}${this.#version}` }]),
      );
      const plan = planTo(await coordinator.current(), shown);
      this.trace.planned(NAMES);
      if (episode.edited !== null) this.edit(episode.edited);
      await coordinator.apply(wholeChange(plan));
      return "applied";
    } catch (thrown) {
      return thrown instanceof Stopped ? "crashed" : Failure.from(thrown).code;
    } finally {
      await program.end();
    }
  }

  edit(view: string): void {
    this.files.all.set(`${ROOT}/${view}/x`, utf8("the user's own"));
    this.trace.userEdit(`view:${view}`);
  }

  /** The log on disk is the model's, and what is shown is what it says, unless a user has changed it. */
  async compareWithDisk(): Promise<void> {
    expect(this.trace.refusal).toBeNull();
    const log = await readHistory(portsOf(this.files), FOLDER, OWNER);
    const types = (log?.transactions ?? []).flatMap(({ steps }) =>
      steps.map((step) => (step.type === "end" ? step.outcome : step.type)),
    );
    expect(types).toEqual(this.trace.state.log.map(({ type }) => type));
  }
}

/** One run of `rtt apply`, whose calls have no effect any more when it is over. */
class Program {
  readonly #files: MemoryFiles;
  readonly #trace: Trace;
  readonly #episode: Episode;
  readonly #faults: Fault[];
  readonly #late: Promise<unknown>[] = [];
  #isOver = false;
  #writes = 0;
  #lines = 0;

  constructor(files: MemoryFiles, trace: Trace, episode: Episode) {
    this.#files = files;
    this.#trace = trace;
    this.#episode = episode;
    this.#faults = [...episode.faults];
  }

  open(): Promise<Coordinator> {
    const files = this.#gate();
    const participants = VIEWS.map((view) => this.#faulty(careful(files, view), view));
    const isHurried = this.#episode.faults.some(
      ({ what }) => what === "is late" || what === "hangs",
    );
    const short = {
      prepareMs: LIMIT_MS,
      commitMs: LIMIT_MS,
      observeMs: LIMIT_MS,
      undoMs: LIMIT_MS,
    };
    const around = surroundings(files, {
      participantsOf: () => participants,
      limits: isHurried ? short : TIME_LIMITS,
      onTrace: (line) => this.#onTrace(line),
    });
    return Coordinator.open(portsOf(files), around);
  }

  /** Waits for what was late and shall still happen; nothing happens afterwards. */
  async end(): Promise<void> {
    await Promise.all(this.#late);
    this.#isOver = true;
  }

  #onTrace(line: TraceLine): void {
    this.#trace.onTrace(line);
    this.#lines += 1;
    if (this.#lines === this.#episode.crashAt) {
      this.#isOver = true;
      this.#trace.crash();
      throw new Stopped();
    }
  }

  /** The files, as long as the program runs and the disk has room. */
  #gate(): Files {
    const check = (isWrite: boolean): void => {
      if (isWrite) this.#writes += 1;
      const isFull = this.#episode.diskFullAt !== null && this.#writes >= this.#episode.diskFullAt;
      if (!this.#isOver && !(isWrite && isFull)) return;
      throw new Failure("folder-unwritable", "There is no room", {
        origin: "host",
        remedy: "Make room.",
      });
    };
    const writes = new Set<string | symbol>([
      "write",
      "create",
      "createAll",
      "append",
      "link",
      "remove",
    ]);
    return new Proxy(this.#files, {
      get: (files, name: keyof MemoryFiles) => {
        const member: unknown = files[name];
        if (typeof member !== "function") return member;
        return async (...args: readonly unknown[]): Promise<unknown> => {
          check(writes.has(name));
          return Reflect.apply(member, files, args) as Promise<unknown>;
        };
      },
    });
  }

  /** A view that misbehaves as the episode wants, listened to from outside. */
  #faulty(view: Participant, name: string): Participant {
    const call = <T>(
      request: Fault["request"],
      real: () => Promise<T>,
      lie: T | null,
    ): Promise<T> => {
      const at = this.#faults.findIndex((one) => one.view === name && one.request === request);
      const [fault] = at < 0 ? [] : this.#faults.splice(at, 1);
      return fault === undefined ? real() : this.#misbehave(fault, real, lie);
    };
    return this.#trace.listen(
      changed(view, {
        prepare: (one) => call("prepare", () => view.prepare(one), { ok: true }),
        commit: (one) => call("commit", () => view.commit(one), undefined),
        abort: (one) => call("abort", () => view.abort(one), undefined),
        observe: (one) => call("observe", () => view.observe(one), null),
      }),
    );
  }

  async #misbehave<T>({ what }: Fault, real: () => Promise<T>, lie: T | null): Promise<T> {
    const failure = new Failure("internal", "a fault was injected", {
      origin: "host",
      remedy: "None.",
    });
    switch (what) {
      case "refuses":
        throw failure;
      case "fails after":
        await real();
        throw failure;
      case "lies":
        if (lie === null) return real();
        return lie;
      case "is late": {
        const late = wait(LATE_MS).then(real);
        this.#late.push(late.catch(() => undefined));
        return late;
      }
      default:
        return new Promise<T>(() => undefined);
    }
  }
}

/** As real views do, it leaves alone what somebody has changed between vote and commit. */
function careful(files: Files, view: string): Participant {
  const inner = new FileView(files, view);
  return changed(inner, {
    commit: async (transaction) => {
      const bytes = await files.read(pathOf(inner.name));
      const shown = bytes === null ? null : fromUtf8(bytes);
      const planned = transaction.plan.files.find((file) => file.view === view);
      if (shown === planned?.before || shown === planned?.after) await inner.commit(transaction);
    },
  });
}

const fault = fc.record({
  view: fc.constantFrom(...VIEWS),
  request: fc.constantFrom<Fault["request"]>("prepare", "commit", "observe", "abort"),
  what: fc.constantFrom<Fault["what"]>(
    "refuses",
    "refuses",
    "fails after",
    "fails after",
    "lies",
    "is late",
    "hangs",
  ),
});
const episode = fc.record({
  faults: fc.array(fault, { maxLength: 2 }),
  crashAt: fc.option(fc.integer({ min: 1, max: 22 })),
  diskFullAt: fc.option(fc.integer({ min: 1, max: 60 }), { freq: 3 }),
  edited: fc.option(fc.constantFrom(...VIEWS), { freq: 6 }),
});

async function play(episodes: readonly Episode[]): Promise<World> {
  const world = new World();
  for (const one of episodes) await world.run(one);
  return world;
}

test("whatever goes wrong, the model allows what the coordinator does, and the log on disk is the model's", async () => {
  let steps = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(episode, { minLength: 1, maxLength: 4 }), async (episodes) => {
      const world = await play(episodes);
      await world.run(QUIET, true);
      await world.compareWithDisk();
      steps += world.trace.actions.length;
    }),
    { numRuns: 250 },
  );
  console.info(`${steps} steps of real runs were allowed`);
  expect(steps).toBeGreaterThan(5_000);
});

test("a crash at each step of a change, of its way back and of its abort is recovered as the model says", async () => {
  const faults: readonly (readonly Fault[])[] = [
    [],
    [{ view: "b", request: "prepare", what: "refuses" }],
    [{ view: "b", request: "commit", what: "refuses" }],
    [{ view: "b", request: "commit", what: "lies" }],
  ];
  for (const some of faults) {
    let crashes = 0;
    for (let crashAt = 1; ; crashAt += 1) {
      const world = await play([QUIET, { ...QUIET, faults: some, crashAt }]);
      const didCrash = world.trace.actions.some((action) => action.do === "Crash");
      // A crash of the recovery, at each of its first steps, and a recovery of that.
      for (const again of didCrash ? [1, 2, 3, 4, 5] : []) {
        await world.run({ ...QUIET, crashAt: again }, true);
      }
      await world.run(QUIET, true);
      await world.compareWithDisk();
      await judge(world.files);
      if (!didCrash) break;
      crashes += 1;
    }
    expect(crashes).toBeGreaterThanOrEqual(10);
  }
});

test("a deed that comes after its time never overtakes the way back, and where it did, it is found out", async () => {
  const late: Episode = { ...QUIET, faults: [{ view: "a", request: "commit", what: "is late" }] };
  const world = await play([QUIET, late]);
  await world.run(QUIET, true);
  await world.compareWithDisk();
  await judge(world.files);
  planted.isUnordered = true;
  // On a busy machine a vote may be too late as well, and then nobody is asked to commit.
  let refusal: string | null = null;
  for (let times = 0; refusal === null && times < 20; times += 1) {
    refusal = (await play([QUIET, late])).trace.refusal;
  }
  expect(refusal).toMatch(/view:a was overtaken: commit of/);
});

test.for(DEFECTS)("a coordinator that $name is found out", async (defect) => {
  planted.defect = defect;
  const caught: string[] = [];
  const scenarios: readonly (readonly Episode[])[] = [
    [QUIET],
    ...VIEWS.map((view): readonly Episode[] => [
      { ...QUIET, faults: [{ view, request: "prepare", what: "refuses" }] },
    ]),
    [{ ...QUIET, faults: [{ view: "a", request: "commit", what: "lies" }] }, QUIET],
    ...Array.from({ length: 12 }, (_, at): readonly Episode[] => [
      { ...QUIET, faults: [{ view: "b", request: "commit", what: "refuses" }], crashAt: at + 1 },
      QUIET,
    ]),
    ...Array.from({ length: 40 }, (_, at): readonly Episode[] => [
      { ...QUIET, diskFullAt: at + 1 },
      QUIET,
    ]),
  ];
  for (const scenario of scenarios) {
    const world = await play(scenario);
    if (world.trace.refusal !== null) caught.push(world.trace.refusal);
  }
  console.info(`${defect.name}: ${caught[0] ?? "not found"}`);
  expect(caught.length).toBeGreaterThan(0);
});
