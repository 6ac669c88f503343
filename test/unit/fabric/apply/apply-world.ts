/**
 * A project in memory with participants whose files anybody can look at: each view keeps one folder, a file holds the
 * text of its digest, what is staged lies in the project's own folder. They keep the contract of participants over
 * the files port, so that a loss of power hits them as it hits the real ones.
 */
import { expect } from "vitest";
import { nodeClock } from "../../../../host/node/clock.ts";
import { nodeSignatures } from "../../../../host/node/signatures.ts";
import { readHistory } from "../../../../host/shared/fabric/apply/apply-log.ts";
import {
  type ApplySurroundings,
  Coordinator,
  wholeChange,
} from "../../../../host/shared/fabric/apply/coordinator.ts";
import type { Participant, Transaction } from "../../../../host/shared/fabric/apply/participant.ts";
import { baseOf, NOTHING } from "../../../../host/shared/fabric/apply/target.ts";
import type { Generation } from "../../../../host/shared/fabric/generation.ts";
import {
  readGeneration,
  type StoredGeneration,
} from "../../../../host/shared/fabric/generation-file/generation-file.ts";
import type { PlannedFile, SignedPlan } from "../../../../host/shared/fabric/plan.ts";
import { makePlan, signPlan } from "../../../../host/shared/fabric/plan-file/plan-file.ts";
import type { RegistryPorts } from "../../../../host/shared/fabric/registry/ports.ts";
import type { SignerCheck } from "../../../../host/shared/fabric/registry/signature.ts";
import { Failure } from "../../../../host/shared/ports/failure.ts";
import type { Files } from "../../../../host/shared/ports/files.ts";
import { fromUtf8, utf8 } from "../../../../host/shared/trust/bytes.ts";
import { digestText } from "../../../../host/shared/trust/digest-text.ts";
import { identityOf } from "../../../../host/shared/trust/identity.ts";
import { formatIdentityKey } from "../../../../host/shared/trust/key-text.ts";
import { testDigest } from "../../../support/ports.ts";

export const ROOT = "/p";
export const FOLDER = "/p/.rtt";
export const OWNER = identityOf(
  new Uint8Array(32).fill(7),
  new Uint8Array(32).fill(8),
  nodeSignatures,
);
export const VIEWS = ["a", "b", "c"];

export const SIGNERS: SignerCheck = {
  keyOf: (text) => (text === formatIdentityKey(OWNER.publicKey) ? OWNER.publicKey : null),
};

/** Digest of a name: what a file that shows it holds. */
export function digestOf(name: string): string {
  return digestText(testDigest, utf8(name));
}

export function portsOf(files: Files, clock = nodeClock): RegistryPorts {
  return { files, clock, digest: testDigest, signatures: nodeSignatures };
}

// --- plans ---

/** What a project shows: for each view its files and what they show. */
export type Shown = Readonly<Record<string, Readonly<Record<string, string>>>>;

export const FIRST: Shown = { a: { x: "1", y: "1" }, b: { x: "1" }, c: { z: "1" } };
export const SECOND: Shown = { a: { x: "2" }, b: { x: "1", w: "2" }, c: { z: "2" } };

function filesOf(shown: Shown): Map<string, { view: string; digest: string }> {
  const files = Object.entries(shown).flatMap(([view, inside]) =>
    Object.entries(inside).map(([name, content]): [string, { view: string; digest: string }] => [
      `${view}/${name}`,
      { view, digest: digestOf(content) },
    ]),
  );
  return new Map(files);
}

const route = (name: string) => ({
  from: "rtt://local/service/door@1.0.0",
  to: `rtt://local/mcp-server/${name}@1.0.0`,
  lane: "uds" as const,
});

/** The signed plan that leads from what is in force to `shown`, with a route for each view. */
export function planTo(current: StoredGeneration | null, shown: Shown): SignedPlan {
  const before = current?.generation ?? NOTHING;
  const wanted = filesOf(shown);
  const present = new Map(before.files.map((file) => [file.path, file]));
  const paths = new Set([...wanted.keys(), ...present.keys()]);
  const files = [...paths].map((path): PlannedFile => ({
    path,
    view: path.split("/")[0] as string,
    before: present.get(path)?.digest ?? null,
    after: wanted.get(path)?.digest ?? null,
    how: "link",
  }));
  const plan = makePlan(portsOf({} as Files), {
    base: baseOf(current),
    present: before.routes,
    routes: Object.keys(shown).map(route),
    placement: {},
    symbols: {},
    files,
  });
  return signPlan(portsOf({} as Files), plan, OWNER);
}

// --- participants ---

const MODE = 0o644;

/** A view over the files port. */
export class FileView implements Participant {
  readonly name: string;
  readonly #view: string;
  readonly #files: Files;

  constructor(files: Files, view: string) {
    this.name = `view:${view}`;
    this.#view = view;
    this.#files = files;
  }

  async prepare(transaction: Transaction): Promise<{ ok: true } | { ok: false; failure: Failure }> {
    for (const file of this.#mine(transaction)) {
      const there = await this.#shown(file.path);
      if (there !== file.before && there !== file.after) {
        return { ok: false, failure: stale(file.path) };
      }
    }
    for (const [at, { after }] of this.#mine(transaction).entries()) {
      if (after === null) continue;
      await this.#files.write(this.#staged(transaction, at), utf8(after), MODE);
    }
    return { ok: true };
  }

  async commit(transaction: Transaction): Promise<void> {
    for (const { path, after } of this.#mine(transaction)) {
      if ((await this.#shown(path)) === after) continue;
      if (after === null) await this.#files.remove(`${ROOT}/${path}`);
      else await this.#files.write(`${ROOT}/${path}`, utf8(after), MODE);
    }
    await this.#files.syncFolder(`${ROOT}/${this.#view}`);
    await this.abort(transaction);
  }

  async abort(transaction: Transaction): Promise<void> {
    for (const at of this.#mine(transaction).keys()) {
      await this.#files.remove(this.#staged(transaction, at));
    }
  }

  async observe(transaction: Transaction): Promise<ReadonlyMap<string, string | null>> {
    const seen = new Map<string, string | null>();
    for (const { path } of this.#mine(transaction)) seen.set(path, await this.#shown(path));
    return seen;
  }

  expect(transaction: Transaction): ReadonlyMap<string, string | null> {
    return new Map(this.#mine(transaction).map(({ path, after }) => [path, after]));
  }

  #mine({ plan }: Transaction): readonly PlannedFile[] {
    return plan.files.filter(({ view }) => view === this.#view);
  }

  async #shown(path: string): Promise<string | null> {
    const bytes = await this.#files.read(`${ROOT}/${path}`);
    return bytes === null ? null : fromUtf8(bytes);
  }

  #staged({ id }: Transaction, at: number): string {
    return `${FOLDER}/staged/${this.#view}.${id}.${at}`;
  }
}

function stale(path: string): Failure {
  return new Failure("plan-stale", `${path} is not what it was`, {
    origin: "host",
    remedy: "Make a new plan.",
    context: { path },
  });
}

/** A participant of which some calls are replaced. */
export function changed(inner: Participant, calls: Partial<Participant>): Participant {
  return {
    name: inner.name,
    prepare: (transaction) => inner.prepare(transaction),
    commit: (transaction) => inner.commit(transaction),
    abort: (transaction) => inner.abort(transaction),
    observe: (transaction) => inner.observe(transaction),
    expect: (transaction) => inner.expect(transaction),
    ...calls,
  };
}

export function refusing(inner: Participant): Participant {
  const failure = new Failure("view-conflict", "a file of the user's is there", {
    origin: "host",
    remedy: "Move it away.",
  });
  return changed(inner, { prepare: async () => ({ ok: false, failure }) });
}

/** Says yes, says done, and does nothing. */
export function lying(inner: Participant): Participant {
  return changed(inner, { commit: async () => {} });
}

// --- surroundings ---

export function surroundings(
  files: Files,
  replaced: Partial<ApplySurroundings> = {},
): ApplySurroundings {
  return {
    root: ROOT,
    folder: FOLDER,
    identity: OWNER,
    signers: SIGNERS,
    participantsOf: () => VIEWS.map((view) => new FileView(files, view)),
    ...replaced,
  };
}

export function openCoordinator(
  files: Files,
  replaced: Partial<ApplySurroundings> = {},
): Promise<Coordinator> {
  return Coordinator.open(portsOf(files), surroundings(files, replaced));
}

/** Participants whatever the plan is. */
export function always(participants: readonly Participant[]): Partial<ApplySurroundings> {
  return { participantsOf: () => participants };
}

/** Applies what leads to `shown`, after having recovered, as `rtt apply` does. */
export async function applyTo(
  files: Files,
  shown: Shown,
  replaced: Partial<ApplySurroundings> = {},
): Promise<StoredGeneration> {
  const coordinator = await openCoordinator(files, replaced);
  await coordinator.recover();
  const plan = planTo(await coordinator.current(), shown);
  return (await coordinator.apply(wholeChange(plan))).stored;
}

/** Everything that must hold whenever nobody is at work: log valid and closed, files exactly as in force says. */
export async function judge(files: Files): Promise<Generation | null> {
  const stored = await readGeneration(portsOf(files), FOLDER, SIGNERS);
  const log = await readHistory(portsOf(files), FOLDER, OWNER);
  const applied = log?.transactions.findLast(({ outcome }) => outcome === "applied");
  expect(log?.transactions.at(-1)?.outcome ?? "none").not.toBeNull();
  expect(applied?.facts.target ?? null).toBe(stored?.digest ?? null);
  const shown = new Map<string, string | null>();
  for (const view of VIEWS) {
    for (const name of await files.list(`${ROOT}/${view}`)) {
      if (name.endsWith(".tmp")) continue;
      const bytes = await files.read(`${ROOT}/${view}/${name}`);
      shown.set(`${view}/${name}`, bytes === null ? null : fromUtf8(bytes));
    }
  }
  const due = new Map((stored?.generation.files ?? []).map(({ path, digest }) => [path, digest]));
  expect(Object.fromEntries([...shown].sort())).toEqual(Object.fromEntries([...due].sort()));
  return stored?.generation ?? null;
}
