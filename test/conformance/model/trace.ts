/**
 * Listens to a real coordinator and its participants, and says in the model's words what happened; the model says at
 * each step whether it may have. What a participant shows is read from its file, not from what it says.
 */
import type {
  LogStep,
  LogStepType,
  State as MachineState,
} from "../../../host/shared/fabric/apply/machine.ts";
import type { Participant, Transaction } from "../../../host/shared/fabric/apply/participant.ts";
import type { TraceLine } from "../../../host/shared/fabric/apply/run.ts";
import { generationPath } from "../../../host/shared/fabric/generation-file/generation-file.ts";
import { fromUtf8 } from "../../../host/shared/trust/bytes.ts";
import type { MemoryFiles } from "../../support/memory-files.ts";
import {
  type Action,
  expectation,
  INITIAL,
  type LogRecord,
  next,
  NOTHING,
  type Plan,
  type RecordType,
  type RequestKind,
  type State,
  type Txn,
  USER,
} from "./model.ts";

/** The record that a log ends with when recovery begins in a phase. */
const LAST_RECORD: Partial<Record<MachineState["phase"], RecordType>> = {
  decidingAbort: "begin",
  committing: "commit",
  observing: "commit",
  flipping: "commit",
  aborting: "abort",
  ending: "abort",
  reverting: "revert",
  restoring: "revert",
};

/** A record that is being written while the coordinator is in a phase; null for none. */
function recordOf({ co }: State): RecordType | null {
  const due = expectation(co);
  return due.startsWith("log ") ? (due.slice("log ".length) as RecordType) : null;
}

export class Trace {
  readonly #files: MemoryFiles;
  readonly #folder: string;
  readonly #pathOf: (participant: string) => string;
  readonly actions: Action[] = [];
  state: State = INITIAL;
  /** Why the first step that is not allowed is not; null while all are. */
  refusal: string | null = null;
  #plan: Plan | null = null;
  #attempts = 0;
  /** Which transaction made what is in force, by the text of the file. */
  readonly #inForce = new Map<string, Txn>();
  readonly #contents = new Map<string, string | null>();
  #writing: RecordType | null = null;

  constructor(files: MemoryFiles, folder: string, pathOf: (participant: string) => string) {
    this.#files = files;
    this.#folder = folder;
    this.#pathOf = pathOf;
  }

  /** A plan has been made for what is in force and shown now. The next beginning is its. */
  planned(participants: readonly string[], restores: Txn | null = null): void {
    const base = this.state.inForce;
    const observed = Object.fromEntries(
      participants.map((name) => [name, this.state.shows[name] ?? NOTHING]),
    );
    this.#plan = { base, observed, participants, restores };
    for (const name of participants) this.#contents.set(name, this.#content(name));
  }

  userEdit(participant: string): void {
    this.#contents.set(participant, this.#content(participant));
    this.take({ do: "UserEdit", participant });
  }

  crash(): void {
    this.take({ do: "Crash" });
  }

  take(action: Action): void {
    if (this.refusal !== null) return;
    this.actions.push(action);
    const { co } = this.state;
    this.#writing = co.phase === "down" ? this.#writing : recordOf(this.state);
    const verdict = next(this.state, action);
    if (verdict.ok) this.state = verdict.state;
    else this.refusal = verdict.why;
  }

  // --- the coordinator ---

  readonly onTrace = (line: TraceLine): void => {
    if (line.event === null) this.#started(line);
    else this.#told(line);
    this.#compare(line);
  };

  /** A recovery has found nothing to do. */
  nothingOpen(): void {
    if (this.state.co.phase !== "down") return;
    this.#recover(
      (last) => last === undefined || ["applied", "aborted", "reverted"].includes(last.type),
    );
  }

  #started({ state, transaction }: TraceLine): void {
    if (state.phase !== "beginning") {
      this.#recover((last) => last?.type === LAST_RECORD[state.phase]);
      return;
    }
    this.nothingOpen();
    this.#attempts += 1;
    const plan = this.#plan ?? { base: NOTHING, observed: {}, participants: [], restores: null };
    this.take({ do: "Begin", txn: `${transaction}#${this.#attempts}`, plan });
  }

  /** The log as it was, or with the record that was being written, whichever fits what the coordinator found. */
  #recover(fits: (last: LogRecord | undefined) => boolean): void {
    const { log, co } = this.state;
    const writing = this.#writing;
    const longer = writing === null ? [] : [[...log, { type: writing, txn: co.txn }]];
    const found = [log, ...longer].find((one) => fits(one.at(-1)));
    this.take({ do: "Recover", log: found ?? log, inForce: this.#whatIsInForce() });
    if (found === undefined) this.refusal ??= "Recover: the coordinator goes on with another log";
  }

  #told({ event, state }: TraceLine): void {
    switch (event?.on) {
      case "logged":
        this.take({ do: "Logged", type: recordType(event.type, state) });
        return;
      case "logFailed":
      case "flipBackFailed":
        this.crash();
        return;
      case "did":
        this.take({ do: "Answer", ...event, answer: "did" });
        return;
      case "refused": {
        const { request, isFinal } = event;
        const { participant } = event.refusal;
        const answer = request === "takeBack" && isFinal ? "left" : "refused";
        this.take({ do: "Answer", participant, request, answer });
        return;
      }
      case "flipped":
        this.take({ do: "Flip" });
        this.#inForce.set(this.#generationText(), this.state.inForce);
        return;
      case "flippedBack":
        this.take({ do: "FlipBack" });
        return;
      case "flipFailed":
        this.take({ do: "FlipFails" });
        return;
      default:
    }
  }

  /** What the coordinator does next is what the model says that it must. */
  #compare({ actions, state }: TraceLine): void {
    const { co } = this.state;
    const due = expectation(co);
    const [first] = actions;
    if (this.refusal !== null || (first === undefined && co.waiting.length > 0)) return;
    const names = actions.flatMap((one) => ("participant" in one ? [one.participant] : []));
    const wanted =
      first === undefined
        ? state.phase
        : first.do === "log"
          ? `log ${stepType(first.step)}`
          : names.length > 0
            ? `${first.do} ${names.sort().join(" ")}`
            : first.do;
    const same = new Set([due, due === "idle" ? "finish" : due, due === "down" ? "halt" : due]);
    if (!same.has(wanted)) this.refusal = `the coordinator does "${wanted}", and must "${due}"`;
  }

  #whatIsInForce(): Txn {
    const text = this.#generationText();
    return text === "" ? NOTHING : (this.#inForce.get(text) ?? this.state.co.txn);
  }

  #generationText(): string {
    const bytes = this.#files.all.get(generationPath(this.#folder));
    return bytes === undefined ? "" : (fromUtf8(bytes) ?? "");
  }

  // --- participants ---

  /** The participant, listened to. */
  listen(inner: Participant): Participant {
    const carried = async <T>(
      transaction: Transaction,
      forward: RequestKind,
      back: RequestKind | null,
      call: () => Promise<T>,
    ): Promise<T> => {
      const { txn } = this.state.co;
      const request = isWayBack(transaction) ? back : forward;
      try {
        return await call();
      } finally {
        if (request !== null) this.#carried(inner.name, request, txn, transaction);
      }
    };
    return {
      name: inner.name,
      prepare: (one) => carried(one, "prepare", null, () => inner.prepare(one)),
      commit: (one) => carried(one, "commit", "takeBack", () => inner.commit(one)),
      abort: (one) => carried(one, "abort", null, () => inner.abort(one)),
      observe: (one) => carried(one, "observe", null, () => inner.observe(one)),
      expect: (one) => inner.expect(one),
    };
  }

  #carried(participant: string, request: RequestKind, txn: Txn, transaction: Transaction): void {
    const queue = this.state.queue[participant] ?? [];
    // Forgetting is also part of going back, and what comes of a vote that came too late.
    if (request === "abort" && !queue.some((one) => one.request === "abort")) return;
    const content = this.#content(participant);
    const shows = this.#nameOf(participant, content, txn, transaction);
    this.#contents.set(participant, content);
    this.take({ do: "Carry", participant, request, txn, shows });
  }

  #nameOf(participant: string, content: string | null, txn: Txn, transaction: Transaction): Txn {
    const path = this.#pathOf(participant);
    const file = transaction.plan.files.find(
      (one) => `/${one.path}` === path.slice(path.indexOf("/", 1)),
    );
    const [before, after] = isWayBack(transaction)
      ? [file?.after, file?.before]
      : [file?.before, file?.after];
    if (content === this.#contents.get(participant))
      return this.state.shows[participant] ?? NOTHING;
    if (content === after) return txn;
    return content === before ? (this.state.plans[txn]?.observed[participant] ?? NOTHING) : USER;
  }

  #content(participant: string): string | null {
    const bytes = this.#files.all.get(this.#pathOf(participant));
    return bytes === undefined ? null : fromUtf8(bytes);
  }
}

/** Whether a transaction leads from what was tried to what was there before. */
function isWayBack({ current, target }: Transaction): boolean {
  return target.generation < (current?.generation ?? 0);
}

function recordType(type: LogStepType, state: MachineState): RecordType {
  if (type !== "end") return type;
  return state.phase === "over" ? state.outcome : "applied";
}

function stepType(step: LogStep): RecordType {
  return step.type === "end" ? step.outcome : step.type;
}
