/**
 * Goal: the invariants of the state machine hold in every run that two or three participants, a log and crashes allow.
 * Method: all of them. A world of participants that do, lie, refuse or fail at each request, in every order, with the
 * log failing and power lost at any moment, again during recovery; worlds that were seen are not entered twice.
 */
import { expect, test } from "vitest";
import {
  type Action,
  type Event,
  IDLE,
  type LogStep,
  type LogStepType,
  recover,
  type Refusal,
  type Request,
  type State,
  step,
} from "../../../../host/shared/fabric/apply/machine.ts";

/** What a participant shows, and whether something is staged. */
interface Seen {
  readonly shows: "old" | "new";
  readonly isStaged: boolean;
}

interface World {
  readonly state: State;
  /** What is being done. */
  readonly doing: readonly Action[];
  /** What is on disk. */
  readonly log: readonly LogStep[];
  readonly seen: Readonly<Record<string, Seen>>;
  readonly inForce: "old" | "new";
  readonly crashes: number;
}

const NEXT: Readonly<Record<LogStepType, readonly LogStepType[]>> = {
  begin: ["commit", "abort"],
  commit: ["revert", "end"],
  abort: ["end"],
  revert: ["end"],
  end: [],
};

function refusal(participant: string): Refusal {
  return { participant, code: "apply-refused", message: "no" };
}

function start(participants: readonly string[]): World {
  const { state, actions } = step(IDLE, { on: "begin", participants });
  const old: Seen = { shows: "old", isStaged: false };
  const seen = Object.fromEntries(participants.map((name) => [name, old]));
  return { state, doing: actions, log: [], seen, inForce: "old", crashes: 0 };
}

/** What may come of an action: how the world is afterwards, and what the machine is told; null for nothing. */
type Result = readonly [changed: Partial<World>, event: Event | null];

function results(world: World, action: Action): readonly Result[] {
  switch (action.do) {
    case "log": {
      const { type } = action.step;
      const written = { log: [...world.log, action.step] };
      return [
        [written, { on: "logged", type }],
        [{}, { on: "logFailed", type }],
        // It failed, as far as anybody knows.
        [written, { on: "logFailed", type }],
      ];
    }
    case "flip":
      return [
        [{ inForce: "new" }, { on: "flipped" }],
        [{}, { on: "flipFailed", refusal: refusal("generation") }],
        [{ inForce: "new" }, { on: "flipFailed", refusal: refusal("generation") }],
      ];
    case "flipBack":
      return [
        [{ inForce: "old" }, { on: "flippedBack" }],
        [{}, { on: "flipBackFailed", refusal: refusal("generation") }],
      ];
    case "finish":
    case "halt":
      return [[{}, null]];
    default:
      return answers(world, action.do, action.participant);
  }
}

function answers(world: World, request: Request, name: string): readonly Result[] {
  const seen = world.seen[name] as Seen;
  const with_ = (change: Partial<Seen>): Partial<World> => ({
    seen: { ...world.seen, [name]: { ...seen, ...change } },
  });
  const did: Event = { on: "did", request, participant: name };
  const no = (isFinal: boolean): Event => ({
    on: "refused",
    request,
    refusal: refusal(name),
    isFinal,
  });
  switch (request) {
    case "prepare":
      return [
        [with_({ isStaged: true }), did],
        [{}, no(true)],
        [with_({ isStaged: true }), no(false)],
      ];
    case "commit":
      // The second is a lie.
      return [
        [with_({ shows: "new", isStaged: false }), did],
        [{}, did],
        [{}, no(false)],
        [with_({ shows: "new" }), no(false)],
      ];
    case "observe":
      return seen.shows === "new"
        ? [
            [{}, did],
            [{}, no(false)],
          ]
        : [[{}, no(true)]];
    case "abort":
      return [
        [with_({ isStaged: false }), did],
        [{}, no(false)],
      ];
    default:
      return [
        [with_({ shows: "old", isStaged: false }), did],
        [{}, no(true)],
        [{}, no(false)],
        [with_({ shows: "old" }), no(false)],
      ];
  }
}

// --- invariants ---

function checkAction({ log }: World, action: Action): void {
  const types = log.map(({ type }) => type);
  const needs: Partial<Record<Action["do"], LogStepType>> = {
    prepare: "begin",
    commit: "commit",
    observe: "commit",
    flip: "commit",
    abort: "abort",
    takeBack: "revert",
    flipBack: "revert",
  };
  const needed = needs[action.do];
  if (needed !== undefined) expect(types).toContain(needed);
  if (action.do === "commit" || action.do === "flip") expect(types).not.toContain("revert");
  if (action.do === "prepare") expect(types).toEqual(["begin"]);
}

function checkWorld(world: World): void {
  const { state, log, seen, inForce } = world;
  log.forEach(({ type }, at) => {
    const before = log[at - 1]?.type;
    if (before === undefined) expect(type).toBe("begin");
    else expect(NEXT[before]).toContain(type);
  });
  const types = log.map(({ type }) => type);
  // Nobody sees anything before the decision, and the flip comes after everybody shows it.
  if (!types.includes("commit")) {
    expect(Object.values(seen).every(({ shows }) => shows === "old")).toBe(true);
    expect(inForce).toBe("old");
  }
  if (state.phase === "flipping") {
    expect(Object.values(seen).every(({ shows }) => shows === "new")).toBe(true);
  }
  if (state.phase !== "over") return;
  const { outcome, left } = state;
  expect(inForce).toBe(outcome === "applied" ? "new" : "old");
  for (const [name, { shows, isStaged }] of Object.entries(seen)) {
    if (left.includes(name)) continue;
    expect(shows).toBe(outcome === "applied" ? "new" : "old");
    if (outcome === "aborted") expect(isStaged).toBe(false);
  }
  expect(recover(log).state).toEqual(IDLE);
}

/** Events that nobody has caused change nothing, in any state. */
function checkTotal({ state, doing }: World, participants: readonly string[]): void {
  const due = new Set(doing.map((action) => JSON.stringify(action)));
  const requests: readonly Request[] = ["prepare", "commit", "observe", "abort", "takeBack"];
  const strays: Event[] = [];
  for (const participant of [...participants, "nobody"]) {
    for (const request of requests) {
      if (due.has(JSON.stringify({ do: request, participant }))) continue;
      strays.push({ on: "did", request, participant });
      strays.push({ on: "refused", request, refusal: refusal(participant), isFinal: false });
    }
  }
  const isDoing = (what: Action["do"]): boolean => doing.some((action) => action.do === what);
  if (!isDoing("flip")) strays.push({ on: "flipped" });
  if (!isDoing("flipBack")) strays.push({ on: "flippedBack" });
  for (const type of Object.keys(NEXT) as LogStepType[]) {
    const isDue = doing.some((action) => action.do === "log" && action.step.type === type);
    if (!isDue) strays.push({ on: "logged", type }, { on: "logFailed", type });
  }
  if (state.phase !== "idle") strays.push({ on: "begin", participants });
  for (const stray of strays) expect(step(state, stray)).toEqual({ state, actions: [] });
}

// --- exploration ---

/** What a machine that starts again finds: each thing that was being done may have been done, or not. */
function* crashes(world: World): Generator<World> {
  const [first, ...rest] = world.doing;
  if (first === undefined) {
    const { state, actions } = recover(world.log);
    if (state.phase !== "idle") {
      yield { ...world, state, doing: actions, crashes: world.crashes + 1 };
    }
    return;
  }
  const changes = results(world, first).map(([change]) => JSON.stringify(change));
  for (const change of new Set(["{}", ...changes])) {
    yield* crashes({ ...world, ...(JSON.parse(change) as Partial<World>), doing: rest });
  }
}

function* nextWorlds(world: World, crashesMax: number): Generator<World> {
  for (const [at, action] of world.doing.entries()) {
    const others = world.doing.toSpliced(at, 1);
    for (const [changed, event] of results(world, action)) {
      const after: World = { ...world, ...changed, doing: others };
      if (event === null) {
        yield after;
        continue;
      }
      const { state, actions } = step(world.state, event);
      for (const next of actions) checkAction(after, next);
      yield { ...after, state, doing: [...others, ...actions] };
    }
  }
  if (world.crashes < crashesMax) yield* crashes(world);
}

/** Enters every world that can be reached, and returns how many, and how runs have ended. */
function explore(participants: readonly string[], crashesMax: number) {
  const known = new Set<string>();
  const endings = new Map<string, number>();
  const open = [start(participants)];
  for (let world = open.pop(); world !== undefined; world = open.pop()) {
    // The order of what is done at the same time is no part of a world.
    const doing = world.doing.map((action) => JSON.stringify(action)).sort();
    const name = JSON.stringify({ ...world, doing });
    if (known.has(name)) continue;
    known.add(name);
    checkWorld(world);
    checkTotal(world, participants);
    const { state } = world;
    if (world.doing.length === 0) {
      const ending = state.phase === "over" ? state.outcome : state.phase;
      endings.set(ending, (endings.get(ending) ?? 0) + 1);
      // Nothing is ever stuck but what waits for the next recovery.
      expect(["over", "halted"]).toContain(state.phase);
    }
    open.push(...nextWorlds(world, crashesMax));
  }
  return { worlds: known.size, endings: Object.fromEntries(endings) };
}

test.each([
  [0, 2],
  [1, 2],
  [2, 1],
  [3, 0],
])(
  "every run of %i participants with up to %i crashes keeps the invariants",
  (count, crashesMax) => {
    const participants = ["a", "b", "c"].slice(0, count);
    const { worlds, endings } = explore(participants, crashesMax);
    process.stdout.write(`${count} participants: ${worlds} worlds, ${JSON.stringify(endings)}\n`);
    expect(endings["applied"]).toBeGreaterThan(0);
    if (count > 0) {
      expect(endings["aborted"]).toBeGreaterThan(0);
      expect(endings["reverted"]).toBeGreaterThan(0);
    }
  },
);

test("a log without an open transaction needs no recovery", () => {
  expect(recover([])).toEqual({ state: IDLE, actions: [] });
  expect(recover([{ type: "commit" }])).toEqual({ state: IDLE, actions: [] });
});
