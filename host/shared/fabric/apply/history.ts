/**
 * The log as a history of transactions. Each is whole before the next begins, except the last; whatever else the
 * entries say, in whatever order, no run of this program has written them.
 */
import { Failure } from "../../ports/failure.ts";
import type { LogStep, LogStepType, Outcome, Refusal } from "./machine.ts";
import type { PlanBase } from "../plan.ts";
import type { LogRecord, TransactionFacts } from "./log-record.ts";

export interface LoggedTransaction {
  readonly facts: TransactionFacts;
  /** The number of its first entry in the log. */
  readonly index: number;
  /** Milliseconds since 1970, by the wall clock of whoever applied it. */
  readonly beginMs: number;
  readonly endMs: number | null;
  readonly steps: readonly LogStep[];
  /** Null: power was lost, and nobody has recovered yet. */
  readonly outcome: Outcome | null;
  readonly refusals: readonly Refusal[];
  readonly left: readonly string[];
}

/** What may follow what. */
const NEXT: Readonly<Record<LogStepType, readonly LogStepType[]>> = {
  begin: ["commit", "abort"],
  commit: ["revert", "end"],
  abort: ["end"],
  revert: ["end"],
  end: ["begin"],
};

const OUTCOME_AFTER: Partial<Record<LogStepType, Outcome>> = {
  commit: "applied",
  abort: "aborted",
  revert: "reverted",
};

/** Takes the records of a log one after the other. */
export class History {
  readonly #transactions: LoggedTransaction[] = [];
  readonly #first: number;
  /** What is in force as far as the log says. A part of one, or one that was begun anew, says it from its beginning. */
  #inForce: PlanBase | null = null;
  #count = 0;

  /** `first` is the index in the log of the first record that is added, which begins a transaction. */
  constructor(first = 0) {
    this.#first = first;
  }

  /** Adds the next record. Fails with `log-corrupt` for one that cannot stand there. */
  add(record: LogRecord): void {
    const index = this.#first + this.#count;
    const open = this.#transactions.at(-1);
    const last = open?.steps.at(-1)?.type ?? "end";
    if (!NEXT[last].includes(record.step.type)) {
      throw misplaced(index, `"${record.step.type}" does not follow "${last}"`);
    }
    this.#count += 1;
    if ("facts" in record) {
      this.#begin(record, index);
      return;
    }
    if (open === undefined || record.transaction !== open.facts.transaction) {
      throw misplaced(index, "is of another transaction than the one before it");
    }
    const next = grown(open, record, index);
    this.#transactions[this.#transactions.length - 1] = next;
    this.#inForce = inForceAfter(next);
  }

  /** All transactions, oldest first. */
  get transactions(): readonly LoggedTransaction[] {
    return this.#transactions;
  }

  #begin(
    { facts, at, step }: Extract<LogRecord, { readonly facts: unknown }>,
    index: number,
  ): void {
    const before = this.#inForce ?? facts.base;
    if (facts.base.generation !== before.generation) {
      throw misplaced(index, `starts from another generation than ${before.generation}`);
    }
    if (facts.base.digest !== before.digest) {
      throw misplaced(index, `starts from another document of the generation ${before.generation}`);
    }
    if (facts.generation !== facts.base.generation + 1) {
      throw misplaced(index, "makes a generation that does not follow");
    }
    this.#transactions.push({
      facts,
      index,
      beginMs: at,
      endMs: null,
      steps: [step],
      outcome: null,
      refusals: [],
      left: [],
    });
  }
}

/** What is in force after a transaction, unless it is still open: then it may be either. */
export function inForceAfter({ facts, outcome }: LoggedTransaction): PlanBase {
  if (outcome !== "applied") return facts.base;
  return { generation: facts.generation, digest: facts.target };
}

function grown(
  open: LoggedTransaction,
  { step, at }: Exclude<LogRecord, { readonly facts: unknown }>,
  index: number,
): LoggedTransaction {
  const steps = [...open.steps, step];
  if (step.type === "commit") return { ...open, steps };
  if (step.type !== "end") return { ...open, steps, refusals: step.refusals };
  const due = OUTCOME_AFTER[open.steps.at(-1)?.type ?? "begin"];
  if (step.outcome !== due) throw misplaced(index, `ends as ${step.outcome} what was ${due}`);
  return { ...open, steps, outcome: step.outcome, left: step.left, endMs: at };
}

function misplaced(index: number, problem: string): Failure {
  return new Failure("log-corrupt", `The log of changes: entry ${index} ${problem}`, {
    origin: "host",
    remedy: "Restore .rtt/wal from a copy; do not trust what it says.",
    context: { index },
  });
}
