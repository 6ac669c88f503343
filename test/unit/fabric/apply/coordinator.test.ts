/**
 * Goal: a change happens as a whole or not at all, whatever participants, plans and disks do, under a named error.
 * Method: a project in memory; each participant in turn refuses, throws, hangs, lies; each write in turn fails.
 */
import { expect, test } from "vitest";
import { readHistory } from "../../../../host/shared/fabric/apply/apply-log.ts";
import { Coordinator, wholeChange } from "../../../../host/shared/fabric/apply/coordinator.ts";
import type { Participant } from "../../../../host/shared/fabric/apply/participant.ts";
import type { SignedPlan } from "../../../../host/shared/fabric/plan.ts";
import { generationPath } from "../../../../host/shared/fabric/generation-file/generation-file.ts";
import { signPlan } from "../../../../host/shared/fabric/plan-file/plan-file.ts";
import { planPath } from "../../../../host/shared/fabric/plan-file/plan-store.ts";
import { Failure } from "../../../../host/shared/ports/failure.ts";
import type { Files } from "../../../../host/shared/ports/files.ts";
import { utf8 } from "../../../../host/shared/trust/bytes.ts";
import { documentBytes, type Json } from "../../../../host/shared/trust/canonical-json.ts";
import { MemoryFiles } from "../../../support/memory-files.ts";
import { failureCode } from "../../../support/ports.ts";
import { COLLEAGUE } from "../../../support/registry.ts";
import {
  always,
  applyTo,
  changed,
  digestOf,
  FileView,
  FIRST,
  FOLDER,
  judge,
  lying,
  openCoordinator,
  OWNER,
  planTo,
  portsOf,
  refusing,
  ROOT,
  SECOND,
  surroundings,
  VIEWS,
} from "./apply-world.ts";

const never = (): Promise<never> => new Promise(() => {});
const FAST = { prepareMs: 30, commitMs: 30, observeMs: 30, undoMs: 30 };

function withOne(files: Files, change: (inner: Participant) => Participant): Participant[] {
  return VIEWS.map((view) => {
    const inner = new FileView(files, view);
    return view === "b" ? change(inner) : inner;
  });
}

test("a plan is applied as a whole, and the next one after it", async () => {
  const files = new MemoryFiles();
  const first = await applyTo(files, FIRST);
  expect(first.generation.generation).toBe(1);
  const second = await applyTo(files, SECOND);
  expect(second.generation.previous).toBe(first.digest);
  const inForce = await judge(files);
  expect(inForce?.generation).toBe(2);
  expect(inForce?.files.map(({ path }) => path)).toEqual(["a/x", "b/w", "b/x", "c/z"]);
  const log = await readHistory(portsOf(files), FOLDER, OWNER);
  expect(log?.transactions.map(({ steps }) => steps.map(({ type }) => type))).toEqual([
    ["begin", "commit", "end"],
    ["begin", "commit", "end"],
  ]);
});

interface Trouble {
  readonly name: string;
  readonly change: (inner: Participant) => Participant;
  readonly code: string;
}

const throws = (): Promise<never> => Promise.reject(new TypeError("a bug"));

const TROUBLES: readonly Trouble[] = [
  { name: "refuses", change: refusing, code: "view-conflict" },
  {
    name: "has no hard links",
    change: (inner) =>
      changed(inner, {
        prepare: async () => ({
          ok: false,
          failure: new Failure("link-unsupported", "b", { origin: "host", remedy: "Copy." }),
        }),
      }),
    code: "link-unsupported",
  },
  {
    name: "throws when it votes",
    change: (inner) => changed(inner, { prepare: throws }),
    code: "apply-refused",
  },
  {
    name: "throws at once when it votes",
    change: (inner) =>
      changed(inner, {
        prepare: () => {
          throw new TypeError("a bug");
        },
      }),
    code: "apply-refused",
  },
  {
    name: "never votes",
    change: (inner) => changed(inner, { prepare: never }),
    code: "apply-refused",
  },
  {
    name: "never forgets what it refused",
    change: (inner) => changed(refusing(inner), { abort: never }),
    code: "view-conflict",
  },
  { name: "lies", change: lying, code: "apply-reverted" },
  {
    name: "throws when it shall commit",
    change: (inner) => {
      let times = 0;
      return changed(inner, {
        commit: (transaction) => (times++ === 0 ? throws() : inner.commit(transaction)),
      });
    },
    code: "apply-reverted",
  },
  {
    name: "never commits",
    change: (inner) => {
      let times = 0;
      return changed(inner, {
        commit: (transaction) => (times++ === 0 ? never() : inner.commit(transaction)),
      });
    },
    // What it was told to do may still happen, so it cannot be taken back before that, or before the program ends.
    code: "deadline-exceeded",
  },
  {
    name: "cannot be observed",
    change: (inner) => {
      let times = 0;
      return changed(inner, {
        observe: (transaction) => (times++ === 0 ? never() : inner.observe(transaction)),
      });
    },
    code: "apply-reverted",
  },
  {
    name: "shows more than was planned",
    change: (inner) => {
      let times = 0;
      return changed(inner, {
        observe: async (transaction) => {
          const shown = await inner.observe(transaction);
          return times++ === 0 ? new Map([...shown, ["b/more", digestOf("more")]]) : shown;
        },
      });
    },
    code: "apply-reverted",
  },
];

test.each(TROUBLES)("a participant that $name changes nothing", async ({ change, code }) => {
  for (const start of [null, FIRST]) {
    const files = new MemoryFiles();
    if (start !== null) await applyTo(files, start);
    const before = await judge(files);
    const participants = withOne(files, change);
    const attempt = () => applyTo(files, SECOND, { ...always(participants), limits: FAST });
    expect(await failureCode(attempt)).toBe(code);
    if (code === "deadline-exceeded") await (await openCoordinator(files)).recover();
    expect(await judge(files)).toEqual(before);
    // Nothing of it stands in the way of the next one.
    expect((await applyTo(files, SECOND)).generation.generation).toBe(
      (before?.generation ?? 0) + 1,
    );
    await judge(files);
  }
});

test("a vote that comes too late is forgotten by whoever gave it", async () => {
  const files = new MemoryFiles();
  let release = (): void => {};
  const late = new Promise<void>((resolve) => (release = resolve));
  const participants = withOne(files, (inner) =>
    changed(inner, {
      prepare: async (transaction) => {
        await late;
        return inner.prepare(transaction);
      },
    }),
  );
  const attempt = () => applyTo(files, FIRST, { ...always(participants), limits: FAST });
  expect(await failureCode(attempt)).toBe("apply-refused");
  release();
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect([...files.all.keys()].filter((path) => path.includes("/staged/"))).toEqual([]);
});

test("a participant that can never go back leaves the change open, and recovery ends it later", async () => {
  const files = new MemoryFiles();
  await applyTo(files, FIRST);
  const before = await judge(files);
  const participants = withOne(files, (inner) => changed(inner, { commit: throws }));
  const attempt = () => applyTo(files, SECOND, always(participants));
  expect(await failureCode(attempt)).toBe("internal");
  // Still broken: the next one says so, and does not begin.
  expect(await failureCode(attempt)).toBe("internal");
  const recovered = await (await openCoordinator(files)).recover();
  expect(recovered?.outcome).toBe("reverted");
  expect(await judge(files)).toEqual(before);
});

test("a file that somebody has changed meanwhile is left alone on the way back, and named", async () => {
  const files = new MemoryFiles();
  await applyTo(files, FIRST);
  const participants = withOne(files, (inner) =>
    changed(inner, {
      observe: async (transaction) => {
        await files.write(`${ROOT}/b/w`, utf8("the user's own"));
        return inner.observe(transaction);
      },
    }),
  );
  const failure = await applyTo(files, SECOND, always(participants)).catch((thrown: unknown) =>
    Failure.from(thrown),
  );
  expect(failure).toMatchObject({ code: "apply-reverted", context: { left: "view:b" } });
  expect(new TextDecoder().decode(files.all.get(`${ROOT}/b/w`))).toBe("the user's own");
  const coordinator = await openCoordinator(files);
  expect((await coordinator.current())?.generation.generation).toBe(1);
});

// --- plans ---

type Spoil = (plan: SignedPlan) => SignedPlan;

test.each<[string, Spoil, string]>([
  ["with a route more", (plan) => ({ ...plan, routes_add: [] }), "plan-invalid"],
  [
    "with another's signature",
    (plan) => signPlan(portsOf({} as Files), plan, COLLEAGUE),
    "signer-untrusted",
  ],
  [
    "with a forged signature",
    (plan) => ({ ...plan, sign: { ...plan.sign, sig: `A${plan.sign.sig.slice(1)}` } }),
    "signature-invalid",
  ],
])("a plan %s is refused before anything is written", async (_, spoil, code) => {
  const files = new MemoryFiles();
  const coordinator = await openCoordinator(files);
  const disk = new Map(files.all);
  const plan = spoil(planTo(null, FIRST));
  expect(await failureCode(() => coordinator.apply(wholeChange(plan)))).toBe(code);
  expect(files.all).toEqual(disk);
});

test("a plan of the store without its signature is refused", async () => {
  const files = new MemoryFiles();
  const coordinator = await openCoordinator(files);
  const { sign: _, ...plan } = planTo(null, FIRST);
  await files.write(planPath(FOLDER, plan.plan_id), documentBytes(plan as unknown as Json));
  expect(await failureCode(() => coordinator.plan(plan.plan_id))).toBe("signature-missing");
});

test("a plan for another generation, or for files that have changed, is stale", async () => {
  const files = new MemoryFiles();
  const coordinator = await openCoordinator(files);
  const [plan, other] = [planTo(null, FIRST), planTo(null, SECOND)];
  await coordinator.apply(wholeChange(plan));
  expect(await failureCode(() => coordinator.apply(wholeChange(plan)))).toBe("plan-stale");
  expect(await failureCode(() => coordinator.apply(wholeChange(other)))).toBe("plan-stale");
  const next = planTo(await coordinator.current(), SECOND);
  await files.write(`${ROOT}/a/x`, utf8("changed"));
  expect(await failureCode(() => coordinator.apply(wholeChange(next)))).toBe("plan-stale");
  await files.write(`${ROOT}/a/x`, utf8(digestOf("1")));
  await judge(files);
});

// --- locks ---

test("whoever was taken for dead does nothing more, at whatever step it wakes up", async () => {
  for (let at = 0; ; at += 1) {
    const files = new MemoryFiles();
    await applyTo(files, FIRST);
    let checks = 0;
    let disk: Map<string, Uint8Array> | null = null;
    const checkLock = async (): Promise<void> => {
      if (checks++ < at) return;
      // From here on the project is somebody else's.
      disk ??= new Map(files.all);
      throw new Failure("would-block", "taken over", { origin: "host", remedy: "Wait." });
    };
    const code = await failureCode(() => applyTo(files, SECOND, { checkLock }));
    if (code === "none") {
      expect(at).toBeGreaterThan(5);
      break;
    }
    expect(code).toBe("would-block");
    // What was being shown at that moment may have been finished; nothing was decided or put in force.
    const kept = (all: ReadonlyMap<string, Uint8Array>) =>
      new Map([...all].filter(([path]) => /\/(?:wal|plans|generations?)[./]/.test(path)));
    expect(kept(files.all)).toEqual(kept(disk!));
    await (await openCoordinator(files)).recover();
    await judge(files);
  }
});

// --- disks and clocks ---

/** Fails at a changing operation: that one only, or it and all after it. */
class FullFiles extends MemoryFiles {
  operations = 0;
  failAt = Number.POSITIVE_INFINITY;
  isFull = false;
  readonly code: "folder-unwritable" | "permission-denied";

  constructor(code: FullFiles["code"]) {
    super();
    this.code = code;
  }

  override async write(path: string, bytes: Uint8Array): Promise<void> {
    this.#step(path);
    return super.write(path, bytes);
  }

  override async create(path: string, bytes: Uint8Array): Promise<boolean> {
    this.#step(path);
    return super.create(path, bytes);
  }

  #step(path: string): void {
    const number = this.operations++;
    if (this.isFull ? number < this.failAt : number !== this.failAt) return;
    throw new Failure(this.code, `${path} (ENOSPC)`, { origin: "host", remedy: "Make room." });
  }
}

test.each([
  ["once", false, "folder-unwritable"],
  ["from then on", true, "folder-unwritable"],
  ["from then on, for want of permission", true, "permission-denied"],
] as const)("a disk that is full at any write, %s", async (_, isFull, code) => {
  let failures = 0;
  for (let at = 0; ; at += 1) {
    const files = new FullFiles(code);
    await applyTo(files, FIRST);
    const before = await judge(files);
    const coordinator: Coordinator = await openCoordinator(files);
    const plan = planTo(await coordinator.current(), SECOND);
    Object.assign(files, { operations: 0, failAt: at, isFull });
    const result = await failureCode(() => coordinator.apply(wholeChange(plan)));
    const isOver = files.operations <= at;
    files.failAt = Number.POSITIVE_INFINITY;
    await (await openCoordinator(files)).recover();
    const after = await judge(files);
    if (result === "none") expect(after?.generation).toBe(2);
    else {
      failures += 1;
      expect(["apply-reverted", "apply-refused", code]).toContain(result);
      // Only with a full log may what was decided come into force later.
      if (result !== code) expect(after).toEqual(before);
    }
    if (isOver) break;
  }
  expect(failures).toBeGreaterThan(10);
});

/** Replaces the generation in force, and fails when that shall be made to last. */
class UnsureFiles extends MemoryFiles {
  isUnsure = false;

  override async write(path: string, bytes: Uint8Array): Promise<void> {
    await super.write(path, bytes);
    if (!this.isUnsure || path !== generationPath(FOLDER)) return;
    this.isUnsure = false;
    throw new Failure("folder-unwritable", `${path} (EIO)`, { origin: "host", remedy: "Look." });
  }
}

test("a flip of which nobody knows whether it will last is undone with everything else", async () => {
  const files = new UnsureFiles();
  for (const shown of [FIRST, SECOND]) {
    const before = await judge(files);
    files.isUnsure = true;
    expect(await failureCode(() => applyTo(files, shown))).toBe("apply-reverted");
    expect(await judge(files)).toEqual(before);
    await applyTo(files, shown);
  }
  expect((await judge(files))?.generation).toBe(2);
});

test("a clock that jumps, forwards and back, changes nothing", async () => {
  const files = new MemoryFiles();
  const { clock } = portsOf(files);
  let jump = 0;
  const jumping = { ...clock, wallMs: () => (jump++ % 2 === 0 ? 9e15 : -1) };
  const around = surroundings(files);
  const { Coordinator: Class } =
    await import("../../../../host/shared/fabric/apply/coordinator.ts");
  const coordinator = await Class.open(portsOf(files, jumping), around);
  await coordinator.apply(wholeChange(planTo(null, FIRST)));
  await coordinator.apply(wholeChange(planTo(await coordinator.current(), SECOND)));
  expect((await judge(files))?.generation).toBe(2);
});
