/**
 * Goal: a generation comes into force only when the registry has all of it, verified, and keeps it from then on.
 * Method: registries in memory; objects that are there, missing, rotten, and garbage collection in between.
 */
import { expect, test } from "vitest";
import type { Transaction } from "../../../../host/shared/fabric/apply/participant.ts";
import {
  objectsOf,
  registryParticipant,
  rootOfGeneration,
} from "../../../../host/shared/fabric/apply/registry-participant.ts";
import { NOTHING } from "../../../../host/shared/fabric/apply/target.ts";
import type { Generation } from "../../../../host/shared/fabric/generation.ts";
import { makePlan, signPlan } from "../../../../host/shared/fabric/plan-file/plan-file.ts";
import type { PlannedFile } from "../../../../host/shared/fabric/plan.ts";
import { formatSymbolAddress } from "../../../../host/shared/fabric/symbol.ts";
import { utf8 } from "../../../../host/shared/trust/bytes.ts";
import { agentObject, FOLDER, memoryRegistry, OWNER } from "../../../support/registry.ts";

/** A registry with an agent and a derived file, and the first generation that shows them. */
async function shown() {
  const { files, ports, registry } = await memoryRegistry();
  const agent = agentObject("a");
  const id = await registry.put(agent);
  const blob = await registry.putBlob({ kind: "view-file", address: null, bytes: utf8("text") });
  const planned: PlannedFile[] = [
    { path: "a.json", view: "x", how: "link", before: null, after: `sha256:${id}` },
    { path: "b.md", view: "x", how: "link", before: null, after: `sha256:${blob}` },
  ];
  const symbols = { [formatSymbolAddress(agent.address!)]: `sha256:${id}` };
  const goal = { base: { generation: 0, digest: null }, present: [], routes: [], placement: {} };
  const plan = signPlan(ports, makePlan(ports, { ...goal, symbols, files: planned }), OWNER);
  const target: Generation = {
    ...NOTHING,
    generation: 1,
    plan: plan.plan_id,
    symbols,
    files: planned.map(({ path, view, after }) => ({ path, view, how: "link", digest: after! })),
  };
  const transaction: Transaction = { id: "t.1", plan, current: null, target };
  return { files, registry, id, blob, transaction, participant: registryParticipant(registry) };
}

test("what a generation names is kept, and on the way back let go of", async () => {
  const { registry, id, blob, transaction, participant } = await shown();
  expect(objectsOf(transaction.target)).toEqual([id, blob].sort());
  expect(await participant.prepare(transaction)).toEqual({ ok: true });
  expect(await participant.observe(transaction)).not.toEqual(participant.expect(transaction));
  await participant.commit(transaction);
  await participant.commit(transaction);
  expect(await participant.observe(transaction)).toEqual(participant.expect(transaction));
  expect(await registry.gc()).toEqual([]);
  const back = { ...transaction, current: transaction.target, target: NOTHING };
  expect(await participant.prepare(back)).toEqual({ ok: true });
  await participant.commit(back);
  await participant.abort(transaction);
  expect((await registry.view()).index.roots.has(rootOfGeneration(1))).toBe(false);
  expect(await registry.gc()).toEqual([blob]);
});

test("a generation of which something is missing is refused", async () => {
  const { registry, transaction, participant } = await shown();
  await registry.gc();
  expect(await participant.prepare(transaction)).toMatchObject({
    ok: false,
    failure: { code: "object-missing" },
  });
});

test("an object that has rotted is no vote for it", async () => {
  const { files, blob, transaction, participant } = await shown();
  files.all.set(`${FOLDER}/cas/sha256/${blob}.blob`, utf8("rot"));
  await expect(participant.prepare(transaction)).rejects.toMatchObject({ code: "object-corrupt" });
});
