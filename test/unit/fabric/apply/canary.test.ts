/**
 * Goal: a canary wires the same share for everybody, is watched, and ends as the whole plan or as what was before.
 * Method: a project in memory with many routes; calls as a running node would report them.
 */
import { expect, test } from "vitest";
import {
  applyCanary,
  type CanaryProgress,
  withdrawAbandoned,
} from "../../../../host/shared/fabric/apply/canary.ts";
import { wholeChange } from "../../../../host/shared/fabric/apply/coordinator.ts";
import { type CallSample, parseSlo } from "../../../../host/shared/fabric/apply/slo.ts";
import {
  baseOf,
  isInShare,
  NOTHING,
  planShare,
} from "../../../../host/shared/fabric/apply/target.ts";
import type { StoredGeneration } from "../../../../host/shared/fabric/generation-file/generation-file.ts";
import { makePlan, signPlan } from "../../../../host/shared/fabric/plan-file/plan-file.ts";
import type { PlannedRoute, SignedPlan } from "../../../../host/shared/fabric/plan.ts";
import type { Files } from "../../../../host/shared/ports/files.ts";
import { MemoryFiles } from "../../../support/memory-files.ts";
import { failureCode, testDigest } from "../../../support/ports.ts";
import { digestOf, judge, openCoordinator, OWNER, portsOf } from "./apply-world.ts";

const ports = portsOf({} as Files);
const HUNDRED = Array.from({ length: 100 }, (_, at) => route(`server-${at}`));

function route(name: string): PlannedRoute {
  const from = "rtt://local/service/door@1.0.0";
  return { from, to: `rtt://local/mcp-server/${name}@1.0.0`, lane: "uds" };
}

/** The plan to these routes and one file. */
function planTo(current: StoredGeneration | null, routes: readonly PlannedRoute[]): SignedPlan {
  const present = current?.generation ?? NOTHING;
  const before = present.files[0]?.digest ?? null;
  const plan = makePlan(ports, {
    base: baseOf(current),
    present: present.routes,
    routes,
    placement: {},
    symbols: Object.fromEntries(routes.map(({ to }) => [to, digestOf(to)])),
    files: [
      { path: "a/x", view: "a", how: "link", before, after: digestOf(String(routes.length)) },
    ],
  });
  return signPlan(ports, plan, OWNER);
}

interface Run {
  readonly percent?: number;
  readonly watchMs?: number;
  readonly slo?: string;
  readonly signal?: AbortSignal;
  readonly calls: (look: number) => readonly CallSample[];
}

async function run(files: MemoryFiles, plan: SignedPlan, { calls, slo, ...flags }: Run) {
  const coordinator = await openCoordinator(files);
  const told: CanaryProgress[] = [];
  let look = 0;
  const applied = applyCanary(portsOf(files), coordinator, plan, {
    percent: 20,
    watchMs: 0,
    conditions: slo === undefined ? [] : parseSlo(slo),
    health: { calls: async () => calls(look++) },
    onProgress: (progress) => void told.push(progress),
    ...flags,
  });
  return { coordinator, applied, told };
}

const good: CallSample = { elapsedMs: 1, isError: false };
const bad: CallSample = { elapsedMs: 1, isError: true };

test("a share is the same for everybody, grows with the percentage, and is about as large as asked for", () => {
  const plan = planTo(null, HUNDRED);
  let before = new Set<string>();
  for (const percent of [1, 10, 50, 99]) {
    const share = planShare(ports, plan, null, percent);
    expect(share).toEqual(planShare(ports, planTo(null, HUNDRED.toReversed()), null, percent));
    const names = new Set(share.routes_add.map(({ to }) => to));
    expect([...before].every((to) => names.has(to))).toBe(true);
    expect(Math.abs(names.size - percent)).toBeLessThan(20);
    expect(share.files).toEqual([]);
    before = names;
  }
});

test("a share that would be empty has the first route", () => {
  const chosen = HUNDRED.find((one) => !isInShare(testDigest, one, 5)) as PlannedRoute;
  expect(planShare(ports, planTo(null, [chosen]), null, 5).routes_add).toEqual([chosen]);
  expect(planShare(ports, planTo(null, []), null, 5).routes_add).toEqual([]);
});

test("a canary that does well becomes the whole plan", async () => {
  const files = new MemoryFiles();
  const plan = planTo(null, HUNDRED);
  const { coordinator, applied, told } = await run(files, plan, {
    watchMs: 300,
    calls: () => [good],
  });
  const { stored } = await applied;
  expect(stored.generation).toMatchObject({ generation: 2, canaryPercent: 100 });
  expect(stored.generation.routes).toHaveLength(100);
  expect(stored.generation.files).toHaveLength(1);
  const canary = await coordinator.stored(1);
  expect(canary.generation.canaryPercent).toBe(20);
  expect(canary.generation.files).toEqual([]);
  expect(told.length).toBeGreaterThan(1);
  expect(told[0]).toMatchObject({ generation: 1, calls: 1 });
  expect(told.at(-1)?.remainingMs).toBe(0);
  expect((await judge(files))?.generation).toBe(2);
});

test("one without any call does no harm", async () => {
  const { applied } = await run(new MemoryFiles(), planTo(null, HUNDRED), { calls: () => [] });
  expect((await applied).stored.generation.generation).toBe(2);
});

test.each<[string, string | undefined, readonly CallSample[]]>([
  ["fails", undefined, [bad]],
  ["is slow", "p95<5ms", [{ elapsedMs: 50, isError: false }]],
])("a canary that %s is taken back as soon as it shows", async (_, slo, samples) => {
  const files = new MemoryFiles();
  const coordinator = await openCoordinator(files);
  await coordinator.apply(wholeChange(planTo(null, HUNDRED.slice(0, 50))));
  const before = await coordinator.current();
  const plan = planTo(before, HUNDRED);
  const { applied, told } = await run(files, plan, {
    watchMs: 60_000,
    calls: (look) => (look < 2 ? [] : samples),
    ...(slo === undefined ? {} : { slo }),
  });
  expect(await failureCode(() => applied)).toBe("apply-reverted");
  expect(told).toHaveLength(3);
  const after = await judge(files);
  expect(after).toMatchObject({ generation: 3, restores: 1, canaryPercent: 100 });
  expect(after?.routes).toEqual(before?.generation.routes);
  expect(after?.files).toEqual(before?.generation.files);
});

test("a canary that is not watched to the end is taken back", async () => {
  const files = new MemoryFiles();
  const giveUp = new AbortController();
  const { applied } = await run(files, planTo(null, HUNDRED), {
    watchMs: 60_000,
    signal: giveUp.signal,
    calls: (look) => {
      if (look === 1) giveUp.abort();
      return [good];
    },
  });
  expect(await failureCode(() => applied)).toBe("cancelled");
  expect(await judge(files)).toMatchObject({ generation: 2, restores: null, routes: [] });
});

test("conditions that nobody can read stop it before anything is changed", async () => {
  const files = new MemoryFiles();
  const slo = "fast";
  const attempt = () => run(files, planTo(null, HUNDRED), { slo, calls: () => [] });
  expect(await failureCode(attempt)).toBe("config-invalid");
  expect(await judge(files)).toBeNull();
});

test("a first canary that nobody watches any more goes back to nothing", async () => {
  const files = new MemoryFiles();
  const coordinator = await openCoordinator(files);
  const plan = coordinator.sign(planShare(ports, planTo(null, HUNDRED), null, 30));
  const change = { ...wholeChange(plan), purpose: "canary", canaryPercent: 30 } as const;
  await coordinator.apply(change);
  const withdrawn = await withdrawAbandoned(portsOf(files), coordinator);
  expect(withdrawn?.stored.generation).toMatchObject({ generation: 2, restores: null, routes: [] });
  expect(await withdrawAbandoned(portsOf(files), coordinator)).toBeNull();
});
