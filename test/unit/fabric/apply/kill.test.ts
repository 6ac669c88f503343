/**
 * Goal: `kill -9` at any moment of a change leaves the one generation or the other, whole.
 * Method: `rtt rollback` as a process of its own, from generation to generation, killed at a moment spread over the time
 * in which an undisturbed one holds the lock; then what is left is judged, recovered, and judged again.
 */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { openRegistry, projectPaths } from "../../../../host/node/project.ts";
import { recoverProject } from "../../../../host/node/project-apply.ts";
import { statePaths } from "../../../../host/node/state.ts";
import { trustPorts } from "../../../../host/node/trust-ports.ts";
import { Coordinator, wholeChange } from "../../../../host/shared/fabric/apply/coordinator.ts";
import type { Participant } from "../../../../host/shared/fabric/apply/participant.ts";
import { readIdentity } from "../../../../host/shared/trust/key-file.ts";
import { failureCode } from "../../../support/ports.ts";
import { Person, type VerifyAnswer } from "./project-world.ts";

const KILLS = 36;

/** Moments that are spread evenly, in whatever order, as shares of the time under the lock. */
function moment(at: number): number {
  return (at * 0.618034) % 1;
}

/** Waits until a process holds the lock, or has ended. */
async function locked(person: Person, child: ChildProcess): Promise<void> {
  const path = person.path(".rtt/apply.lock");
  while (!existsSync(path) && child.exitCode === null) await sleep(1);
}

interface Listed {
  readonly changes: readonly { readonly generation: number; readonly outcome: string }[];
}

async function inForce(person: Person): Promise<number> {
  const { changes } = await person.json<Listed>("log");
  return changes.findLast(({ outcome }) => outcome === "applied")?.generation ?? 0;
}

/** How long a change holds the lock when nobody disturbs it. */
async function undisturbedMs(person: Person): Promise<number> {
  const child = person.start("rollback", "1");
  const ended = once(child, "exit");
  await locked(person, child);
  const begin = performance.now();
  await ended;
  return performance.now() - begin;
}

test("killed again and again, a project is never between two generations", async () => {
  const person = await Person.create();
  await person.change();
  for (const name of ["tester", "writer", "reader"]) person.addAgent(name);
  await person.change();
  const wholeMs = await undisturbedMs(person);
  const seen = { open: 0, before: 0, after: 0 };
  for (let at = 0; at < KILLS; at += 1) {
    const last = await inForce(person);
    // To and fro between the two that differ.
    const goal = at % 2 === 0 ? "2" : "1";
    const child = person.start("rollback", goal);
    const ended = once(child, "exit");
    await locked(person, child);
    await sleep(moment(at) * wholeMs);
    child.kill("SIGKILL");
    await ended;
    const left = await person.json<VerifyAnswer>("log", "verify");
    expect(left.ok).toBe(true);
    if (left.isOpen) seen.open += 1;
    await recoverProject(person.context);
    const closed = await person.json<VerifyAnswer>("log", "verify");
    expect(closed).toMatchObject({ ok: true, isOpen: false });
    const now = await inForce(person);
    expect([last, last + 1]).toContain(now);
    seen[now === last ? "before" : "after"] += 1;
    expect((await person.run("view", "status")).code).toBe(0);
    if (now === last) await person.json("rollback", goal);
  }
  process.stdout.write(`${KILLS} kills: ${JSON.stringify(seen)}\n`);
  expect(seen.open).toBeGreaterThan(0);
  expect((await person.run("fsck")).code).toBe(0);
  expect(readFileSync(person.path("AGENTS.md"), "utf8")).toContain("Be brief.");
}, 600_000);

/** A change that its program could not end: the decision is logged, and then every participant fails. */
async function leaveOpen(person: Person): Promise<void> {
  const ports = trustPorts();
  const project = projectPaths(person.project);
  const identity = await readIdentity(ports, statePaths(person.home).identity, undefined);
  const registry = await openRegistry(person.context, project);
  const participant: Participant = {
    name: "view:cursor",
    prepare: async () => ({ ok: true }),
    commit: () => Promise.reject(new Error("lost power")),
    abort: async () => {},
    observe: async () => new Map(),
    expect: () => new Map(),
  };
  const coordinator = await Coordinator.open(ports, {
    root: project.root,
    folder: project.folder,
    identity,
    signers: await registry.signers(),
    participantsOf: () => [participant],
  });
  const { planId } = await person.json<{ planId: string }>("plan");
  const plan = await coordinator.plan(planId);
  expect(await failureCode(() => coordinator.apply(wholeChange(plan)))).toBe("internal");
}

test("a node that starts ends first what a crash has left open", async () => {
  const person = await Person.create();
  person.environment["RTT_LISTEN"] = "127.0.0.1:0";
  await person.change();
  person.addAgent("tester");
  await person.json("scan");
  await leaveOpen(person);
  expect(await person.json<VerifyAnswer>("log", "verify")).toMatchObject({ isOpen: true });
  const node = person.start("up", "--host", "--device", "--json");
  const ended = once(node, "exit");
  await once(node.stdout!, "data");
  expect(await person.json<VerifyAnswer>("log", "verify")).toMatchObject({ isOpen: false });
  expect(await inForce(person)).toBe(1);
  expect((await person.run("view", "status")).code).toBe(0);
  node.kill("SIGTERM");
  await ended;
});
