/**
 * Who takes part in a change: each view, each running node. They vote before anything is visible and do what was
 * decided afterwards; any call may come twice, since whoever decides may have lost power in between.
 *
 * A change that did not show what was planned is taken back by a transaction of its own, from the generation that was
 * tried to the one before: its `target` has the lower number, number 0 with nothing in it for the time before the
 * first. Parts of the change may never have been made, so what is as it shall be already is no reason to refuse.
 */
import type { Failure } from "../../ports/failure.ts";
import type { Generation } from "../generation.ts";
import type { DigestText, SignedPlan } from "../plan.ts";

export interface Transaction {
  /** The plan's id and the number of the generation that it makes: names of staged things begin with it. */
  readonly id: string;
  readonly plan: SignedPlan;
  /** What is in force; null when nothing has been applied yet. */
  readonly current: Generation | null;
  readonly target: Generation;
}

export type Vote = { readonly ok: true } | { readonly ok: false; readonly failure: Failure };

/** What a participant shows, item by item (paths, routes), each by its digest; null where nothing is. */
export type Observation = ReadonlyMap<string, DigestText | null>;

export interface Participant {
  /** Unique and stable: "view:cursor", "node:z6Mk…". */
  readonly name: string;
  /**
   * Checks and stages; nobody sees a difference. After a yes, commit can only fail for want of the machine, and what
   * was staged survives a loss of power. An item that shows what it must show after commit already is fine.
   */
  prepare(transaction: Transaction): Promise<Vote>;
  /** Shows what was staged. It lasts once this returns, what was removed too. */
  commit(transaction: Transaction): Promise<void>;
  /**
   * Forgets what was staged, and shows nothing else than before. Never called between the decision to commit and the
   * end, except for a transaction that was taken back.
   */
  abort(transaction: Transaction): Promise<void>;
  /** What it shows now, for each item that the transaction touches. */
  observe(transaction: Transaction): Promise<Observation>;
  /** What it must show after commit. */
  expect(transaction: Transaction): Observation;
}
