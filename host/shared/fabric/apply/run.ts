/**
 * Does what the machine says for one transaction: asks participants within their time limits, writes the log, flips.
 * Everything that happens comes back to the machine as an event, so that what it decides is the same whether a
 * participant refuses, throws, lies or never answers.
 */
import { type ErrorCode, Failure } from "../../ports/failure.ts";
import type { StoredGeneration } from "../generation-file/generation-file.ts";
import type { RegistryPorts } from "../registry/ports.ts";
import type { LockCheck } from "./apply-lock.ts";
import type { ApplyLog } from "./apply-log.ts";
import type { TransactionFacts } from "./log-record.ts";
import {
  type Action,
  type Event,
  type LogStep,
  type Outcome,
  type Refusal,
  type Request,
  type State,
  step,
  type Step,
} from "./machine.ts";
import type { Observation, Participant, Transaction, Vote } from "./participant.ts";
import { withinLimit } from "./time-limit.ts";
import type { Turns } from "./turns.ts";

/** How long each participant may take. */
export interface TimeLimits {
  readonly prepareMs: number;
  readonly commitMs: number;
  readonly observeMs: number;
  /** Forgetting, or going back. */
  readonly undoMs: number;
}

export const TIME_LIMITS: TimeLimits = {
  prepareMs: 60_000,
  commitMs: 60_000,
  observeMs: 60_000,
  undoMs: 60_000,
};

/** One step of a transaction, for whoever watches or checks it against the model. */
export interface TraceLine {
  readonly transaction: string;
  /** Null for the first step, which nothing has caused but the beginning or a recovery. */
  readonly event: Event | null;
  readonly state: State;
  readonly actions: readonly Action[];
}

/** A transaction with everything that is needed to go on, and to go back. */
export interface Work {
  readonly facts: TransactionFacts;
  readonly forward: Transaction;
  /** Leads from what was tried to what was in force before. */
  readonly back: Transaction;
  /** What was in force before; null for nothing. */
  readonly base: StoredGeneration | null;
  readonly tried: StoredGeneration;
}

export interface RunSurroundings {
  readonly log: ApplyLog;
  readonly participants: readonly Participant[];
  readonly limits: TimeLimits;
  /** The same for every run of a process: a request may outlive its run. */
  readonly turns: Turns;
  /** Puts the tried generation in force. */
  flip(work: Work): Promise<void>;
  /** Puts the old one back in force, where the tried one is. */
  flipBack(work: Work): Promise<void>;
  /** Fails when somebody else changes the project by now; then nothing more may be written or shown. */
  readonly checkLock: LockCheck;
  readonly onTrace: ((line: TraceLine) => void) | null;
}

export interface Ended {
  /** Null: the log could not be written, and the transaction is still open. */
  readonly outcome: Outcome | null;
  readonly refusals: readonly Refusal[];
  readonly left: readonly string[];
  /** What kept it from ending. */
  readonly obstacle: Failure | null;
}

/** Codes of the machine's own troubles: trying again may help. */
const TROUBLES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "folder-unwritable",
  "permission-denied",
  "deadline-exceeded",
  "internal",
]);

export class TransactionRun {
  readonly #ports: RegistryPorts;
  readonly #around: RunSurroundings;
  readonly #work: Work;
  readonly #events: Event[] = [];
  readonly #refusals: Refusal[] = [];
  #wake: () => void = () => {};
  #obstacle: Failure | null = null;

  constructor(ports: RegistryPorts, around: RunSurroundings, work: Work) {
    this.#ports = ports;
    this.#around = around;
    this.#work = work;
  }

  /** Runs from a first step to the end. Never throws. */
  async run(first: Step): Promise<Ended> {
    let event: Event | null = null;
    for (let next = first; ; next = step(next.state, event)) {
      const { state, actions } = next;
      const { transaction } = this.#work.facts;
      this.#around.onTrace?.({ transaction, event, state, actions });
      if (state.phase === "over") return this.#ended(state.outcome, state.left);
      if (state.phase === "halted") return this.#ended(null, []);
      for (const action of actions) void this.#perform(action);
      event = await this.#nextEvent();
    }
  }

  #ended(outcome: Outcome | null, left: readonly string[]): Ended {
    return { outcome, refusals: this.#refusals, left, obstacle: this.#obstacle };
  }

  async #nextEvent(): Promise<Event> {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) return event;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async #perform(action: Action): Promise<void> {
    const event = await this.#eventOf(action);
    if (event === null) return;
    if (event.on === "refused") this.#refusals.push(event.refusal);
    this.#events.push(event);
    this.#wake();
  }

  async #eventOf(action: Action): Promise<Event | null> {
    switch (action.do) {
      case "log":
        return this.#log(action.step);
      case "flip":
        return this.#flip("flip", "flipped", "flipFailed");
      case "flipBack":
        return this.#flip("flipBack", "flippedBack", "flipBackFailed");
      case "finish":
      case "halt":
        return null;
      default:
        return this.#ask(action.do, action.participant);
    }
  }

  async #log(logStep: LogStep): Promise<Event> {
    const { facts } = this.#work;
    // A clock before 1970 is no reason to lose a change.
    const at = Math.max(0, this.#ports.clock.wallMs());
    const { log, checkLock } = this.#around;
    try {
      await checkLock();
      if (logStep.type === "begin") await log.append({ at, facts, step: logStep });
      else await log.append({ at, transaction: facts.transaction, step: logStep });
      return { on: "logged", type: logStep.type };
    } catch (thrown) {
      this.#obstacle = Failure.from(thrown);
      return { on: "logFailed", type: logStep.type };
    }
  }

  async #flip<Good extends "flipped" | "flippedBack", Bad extends "flipFailed" | "flipBackFailed">(
    what: "flip" | "flipBack",
    good: Good,
    bad: Bad,
  ): Promise<{ on: Good } | { on: Bad; refusal: Refusal }> {
    try {
      await this.#around.checkLock();
      await this.#around[what](this.#work);
      return { on: good };
    } catch (thrown) {
      const failure = Failure.from(thrown);
      const refusal = refusalOf("generation", failure);
      this.#refusals.push(refusal);
      if (bad === "flipBackFailed") this.#obstacle = failure;
      return { on: bad, refusal };
    }
  }

  // --- participants ---

  async #ask(request: Request, name: string): Promise<Event> {
    const failure = await this.#refusalTo(request, name);
    if (failure === null) return { on: "did", request, participant: name };
    const isFinal = !TROUBLES.has(failure.code);
    if (request === "takeBack" && !isFinal) this.#obstacle = failure;
    return { on: "refused", request, refusal: refusalOf(name, failure), isFinal };
  }

  /** Null when the participant did what it was asked. */
  async #refusalTo(request: Request, name: string): Promise<Failure | null> {
    const participant = this.#around.participants.find((one) => one.name === name);
    // A node that is gone shows nothing; when it comes back, it begins with what is in force.
    if (participant === undefined && name.startsWith(NODE)) return null;
    try {
      if (participant === undefined) throw absent(name);
      if (SHOWS.has(request)) await this.#around.checkLock();
      return await this.#request(request, participant);
    } catch (thrown) {
      return Failure.from(thrown);
    }
  }

  async #request(request: Request, participant: Participant): Promise<Failure | null> {
    const { forward } = this.#work;
    const { prepareMs, commitMs, undoMs } = this.#around.limits;
    const within = <T>(ms: number, task: () => Promise<T>): Promise<T> =>
      this.#around.turns.take(participant.name, ms, `${participant.name} to ${request}`, task);
    switch (request) {
      case "prepare":
        return this.#prepare(participant, prepareMs);
      case "commit":
        await within(commitMs, () => participant.commit(forward));
        return null;
      case "observe":
        return this.#compare(participant, forward);
      case "abort":
        await within(undoMs, () => participant.abort(forward));
        return null;
      default:
        return this.#takeBack(participant, within);
    }
  }

  async #prepare(participant: Participant, limitMs: number): Promise<Failure | null> {
    const { forward } = this.#work;
    let isLate = false;
    const vote = async (): Promise<Vote> => {
      const given = await participant.prepare(forward);
      // What somebody stages after its time was over would stay for ever.
      if (isLate) await participant.abort(forward);
      return given;
    };
    try {
      const what = `${participant.name} to prepare`;
      const given = await this.#around.turns.take(participant.name, limitMs, what, vote);
      return given.ok ? null : given.failure;
    } catch (thrown) {
      isLate = true;
      throw thrown;
    }
  }

  async #compare(participant: Participant, transaction: Transaction): Promise<Failure | null> {
    const { observeMs } = this.#around.limits;
    const what = `${participant.name} to be observed`;
    // Looking changes nothing, so nobody has to wait until it is over.
    const shown = await withinLimit(this.#ports.clock, observeMs, what, () =>
      participant.observe(transaction),
    );
    const wrong = firstDifference(participant.expect(transaction), shown);
    if (wrong === null) return null;
    return new Failure("apply-reverted", `${wrong} is not as it was planned`, {
      origin: "host",
      remedy: "See what else changes it; then apply again.",
      context: { item: wrong },
    });
  }

  async #takeBack(
    participant: Participant,
    within: <T>(ms: number, task: () => Promise<T>) => Promise<T>,
  ): Promise<Failure | null> {
    const { back, forward } = this.#work;
    const { prepareMs, commitMs, undoMs } = this.#around.limits;
    const vote = await within(prepareMs, () => participant.prepare(back));
    if (!vote.ok) {
      await within(undoMs, () => participant.abort(back));
      return vote.failure;
    }
    await within(commitMs, () => participant.commit(back));
    const difference = await this.#compare(participant, back);
    // What is left staged of the way forward is invisible; not to be rid of it is no failure.
    await within(undoMs, () => participant.abort(forward)).catch(() => undefined);
    return difference;
  }
}

/** Requests after which somebody sees a difference. */
const SHOWS: ReadonlySet<Request> = new Set<Request>(["commit", "takeBack"]);

/** Begins the names of participants that are running nodes. */
const NODE = "node:";

function refusalOf(participant: string, { code, message }: Failure): Refusal {
  const prefix = `${code}: `;
  const text = message.startsWith(prefix) ? message.slice(prefix.length) : message;
  return { participant, code, message: text };
}

function firstDifference(expected: Observation, shown: Observation): string | null {
  for (const item of new Set([...expected.keys(), ...shown.keys()])) {
    if ((expected.get(item) ?? null) !== (shown.get(item) ?? null)) return item;
  }
  return null;
}

function absent(name: string): Failure {
  return new Failure("internal", `${name} takes part in a change and is not there`, {
    origin: "host",
    remedy: "Run the same program that began the change.",
    context: { participant: name },
  });
}
