/**
 * Goal: what a crash left open is ended from the log and the documents that it names, or a named error says why not.
 * Method: changes left open in memory at the decision; then something of what recovery needs is missing, changed, or
 * somebody else's.
 */
import { expect, test } from "vitest";
import { auditTrail, matchesQuery } from "../../../../host/shared/fabric/apply/audit.ts";
import { readHistory } from "../../../../host/shared/fabric/apply/apply-log.ts";
import { wholeChange } from "../../../../host/shared/fabric/apply/coordinator.ts";
import { checkDocuments } from "../../../../host/shared/fabric/apply/log-check.ts";
import type { Participant } from "../../../../host/shared/fabric/apply/participant.ts";
import type { TraceLine } from "../../../../host/shared/fabric/apply/run.ts";
import {
  generationPath,
  historyPath,
} from "../../../../host/shared/fabric/generation-file/generation-file.ts";
import { planPath } from "../../../../host/shared/fabric/plan-file/plan-store.ts";
import { Failure } from "../../../../host/shared/ports/failure.ts";
import { MemoryFiles } from "../../../support/memory-files.ts";
import { failureCode } from "../../../support/ports.ts";
import {
  always,
  applyTo,
  changed,
  FileView,
  FIRST,
  FOLDER,
  judge,
  openCoordinator,
  OWNER,
  planTo,
  portsOf,
  SECOND,
  VIEWS,
} from "./apply-world.ts";

/** A running node of which nothing is known but its name. */
function nodeDouble(): Participant {
  return {
    name: "node:12D3Koo",
    prepare: async () => ({ ok: true }),
    commit: async () => {},
    abort: async () => {},
    observe: async () => new Map(),
    expect: () => new Map(),
  };
}

/** A disk on which nothing can be written for a while. */
class FillingFiles extends MemoryFiles {
  isFull = false;

  override async write(path: string, bytes: Uint8Array): Promise<void> {
    if (this.isFull) {
      const options = { origin: "host", remedy: "Make room." } as const;
      throw new Failure("folder-unwritable", path, options);
    }
    await super.write(path, bytes);
  }
}

/** Leaves the change to SECOND open: its decision is logged, and the log cannot be written any more. */
async function leftOpen(more: readonly Participant[] = []) {
  const files = new FillingFiles();
  await applyTo(files, FIRST);
  const views = VIEWS.map((view) => new FileView(files, view));
  const participants = [
    ...views.map((view) =>
      changed(view, {
        commit: (transaction) => {
          files.isFull = true;
          return view.commit(transaction);
        },
      }),
    ),
    ...more,
  ];
  const coordinator = await openCoordinator(files, always(participants));
  const plan = planTo(await coordinator.current(), SECOND);
  const failed = await failureCode(() => coordinator.apply(wholeChange(plan)));
  expect(failed).toBe("folder-unwritable");
  files.isFull = false;
  return { files, plan };
}

async function recovered(files: MemoryFiles, around: Parameters<typeof openCoordinator>[1] = {}) {
  return (await openCoordinator(files, around)).recover();
}

test("what was decided is finished, although its signer is not trusted any more", async () => {
  const { files } = await leftOpen();
  const signers = { keyOf: () => null };
  const lines: TraceLine[] = [];
  const onTrace = (line: TraceLine): void => void lines.push(line);
  expect((await recovered(files, { signers, onTrace }))?.outcome).toBe("applied");
  expect((await judge(files))?.generation).toBe(2);
  expect(lines[0]).toMatchObject({ event: null, state: { phase: "committing" } });
  expect(lines.at(-1)?.state.phase).toBe("over");
});

test("a node that is gone stands in nobody's way", async () => {
  const { files } = await leftOpen([nodeDouble()]);
  expect((await recovered(files))?.outcome).toBe("applied");
  expect((await judge(files))?.generation).toBe(2);
});

test("a view that is gone keeps the change open until it is there", async () => {
  const { files } = await leftOpen();
  const only = always([new FileView(files, "a")]);
  expect(await failureCode(() => recovered(files, only))).toBe("internal");
  expect((await recovered(files))?.outcome).toBe("reverted");
  expect((await judge(files))?.generation).toBe(1);
});

test.each<[string, (files: MemoryFiles, plan: string) => void, string]>([
  [
    "the new generation is missing",
    (files) => files.all.delete(historyPath(FOLDER, 2)),
    "generation-missing",
  ],
  [
    "the new generation is another one",
    (files) => files.all.set(historyPath(FOLDER, 2), files.all.get(historyPath(FOLDER, 1))!),
    "signature-invalid",
  ],
  [
    "the old generation is missing",
    (files) => files.all.delete(historyPath(FOLDER, 1)),
    "generation-missing",
  ],
  ["the plan is missing", (files, plan) => files.all.delete(plan), "file-missing"],
])("when %s, that is said and nothing is touched", async (_, spoil, code) => {
  const { files, plan } = await leftOpen();
  const untouched = new Map(files.all);
  spoil(files, planPath(FOLDER, plan.plan_id));
  const spoiled = new Map(files.all);
  expect(await failureCode(() => recovered(files))).toBe(code);
  expect(files.all).toEqual(spoiled);
  for (const [path, bytes] of untouched) files.all.set(path, bytes);
  expect((await recovered(files))?.outcome).toBe("applied");
});

test("what says what is in force is put back where somebody has deleted it", async () => {
  const files = new MemoryFiles();
  await applyTo(files, FIRST);
  await applyTo(files, SECOND);
  const before = new Map(files.all);
  files.all.delete(generationPath(FOLDER));
  expect(await recovered(files)).toBeNull();
  expect(files.all).toEqual(before);
  files.all.delete(generationPath(FOLDER));
  files.all.delete(historyPath(FOLDER, 2));
  expect(await failureCode(() => recovered(files))).toBe("generation-missing");
});

test("nothing is changed where something else is in force than the log says, until that is gone", async () => {
  const files = new MemoryFiles();
  await applyTo(files, FIRST);
  await applyTo(files, SECOND);
  files.all.set(generationPath(FOLDER), files.all.get(historyPath(FOLDER, 1))!);
  expect(await failureCode(() => applyTo(files, FIRST))).toBe("log-corrupt");
  files.all.delete(generationPath(FOLDER));
  expect((await applyTo(files, FIRST)).generation.generation).toBe(3);
  expect((await judge(files))?.generation).toBe(3);
});

test("a log that was put aside is begun anew; one without its checkpoint is corrupt", async () => {
  const files = new MemoryFiles();
  await applyTo(files, FIRST);
  for (const path of files.all.keys()) {
    if (path.startsWith(`${FOLDER}/wal/`)) files.all.delete(path);
  }
  expect(await checkDocuments(portsOf(files), FOLDER, [])).toEqual([
    {
      code: "log-corrupt",
      where: "generation.dsse.json",
      problem: "is in force, and the log is empty",
    },
  ]);
  await applyTo(files, SECOND);
  expect((await judge(files))?.generation).toBe(2);
  expect((await applyTo(files, FIRST)).generation.generation).toBe(3);
  const history = await readHistory(portsOf(files), FOLDER, OWNER);
  expect(await checkDocuments(portsOf(files), FOLDER, history?.transactions ?? [])).toEqual([]);
  files.all.delete(`${FOLDER}/wal/checkpoint`);
  expect(await failureCode(() => readHistory(portsOf(files), FOLDER, OWNER))).toBe("log-corrupt");
});

test("the log says what is open, and its check allows either generation until it is not", async () => {
  const { files } = await leftOpen();
  const ports = portsOf(files);
  const history = await readHistory(ports, FOLDER, OWNER);
  expect(history?.transactions.at(-1)?.outcome).toBeNull();
  const check = () => checkDocuments(ports, FOLDER, history?.transactions ?? []);
  expect(await check()).toEqual([]);
  files.all.set(generationPath(FOLDER), files.all.get(historyPath(FOLDER, 2))!);
  expect(await check()).toEqual([]);
  files.all.delete(generationPath(FOLDER));
  expect(await check()).toMatchObject([{ code: "log-corrupt", where: "generation.dsse.json" }]);
});

test("the audit knows an open change, and one whose plan is gone", async () => {
  const { files, plan } = await leftOpen();
  const ports = portsOf(files);
  const [first, open] = await auditTrail(ports, FOLDER, OWNER);
  expect(open).toMatchObject({ isUnknown: false, routesAdd: [] });
  expect(matchesQuery(open!, { outcome: "open" })).toBe(true);
  expect(matchesQuery(first!, { outcome: "open" })).toBe(false);
  expect(open?.files.map(({ path }) => path)).toEqual(["a/x", "a/y", "b/w", "c/z"]);
  files.all.delete(planPath(FOLDER, plan.plan_id));
  const [, unknown] = await auditTrail(ports, FOLDER, OWNER);
  expect(unknown).toMatchObject({ isUnknown: true, files: [] });
  files.all.set(historyPath(FOLDER, 1), files.all.get(historyPath(FOLDER, 2))!);
  expect((await auditTrail(ports, FOLDER, OWNER))[1]?.isUnknown).toBe(true);
});
