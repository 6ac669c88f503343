/**
 * docs/spec/tla/Apply.tla as a function: given what is the case and what is said to have happened next, either what is
 * the case then, or why it may not have happened. Actions, phases, requests and promises have the names of the TLA+
 * text, from which this was written, and not from the machine that it judges.
 *
 * Participants are named; a generation is the transaction that makes it, "" is nothing, `USER` what its user has made of
 * what a participant shows.
 */

export type Txn = string;
export const NOTHING: Txn = "";
export const USER: Txn = "the user's";

export type RecordType =
  | "begin"
  | "commit"
  | "abort"
  | "revert"
  | "applied"
  | "aborted"
  | "reverted";

export interface LogRecord {
  readonly type: RecordType;
  readonly txn: Txn;
}

export type RequestKind = "prepare" | "commit" | "observe" | "abort" | "takeBack";

const GATHERING = {
  preparing: "prepare",
  committing: "commit",
  observing: "observe",
  aborting: "abort",
  reverting: "takeBack",
} as const satisfies Record<string, RequestKind>;

const WRITING = {
  beginning: "begin",
  decidingCommit: "commit",
  decidingAbort: "abort",
  decidingRevert: "revert",
  endingApplied: "applied",
  endingAborted: "aborted",
  endingReverted: "reverted",
} as const satisfies Record<string, RecordType>;

type GatheringPhase = keyof typeof GATHERING;
type WritingPhase = keyof typeof WRITING;
export type Phase = GatheringPhase | WritingPhase | "idle" | "down" | "flipping" | "restoring";

export interface Coordinator {
  readonly phase: Phase;
  readonly txn: Txn;
  readonly waiting: readonly string[];
  readonly failed: boolean;
  readonly stuck: boolean;
  /** In which phase it was when it stopped; null while it runs. */
  readonly stoppedIn: Phase | null;
}

export interface Asked {
  readonly request: RequestKind;
  readonly txn: Txn;
}

export interface Plan {
  readonly base: Txn;
  /** What each participant showed when the plan was made. */
  readonly observed: Readonly<Record<string, Txn>>;
  readonly participants: readonly string[];
  /** The generation that it brings back; null for one that is new. */
  readonly restores: Txn | null;
}

export interface State {
  readonly log: readonly LogRecord[];
  readonly inForce: Txn;
  readonly shows: Readonly<Record<string, Txn>>;
  readonly queue: Readonly<Record<string, readonly Asked[]>>;
  readonly plans: Readonly<Record<Txn, Plan>>;
  readonly votes: Readonly<Record<Txn, readonly string[]>>;
  readonly co: Coordinator;
}

/** "left": it could not go back for a good reason, so that asking again would not help. */
export type Answer = "did" | "refused" | "left";

export type Action =
  | { readonly do: "Begin"; readonly txn: Txn; readonly plan: Plan }
  | { readonly do: "Logged"; readonly type: RecordType }
  /** A participant carried out a request, and shows this now. */
  | {
      readonly do: "Carry";
      readonly participant: string;
      readonly request: RequestKind;
      readonly txn: Txn;
      readonly shows: Txn;
    }
  /** The coordinator takes this for a participant's answer: the true one, a lie, or that it took too long. */
  | {
      readonly do: "Answer";
      readonly participant: string;
      readonly request: RequestKind;
      readonly answer: Answer;
    }
  | { readonly do: "Flip" | "FlipFails" | "FlipBack" }
  /** The coordinator stops; whether a record that it was writing is there is told when somebody looks. */
  | { readonly do: "Crash" }
  /** The coordinator begins again with what it finds on disk. */
  | { readonly do: "Recover"; readonly log: readonly LogRecord[]; readonly inForce: Txn }
  | { readonly do: "UserEdit"; readonly participant: string };

export type Verdict =
  | { readonly ok: true; readonly state: State }
  | { readonly ok: false; readonly why: string };

const REST: Coordinator = {
  phase: "idle",
  txn: NOTHING,
  waiting: [],
  failed: false,
  stuck: false,
  stoppedIn: null,
};

export const INITIAL: State = {
  log: [],
  inForce: NOTHING,
  shows: {},
  queue: {},
  plans: {},
  votes: {},
  co: REST,
};

const ENDS: ReadonlySet<RecordType> = new Set(["applied", "aborted", "reverted"]);

/** The generation that a log says is in force. */
export function truthOf(log: readonly LogRecord[]): Txn {
  return log.findLast(({ type }) => type === "applied")?.txn ?? NOTHING;
}

function isOpen({ log }: State): boolean {
  const last = log.at(-1);
  return last !== undefined && !ENDS.has(last.type);
}

/** What comes of an action: the next state in which every promise holds, or what is wrong. */
export function next(state: State, action: Action): Verdict {
  const outcome = transition(state, action);
  if (typeof outcome === "string") return { ok: false, why: `${action.do}: ${outcome}` };
  const broken = PROMISES.find(([, holds]) => !holds(outcome));
  if (broken !== undefined) return { ok: false, why: `${action.do}: ${broken[0]} does not hold` };
  return { ok: true, state: outcome };
}

/** The next state, or why there is none. */
function transition(state: State, action: Action): State | string {
  switch (action.do) {
    case "Begin":
      return begin(state, action.txn, action.plan);
    case "Logged":
      return logged(state, action.type);
    case "Carry":
      return carry(state, action);
    case "Answer":
      return answered(state, action);
    case "Flip":
      if (state.co.phase !== "flipping") return `in phase ${state.co.phase}`;
      return enter({ ...state, inForce: state.co.txn }, "endingApplied");
    case "FlipFails":
      if (state.co.phase !== "flipping") return `in phase ${state.co.phase}`;
      return enter(state, "decidingRevert");
    case "FlipBack":
      return flipBack(state);
    case "Crash":
      return stop(state);
    case "Recover":
      return recover(state, action);
    default: {
      const { participant } = action;
      return { ...state, shows: { ...state.shows, [participant]: USER } };
    }
  }
}

function enter(state: State, phase: Phase): State {
  return { ...state, co: { ...REST, phase, txn: state.co.txn } };
}

function stop(state: State): State {
  return { ...state, co: { ...state.co, phase: "down", stoppedIn: state.co.phase } };
}

function ask(state: State, phase: GatheringPhase): State {
  const { txn } = state.co;
  const participants = state.plans[txn]?.participants ?? [];
  const asked: Asked = { request: GATHERING[phase], txn };
  const queue = Object.fromEntries(
    participants.map((name) => [name, [...(state.queue[name] ?? []), asked]]),
  );
  const asking: State = {
    ...state,
    queue: { ...state.queue, ...queue },
    co: { ...REST, phase, txn, waiting: participants },
  };
  return gathered(asking);
}

function begin(state: State, txn: Txn, plan: Plan): State | string {
  if (state.co.phase !== "idle") return `in phase ${state.co.phase}`;
  if (isOpen(state)) return "another change is open";
  if (state.log.some((record) => record.txn === txn)) return "it has been begun before";
  if (plan.base !== state.inForce) return `the plan is for "${plan.base}", not "${state.inForce}"`;
  const shows = { ...plan.observed, ...state.shows };
  const co: Coordinator = { ...REST, phase: "beginning", txn };
  return { ...state, shows, plans: { ...state.plans, [txn]: plan }, co };
}

function logged(state: State, type: RecordType): State | string {
  const { phase, txn } = state.co;
  if (!isWriting(phase) || WRITING[phase] !== type) return `"${type}" in phase ${phase}`;
  const written: State = { ...state, log: [...state.log, { type, txn }] };
  switch (phase) {
    case "beginning":
      return ask(written, "preparing");
    case "decidingCommit":
      return ask(written, "committing");
    case "decidingAbort":
      return ask(written, "aborting");
    case "decidingRevert":
      return ask(written, "reverting");
    default:
      return { ...written, co: REST };
  }
}

/** Everybody has answered. */
function gathered(state: State): State {
  const { phase, waiting, failed, stuck } = state.co;
  if (waiting.length > 0) return state;
  switch (phase) {
    case "preparing":
      return enter(state, failed ? "decidingAbort" : "decidingCommit");
    case "committing":
      return failed ? enter(state, "decidingRevert") : ask(state, "observing");
    case "observing":
      return enter(state, failed ? "decidingRevert" : "flipping");
    case "aborting":
      return enter(state, "endingAborted");
    case "reverting":
      return stuck ? stop(state) : enter(state, "restoring");
    default:
      return state;
  }
}

function answered(state: State, { participant, request, answer }: Action & { do: "Answer" }) {
  const { co } = state;
  if (!isGathering(co.phase) || GATHERING[co.phase] !== request) {
    return `${participant} to ${request} in phase ${co.phase}`;
  }
  if (!co.waiting.includes(participant)) return `${participant} has answered already`;
  const votes = state.votes[co.txn] ?? [];
  const isVote = request === "prepare" && answer === "did";
  return gathered({
    ...state,
    votes: { ...state.votes, [co.txn]: isVote ? [...votes, participant] : votes },
    co: {
      ...co,
      waiting: co.waiting.filter((name) => name !== participant),
      failed: co.failed || answer !== "did",
      stuck: co.stuck || answer === "refused",
    },
  });
}

/**
 * What was asked earlier and not carried out is lost from now on: a participant carries out what it is asked in the
 * order in which it is asked. A request may be carried out twice in a row.
 */
function carry(state: State, action: Action & { do: "Carry" }): State | string {
  const { participant, request, txn, shows } = action;
  const queue = state.queue[participant] ?? [];
  // Looking changes nothing, so it does not matter when.
  if (request === "observe")
    return wrongEffect(state, action, shownBy(state, participant)) ?? state;
  const at = queue.findIndex((asked) => asked.request === request && asked.txn === txn);
  if (at < 0) return `${participant} was overtaken: ${request} of ${txn} came too late, or unasked`;
  const wrong = wrongEffect(state, action, shownBy(state, participant));
  if (wrong !== null) return wrong;
  return {
    ...state,
    queue: { ...state.queue, [participant]: queue.slice(at) },
    shows: { ...state.shows, [participant]: shows },
  };
}

function shownBy(state: State, participant: string): Txn {
  return state.shows[participant] ?? NOTHING;
}

function wrongEffect(
  state: State,
  { participant, request, txn, shows }: Action & { do: "Carry" },
  before: Txn,
): string | null {
  const observed = state.plans[txn]?.observed[participant] ?? NOTHING;
  if (shows === before) return null;
  const changed = `${participant} to ${request} of ${txn} shows "${shows}" after "${before}"`;
  if (before === USER && observed !== USER) return `NothingIsClobbered does not hold: ${changed}`;
  if (request === "commit" && shows === txn) return null;
  if (request === "takeBack" && before === txn && shows === observed) return null;
  return changed;
}

function flipBack(state: State): State | string {
  const { phase, txn } = state.co;
  if (phase !== "restoring") return `in phase ${phase}`;
  const inForce = state.inForce === txn ? (state.plans[txn]?.base ?? NOTHING) : state.inForce;
  return enter({ ...state, inForce }, "endingReverted");
}

/** What remains to be done is read from the log, which has what was written and perhaps what was being written. */
function recover(state: State, { log, inForce }: Action & { do: "Recover" }): State | string {
  if (state.co.phase !== "down" && state.co.phase !== "idle") return `in phase ${state.co.phase}`;
  const flips: readonly (Txn | undefined)[] = [state.inForce, flipOf(state)];
  if (!flips.includes(inForce)) return `"${inForce}" is in force, and was "${state.inForce}"`;
  const isWhole = isSameLog(log, state.log);
  const isLonger = log.length === state.log.length + 1 && isSameLog(log.slice(0, -1), state.log);
  if (!isWhole && !isLonger) return `the log is ${textOf(log)}, and was ${textOf(state.log)}`;
  const last = log.at(-1);
  const found: State = { ...state, log, inForce };
  if (last === undefined || ENDS.has(last.type)) return { ...found, co: REST };
  const open: State = { ...found, co: { ...REST, txn: last.txn } };
  if (last.type === "begin") return enter(open, "decidingAbort");
  if (last.type === "commit") return ask(open, "committing");
  return ask(open, last.type === "abort" ? "aborting" : "reverting");
}

/** What a flip that nobody was told of may have put in force. */
function flipOf({ co, plans }: State): Txn | undefined {
  const last = co.txn === NOTHING ? undefined : plans[co.txn];
  return co.stoppedIn === "restoring"
    ? last?.base
    : co.stoppedIn === "flipping"
      ? co.txn
      : undefined;
}

function isSameLog(one: readonly LogRecord[], other: readonly LogRecord[]): boolean {
  return textOf(one) === textOf(other);
}

function textOf(log: readonly LogRecord[]): string {
  return log.map(({ type, txn }) => `${type} ${txn}`).join(", ");
}

function isWriting(phase: Phase): phase is WritingPhase {
  return Object.hasOwn(WRITING, phase);
}

function isGathering(phase: Phase): phase is GatheringPhase {
  return Object.hasOwn(GATHERING, phase);
}

/** What a coordinator in this phase has asked for and waits for. */
export function expectation({ phase, waiting }: Coordinator): string {
  if (isWriting(phase)) return `log ${WRITING[phase]}`;
  if (isGathering(phase)) return `${GATHERING[phase]} ${[...waiting].sort().join(" ")}`;
  if (phase === "flipping") return "flip";
  return phase === "restoring" ? "flipBack" : phase;
}

// --- what must hold in every state ---

const PROMISES: readonly (readonly [string, (state: State) => boolean])[] = [
  ["LogIsWellFormed", ({ log }) => log.every((record, at) => isNext(record, log[at - 1]))],
  ["LogIsTruth", logIsTruth],
  ["CommitHasAllVotes", commitHasAllVotes],
  ["ShownWasDecided", shownWasDecided],
  ["AllOrNothing", allOrNothing],
  ["FlipIsLast", flipIsLast],
  ["BaseWasChecked", baseWasChecked],
  ["RollbackIsToApplied", rollbackIsToApplied],
];

const BEFORE: Readonly<Record<Exclude<RecordType, "begin">, RecordType>> = {
  commit: "begin",
  abort: "begin",
  revert: "commit",
  applied: "commit",
  aborted: "abort",
  reverted: "revert",
};

function isNext({ type, txn }: LogRecord, before: LogRecord | undefined): boolean {
  if (type === "begin") return before === undefined || ENDS.has(before.type);
  return before?.type === BEFORE[type] && before.txn === txn;
}

function logIsTruth(state: State): boolean {
  const last = state.log.at(-1);
  if (state.inForce === truthOf(state.log)) return true;
  return state.inForce === last?.txn && (last.type === "commit" || last.type === "revert");
}

function commitHasAllVotes({ log, votes, plans }: State): boolean {
  return log.every(({ type, txn }) => {
    const agreed = votes[txn] ?? [];
    return (
      type !== "commit" || (plans[txn]?.participants ?? []).every((one) => agreed.includes(one))
    );
  });
}

function shownWasDecided({ shows, log, plans }: State): boolean {
  const isDecided = (shown: Txn) => log.some(({ type, txn }) => type === "commit" && txn === shown);
  return Object.values(shows).every((shown) => plans[shown] === undefined || isDecided(shown));
}

function allOrNothing({ shows, log, plans }: State): boolean {
  const last = log.at(-1);
  if (last === undefined || !ENDS.has(last.type)) return true;
  return (plans[last.txn]?.participants ?? []).every((name) =>
    last.type === "applied" ? isShown(shows[name], last.txn) : shows[name] !== last.txn,
  );
}

function flipIsLast({ shows, log, plans, inForce }: State): boolean {
  const last = log.at(-1);
  if (last?.type !== "commit" || inForce !== last.txn) return true;
  return (plans[last.txn]?.participants ?? []).every((name) => isShown(shows[name], last.txn));
}

function isShown(shown: Txn | undefined, txn: Txn): boolean {
  return shown === txn || shown === USER;
}

function baseWasChecked({ log, plans }: State): boolean {
  return log.every(
    ({ type, txn }, at) => type !== "begin" || plans[txn]?.base === truthOf(log.slice(0, at)),
  );
}

function rollbackIsToApplied({ log, plans }: State): boolean {
  return log.every(({ txn }, at) => {
    const restores = plans[txn]?.restores ?? null;
    if (restores === null || restores === NOTHING) return true;
    return log.slice(0, at).some((record) => record.type === "applied" && record.txn === restores);
  });
}
