/**
 * Changes what is in force: one plan, one transaction, one generation. Nothing is begun before what a crash has left
 * open is finished or taken back, and nothing that was not signed for what is in force now.
 *
 * Whoever calls holds the lock (apply-lock.ts).
 */
import { Failure } from "../../ports/failure.ts";
import { equalBytes } from "../../trust/bytes.ts";
import type { Identity } from "../../trust/identity.ts";
import { formatIdentityKey } from "../../trust/key-text.ts";
import type { Generation } from "../generation.ts";
import {
  flipGeneration,
  generationPath,
  historyPath,
  readGeneration,
  readGenerationNumber,
  signGeneration,
  stageGeneration,
  type StoredGeneration,
} from "../generation-file/generation-file.ts";
import type { Plan, PlanId, SignedPlan } from "../plan.ts";
import { applicablePlan, planBytes, signPlan, verifyPlan } from "../plan-file/plan-file.ts";
import { planPath, readPlan } from "../plan-file/plan-store.ts";
import type { RegistryPorts } from "../registry/ports.ts";
import type { SignerCheck } from "../registry/signature.ts";
import type { LockCheck } from "./apply-lock.ts";
import { ApplyLog } from "./apply-log.ts";
import { applyFailure } from "./apply-failure.ts";
import { inForceAfter, type LoggedTransaction } from "./history.ts";
import type { Purpose, TransactionFacts } from "./log-record.ts";
import { LOGGED } from "./logged-signers.ts";
import { IDLE, type Outcome, recover, step, type Step } from "./machine.ts";
import type { Participant, Transaction } from "./participant.ts";
import {
  type Ended,
  type RunSurroundings,
  TIME_LIMITS,
  type TimeLimits,
  type TraceLine,
  TransactionRun,
  type Work,
} from "./run.ts";
import { Turns } from "./turns.ts";
import { baseOf, generationAfter, NOTHING, planBack } from "./target.ts";

export interface ApplySurroundings {
  /** The project's root. */
  readonly root: string;
  /** `.rtt` in it. */
  readonly folder: string;
  /** Signs the log and the generations. */
  readonly identity: Identity;
  /** Whose plans and generations count. */
  readonly signers: SignerCheck;
  /** Who takes part in a plan, or has taken part in one that is to be recovered. */
  participantsOf(plan: Plan): readonly Participant[];
  readonly limits?: Partial<TimeLimits>;
  /** Fails when somebody else changes the project by now. */
  readonly checkLock?: LockCheck;
  readonly onTrace?: (line: TraceLine) => void;
}

/** A plan and what it is applied for. */
export interface Change {
  readonly plan: SignedPlan;
  readonly purpose: Purpose;
  readonly of: PlanId | null;
  readonly restores: number | null;
  readonly canaryPercent: number;
}

export interface Applied {
  readonly stored: StoredGeneration;
  /** Of the log's tree, in hexadecimal. */
  readonly root: string;
  readonly participants: readonly string[];
}

/** What was found open in the log, and how it ended. */
export interface Recovered {
  readonly facts: TransactionFacts;
  readonly outcome: Outcome;
  readonly left: readonly string[];
}

/** A change that somebody has planned, as a whole. */
export function wholeChange(plan: SignedPlan): Change {
  return { plan, purpose: "plan", of: null, restores: null, canaryPercent: 100 };
}

const PLAN_MODE = 0o644;
const FOLDER_MODE = 0o755;

export class Coordinator {
  readonly #ports: RegistryPorts;
  readonly #around: ApplySurroundings;
  readonly #turns: Turns;
  #log: ApplyLog;

  private constructor(ports: RegistryPorts, around: ApplySurroundings, log: ApplyLog) {
    this.#ports = ports;
    this.#around = around;
    this.#turns = new Turns(ports.clock);
    this.#log = log;
  }

  /** Opens the log. Fails with `log-corrupt` or `signer-untrusted`. */
  static async open(ports: RegistryPorts, around: ApplySurroundings): Promise<Coordinator> {
    const log = await ApplyLog.open(ports, around.folder, around.identity);
    return new Coordinator(ports, around, log);
  }

  /** Of the log's tree, in hexadecimal. */
  get root(): string {
    return this.#log.root;
  }

  /** What is in force, verified; null for nothing. */
  current(): Promise<StoredGeneration | null> {
    return readGeneration(this.#ports, this.#around.folder, this.#around.signers);
  }

  /** A generation of the past, verified. Fails with `generation-missing`. */
  stored(number: number): Promise<StoredGeneration> {
    const { folder, signers } = this.#around;
    return readGenerationNumber(this.#ports, folder, number, signers);
  }

  /** A plan of the store, verified. */
  async plan(planId: PlanId): Promise<SignedPlan> {
    const { folder, signers } = this.#around;
    return applicablePlan(await readPlan(this.#ports, folder, planId, signers));
  }

  /** Signs a plan that follows from another one. */
  sign(plan: Plan): SignedPlan {
    return signPlan(this.#ports, plan, this.#around.identity);
  }

  // --- recovery ---

  /** Finishes or takes back what a crash has left open. Fails when that cannot be done now. */
  async recover(): Promise<Recovered | null> {
    const open = await this.#log.lastTransaction();
    if (open === null) return null;
    if (open.outcome !== null) {
      await this.#putBack(open);
      return null;
    }
    const ended = await this.#run(await this.#workOf(open), recover(open.steps));
    if (ended.outcome !== null) {
      return { facts: open.facts, outcome: ended.outcome, left: ended.left };
    }
    throw applyFailure(open.facts, ended);
  }

  /** Where somebody has deleted the file of what is in force, the log names it and its history has the same bytes. */
  async #putBack(last: LoggedTransaction): Promise<void> {
    const { folder } = this.#around;
    const { generation, digest } = inForceAfter(last);
    const isThere = (await this.#ports.files.info(generationPath(folder))) !== null;
    if (digest === null || isThere) return;
    const stored = await readGenerationNumber(this.#ports, folder, generation, LOGGED);
    if (stored.digest !== digest) {
      throw mismatch(`The generation ${generation} is not the one that was in force`, last.facts);
    }
    await flipGeneration(this.#ports, folder, { file: await this.#historyFile(stored) });
  }

  async #workOf({ facts }: LoggedTransaction): Promise<Work> {
    const { folder } = this.#around;
    const tried = await readGenerationNumber(this.#ports, folder, facts.generation, LOGGED);
    if (tried.digest !== facts.target) {
      throw mismatch(`The generation ${facts.generation} is not the one that was begun`, facts);
    }
    const number = facts.base.generation;
    const base =
      number === 0 ? null : await readGenerationNumber(this.#ports, folder, number, LOGGED);
    if ((base?.digest ?? null) !== facts.base.digest) {
      throw mismatch(`The generation ${number} is not the one that was in force`, facts);
    }
    const opened = await readPlan(this.#ports, folder, facts.plan, LOGGED);
    return this.#work(facts, applicablePlan(opened), base, tried);
  }

  // --- applying ---

  /**
   * Puts a plan in force. Fails with `plan-stale` when it was made for something else than what is in force, with what
   * is wrong with its signature, with `apply-refused` when somebody cannot do it and nothing was changed, with
   * `apply-reverted` when it was taken back.
   */
  async apply(change: Change): Promise<Applied> {
    const { folder, identity } = this.#around;
    const verdict = verifyPlan(this.#ports, change.plan, this.#around.signers);
    if (!verdict.ok) throw untrusted(verdict.code, verdict.reason, change.plan);
    const base = await this.current();
    await this.#checkLogged(base);
    checkBase(change.plan, base);
    await this.#around.checkLock?.();
    const target = generationAfter(change.plan, base, change);
    const signed = signGeneration(this.#ports, target, identity);
    await this.#keepPlan(change.plan);
    await stageGeneration(this.#ports, folder, base, signed);
    const tried = { ...signed, signer: formatIdentityKey(identity.publicKey) };
    const work = this.#work(this.#factsOf(change, target, signed.digest), change.plan, base, tried);
    const participants = this.#around.participantsOf(change.plan).map(({ name }) => name);
    const { size } = this.#log;
    const run = await this.#run(work, step(IDLE, { on: "begin", participants }));
    const ended = run.outcome === null ? await this.#endOf(run, size) : run;
    if (ended.outcome === "applied") return { stored: tried, root: this.#log.root, participants };
    throw applyFailure(work.facts, ended);
  }

  /**
   * Where the log could not be written before, perhaps it can be now: what is open is ended at once rather than by
   * whoever comes next. If that fails too, the first obstacle is what the caller has to know.
   */
  async #endOf(ended: Ended, sizeBefore: number): Promise<Ended> {
    try {
      await this.#around.checkLock?.();
      this.#log = await ApplyLog.open(this.#ports, this.#around.folder, this.#around.identity);
      await this.recover();
      const last = await this.#log.lastTransaction();
      // Not even its beginning was logged: then nobody was asked for anything.
      if (last === null || last.index < sizeBefore) return { ...ended, outcome: "aborted" };
      return { ...ended, outcome: last.outcome, left: last.left };
    } catch {
      return ended;
    }
  }

  /** What is in force must be what the log says, or the next entry would contradict it for ever. */
  async #checkLogged(current: StoredGeneration | null): Promise<void> {
    const last = await this.#log.lastTransaction();
    if (last === null || last.outcome === null) return;
    const due = inForceAfter(last);
    if ((current?.digest ?? null) === due.digest) return;
    const problem = `generation.dsse.json is not the generation ${due.generation}, which the log names`;
    throw new Failure("log-corrupt", problem, {
      origin: "host",
      remedy:
        "Delete .rtt/generation.dsse.json; the next `rtt apply` puts back what the log names.",
      context: { path: generationPath(this.#around.folder) },
    });
  }

  #factsOf(change: Change, target: Generation, digest: string): TransactionFacts {
    const { plan, purpose, of } = change;
    return {
      transaction: transactionId(plan, target.generation),
      purpose,
      plan: plan.plan_id,
      of,
      base: plan.base,
      generation: target.generation,
      target: digest,
      by: formatIdentityKey(this.#around.identity.publicKey),
    };
  }

  /** Recovery needs the plan, so it is on disk before the log speaks of it. */
  async #keepPlan(plan: SignedPlan): Promise<void> {
    const { files } = this.#ports;
    const path = planPath(this.#around.folder, plan.plan_id);
    const bytes = planBytes(plan);
    const there = await files.read(path);
    if (there !== null && equalBytes(there, bytes)) return;
    await files.makeFolder(path.slice(0, path.lastIndexOf("/")), FOLDER_MODE);
    await files.write(path, bytes, PLAN_MODE);
  }

  #work(
    facts: TransactionFacts,
    plan: SignedPlan,
    base: StoredGeneration | null,
    tried: StoredGeneration,
  ): Work {
    const current = base?.generation ?? null;
    const target = tried.generation;
    const forward: Transaction = { id: facts.transaction, plan, current, target };
    const planned = this.sign(planBack(this.#ports, plan, base, tried));
    const back: Transaction = {
      id: transactionId(planned, current?.generation ?? 0),
      plan: planned,
      current: target,
      target: current ?? NOTHING,
    };
    return { facts, forward, back, base, tried };
  }

  #run(work: Work, first: Step): Promise<Ended> {
    const { limits, onTrace, checkLock } = this.#around;
    const around: RunSurroundings = {
      log: this.#log,
      participants: this.#around.participantsOf(work.forward.plan),
      limits: { ...TIME_LIMITS, ...limits },
      turns: this.#turns,
      flip: () => this.#flip(work),
      flipBack: () => this.#flipBack(work),
      checkLock: checkLock ?? (() => Promise.resolve()),
      onTrace: onTrace ?? null,
    };
    return new TransactionRun(this.#ports, around, work).run(first);
  }

  // --- the flip ---

  async #flip({ tried }: Work): Promise<void> {
    const file = await this.#historyFile(tried);
    await flipGeneration(this.#ports, this.#around.folder, { file });
  }

  async #flipBack({ base, tried }: Work): Promise<void> {
    const { folder } = this.#around;
    const { files } = this.#ports;
    const path = generationPath(folder);
    const there = await files.read(path);
    if (there === null || !equalBytes(there, await this.#historyFile(tried))) return;
    if (base !== null) {
      await flipGeneration(this.#ports, folder, { file: await this.#historyFile(base) });
      return;
    }
    await files.remove(path);
    await files.syncFolder(folder);
  }

  async #historyFile({ generation }: StoredGeneration): Promise<Uint8Array<ArrayBuffer>> {
    const path = historyPath(this.#around.folder, generation.generation);
    const file = await this.#ports.files.read(path);
    if (file !== null) return file;
    throw new Failure("generation-missing", `There is no generation ${generation.generation}`, {
      origin: "host",
      remedy: "Restore .rtt/generations from a copy.",
      context: { path },
    });
  }
}

const ID_DIGITS = 16;

function transactionId({ plan_id }: Plan, generation: number): string {
  return `${plan_id.slice("sha256-".length).slice(0, ID_DIGITS)}.${generation}`;
}

function checkBase(plan: SignedPlan, current: StoredGeneration | null): void {
  const { generation, digest } = baseOf(current);
  if (plan.base.generation === generation && plan.base.digest === digest) return;
  const what = `The plan starts from generation ${plan.base.generation}`;
  throw new Failure("plan-stale", `${what}; ${generation} is in force`, {
    origin: "local",
    remedy: "Make a new plan with `rtt plan` and look at it.",
    context: { planId: plan.plan_id, base: plan.base.generation, inForce: generation },
  });
}

function untrusted(code: Failure["code"], reason: string, { plan_id }: SignedPlan): Failure {
  const prefix = `${code}: `;
  return new Failure(code, reason.startsWith(prefix) ? reason.slice(prefix.length) : reason, {
    origin: "policy",
    remedy: "Make the plan again with `rtt plan`, which signs it.",
    context: { planId: plan_id },
  });
}

function mismatch(problem: string, { transaction }: TransactionFacts): Failure {
  return new Failure("log-corrupt", problem, {
    origin: "host",
    remedy: "Restore .rtt/generations and .rtt/wal from the same copy.",
    context: { transaction },
  });
}
