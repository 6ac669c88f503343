/**
 * Two-phase commit as a pure function: what is to be done next, given what has been done. It knows neither files nor
 * clocks nor what a plan is; the coordinator does what it says and tells it what came of it.
 *
 *   idle → beginning → preparing ─┬→ decidingAbort → aborting ─────────────────────────┬→ ending → over
 *                                 └→ decidingCommit → committing → observing → flipping ┤
 *                                         (any failure) └→ decidingRevert → reverting → restoring
 *
 * Whatever cannot be written to the log stops the machine (`halted`), because nobody knows then whether the record
 * will be there after a restart; `recover` continues from what the log really holds.
 *
 * Invariants, which docs/spec models and test/unit/fabric/apply explores:
 *   1. A record is durable before anything is done that depends on it; `begin` before the first prepare.
 *   2. `commit` is logged only after everybody has voted yes, `abort` only when somebody has not; never both.
 *   3. Nobody commits before `commit` is logged; nobody aborts after it, except to forget what was taken back.
 *   4. The flip comes only after everybody has been observed to show what was planned.
 *   5. `revert` follows only `commit`, and ends with everybody taken back, or named in `left`, and the flip undone.
 *   6. From every prefix of the log, recovering any number of times leads to the same outcome as recovering once.
 *   7. Every phase takes every event; one that does not belong to it, such as a late vote, changes nothing.
 */
import type { ErrorCode } from "../../ports/failure.ts";

/** Why a participant did not do its part. A time limit that was reached is one of the reasons. */
export interface Refusal {
  readonly participant: string;
  readonly code: ErrorCode;
  readonly message: string;
}

export type Outcome = "applied" | "aborted" | "reverted";

/** What the log says of a transaction, in this order; the coordinator adds which transaction it is. */
export type LogStep =
  | { readonly type: "begin"; readonly participants: readonly string[] }
  | { readonly type: "commit" }
  | { readonly type: "abort"; readonly refusals: readonly Refusal[] }
  | { readonly type: "revert"; readonly refusals: readonly Refusal[] }
  | { readonly type: "end"; readonly outcome: Outcome; readonly left: readonly string[] };

export type LogStepType = LogStep["type"];

export type State =
  | { readonly phase: "idle" }
  | (Agreeing & { readonly phase: "beginning" })
  | (Gathering & { readonly phase: "preparing" })
  | (Agreeing & { readonly phase: "decidingCommit" })
  | (Gathering & { readonly phase: "committing" })
  | (Gathering & { readonly phase: "observing" })
  | (Agreeing & { readonly phase: "flipping" })
  | (Disagreeing & { readonly phase: "decidingAbort" })
  | (Undoing & { readonly phase: "aborting" })
  | (Disagreeing & { readonly phase: "decidingRevert" })
  | (Undoing & { readonly phase: "reverting" })
  | { readonly phase: "restoring"; readonly left: readonly string[] }
  | (Ending & { readonly phase: "ending" })
  | (Ending & { readonly phase: "over" })
  | { readonly phase: "halted"; readonly at: Phase };

export type Phase = State["phase"];

interface Agreeing {
  readonly participants: readonly string[];
}

interface Disagreeing extends Agreeing {
  readonly refusals: readonly Refusal[];
}

/** Everybody was asked for something; who has not answered, and who has not done it. */
interface Gathering extends Disagreeing {
  readonly waiting: readonly string[];
}

interface Undoing {
  readonly waiting: readonly string[];
  /** Who could not go back for a good reason, such as a file that somebody has changed meanwhile. */
  readonly left: readonly string[];
  /** Whether somebody could not go back for want of the machine; then it is tried again later. */
  readonly isBroken: boolean;
}

interface Ending {
  readonly outcome: Outcome;
  readonly left: readonly string[];
}

/** What a participant was asked to do. */
export type Request = "prepare" | "commit" | "observe" | "abort" | "takeBack";

export type Action =
  | { readonly do: "log"; readonly step: LogStep }
  | { readonly do: Request; readonly participant: string }
  /** Put the new generation in force, or the old one back in force if the new one is. */
  | { readonly do: "flip" | "flipBack" }
  | { readonly do: "finish"; readonly outcome: Outcome; readonly left: readonly string[] }
  | { readonly do: "halt" };

export type Event =
  | { readonly on: "begin"; readonly participants: readonly string[] }
  | { readonly on: "logged"; readonly type: LogStepType }
  | { readonly on: "logFailed"; readonly type: LogStepType }
  /** A participant did what it was asked: voted yes, committed, showed what was planned, forgot, went back. */
  | { readonly on: "did"; readonly request: Request; readonly participant: string }
  /** It did not. `isFinal`: asking again would not help. */
  | {
      readonly on: "refused";
      readonly request: Request;
      readonly refusal: Refusal;
      readonly isFinal: boolean;
    }
  | { readonly on: "flipped" | "flippedBack" }
  | { readonly on: "flipFailed" | "flipBackFailed"; readonly refusal: Refusal };

export interface Step {
  readonly state: State;
  readonly actions: readonly Action[];
}

export const IDLE: State = { phase: "idle" };

/** What comes of an event. Total: what does not belong to the phase changes nothing. */
export function step(state: State, event: Event): Step {
  switch (state.phase) {
    case "idle":
      return event.on === "begin" ? begin(event.participants) : stay(state);
    case "preparing":
    case "committing":
    case "observing":
      return gather(state, event);
    case "aborting":
    case "reverting":
      return undo(state, event);
    case "flipping":
      if (event.on === "flipped") return end("applied", []);
      return event.on === "flipFailed"
        ? decideRevert(state.participants, [event.refusal])
        : stay(state);
    case "restoring":
      if (event.on === "flippedBack") return end("reverted", state.left);
      return event.on === "flipBackFailed" ? halt(state) : stay(state);
    case "over":
    case "halted":
      return stay(state);
    default:
      return written(state, event);
  }
}

/** The phases that wait for the log. */
type Writing = Extract<
  State,
  { phase: "beginning" | "decidingCommit" | "decidingAbort" | "decidingRevert" | "ending" }
>;

const WRITES: Readonly<Record<Writing["phase"], LogStepType>> = {
  beginning: "begin",
  decidingCommit: "commit",
  decidingAbort: "abort",
  decidingRevert: "revert",
  ending: "end",
};

function written(state: Writing, event: Event): Step {
  const isMine =
    (event.on === "logged" || event.on === "logFailed") && event.type === WRITES[state.phase];
  if (!isMine) return stay(state);
  if (event.on === "logFailed") return halt(state);
  switch (state.phase) {
    case "beginning":
      return ask("preparing", state.participants);
    case "decidingCommit":
      return ask("committing", state.participants);
    case "decidingAbort":
      return goBack("aborting", state.participants);
    case "decidingRevert":
      return goBack("reverting", state.participants);
    default: {
      const { outcome, left } = state;
      const over: State = { phase: "over", outcome, left };
      return { state: over, actions: [{ do: "finish", outcome, left }] };
    }
  }
}

// --- forward ---

function begin(participants: readonly string[]): Step {
  return {
    state: { phase: "beginning", participants },
    actions: [{ do: "log", step: { type: "begin", participants } }],
  };
}

type GatheringState = Extract<State, Gathering>;

const ASKS: Readonly<Record<GatheringState["phase"], Request>> = {
  preparing: "prepare",
  committing: "commit",
  observing: "observe",
};

function ask(phase: GatheringState["phase"], participants: readonly string[]): Step {
  const state: GatheringState = { phase, participants, waiting: participants, refusals: [] };
  // With nobody to ask, everybody has answered.
  if (participants.length === 0) return gathered(state);
  return { state, actions: participants.map((participant) => ({ do: ASKS[phase], participant })) };
}

function gather(state: GatheringState, event: Event): Step {
  const participant = answerer(state, ASKS[state.phase], event);
  if (participant === null) return stay(state);
  const refusals = event.on === "refused" ? [...state.refusals, event.refusal] : state.refusals;
  const next = { ...state, waiting: without(state.waiting, participant), refusals };
  // Nobody is told to abort while another is still preparing: an answer that never comes is a time limit's affair.
  return next.waiting.length > 0 ? stay(next) : gathered(next);
}

function gathered({ phase, participants, refusals }: GatheringState): Step {
  if (refusals.length === 0) {
    if (phase === "preparing") return decideCommit(participants);
    if (phase === "committing") return ask("observing", participants);
    return { state: { phase: "flipping", participants }, actions: [{ do: "flip" }] };
  }
  if (phase === "preparing") return decideAbort(participants, refusals);
  return decideRevert(participants, refusals);
}

function decideCommit(participants: readonly string[]): Step {
  return {
    state: { phase: "decidingCommit", participants },
    actions: [{ do: "log", step: { type: "commit" } }],
  };
}

// --- backward ---

function decideAbort(participants: readonly string[], refusals: readonly Refusal[]): Step {
  return {
    state: { phase: "decidingAbort", participants, refusals },
    actions: [{ do: "log", step: { type: "abort", refusals } }],
  };
}

function decideRevert(participants: readonly string[], refusals: readonly Refusal[]): Step {
  return {
    state: { phase: "decidingRevert", participants, refusals },
    actions: [{ do: "log", step: { type: "revert", refusals } }],
  };
}

type UndoingState = Extract<State, Undoing>;

const UNDOES: Readonly<Record<UndoingState["phase"], Request>> = {
  aborting: "abort",
  reverting: "takeBack",
};

function goBack(phase: UndoingState["phase"], participants: readonly string[]): Step {
  const state: UndoingState = { phase, waiting: participants, left: [], isBroken: false };
  if (participants.length === 0) return undone(state);
  return {
    state,
    actions: participants.map((participant) => ({ do: UNDOES[phase], participant })),
  };
}

function undo(state: UndoingState, event: Event): Step {
  const participant = answerer(state, UNDOES[state.phase], event);
  if (participant === null) return stay(state);
  const isLeft = event.on === "refused";
  const next = {
    ...state,
    waiting: without(state.waiting, participant),
    left: isLeft ? [...state.left, participant] : state.left,
    isBroken: state.isBroken || (isLeft && !event.isFinal),
  };
  return next.waiting.length > 0 ? stay(next) : undone(next);
}

function undone(state: UndoingState): Step {
  // What an abort leaves behind is invisible, so it never stands in the way of the next plan.
  if (state.phase === "aborting") return end("aborted", state.left);
  if (state.isBroken) return halt(state);
  return { state: { phase: "restoring", left: state.left }, actions: [{ do: "flipBack" }] };
}

function end(outcome: Outcome, left: readonly string[]): Step {
  return {
    state: { phase: "ending", outcome, left },
    actions: [{ do: "log", step: { type: "end", outcome, left } }],
  };
}

// --- recovery ---

/**
 * What remains to be done of the transaction that the log ends with: nothing, the way back before a decision, the way
 * on after one. `steps` are that transaction's, in the order of the log.
 */
export function recover(steps: readonly LogStep[]): Step {
  const [first] = steps;
  const last = steps.at(-1);
  if (first?.type !== "begin" || last === undefined || last.type === "end") return stay(IDLE);
  const { participants } = first;
  if (last.type === "begin") return decideAbort(participants, []);
  if (last.type === "commit") return ask("committing", participants);
  return goBack(last.type === "abort" ? "aborting" : "reverting", participants);
}

// --- helpers ---

function stay(state: State): Step {
  return { state, actions: [] };
}

function halt(state: State): Step {
  return { state: { phase: "halted", at: state.phase }, actions: [{ do: "halt" }] };
}

/** Who answered the request of this phase and was waited for; null for any other event. */
function answerer(
  { waiting }: { readonly waiting: readonly string[] },
  request: Request,
  event: Event,
): string | null {
  if ((event.on !== "did" && event.on !== "refused") || event.request !== request) return null;
  const name = event.on === "did" ? event.participant : event.refusal.participant;
  return waiting.includes(name) ? name : null;
}

function without(names: readonly string[], name: string): readonly string[] {
  return names.filter((other) => other !== name);
}
