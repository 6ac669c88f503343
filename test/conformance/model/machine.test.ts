/**
 * Goal: the state machine of `rtt apply` does what the model says, in every behaviour. Method: machine and model side by
 * side through all that can happen to a change of up to three participants: every order of answers, every refusal,
 * every write that fails, up to two crashes at any point, each with the record that was being written there or not.
 * After each step both must want the same. In every phase the machine is also told everything that does not belong.
 */
import { expect, test } from "vitest";
import * as realMachine from "../../../host/shared/fabric/apply/machine.ts";
import {
  type Action as MachineAction,
  type Event,
  IDLE,
  type LogStep,
  type LogStepType,
  type Outcome,
  type Refusal,
  type Request,
  type State as MachineState,
  type Step,
} from "../../../host/shared/fabric/apply/machine.ts";
import { DEFECTS, type Machine } from "./defects.ts";
import {
  type Action,
  expectation,
  INITIAL,
  type LogRecord,
  next,
  NOTHING,
  type Plan,
  type State,
} from "./model.ts";

const TXN = "t";
const REQUESTS: readonly Request[] = ["prepare", "commit", "observe", "abort", "takeBack"];
const STEPS: readonly LogStepType[] = ["begin", "commit", "abort", "revert", "end"];
const OUTCOMES: ReadonlySet<string> = new Set(["applied", "aborted", "reverted"]);

/** Machine, model, and what is needed to go on with both. */
interface Pair {
  readonly machine: MachineState;
  readonly model: State;
  /** What the machine has had written, for its recovery. */
  readonly steps: readonly LogStep[];
  /** What it wants to have written now. */
  readonly writing: LogStep | null;
  readonly crashes: number;
}

function refusal(participant: string): Refusal {
  return { participant, code: "view-conflict", message: "no" };
}

/** What a machine wants, in the words in which the model says what it must want. */
function wanted({ state, actions }: Step): string {
  const [first] = actions;
  if (first === undefined) return "nothing";
  switch (first.do) {
    case "log":
      return `log ${first.step.type === "end" ? first.step.outcome : first.step.type}`;
    case "flip":
    case "flipBack":
      return first.do;
    case "finish":
      return "idle";
    case "halt":
      return state.phase === "halted" ? "down" : "a halt in no phase for it";
    default:
      return `${first.do} ${actions.map(participantOf).sort().join(" ")}`;
  }
}

function participantOf(action: MachineAction): string {
  return "participant" in action ? action.participant : action.do;
}

/** What the model does when the machine is told this. */
function modelActions(model: State, event: Event): readonly Action[] {
  const { txn } = model.co;
  switch (event.on) {
    case "logged": {
      const type = model.co.phase.startsWith("ending") ? outcomeOf(model.co.phase) : event.type;
      return [{ do: "Logged", type: type as LogRecord["type"] }];
    }
    case "logFailed":
    case "flipBackFailed":
      return [{ do: "Crash" }];
    case "did": {
      const { participant, request } = event;
      const before = model.shows[participant] ?? NOTHING;
      const changed = request === "takeBack" ? NOTHING : txn;
      const shows = request === "commit" || request === "takeBack" ? changed : before;
      return [
        { do: "Carry", participant, request, txn, shows },
        { do: "Answer", participant, request, answer: "did" },
      ];
    }
    case "refused": {
      const { request, isFinal } = event;
      const answer = request === "takeBack" && isFinal ? "left" : "refused";
      return [{ do: "Answer", participant: event.refusal.participant, request, answer }];
    }
    case "flipped":
      return [{ do: "Flip" }];
    case "flipFailed":
      return [{ do: "FlipFails" }];
    case "flippedBack":
      return [{ do: "FlipBack" }];
    default:
      return [];
  }
}

function outcomeOf(phase: string): Outcome {
  return phase.slice("ending".length).toLowerCase() as Outcome;
}

/** Everything that can happen to a coordinator in this phase. */
function possible({ model }: Pair): readonly Event[] {
  const { phase, waiting } = model.co;
  const request = REQUESTS.find((one) => expectation(model.co).startsWith(`${one} `));
  if (request !== undefined) {
    return waiting.flatMap((participant): Event[] => {
      const refused = { on: "refused", request, refusal: refusal(participant) } as const;
      const cannot: Event[] = [
        { ...refused, isFinal: true },
        { ...refused, isFinal: false },
      ];
      // What is observed is the truth, and whoever could not commit shows it.
      const isTrue = request !== "observe" || model.shows[participant] === TXN;
      // Going back, whoever says "left" would go on showing what was taken back; that is the user's doing alone.
      const isShown = request === "takeBack" && model.shows[participant] === TXN;
      const did: Event = { on: "did", request, participant };
      return [...(isTrue ? [did] : []), ...(isShown ? cannot.slice(1) : cannot)];
    });
  }
  if (phase === "flipping") {
    return [{ on: "flipped" }, { on: "flipFailed", refusal: refusal("generation") }];
  }
  if (phase === "restoring") {
    return [{ on: "flippedBack" }, { on: "flipBackFailed", refusal: refusal("generation") }];
  }
  const type = STEPS.find((one) => expectation(model.co) === `log ${one}`) ?? "end";
  return phase === "idle" || phase === "down"
    ? []
    : [
        { on: "logged", type },
        { on: "logFailed", type },
      ];
}

function modelStep(state: State, action: Action): State {
  const verdict = next(state, action);
  if (!verdict.ok) throw new Error(verdict.why);
  return verdict.state;
}

/** Goes on with both. Fails when the machine wants what the model does not. */
class Explorer {
  readonly #machine: Machine;
  readonly #participants: readonly string[];

  constructor(machine: Machine, participants: readonly string[]) {
    this.#machine = machine;
    this.#participants = participants;
  }

  /** How many states there are. */
  explore(crashesMax: number): number {
    const seen = new Set<string>();
    const rest = [this.#first()];
    for (let pair = rest.pop(); pair !== undefined; pair = rest.pop()) {
      const key = keyOf(pair);
      if (seen.has(key)) continue;
      seen.add(key);
      this.#tellNonsense(pair);
      for (const event of possible(pair)) rest.push(this.#advance(pair, event));
      if (pair.crashes < crashesMax) rest.push(...this.#crashed(pair));
      const isEnded = OUTCOMES.has(pair.model.log.at(-1)?.type ?? "");
      if (isEnded) expect(["over", "idle"]).toContain(pair.machine.phase);
    }
    return seen.size;
  }

  #first(): Pair {
    const participants = this.#participants;
    const observed = Object.fromEntries(participants.map((name) => [name, NOTHING]));
    const plan: Plan = { base: NOTHING, observed, participants, restores: null };
    const begun = this.#machine.step(IDLE, { on: "begin", participants });
    const model = modelStep(INITIAL, { do: "Begin", txn: TXN, plan });
    const first = { machine: begun.state, model, steps: [], writing: writingOf(begun), crashes: 0 };
    compare(first, begun, "the beginning");
    return first;
  }

  #advance(pair: Pair, event: Event): Pair {
    const made = this.#machine.step(pair.machine, event);
    const model = modelActions(pair.model, event).reduce(modelStep, pair.model);
    const isWritten = event.on === "logged" && pair.writing !== null;
    const steps = isWritten ? [...pair.steps, pair.writing] : pair.steps;
    const writing = writingOf(made);
    const after = { ...pair, machine: made.state, model, steps, writing };
    compare(after, made, JSON.stringify(event));
    return after;
  }

  /** A crash, and what a recovery finds: the log as it was, or with what was being written. */
  #crashed(pair: Pair): readonly Pair[] {
    const { steps: before, writing } = pair;
    const logs = writing === null ? [before] : [before, [...before, writing]];
    return logs.map((steps) => {
      const made = this.#machine.recover(steps);
      const log = steps.map((one): LogRecord => ({
        type: one.type === "end" ? one.outcome : one.type,
        txn: TXN,
      }));
      const stopped = modelStep(pair.model, { do: "Crash" });
      const model = modelStep(stopped, { do: "Recover", log, inForce: stopped.inForce });
      const crashes = pair.crashes + 1;
      const after = { machine: made.state, model, steps, writing: writingOf(made), crashes };
      if (made.state.phase !== "idle") compare(after, made, "a recovery");
      else expect(model.co.phase).toBe("idle");
      return after;
    });
  }

  /** Whatever does not belong to a phase changes nothing. */
  #tellNonsense({ machine, model }: Pair): void {
    const due = expectation(model.co);
    for (const event of EVERYTHING) {
      if (belongs(event, due, model, machine)) continue;
      const made = this.#machine.step(machine, event);
      if (made.state === machine && made.actions.length === 0) continue;
      throw new Error(`${JSON.stringify(event)} changes something while ${due} is wanted`);
    }
  }
}

function writingOf({ actions }: Step): LogStep | null {
  return actions.flatMap((action) => (action.do === "log" ? [action.step] : []))[0] ?? null;
}

/** The same for states that differ only in the order in which answers came, or in what was asked long ago. */
function keyOf(pair: Pair): string {
  return JSON.stringify({ ...pair, model: { ...pair.model, queue: null } }, (_, value: unknown) =>
    Array.isArray(value) && value.every((one) => isName(one)) ? value.map(nameOf).sort() : value,
  );
}

function isName(value: unknown): boolean {
  return (
    typeof value === "string" || (value as { participant?: unknown }).participant !== undefined
  );
}

function nameOf(value: string | { readonly participant: string }): string {
  return typeof value === "string" ? value : value.participant;
}

const EVERYTHING: readonly Event[] = [
  { on: "begin", participants: ["z"] },
  ...STEPS.flatMap((type): Event[] => [
    { on: "logged", type },
    { on: "logFailed", type },
  ]),
  ...REQUESTS.flatMap((request) =>
    ["nobody", "a", "b", "c"].map((participant): Event => ({ on: "did", request, participant })),
  ),
  { on: "flipped" },
  { on: "flippedBack" },
  { on: "flipFailed", refusal: refusal("generation") },
  { on: "flipBackFailed", refusal: refusal("generation") },
];

function belongs(event: Event, due: string, { co }: State, machine: MachineState): boolean {
  switch (event.on) {
    case "begin":
      return machine.phase === "idle";
    case "logged":
    case "logFailed":
      return due === `log ${event.type}` || (event.type === "end" && co.phase.startsWith("ending"));
    case "did":
      return due.startsWith(`${event.request} `) && co.waiting.includes(event.participant);
    case "flipped":
    case "flipFailed":
      return due === "flip";
    default:
      return due === "flipBack";
  }
}

function compare(pair: Pair, made: Step, told: string): void {
  const { co } = pair.model;
  const due = expectation(co);
  // While others have yet to answer, nothing new is wanted.
  const isSame = wanted(made) === due || (made.actions.length === 0 && co.waiting.length > 0);
  if (!isSame) throw new Error(`after ${told} the machine wants ${wanted(made)}, not ${due}`);
}

test.for([
  { participants: [], crashes: 2, least: 10 },
  { participants: ["a"], crashes: 2, least: 60 },
  { participants: ["a", "b"], crashes: 2, least: 1_000 },
  { participants: ["a", "b", "c"], crashes: 2, least: 5_000 },
])("machine and model want the same: $participants, $crashes crashes", (bounds) => {
  const pairs = new Explorer(realMachine, bounds.participants).explore(bounds.crashes);
  console.info(`${bounds.participants.length} participants: ${pairs} states of machine and model`);
  expect(pairs).toBeGreaterThan(bounds.least);
});

test.for(DEFECTS)("a machine that $name is told from the model", ({ of }) => {
  const explorer = new Explorer(of(realMachine), ["a", "b"]);
  expect(() => explorer.explore(1)).toThrow(
    /wants|does not hold|changes something|overtaken|in phase|the log is/,
  );
});
